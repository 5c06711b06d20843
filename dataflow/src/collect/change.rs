//! From a commit to its event.
//!
//! A commit is read in two steps, so that many commits can be *drafted* newest first, the order in which packs decode
//! cheapest, and *finished* in the order of the log. The event is a function of the commit and its parents alone.

use super::blobs::{Blob, BlobCache, Body};
use super::budget::{Assembly, json_len};
use super::effort::Effort;
use super::error::CollectError;
use super::history::Shared;
use super::lines;
use super::objects::{Objects, RawCommit};
use super::rename::{Candidate, renames};
use super::selection::{Stands, ranked, stands};
use super::signature::Signature;
use super::similarity::Bag;
use super::text::{self, Text};
use super::tree_diff::{Allowance, Entry, PathChange, TreeDiff};
use driftline_schema::{
    BlobId, Change, CommitId, Event, FileChange, FileKind, LeftOut, LineCounts, Omitted, ParentDiff,
};
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Further parents of a merge that its files are compared with at most. Merges of some sixty parents are known.
const FURTHER_PARENTS_MAX: usize = 255;
/// Versions in further parents that the files of one merge are compared with at most.
const OTHER_VERSIONS_MAX: usize = 20_000;
/// A content up to this size has its lines counted although it is larger than an event takes.
const COUNTED_BYTES_MAX: u64 = 8 << 20;
/// A content up to this size is searched for renames.
const COMPARED_BYTES_MAX: u64 = 32 << 20;
/// Bytes of contents beyond the limit on one file, or that are no text, that are read for one commit.
const RAW_BYTES_MAX: u64 = 256 << 20;

/// When it was committed, seconds since 1970; 0 when the commit does not say.
pub(super) fn commit_seconds(commit: &RawCommit<'_>) -> i64 {
    Signature::of(commit.committer).seconds
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
    /// What is left of the bytes that may be read for the commit at hand although no event holds them.
    raw_bytes_left: u64,
    /// Whether lines of the commit at hand were not counted, because a text is too long.
    uncounted: bool,
}

impl Composer {
    pub(super) fn new(shared: Arc<Shared>, contents: Arc<BlobCache>) -> Self {
        let objects = Objects::new(shared.clone(), contents);
        Self { objects, shared, trees: TreeDiff::default(), raw_bytes_left: 0, uncounted: false }
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
        let paths: BTreeSet<BString> = draft.files.iter().map(|file| file.path.clone()).collect();
        for parent in parents.iter().take(FURTHER_PARENTS_MAX) {
            let Some(parent_tree) = self.objects.commit(*parent, |commit| commit.tree)? else { continue };
            let walk = self.trees.changes(&self.objects, &self.shared, (Some(parent_tree), tree), &mut allowance)?;
            if walk.incomplete {
                // What a parent holds is not known, so no line may be said to be the merge's own.
                return Ok(());
            }
            let changes = walk.changes.into_iter().filter(|change| paths.contains(&change.path));
            let old: BTreeMap<BString, Option<Entry>> = changes.map(|change| (change.path, change.old)).collect();
            differs.push(old);
        }
        let (mut left, mut limited) = (OTHER_VERSIONS_MAX, parents.len() > FURTHER_PARENTS_MAX);
        for file in &mut draft.files {
            let versions: Option<Vec<_>> = differs.iter().map(|old| old.get(&file.path)).collect();
            let versions = versions.into_iter().flatten().filter_map(|version| *version);
            for id in versions.filter(Entry::is_file).map(|entry| entry.id) {
                if !file.others.contains(&id) {
                    limited |= left == 0;
                    file.others.extend((left > 0).then_some(id));
                    left = left.saturating_sub(1);
                }
            }
        }
        if limited {
            self.shared.counters.limited_parents();
            tracing::info!(commit = %draft.change.commit, "too many parents to compare all files with all of them");
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
        self.uncounted = false;
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
        // Files whose paths are too long were counted when the trees were walked.
        let (mut effort, mut taken, mut refused) = (Effort::of(files.len()), Stands::default(), left_out.files);
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
            refused += u64::from(!kept);
            if kept { event.add(change) } else { event.leave_out(&change) }
        }
        if self.uncounted {
            event.uncounted();
        }
        let (files, left_out) = event.finish();
        (draft.change.files, draft.change.left_out) = (files, left_out);
        shared.counters.left_out(&left_out.unwrap_or_default(), refused);
        shared.counters.commits();
        Ok(Event::of_change(&shared.name, draft.change))
    }

