//! Puts an event together from its files, within the limits on one event.
//!
//! What does not fit is left out in a fixed order: contents, then removed texts, then hunks, then files; of each kind the
//! largest first, among equal ones the later. Read backwards: files get room first, then hunks, and so on, of each
//! kind the smallest first. Counts of lines stay exact: a file whose hunks are left out keeps its counts, and those of files
//! that are left out whole are summed up. Memory is bounded while the event grows, because a text that does not fit
//! among the smaller ones so far never will.

use driftline_schema::{FileChange, FileKind, Hunk, LeftOut, Limits, LineCounts, Omitted, ParentDiff};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// A control character takes six characters in JSON.
const ESCAPE_MAX: usize = 6;
/// Bytes of JSON around a file, at most, without paths, texts and hunks.
const FILE_BYTES_MAX: usize = 560;
/// Bytes of JSON around a hunk and around the difference from a further parent, at most.
const HUNK_BYTES_MAX: usize = 112;
const PARENT_BYTES: usize = 96;
/// Bytes by which a file grows when its hunks or its content are left out: exact counts, or the reason.
const COUNTS_BYTES: usize = 64;
const REASON_BYTES: usize = 32;

/// Sizes of one kind of parts: the smallest stay, the largest go.
#[derive(Default)]
struct Parts {
    /// Size and file.
    sizes: BTreeSet<(usize, usize)>,
    used: usize,
}

impl Parts {
    fn put(&mut self, size: usize, file: usize) {
        if size > 0 && self.sizes.insert((size, file)) {
            self.used += size;
        }
    }

    fn take(&mut self, size: usize, file: usize) {
        if self.sizes.remove(&(size, file)) {
            self.used -= size;
        }
    }

    /// Takes out the largest until the rest is at most `size_max`.
    fn shrink(&mut self, size_max: usize) -> Vec<usize> {
        let mut files = Vec::new();
        while self.used > size_max
            && let Some((size, file)) = self.sizes.pop_last()
        {
            self.used -= size;
            files.push(file);
        }
        files
    }
}

/// Sizes of all parts, once they matter.
#[derive(Default)]
struct Sizes {
    /// Files measured so far.
    measured: usize,
    /// All files without hunks and texts.
    frames: usize,
    /// By their number, because more of them than the limit are too many also where they are small.
    hunks: Parts,
    hunk_bytes: Vec<usize>,
    hunk_bytes_used: usize,
    removed: Parts,
    removed_bytes: Vec<usize>,
    contents: Parts,
    /// Hunks whose removed text is left out, by file.
    cleared: BTreeMap<usize, u64>,
}

/// An event's files while they are gathered.
pub(super) struct Assembly<'a> {
    limits: &'a Limits,
    /// Bytes the event may take beside its head.
    bytes_max: usize,
    files: Vec<FileChange>,
    left_out: LeftOut,
    /// The event's bytes and hunks at most; while even these fit, nothing is measured.
    bytes_bound: usize,
    hunks: usize,
    sizes: Sizes,
}

impl<'a> Assembly<'a> {
    /// An event that takes `head_bytes` without its files, and whose beginning left out this much.
    pub(super) fn new(limits: &'a Limits, head_bytes: usize, left_out: LeftOut) -> Self {
        Self {
            limits,
            bytes_max: limits.event_bytes_max.saturating_sub(head_bytes),
            files: Vec::new(),
            left_out,
            bytes_bound: 0,
            hunks: 0,
            sizes: Sizes::default(),
        }
    }

    /// Whether files with paths of these sizes fit for sure, whatever else they hold. Where they do not, the order in which
    /// they are added decides which stand in the event.
    pub(super) fn all_fit(&self, paths: impl Iterator<Item = usize>) -> bool {
        let (mut files, mut bytes) = (0usize, 0usize);
        for path in paths {
            files += 1;
            bytes = bytes.saturating_add(FILE_BYTES_MAX + path * ESCAPE_MAX);
        }
        files <= self.limits.files_max && bytes <= self.bytes_max
    }

