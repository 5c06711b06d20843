//! One file of a change: whether its fields agree with each other and with its content, and the row made of it.

use super::hunks::{Lines, Sides, count_lines, hunk_rows, hunks_fault};
use super::paths::{class_of, comment_marks, path_fault};
use super::{Fault, fault, quoted};
use crate::syntax::has_grammar;
use driftline_schema::{
    BlobContent, BlobId, BlobKey, FileChange, FileClass, FileId, FileKind, FileRow, Hunk, Language, Limits, LineCounts,
    Omitted, RejectReason, RepoId, TextEncoding,
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

/// The row of `file`, and its content if a grammar measures it.
pub(super) fn file_row(file: FileChange, context: Context<'_>) -> Result<(FileRow, Option<BlobContent>), Fault> {
    check_paths(&file, context.limits)?;
    check_agreement(&file, context.merge)?;
    check_content(&file, context.limits)?;
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
    Ok((build(file, class, language, context.repo), content))
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
        let (old_lines, new_lines) = match file.kind {
            FileKind::Added => (0, file.content.as_deref().map_or(0, count_lines)),
            FileKind::Deleted => (file.old_lines, 0),
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

fn check_hunks(file: &FileChange) -> Result<(), Fault> {
    let refuse = |what: String| fault(RejectReason::BadHunks, format!("file {}: {what}", quoted(&file.path)));
    let known = sides(file);
    if let Some(what) = hunks_fault(&file.hunks, known) {
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

fn sum(lines: impl Iterator<Item = u32>) -> u32 {
    lines.fold(0, u32::saturating_add)
}

fn build(file: FileChange, class: FileClass, language: Option<Language>, repo: RepoId) -> FileRow {
    let LineCounts { added, removed } = file.line_counts.unwrap_or_else(|| LineCounts {
        added: sum(file.hunks.iter().map(|hunk| hunk.new_lines)),
        removed: sum(file.hunks.iter().map(|hunk| hunk.old_lines)),
    });
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
        hunks,
        other_parents: file
            .other_parents
            .iter()
            .map(|parent| (parent.old_blob, hunk_rows(&parent.hunks, None, &[])))
            .collect(),
        path: file.path.into_boxed_str(),
    }
}