    /// Joins a deleted and an added file to one that was renamed.
    fn find_renames(&mut self, draft: &mut Draft) -> Result<(), CollectError> {
        self.raw_bytes_left = RAW_BYTES_MAX;
        let candidates = |take: fn(&DraftFile) -> (Option<Entry>, Option<Entry>)| -> Vec<Candidate> {
            let candidate = |(index, file): (usize, &DraftFile)| match take(file) {
                (Some(Entry { id, mode }), None) => {
                    Some(Candidate { index, path: file.path.clone(), id, kind: mode.kind() })
                }
                _ => None,
            };
            draft.files.iter().enumerate().filter_map(candidate).collect()
        };
        let (deleted, added) = (candidates(|file| (file.old, file.new)), candidates(|file| (file.new, file.old)));
        if deleted.is_empty() || added.is_empty() {
            return Ok(());
        }
        let (mut effort, mut unread) = (Effort::of(deleted.len() + added.len()), false);
        let bag = |file: &Candidate| {
            if effort.is_spent() {
                return Ok(None);
            }
            if effort.counts() {
                effort.uses(file.id, self.blob(file.id, draft, file.path.as_bstr())?.weight());
            }
            let bag = self.bag(file, draft)?;
            unread |= bag.is_none();
            Ok(bag)
        };
        let found = renames(deleted, added, bag)?;
        if found.limited || effort.is_spent() || unread && self.raw_bytes_left == 0 {
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

    /// What a search for renames compares of a content.
    fn bag(&mut self, file: &Candidate, draft: &Draft) -> Result<Option<Bag>, CollectError> {
        let blob = self.blob(file.id, draft, file.path.as_bstr())?;
        match blob.text() {
            Some(text) if text.is_content() => Ok(Some(Bag::of(text.bytes()))),
            _ if blob.body == Body::Absent => Ok(None),
            _ => Ok(self.raw(file.id, COMPARED_BYTES_MAX)?.map(|data| Bag::of(&data))),
        }
    }

    /// A content that no event holds, while the commit's share of such bytes lasts.
    fn raw(&mut self, id: ObjectId, bytes_max: u64) -> Result<Option<Vec<u8>>, CollectError> {
        let data = self.objects.raw(id, bytes_max.min(self.raw_bytes_left))?;
        match &data {
            Some(data) => self.raw_bytes_left -= data.len() as u64,
            None if self.raw_bytes_left < bytes_max => self.raw_bytes_left = 0,
            None => {}
        }
        Ok(data)
    }

    fn file_change(&mut self, draft: &Draft, path: String, file: DraftFile) -> Result<FileChange, CollectError> {
        let kind = kind(&file);
        let old = self.side(draft, &file, file.old)?;
        let new = self.side(draft, &file, file.new)?;
        let (old_text, new_text) = (old.as_deref().and_then(Blob::text), new.as_deref().and_then(Blob::text));
        let mut change = FileChange {
            path,
            old_path: file.old_path.as_ref().map(|path| escaped(path.as_bstr())),
            kind,
            blob: file.new.map(|entry| blob_id(entry.id)),
            old_blob: file.old.map(|entry| blob_id(entry.id)),
            content: new_text.map(Text::decoded),
            omitted: file.new.and_then(|_| omitted(new.as_deref())),
            encoding: new_text.and_then(Text::encoding),
            // A link and a submodule have no lines, so nothing about them is unknown.
            old_omitted: old.as_deref().and_then(|old| omitted(Some(old))),
            bytes: new.as_deref().map_or(0, |blob| blob.bytes),
            old_lines: old.as_deref().map_or(0, Blob::lines),
            line_counts: None,
            hunks: Vec::new(),
            other_parents: Vec::new(),
        };
        change.hunks = match (old_text, new_text) {
            (Some(old), Some(new)) if file.old != file.new => {
                self.uncounted |= old.is_tangled_with(new);
                old.hunks(new, true)
            }
            // What became a link or a submodule has no lines any more.
            (Some(old), None) if !file.new.is_some_and(|entry| entry.is_file()) => old.removed(),
            (None, Some(new)) if change.old_omitted.is_none() => new.added(),
            _ => Vec::new(),
        };
        let is_any = |body: Body| [&old, &new].into_iter().flatten().any(|side| side.body == body);
        if is_any(Body::TooLarge) && !is_any(Body::Absent) {
            change.line_counts = self.count_lines(&file)?;
        }
        if let Some(new) = new_text {
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

    /// How many lines differ although an event cannot hold them; `None` when a side is no text or cannot be read, or is too
    /// long, which is noted.
    fn count_lines(&mut self, file: &DraftFile) -> Result<Option<LineCounts>, CollectError> {
        let (mut sides, mut is_too_long) = ([Vec::new(), Vec::new()], false);
        // A link and a submodule have no lines.
        let entries = [file.old, file.new].map(|entry| entry.filter(Entry::is_file));
        // Of a text that comes or goes lines are only counted, which takes no memory beside it.
        let bytes_max = if entries.contains(&None) { COMPARED_BYTES_MAX } else { COUNTED_BYTES_MAX };
        for (side, entry) in sides.iter_mut().zip(entries) {
            let Some(entry) = entry else { continue };
            // Whether it is a text is seen in what is too long to be compared, too.
            match self.raw(entry.id, COMPARED_BYTES_MAX)? {
                Some(data) if text::is_binary(&data) => return Ok(None),
                Some(data) if data.len() as u64 <= bytes_max => *side = data,
                _ => is_too_long = true,
            }
        }
        if is_too_long {
            self.uncounted = true;
            return Ok(None);
        }
        let [old, new] = sides;
        if old.is_empty() || new.is_empty() {
            return Ok(Some(LineCounts { added: lines::count_lines(&new), removed: lines::count_lines(&old) }));
        }
        if lines::are_tangled(&old, &new) {
            self.uncounted = true;
            return Ok(None);
        }
        let hunks = lines::hunks(&old, &new, |_| String::new());
        let (added, removed) =
            hunks.iter().map(|hunk| (hunk.new_lines, hunk.old_lines)).unzip::<_, _, Vec<_>, Vec<_>>();
        Ok(Some(LineCounts { added: added.iter().sum(), removed: removed.iter().sum() }))
    }

    fn other_parents(&mut self, draft: &Draft, file: &DraftFile, new: &Text) -> Result<Vec<ParentDiff>, CollectError> {
        let mut diffs = Vec::new();
        for id in &file.others {
            if let Some(old) = self.blob(*id, draft, file.path.as_bstr())?.text() {
                diffs.push(ParentDiff { old_blob: blob_id(*id), hunks: old.hunks(new, false) });
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
        Some(Body::TooLarge) => Some(Omitted::TooLarge),
        Some(Body::Absent) => Some(Omitted::Missing),
    }
}

fn change_without_files(shared: &Shared, id: ObjectId, commit: &RawCommit<'_>) -> Change {
    let author = Signature::of(commit.author);
    let parents = commit.parents.len().min(shared.limits.parents_max);
    let parents_left_out = (commit.parents.len() - parents) as u64;
    Change {
        commit: commit_id(id),
        parents: commit.parents[..parents].iter().copied().map(commit_id).collect(),
        author: author
            .author(shared.author_key.as_bytes(), |bytes| text::commit_text(bytes, commit.encoding).into_owned()),
        author_time: author.seconds,
        author_offset_min: author.offset_min,
        commit_time: commit_seconds(commit),
        message: cut(&text::commit_text(commit.message, commit.encoding), shared.limits.message_bytes_max).to_owned(),
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
}
