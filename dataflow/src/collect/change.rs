//! From a commit to its event.
//!
//! A commit is read in two steps, so that many commits can be *drafted* newest first, the order in which packs decode
//! cheapest, and *finished* in the order of the log. The event is a function of the commit and its parents alone.

use super::blobs::{Blob, BlobCache, Body};
use super::budget::{Assembly, json_len};
use super::effort::Effort;
use super::error::CollectError;
use super::history::Shared;
use super::lines::{self, Removed};
use super::objects::{Objects, RawCommit};
use super::rename::{Bag, Candidate, renames};
use super::selection::{Stands, ranked, stands};
use super::tree_diff::{Allowance, Entry, PathChange, TreeDiff};
use driftline_schema::{AuthorId, BlobId, Change, CommitId, Event, FileChange, FileKind, LeftOut, Omitted, ParentDiff};
use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::bstr::{BStr, BString, ByteSlice as _};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Further parents of a merge that its files are compared with.
const FURTHER_PARENTS_MAX: usize = 2;

/// When it was committed, seconds since 1970; 0 when the commit does not say.
pub(super) fn commit_seconds(commit: &RawCommit<'_>) -> i64 {
    signature(commit.committer).1
}

/// E-mail address, seconds since 1970 and offset from UTC in minutes; what cannot be read is empty or 0.
fn signature(line: &[u8]) -> (&[u8], i64, i32) {
    let Ok(signature) = SignatureRef::from_bytes(line) else { return (b"", 0, 0) };
    let signature = signature.trim();
    match signature.time() {
        Ok(time) => (signature.email, time.seconds, time.offset / 60),
        Err(_) => (signature.email, signature.seconds(), 0),
    }
}

/// A commit whose changed paths are known and whose contents are not yet compared.
pub(super) struct Draft {
    change: Change,
    files: Vec<DraftFile>,
}

impl Draft {
    /// Number of paths at which it differs from the first parent.
    pub(super) fn file_count(&self) -> usize {
        self.files.len()
    }
}

struct DraftFile {
    path: BString,
    old_path: Option<BString>,
    old: Option<Entry>,
    new: Option<Entry>,
    /// Versions in further parents, when this one differs from all of them.
    others: Vec<ObjectId>,
}

/// Turns commits into events, for one thread.
pub(super) struct Composer {
    shared: Arc<Shared>,
    objects: Objects,
    trees: TreeDiff,
}

impl Composer {
    pub(super) fn new(shared: Arc<Shared>, contents: Arc<BlobCache>) -> Self {
        Self { objects: Objects::new(shared.clone(), contents), shared, trees: TreeDiff::default() }
    }

    /// Reads the commit `id` and which paths it changed.
    pub(super) fn draft(&mut self, id: ObjectId) -> Result<Draft, CollectError> {
        let shared = self.shared.clone();
        let read = |commit: RawCommit<'_>| (change_without_files(&shared, id, &commit), commit.tree, commit.parents);
        let (change, tree, parents) = self
            .objects
            .commit(id, read)?
            .ok_or_else(|| shared.unreadable(id, "a commit".to_owned(), "it is missing".into()))?;
        let basis = match parents.first() {
            Some(parent) if !shared.shallow.contains(&id) => self.objects.commit(*parent, |commit| commit.tree)?,
            _ => None,
        };
        if basis.is_none() && !parents.is_empty() {
            shared.counters.missing_parents();
            tracing::warn!(commit = %id, "its first parent is not in this repository: all its files count as added");
        }
        let walk = self.trees.changes(&self.objects, &shared, (basis, tree), &mut Allowance::of(&shared.limits))?;
        let file = |PathChange { path, old, new }| DraftFile { path, old_path: None, old, new, others: Vec::new() };
        let mut draft = Draft { change, files: walk.changes.into_iter().map(file).collect() };
        if walk.incomplete || walk.too_long > 0 {
            let left_out = draft.change.left_out.get_or_insert_default();
            (left_out.files, left_out.uncounted) = (walk.too_long, true);
        }
        if basis.is_some() && parents.len() > 1 && !draft.files.is_empty() {
            self.find_others(&mut draft, tree, &parents[1..])?;
        }
        Ok(draft)
    }

