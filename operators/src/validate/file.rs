//! One file of a change: whether its fields agree with each other and with its content, and the row made of it.

use super::hunks::{Lines, Sides, count_lines, hunk_rows, hunks_fault};
use super::kept::FileLines;
use super::paths::{class_of, comment_marks, path_fault};
use super::{Fault, fault, quoted};
use crate::syntax::has_grammar;
use driftline_schema::{
    BlobContent, BlobId, BlobKey, FileChange, FileClass, FileId, FileKind, FileRow, Hunk, Language, Limits, LineCounts,
    Omitted, Places, RejectReason, RepoId, TextEncoding,
};
use std::borrow::Cow;
use std::sync::Arc;

/// What every file of one change shares.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) repo: RepoId,
    pub(super) merge: bool,
    pub(super) limits: &'a Limits,
}

/// What one file of a change gives.
pub(super) struct Checked {
    /// Its row, without what only follows from all files together.
    pub(super) row: FileRow,
    /// Its content, if a grammar measures it.
    pub(super) content: Option<BlobContent>,
    /// Its changed lines.
    pub(super) lines: FileLines,
}

/// The row, content and lines of `file`.
pub(super) fn file_row(file: FileChange, context: Context<'_>) -> Result<Checked, Fault> {
    check_paths(&file, context.limits)?;
    check_agreement(&file, context.merge)?;
    check_content(&file, context.limits)?;
    check_line_counts(&file)?;
    let file = with_whole_hunk(file);
    check_hunks(&file)?;
    let class = class_of(&file.path);
    let language = language_of(&file, class);
    let content = match (&file.content, file.blob, language) {
        (Some(text), Some(blob), Some(language)) => {
            Some(BlobContent { key: BlobKey { blob, language }, text: Arc::from(text.as_str()) })
        }
        _ => None,
    };
    let lines = lines_of(&file, class, context.merge);
    Ok(Checked { row: build(file, class, language, context.repo), content, lines })
}

fn contradiction(file: &FileChange, what: &str) -> Fault {
    fault(RejectReason::Contradiction, format!("file {} {what}", quoted(&file.path)))
}

fn check_paths(file: &FileChange, limits: &Limits) -> Result<(), Fault> {
    for path in std::iter::once(&file.path).chain(&file.old_path) {
        if let Some(what) = path_fault(path, limits) {
            return Err(fault(RejectReason::BadPath, format!("path {} {what}", quoted(path))));
        }
    }
    Ok(())
}

fn check_agreement(file: &FileChange, merge: bool) -> Result<(), Fault> {
    let exists_after = file.kind != FileKind::Deleted;
    let what = match file.kind {
        FileKind::Renamed if file.old_path.is_none() => "is renamed from nowhere",
        FileKind::Renamed if file.old_path.as_ref() == Some(&file.path) => "is renamed to itself",
        FileKind::Added | FileKind::Modified | FileKind::Deleted if file.old_path.is_some() => {
            "has an old path but is not renamed"
        }
        FileKind::Added if file.old_blob.is_some() || file.old_lines > 0 => "is added but was there before",
        FileKind::Deleted if file.blob.is_some() || file.content.is_some() || file.omitted.is_some() => {
            "is deleted but has a content"
        }
        _ if file.content.is_some() && file.omitted.is_some() => "has a content and a reason for having none",
        _ if file.content.is_some() && file.blob.is_none() => "has a content but no blob id",
        _ if exists_after && file.content.is_none() && file.omitted.is_none() => {
            "has neither a content nor a reason for having none"
        }
        FileKind::Added if file.old_omitted.is_some() => "is added but was there before",
        _ if file.old_omitted.is_some() && !file.hunks.is_empty() => "differs in known lines from an unknown version",
        _ if !merge && !file.other_parents.is_empty() => "differs from a further parent, but the change is no merge",
        _ => return Ok(()),
    };
    Err(contradiction(file, what))
}

