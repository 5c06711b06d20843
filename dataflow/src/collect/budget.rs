//! Keeps an event within the limit on its size.
//!
//! The largest texts are left out first, until the rest fits; among equal ones the later path goes first. Texts are
//! dropped while the event is built, so memory is bounded by the budget and one file, however large the commit is.

use driftline_schema::{FileChange, Hunk, Limits, Omitted};
use std::collections::BTreeSet;

/// Bytes of JSON around a file and around a hunk, at most.
const FILE_BYTES: usize = 400;
const HUNK_BYTES: usize = 100;

/// Which text of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Removed,
    Content,
}

/// The texts of one event.
#[derive(Default)]
pub(super) struct Budget {
    /// Texts by size in JSON, file and part.
    texts: BTreeSet<(usize, usize, Part)>,
    used: usize,
    /// Bytes before escaping; while even their longest form fits, nothing is measured.
    bytes: usize,
}

/// A control character takes six characters in JSON.
const ESCAPE_MAX: usize = 6;

/// Bytes of text in an event: three quarters of the limit, so that the rest can hold paths and hunks.
fn text_budget(limits: &Limits) -> usize {
    limits.event_bytes_max / 4 * 3
}

impl Budget {
    /// Takes account of the last of `files`, leaving out what no longer fits.
    pub(super) fn add(&mut self, files: &mut [FileChange], limits: &Limits) {
        let Some(file) = files.last() else { return };
        self.bytes += content(file).len() + removed(file).map(str::len).sum::<usize>();
        if self.bytes * ESCAPE_MAX <= text_budget(limits) {
            return;
        }
        self.measure(files);
        self.shrink(files, text_budget(limits));
    }

    fn measure(&mut self, files: &[FileChange]) {
        let start = if self.texts.is_empty() { 0 } else { files.len() - 1 };
        for (index, file) in files.iter().enumerate().skip(start) {
            for (part, size) in
                [(Part::Content, json_len(content(file))), (Part::Removed, removed(file).map(json_len).sum::<usize>())]
            {
                if size > 0 {
                    self.texts.insert((size, index, part));
                    self.used += size;
                }
            }
        }
    }

    fn shrink(&mut self, files: &mut [FileChange], budget: usize) {
        while self.used > budget
            && let Some((size, index, part)) = self.texts.pop_last()
        {
            self.used -= size;
            match part {
                Part::Content => {
                    files[index].content = None;
                    files[index].omitted = Some(Omitted::EventTooLarge);
                }
                Part::Removed => files[index].hunks.iter_mut().for_each(|hunk| hunk.removed = String::new()),
            }
        }
    }

    /// Once all files are there: merges hunks where there are too many, and makes room for `head_bytes`, paths and
    /// hunks. Returns how many contents are left out.
    pub(super) fn settle(mut self, files: &mut [FileChange], head_bytes: usize, limits: &Limits) -> usize {
        let frame_budget = limits.event_bytes_max - text_budget(limits);
        let frame = |files: &[FileChange]| head_bytes + files.iter().map(frame_bytes).sum::<usize>();
        let mut hunks: usize = files.iter().map(hunk_count).sum();
        if hunks > limits.hunks_max || frame(files) > frame_budget {
            let hunks_max = limits.hunks_max.min(frame_budget / 2 / HUNK_BYTES);
            let mut by_hunks: Vec<usize> = (0..files.len()).collect();
            by_hunks.sort_by_key(|index| (std::cmp::Reverse(hunk_count(&files[*index])), *index));
            for index in by_hunks {
                if hunks <= hunks_max {
                    break;
                }
                hunks -= hunk_count(&files[index]);
                merge_hunks(&mut files[index]);
                hunks += hunk_count(&files[index]);
            }
        }
        let frame = frame(files);
        if frame > frame_budget {
            if self.texts.is_empty() {
                self.measure(files);
            }
            self.shrink(files, limits.event_bytes_max.saturating_sub(frame));
        }
        files.iter().filter(|file| file.omitted == Some(Omitted::EventTooLarge)).count()
    }
}

fn content(file: &FileChange) -> &str {
    file.content.as_deref().unwrap_or_default()
}

fn removed(file: &FileChange) -> impl Iterator<Item = &str> {
    file.hunks.iter().map(|hunk| hunk.removed.as_str())
}

fn hunk_count(file: &FileChange) -> usize {
    file.hunks.len() + file.other_parents.iter().map(|parent| parent.hunks.len()).sum::<usize>()
}

fn frame_bytes(file: &FileChange) -> usize {
    let paths = json_len(&file.path) + file.old_path.as_deref().map_or(0, json_len);
    FILE_BYTES + paths + HUNK_BYTES * (hunk_count(file) + file.other_parents.len())
}