    /// For files that no further parent has in the same version: the versions those parents have.
    fn find_others(&mut self, draft: &mut Draft, tree: ObjectId, parents: &[ObjectId]) -> Result<(), CollectError> {
        let (mut differs, mut allowance) = (Vec::new(), Allowance::of(&self.shared.limits));
        for parent in parents {
            let Some(parent_tree) = self.objects.commit(*parent, |commit| commit.tree)? else { continue };
            let walk = self.trees.changes(&self.objects, &self.shared, (Some(parent_tree), tree), &mut allowance)?;
            if walk.incomplete {
                // What a parent holds is not known, so no line may be said to be the merge's own.
                return Ok(());
            }
            let old: BTreeMap<BString, Option<Entry>> =
                walk.changes.into_iter().map(|change| (change.path, change.old)).collect();
            differs.push(old);
        }
        for file in &mut draft.files {
            let versions: Option<Vec<_>> = differs.iter().map(|old| old.get(&file.path)).collect();
            let versions = versions.into_iter().flatten().filter_map(|version| *version);
            file.others = versions.filter(Entry::is_file).map(|entry| entry.id).take(FURTHER_PARENTS_MAX).collect();
        }
        Ok(())
    }

    /// Reads a draft's contents ahead, about `bytes_max` bytes of them; returns their size in memory.
    pub(super) fn read_ahead(&mut self, draft: &Draft, bytes_max: usize) -> Result<usize, CollectError> {
        let mut bytes = 0;
        for file in &draft.files {
            if bytes >= bytes_max {
                break;
            }
            for entry in [file.new, file.old].into_iter().flatten().filter(Entry::is_file) {
                bytes += self.blob(entry.id, draft, file.path.as_bstr())?.weight();
            }
        }
        Ok(bytes)
    }

    fn blob(&mut self, id: ObjectId, draft: &Draft, path: &BStr) -> Result<Arc<Blob>, CollectError> {
        self.objects.blob(id, || format!("content of `{}` at commit {}", escaped(path), draft.change.commit))
    }

    /// The event of a draft.
    pub(super) fn finish(&mut self, mut draft: Draft) -> Result<Event, CollectError> {
        self.find_renames(&mut draft)?;
        let mut files: Vec<(String, DraftFile)> =
            std::mem::take(&mut draft.files).into_iter().map(|file| (escaped(file.path.as_bstr()), file)).collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let shared = self.shared.clone();
        let left_out = draft.change.left_out.unwrap_or_default();
        let mut event = Assembly::new(&shared.limits, head_bytes(&draft.change), left_out);
        let old_path = |file: &DraftFile| file.old_path.as_ref().map(|path| escaped(path.as_bstr()));
        let paths = files.iter().map(|(path, file)| path.len() + old_path(file).map_or(0, |path| path.len()));
        if !event.all_fit(paths) {
            files = ranked(files, |(path, _)| path);
        }
        let (mut effort, mut taken) = (Effort::of(files.len()), Stands::default());
        for (path, file) in files {
            shared.counters.files();
            let (kept, kind) = (stands(&mut taken, &path, old_path(&file), &shared.limits), kind(&file));
            if effort.is_spent() {
                event.uncounted();
            } else if effort.counts() {
                for entry in [file.old, file.new].into_iter().flatten().filter(Entry::is_file) {
                    effort.uses(entry.id, self.blob(entry.id, &draft, file.path.as_bstr())?.weight());
                }
            }
            let change =
                if effort.is_spent() { unread(path, &file, kind) } else { self.file_change(&draft, path, file)? };
            if kept { event.add(change) } else { event.leave_out(&change) }
        }
        let (files, left_out) = event.finish();
        (draft.change.files, draft.change.left_out) = (files, left_out);
        shared.counters.left_out(&left_out.unwrap_or_default());
        shared.counters.commits();
        Ok(Event::of_change(&shared.name, draft.change))
    }