fn check_content(file: &FileChange, limits: &Limits) -> Result<(), Fault> {
    if file.encoding.is_some() && file.content.is_none() {
        return Err(contradiction(file, "names an encoding of a content that it does not have"));
    }
    let (Some(content), Some(blob)) = (&file.content, file.blob) else { return Ok(()) };
    let Some(bytes) = original(content, file.encoding) else {
        return Err(contradiction(file, "has a letter that its encoding cannot write"));
    };
    if bytes.len() > limits.file_bytes_max {
        let detail =
            format!("file {} has {} bytes, the limit is {}", quoted(&file.path), bytes.len(), limits.file_bytes_max);
        return Err(fault(RejectReason::OverLimit, detail));
    }
    if file.bytes != 0 && file.bytes != bytes.len() as u64 {
        return Err(contradiction(file, &format!("says {} bytes but has {}", file.bytes, bytes.len())));
    }
    let hash = blob_id_of(&bytes, blob.as_bytes().len());
    if hash != blob {
        let detail = format!("the content of file {} is blob {hash}, not {blob}", quoted(&file.path));
        return Err(fault(RejectReason::BlobMismatch, detail));
    }
    Ok(())
}

/// The bytes that were decoded to `content`.
fn original(content: &str, encoding: Option<TextEncoding>) -> Option<Cow<'_, [u8]>> {
    match encoding {
        None => Some(Cow::Borrowed(content.as_bytes())),
        Some(encoding) => encoding.encode(content).map(Cow::Owned),
    }
}

/// Git's object id of a content: SHA-1, or SHA-256 where ids have 32 bytes, of `blob <length>\0` and the bytes.
pub fn blob_id_of(content: &[u8], id_bytes: usize) -> BlobId {
    fn hash<D: sha1::Digest>(content: &[u8]) -> Vec<u8> {
        let header = format!("blob {}\0", content.len());
        D::new().chain_update(header.as_bytes()).chain_update(content).finalize().to_vec()
    }
    let digest = if id_bytes == 32 { hash::<sha2::Sha256>(content) } else { hash::<sha1::Sha1>(content) };
    BlobId::from_bytes(&digest).expect("both digests have a length of an object id")
}

/// A file that is whole on one side only may leave its single hunk out; it is written out here.
fn with_whole_hunk(mut file: FileChange) -> FileChange {
    if file.hunks.is_empty() {
        let counts = file.line_counts.unwrap_or_default();
        let (old_lines, new_lines) = match file.kind {
            FileKind::Added => (0, file.content.as_deref().map_or(counts.added, count_lines)),
            FileKind::Deleted => (file.old_lines.max(counts.removed), 0),
            FileKind::Modified | FileKind::Renamed => (0, 0),
        };
        if old_lines > 0 || new_lines > 0 {
            file.hunks.push(Hunk { old_start: 0, old_lines, new_start: 0, new_lines, removed: String::new() });
        }
    }
    file
}

/// Lines of both sides, where the event tells them.
fn sides(file: &FileChange) -> Sides {
    let old = if file.kind == FileKind::Added { Some(0) } else { Some(file.old_lines).filter(|lines| *lines > 0) };
    let new = if file.kind == FileKind::Deleted { Some(0) } else { file.content.as_deref().map(count_lines) };
    Sides { old, new }
}

/// Whether only the numbers of changed lines are known, and not which lines they are.
fn hunks_left_out(file: &FileChange) -> bool {
    file.hunks.is_empty() && file.line_counts.is_some()
}

/// Sums over the hunks.
fn hunk_sums(hunks: &[Hunk]) -> LineCounts {
    let sum = |lines: fn(&Hunk) -> u32| hunks.iter().map(lines).fold(0, u32::saturating_add);
    LineCounts { added: sum(|hunk| hunk.new_lines), removed: sum(|hunk| hunk.old_lines) }
}