    /// Takes a file, or counts it as left out when there is no room for it.
    pub(super) fn add(&mut self, file: FileChange) {
        if self.files.len() == self.limits.files_max {
            return self.leave_out(&file);
        }
        self.hunks += hunk_count(&file);
        self.bytes_bound = self.bytes_bound.saturating_add(bound(&file));
        self.files.push(file);
        if self.bytes_bound > self.bytes_max || self.hunks > self.limits.hunks_max || self.sizes.measured > 0 {
            self.measure();
            self.shrink_hunks();
            let room = self.bytes_max - self.sizes.frames;
            self.shrink_removed(room);
            self.shrink_contents(room);
        }
    }

    /// Counts a file that does not stand in the event.
    pub(super) fn leave_out(&mut self, file: &FileChange) {
        let counts = file.line_counts.unwrap_or_else(|| counts(&file.hunks));
        self.left_out.files += 1;
        self.left_out.lines_added += u64::from(counts.added);
        self.left_out.lines_removed += u64::from(counts.removed);
    }

    /// Counting ended at a limit, too.
    pub(super) fn uncounted(&mut self) {
        self.left_out.uncounted = true;
    }

    /// The files, by path, and what was left out.
    pub(super) fn finish(mut self) -> (Vec<FileChange>, Option<LeftOut>) {
        if self.sizes.measured > 0 {
            let room = self.bytes_max - self.sizes.frames - self.sizes.hunk_bytes_used;
            self.shrink_removed(room);
            self.shrink_contents(room - self.sizes.removed.used);
        }
        let contents = self.files.iter().filter(|file| file.omitted == Some(Omitted::EventTooLarge)).count();
        self.left_out.contents = contents as u64;
        self.left_out.removed_texts = self.sizes.cleared.values().sum();
        let left_out = Some(self.left_out).filter(|left_out| *left_out != LeftOut::default());
        if !self.files.is_sorted_by(|a, b| a.path <= b.path) {
            self.files.sort_by(|a, b| a.path.cmp(&b.path));
        }
        (self.files, left_out)
    }

    /// Measures what was added since; a file whose frame does not fit is left out.
    fn measure(&mut self) {
        while let Some(file) = self.files.get(self.sizes.measured) {
            let frame = frame_bytes(file);
            if self.sizes.frames + frame > self.bytes_max {
                let file = self.files.remove(self.sizes.measured);
                self.leave_out(&file);
                continue;
            }
            let (index, sizes) = (self.sizes.measured, &mut self.sizes);
            let removed_bytes = file.hunks.iter().map(|hunk| json_len(&hunk.removed)).sum();
            let hunk_bytes = hunk_bytes(file);
            sizes.frames += frame;
            sizes.contents.put(file.content.as_deref().map_or(0, json_len), index);
            sizes.removed.put(removed_bytes, index);
            sizes.hunks.put(hunk_count(file).max(file.other_parents.len()), index);
            sizes.hunk_bytes_used += hunk_bytes;
            sizes.hunk_bytes.push(hunk_bytes);
            sizes.removed_bytes.push(removed_bytes);
            sizes.measured += 1;
        }
    }

    /// Leaves out all hunks of the files that have most: hunks that were put together would count unchanged lines.
    fn shrink_hunks(&mut self) {
        let sizes = &mut self.sizes;
        while sizes.hunks.used > self.limits.hunks_max || sizes.frames + sizes.hunk_bytes_used > self.bytes_max {
            let Some((_, index)) = sizes.hunks.sizes.last().copied() else { break };
            sizes.hunks.shrink(sizes.hunks.used - 1);
            sizes.hunk_bytes_used -= sizes.hunk_bytes[index];
            sizes.removed.take(sizes.removed_bytes[index], index);
            let file = &mut self.files[index];
            file.line_counts = file.line_counts.or_else(|| Some(counts(&file.hunks)));
            if matches!(file.kind, FileKind::Added | FileKind::Deleted) {
                // The one hunk follows from the counts; only its text is gone.
                let texts = file.hunks.iter().filter(|hunk| !hunk.removed.is_empty()).count() as u64;
                *sizes.cleared.entry(index).or_default() += texts;
            } else {
                sizes.cleared.remove(&index);
                self.left_out.hunks += file.hunks.len() as u64;
            }
            file.hunks = Vec::new();
            file.other_parents = Vec::new();
        }
    }