/// One hunk from the first difference to the last says less but nothing wrong.
fn merge_hunks(file: &mut FileChange) {
    let merge = |hunks: &mut Vec<Hunk>| {
        if let [first, .., last] = hunks.as_slice() {
            let merged = Hunk {
                old_start: first.old_start,
                old_lines: last.old_start + last.old_lines - first.old_start,
                new_start: first.new_start,
                new_lines: last.new_start + last.new_lines - first.new_start,
                removed: String::new(),
            };
            *hunks = vec![merged];
        }
    };
    merge(&mut file.hunks);
    file.other_parents.iter_mut().for_each(|parent| merge(&mut parent.hunks));
}

/// Bytes of `text` within a JSON string.
pub(super) fn json_len(text: &str) -> usize {
    let count = |test: fn(u8) -> bool| text.bytes().filter(|byte| test(*byte)).count();
    let short = count(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12));
    let control = count(|byte| byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 8 | 12));
    text.len() + short + control * (ESCAPE_MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::FileKind;
    use proptest::prelude::*;

    fn file(index: usize, content: &str, removed: &[&str]) -> FileChange {
        let hunk = |(at, text): (usize, &&str)| Hunk {
            old_start: 3 * at as u32,
            old_lines: 1,
            new_start: 3 * at as u32,
            new_lines: 1,
            removed: (*text).to_owned(),
        };
        FileChange {
            path: format!("{index:04}"),
            old_path: None,
            kind: FileKind::Modified,
            blob: None,
            old_blob: None,
            content: (!content.is_empty()).then(|| content.to_owned()),
            omitted: None,
            encoding: None,
            old_omitted: None,
            bytes: content.len() as u64,
            old_lines: 3 * removed.len() as u32,
            line_counts: None,
            hunks: removed.iter().enumerate().map(hunk).collect(),
            other_parents: vec![],
        }
    }

    fn limits(event_bytes_max: usize) -> Limits {
        Limits { event_bytes_max, hunks_max: 1000, ..Limits::default() }
    }

    fn settled(list: &[FileChange], limits: &Limits) -> Vec<FileChange> {
        let (mut budget, mut files) = (Budget::default(), Vec::new());
        for file in list {
            files.push(file.clone());
            budget.add(&mut files, limits);
        }
        budget.settle(&mut files, 0, limits);
        files
    }

    #[test]
    fn lengths_in_json_are_exact() {
        for text in ["", "plain é", "a\"b\\c\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}/"] {
            assert_eq!(json_len(text), serde_json::to_string(text).expect("serialises").len() - 2, "{text:?}");
        }
    }

    #[test]
    fn the_largest_texts_go_first() {
        let list =
            [file(0, &"a".repeat(5000), &[]), file(1, &"b".repeat(3000), &[]), file(2, "c", &[&"d".repeat(4000)])];
        let files = settled(&list, &limits(16_000));
        let kept = |file: &FileChange| (file.content.is_some(), file.omitted);
        assert_eq!(kept(&files[0]), (false, Some(Omitted::EventTooLarge)));
        assert_eq!(kept(&files[1]), (true, None));
        assert_eq!(files[2].hunks[0].removed.len(), 4000, "12,000 bytes hold 3000 + 4000 + 1 but not 5000 more");
    }

    #[test]
    fn too_many_hunks_become_one() {
        let many: Vec<&str> = vec!["x\n"; 600];
        let files = settled(&[file(0, "text", &many), file(1, "text", &many[..500])], &limits(1 << 20));
        assert_eq!((files[0].hunks.len(), files[1].hunks.len()), (1, 500));
        assert_eq!((files[0].hunks[0].old_start, files[0].hunks[0].old_lines), (0, 599 * 3 + 1));
        assert_eq!((files[0].hunks[0].new_lines, files[0].hunks[0].removed.as_str()), (599 * 3 + 1, ""));
    }

    proptest! {
        /// The definition: sort by size, keep the smallest that fit together.
        #[test]
        fn leaving_out_while_building_equals_leaving_out_at_the_end(sizes in proptest::collection::vec((0..400usize, 0..400usize), 0..20)) {
            let list: Vec<FileChange> = sizes
                .iter()
                .enumerate()
                .map(|(index, (content, removed))| file(index, &"c".repeat(*content), &[&"r".repeat(*removed)]))
                .collect();
            let files = settled(&list, &limits(4000));
            let mut all: Vec<(usize, usize, Part)> = Vec::new();
            for (index, (content, removed)) in sizes.iter().enumerate() {
                all.extend([(*content, index, Part::Content), (*removed, index, Part::Removed)]);
            }
            all.retain(|(size, _, _)| *size > 0);
            all.sort_unstable();
            let frame: usize = list.iter().map(frame_bytes).sum();
            let budget = if frame > 1000 { 4000usize.saturating_sub(frame).min(3000) } else { 3000 };
            let mut used = 0;
            for (size, index, part) in all {
                used += size;
                let kept = match part {
                    Part::Content => files[index].content.is_some(),
                    Part::Removed => !files[index].hunks[0].removed.is_empty(),
                };
                prop_assert_eq!(kept, used <= budget, "file {} {:?} of {} bytes", index, part, size);
            }
        }
    }
}