/// Counts of lines must be those of the hunks, or at least turn one side into the other.
fn check_line_counts(file: &FileChange) -> Result<(), Fault> {
    let Some(counts) = file.line_counts else { return Ok(()) };
    let refuse = |what: &str| fault(RejectReason::BadHunks, format!("file {}: {what}", quoted(&file.path)));
    if !file.hunks.is_empty() {
        return if counts == hunk_sums(&file.hunks) {
            Ok(())
        } else {
            Err(refuse("the counts of lines are not the sums over its hunks"))
        };
    }
    let Sides { old, new } = sides(file);
    let beyond = |lines: u32, side: Option<u32>| side.is_some_and(|side| lines > side);
    if beyond(counts.removed, old) || beyond(counts.added, new) {
        return Err(refuse("more lines are counted than there are"));
    }
    let turns =
        |old: u32, new: u32| u64::from(old) + u64::from(counts.added) == u64::from(new) + u64::from(counts.removed);
    match (old, new) {
        (Some(old), Some(new)) if !turns(old, new) => {
            Err(refuse(&format!("the counts of lines do not turn {old} lines into {new}")))
        }
        _ => Ok(()),
    }
}

fn check_hunks(file: &FileChange) -> Result<(), Fault> {
    let refuse = |what: String| fault(RejectReason::BadHunks, format!("file {}: {what}", quoted(&file.path)));
    let known = sides(file);
    if !hunks_left_out(file)
        && let Some(what) = hunks_fault(&file.hunks, known)
    {
        return Err(refuse(what));
    }
    for parent in &file.other_parents {
        if let Some(what) = hunks_fault(&parent.hunks, Sides { old: None, new: known.new }) {
            return Err(refuse(format!("against {}: {what}", parent.old_blob)));
        }
    }
    Ok(())
}

/// The grammar that measures a file: only of source and test code that is text.
fn language_of(file: &FileChange, class: FileClass) -> Option<Language> {
    let text = !matches!(file.omitted, Some(Omitted::Binary | Omitted::NotAFile));
    let code = matches!(class, FileClass::Source | FileClass::Test);
    (text && code).then(|| Language::of_path(&file.path)).flatten().filter(|language| has_grammar(*language))
}

/// What the hunks tell about the places of the changed lines.
fn places(file: &FileChange) -> Places {
    let differ = file.blob != file.old_blob && file.kind != FileKind::Deleted;
    // The kind says that there was an old version; it is then unknown, not empty.
    let no_old_text = file.old_omitted.is_some();
    let no_new_text = file.content.is_none() && file.omitted.is_some();
    match file.line_counts {
        Some(counts) if file.hunks.is_empty() && counts != LineCounts::default() => Places::Unknown,
        _ if file.hunks.is_empty() && differ && (no_old_text || no_new_text) => Places::Unknown,
        _ => Places::Exact,
    }
}

/// The changed lines of source and tests, whose origins are followed. What a merge writes is nobody's, so nothing of it
/// is followed.
fn lines_of(file: &FileChange, class: FileClass, merge: bool) -> FileLines {
    if !matches!(class, FileClass::Source | FileClass::Test) {
        return FileLines::default();
    }
    match places(file) {
        Places::Unknown => FileLines::whole(file.content.as_deref()),
        _ if merge => FileLines::default(),
        _ => FileLines::of_hunks(file),
    }
}

fn build(file: FileChange, class: FileClass, language: Option<Language>, repo: RepoId) -> FileRow {
    let LineCounts { added, removed } = file.line_counts.unwrap_or_else(|| hunk_sums(&file.hunks));
    let estimate =
        if file.old_omitted.is_some() { 0 } else { file.old_lines.saturating_add(added).saturating_sub(removed) };
    let lines = sides(&file).new.unwrap_or(estimate);
    let marks = comment_marks(&file.path, language);
    let hunks = hunk_rows(&file.hunks, file.content.as_deref().map(Lines::of), marks);
    FileRow {
        file: FileId::of(repo, &file.path),
        old_file: file.old_path.as_deref().map(|path| FileId::of(repo, path)),
        kind: file.kind,
        class,
        language,
        blob: file.blob,
        old_blob: file.old_blob,
        has_content: file.content.is_some(),
        lines,
        old_lines: file.old_lines,
        added,
        removed,
        places: places(&file),
        hunks,
        kept: Vec::new(),
        line_hashes: Vec::new(),
        other_parents: file
            .other_parents
            .iter()
            .map(|parent| (parent.old_blob, hunk_rows(&parent.hunks, None, &[])))
            .collect(),
        path: file.path.into_boxed_str(),
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