    /// Joins a deleted and an added file to one that was renamed.
    fn find_renames(&mut self, draft: &mut Draft) -> Result<(), CollectError> {
        let candidates = |take: fn(&DraftFile) -> (Option<Entry>, Option<Entry>)| -> Vec<Candidate> {
            let candidate = |(index, file): (usize, &DraftFile)| match take(file) {
                (Some(entry), None) if entry.is_file() => {
                    Some(Candidate { index, path: file.path.clone(), id: entry.id })
                }
                _ => None,
            };
            draft.files.iter().enumerate().filter_map(candidate).collect()
        };
        let (deleted, added) = (candidates(|file| (file.old, file.new)), candidates(|file| (file.new, file.old)));
        if deleted.is_empty() || added.is_empty() {
            return Ok(());
        }
        let mut effort = Effort::of(deleted.len() + added.len());
        let bag = |file: &Candidate| {
            if effort.is_spent() {
                return Ok(None);
            }
            let blob = self.blob(file.id, draft, file.path.as_bstr())?;
            if effort.counts() {
                effort.uses(file.id, blob.weight());
            }
            Ok(blob.text().map(Bag::of))
        };
        let found = renames(deleted, added, bag)?;
        if found.limited || effort.is_spent() {
            self.shared.counters.limited_renames();
            tracing::info!(commit = %draft.change.commit, "too many files for a complete search for renames");
        }
        let mut gone = vec![false; draft.files.len()];
        for (old, new) in found.pairs {
            draft.files[new].old_path = Some(draft.files[old].path.clone());
            draft.files[new].old = draft.files[old].old;
            gone[old] = true;
        }
        let mut gone = gone.into_iter();
        draft.files.retain(|_| gone.next() == Some(false));
        Ok(())
    }

    fn file_change(&mut self, draft: &Draft, path: String, file: DraftFile) -> Result<FileChange, CollectError> {
        let kind = kind(&file);
        let old = self.side(draft, &file, file.old)?;
        let new = self.side(draft, &file, file.new)?;
        let text = |side: &Option<Arc<Blob>>| side.as_deref().and_then(Blob::text).map(str::to_owned);
        let mut change = FileChange {
            path,
            old_path: file.old_path.as_ref().map(|path| escaped(path.as_bstr())),
            kind,
            blob: file.new.map(|entry| blob_id(entry.id)),
            old_blob: file.old.map(|entry| blob_id(entry.id)),
            content: text(&new),
            omitted: file.new.and_then(|_| omitted(new.as_deref())),
            encoding: None,
            old_omitted: None,
            bytes: new.as_deref().map_or(0, |blob| blob.bytes),
            old_lines: old.as_deref().map_or(0, Blob::lines),
            line_counts: None,
            hunks: Vec::new(),
            other_parents: Vec::new(),
        };
        let old_text = old.as_deref().and_then(Blob::text);
        change.hunks = match (old_text, change.content.as_deref()) {
            (Some(old), Some(new)) if file.old != file.new => lines::hunks(old, new, Removed::Kept),
            (Some(_), Some(_)) => Vec::new(),
            (Some(old), None) if file.new.is_none() => lines::whole(old, ""),
            // What was no text before has no lines to compare with.
            (None, Some(new)) => lines::whole("", new),
            (_, None) => Vec::new(),
        };
        if let Some(new) = &change.content {
            change.other_parents = self.other_parents(draft, &file, new)?;
        }
        Ok(change)
    }

    /// The content of one side, if it is a file.
    fn side(
        &mut self,
        draft: &Draft,
        file: &DraftFile,
        entry: Option<Entry>,
    ) -> Result<Option<Arc<Blob>>, CollectError> {
        let entry = entry.filter(Entry::is_file);
        entry.map(|entry| self.blob(entry.id, draft, file.path.as_bstr())).transpose()
    }

    fn other_parents(&mut self, draft: &Draft, file: &DraftFile, new: &str) -> Result<Vec<ParentDiff>, CollectError> {
        let mut diffs = Vec::new();
        for id in &file.others {
            if let Some(old) = self.blob(*id, draft, file.path.as_bstr())?.text() {
                diffs.push(ParentDiff { old_blob: blob_id(*id), hunks: lines::hunks(old, new, Removed::LeftOut) });
            }
        }
        Ok(diffs)
    }
}