    fn shrink_removed(&mut self, size_max: usize) {
        for index in self.sizes.removed.shrink(size_max) {
            let texts = self.files[index].hunks.iter_mut().filter(|hunk| !hunk.removed.is_empty());
            let cleared = texts.map(|hunk| hunk.removed = String::new()).count();
            self.sizes.cleared.insert(index, cleared as u64);
        }
    }

    fn shrink_contents(&mut self, size_max: usize) {
        for index in self.sizes.contents.shrink(size_max) {
            self.files[index].content = None;
            self.files[index].encoding = None;
            self.files[index].omitted = Some(Omitted::EventTooLarge);
        }
    }
}

/// Sums over hunks.
fn counts(hunks: &[Hunk]) -> LineCounts {
    let sum = |lines: fn(&Hunk) -> u32| hunks.iter().map(lines).fold(0, u32::saturating_add);
    LineCounts { added: sum(|hunk| hunk.new_lines), removed: sum(|hunk| hunk.old_lines) }
}

fn hunk_count(file: &FileChange) -> usize {
    file.hunks.len() + file.other_parents.iter().map(|parent| parent.hunks.len()).sum::<usize>()
}

/// Bytes of a file's JSON, at most.
fn bound(file: &FileChange) -> usize {
    let removed: usize = file.hunks.iter().map(|hunk| hunk.removed.len()).sum();
    let paths = file.path.len() + file.old_path.as_deref().map_or(0, str::len);
    let texts = file.content.as_deref().map_or(0, str::len) + removed;
    let around = HUNK_BYTES_MAX * hunk_count(file) + PARENT_BYTES * file.other_parents.len();
    (paths + texts).saturating_mul(ESCAPE_MAX).saturating_add(FILE_BYTES_MAX + around)
}

/// Bytes of a file's JSON without content, removed texts and hunks, with room for what stands in their place.
fn frame_bytes(file: &FileChange) -> usize {
    /// Counts what is written.
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let empty = |text: &Option<String>| text.as_ref().map(|_| String::new());
    let frame = FileChange {
        path: String::new(),
        old_path: empty(&file.old_path),
        content: empty(&file.content),
        hunks: Vec::new(),
        other_parents: Vec::new(),
        ..*file
    };
    let mut count = Count(1);
    serde_json::to_writer(&mut count, &frame).expect("counting does not fail");
    let paths = json_len(&file.path) + file.old_path.as_deref().map_or(0, json_len);
    count.0 + paths + COUNTS_BYTES + REASON_BYTES
}

/// Bytes of the JSON of a file's hunks without removed texts.
fn hunk_bytes(file: &FileChange) -> usize {
    let digits = |number: u32| 1 + number.checked_ilog10().unwrap_or(0) as usize;
    let one = |hunk: &Hunk| {
        let numbers = [hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines];
        70 + numbers.into_iter().map(digits).sum::<usize>()
    };
    let all = |hunks: &[Hunk]| hunks.iter().map(one).sum::<usize>();
    let parent = |parent: &ParentDiff| PARENT_BYTES + all(&parent.hunks);
    let around = if hunk_count(file) + file.other_parents.len() > 0 { 40 } else { 0 };
    around + all(&file.hunks) + file.other_parents.iter().map(parent).sum::<usize>()
}

/// Bytes of `text` within a JSON string.
pub(super) fn json_len(text: &str) -> usize {
    let count = |test: fn(u8) -> bool| text.bytes().filter(|byte| test(*byte)).count();
    let short = count(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12));
    let control = count(|byte| byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 8 | 12));
    text.len() + short + control * (ESCAPE_MAX - 1)
}

#[cfg(test)]
mod tests;