fn kind(file: &DraftFile) -> FileKind {
    match (&file.old, &file.new) {
        _ if file.old_path.is_some() => FileKind::Renamed,
        (None, _) => FileKind::Added,
        (_, None) => FileKind::Deleted,
        _ => FileKind::Modified,
    }
}

/// A file whose contents were not looked at, because the commit has used too much already.
fn unread(path: String, file: &DraftFile, kind: FileKind) -> FileChange {
    let reason = |entry: Entry| if entry.is_file() { Omitted::EventTooLarge } else { Omitted::NotAFile };
    FileChange {
        path,
        old_path: file.old_path.as_ref().map(|path| escaped(path.as_bstr())),
        kind,
        blob: file.new.map(|entry| blob_id(entry.id)),
        old_blob: file.old.map(|entry| blob_id(entry.id)),
        content: None,
        omitted: file.new.map(reason),
        encoding: None,
        old_omitted: file.old.map(reason),
        bytes: 0,
        old_lines: 0,
        line_counts: None,
        hunks: Vec::new(),
        other_parents: Vec::new(),
    }
}

/// Bytes of JSON that an event takes without its files, at most; the repository's name has 255 bytes at most.
fn head_bytes(change: &Change) -> usize {
    2048 + json_len(&change.message) + 70 * change.parents.len()
}

/// Why a version that exists has no text.
fn omitted(blob: Option<&Blob>) -> Option<Omitted> {
    match blob.map(|blob| &blob.body) {
        None => Some(Omitted::NotAFile),
        Some(Body::Text(..)) => None,
        Some(Body::Binary) => Some(Omitted::Binary),
        // A partial clone leaves out large contents.
        Some(Body::TooLarge | Body::Absent) => Some(Omitted::TooLarge),
    }
}

fn change_without_files(shared: &Shared, id: ObjectId, commit: &RawCommit<'_>) -> Change {
    let (email, author_time, author_offset_min) = signature(commit.author);
    let parents = commit.parents.len().min(shared.limits.parents_max);
    let parents_left_out = (commit.parents.len() - parents) as u64;
    Change {
        commit: commit_id(id),
        parents: commit.parents[..parents].iter().copied().map(commit_id).collect(),
        author: AuthorId::of(shared.author_key.as_bytes(), &email.to_str_lossy()),
        author_time,
        author_offset_min,
        commit_time: commit_seconds(commit),
        message: cut(&commit.message.to_str_lossy(), shared.limits.message_bytes_max).to_owned(),
        merge: commit.parents.len() > 1,
        files: Vec::new(),
        left_out: (parents_left_out > 0).then(|| LeftOut { parents: parents_left_out, ..LeftOut::default() }),
    }
}

/// `text`, or its beginning of at most `bytes_max` bytes.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A path as text; bytes that are no UTF-8 become `%` and two hex digits.
fn escaped(path: &BStr) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("%{byte:02X}")));
    }
    text
}

/// A commit's id in events.
pub(super) fn commit_id(id: ObjectId) -> CommitId {
    CommitId::from_bytes(id.as_slice()).expect("git ids have 20 or 32 bytes")
}

fn blob_id(id: ObjectId) -> BlobId {
    BlobId::from_bytes(id.as_slice()).expect("git ids have 20 or 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_no_text_are_escaped() {
        assert_eq!(escaped(b"a/\xff\xfeb\xc3\xa9".as_bstr()), "a/%FF%FEb\u{e9}");
        assert_eq!(escaped(b"100%".as_bstr()), "100%");
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        assert_eq!(cut("a\u{e9}b", 2), "a");
        assert_eq!(cut("a\u{e9}b", 3), "a\u{e9}");
        assert_eq!(cut("ab", 5), "ab");
    }

    #[test]
    fn signatures_are_read_as_far_as_they_can_be() {
        assert_eq!(signature(b"A B <a@b.c> 1700000000 -0330"), (&b"a@b.c"[..], 1_700_000_000, -210));
        assert_eq!(signature(b"A <a@b.c> 4102444800 +0000"), (&b"a@b.c"[..], 4_102_444_800, 0));
        assert_eq!(signature(b"nobody"), (&b""[..], 0, 0));
        assert_eq!(signature(b"A <a@b.c>"), (&b"a@b.c"[..], 0, 0));
    }
}
