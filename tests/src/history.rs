//! Made-up histories: a small project that grows by seeded random edits, as events with exact hunks and contents.
//!
//! Everything follows from the seed, so a failing suite can be run again; nothing is read from anywhere.

use driftline_schema::event::{Change, Event, FileChange, FileKind, Hunk};
use driftline_schema::{AuthorId, BlobId, CommitId};
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;

/// Seeded stream of numbers (SplitMix64).
pub struct Numbers(u64);

impl Numbers {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// The next number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound as u64) as usize
    }
}

/// The id git would give this content.
pub fn blob_id(content: &str) -> BlobId {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", content.len()));
    hasher.update(content);
    BlobId::from_bytes(&hasher.finalize()).expect("SHA-1 has 20 bytes")
}

/// A project whose history is being made.
pub struct Project {
    name: String,
    numbers: Numbers,
    files: BTreeMap<String, Vec<String>>,
    commits: Vec<CommitId>,
    time: i64,
}

impl Project {
    /// An empty project.
    pub fn new(name: &str, seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        numbers.below(1);
        Self { name: name.into(), numbers, files: BTreeMap::new(), commits: Vec::new(), time: 1_500_000_000 }
    }

    /// The first `changes` commits of a made-up history.
    pub fn history(name: &str, seed: u64, changes: usize) -> Vec<Event> {
        let mut project = Self::new(name, seed);
        (0..changes).map(|_| project.commit()).collect()
    }

    fn commit_id(&self) -> CommitId {
        let digest = Sha1::digest(format!("{} {}", self.name, self.commits.len()));
        CommitId::from_bytes(&digest).expect("SHA-1 has 20 bytes")
    }

    /// One more commit: one to three files edited, now and then one added, renamed or deleted.
    pub fn commit(&mut self) -> Event {
        // About two commits a week, so that waiting times pass within a few dozen of them.
        self.time += 3_600 + self.numbers.below(600_000) as i64;
        let id = self.commit_id();
        let mut touched: BTreeMap<String, FileChange> = BTreeMap::new();
        for _ in 0..1 + self.numbers.below(3) {
            let file = self.edit(&touched);
            touched.entry(file.path.clone()).or_insert(file);
        }
        let author = AuthorId([self.numbers.below(6) as u8; 16]);
        let change = Change {
            commit: id,
            parents: self.commits.last().copied().into_iter().collect(),
            author,
            author_time: self.time - 60,
            author_offset_min: 60 * (i32::from(author.0[0]) - 2),
            commit_time: self.time,
            message: self.message(),
            merge: false,
            files: touched.into_values().collect(),
            left_out: None,
        };
        self.commits.push(id);
        Event::of_change(&self.name, change)
    }

    fn message(&mut self) -> String {
        let back = 1 + self.numbers.below(8);
        let earlier = self.commits.len().checked_sub(back).map(|index| self.commits[index].to_string());
        match (self.numbers.below(12), earlier) {
            (0..=2, _) => "Fix a wrong bound in the loop\n".into(),
            (3, Some(id)) => format!("Repair the parser\n\nFixes: {}\n", &id[..12]),
            (4, Some(id)) => format!("Revert \"Add a case\"\n\nThis reverts commit {id}.\n"),
            _ => "Add a case\n".into(),
        }
    }

    fn edit(&mut self, touched: &BTreeMap<String, FileChange>) -> FileChange {
        let free: Vec<String> = self.files.keys().filter(|path| !touched.contains_key(*path)).cloned().collect();
        let choice = self.numbers.below(20);
        if free.is_empty() || choice < 2 {
            return self.add();
        }
        let path = free[self.numbers.below(free.len())].clone();
        match choice {
            2 if free.len() > 4 => self.delete(&path),
            3 => self.rename(&path),
            _ => self.modify(&path),
        }
    }

    fn add(&mut self) -> FileChange {
        let extension = ["py", "rs", "go", "md"][self.numbers.below(4)];
        let folder = ["core", "net", "tests"][self.numbers.below(3)];
        let path = format!("{folder}/part{}_{}.{extension}", self.commits.len(), self.files.len());
        let lines: Vec<String> = (0..4 + self.numbers.below(12)).flat_map(|index| function(extension, index)).collect();
        let hunk =
            Hunk { old_start: 0, old_lines: 0, new_start: 0, new_lines: lines.len() as u32, removed: String::new() };
        self.files.insert(path.clone(), lines);
        self.file_change(&path, FileKind::Added, None, vec![hunk])
    }

    fn delete(&mut self, path: &str) -> FileChange {
        let old = self.files.remove(path).expect("chosen among the files");
        let removed = old.concat();
        let hunk =
            Hunk { old_start: 0, old_lines: old.len() as u32, new_start: 0, new_lines: 0, removed: removed.clone() };
        FileChange {
            path: path.into(),
            old_path: None,
            kind: FileKind::Deleted,
            blob: None,
            old_blob: Some(blob_id(&removed)),
            content: None,
            omitted: None,
            encoding: None,
            old_omitted: None,
            bytes: 0,
            old_lines: old.len() as u32,
            line_counts: None,
            hunks: vec![hunk],
            other_parents: vec![],
        }
    }

    fn rename(&mut self, path: &str) -> FileChange {
        let lines = self.files.remove(path).expect("chosen among the files");
        let (stem, extension) = path.rsplit_once('.').expect("made-up paths have an extension");
        let new = format!("{stem}_r{}.{extension}", self.commits.len());
        let old = lines.concat();
        self.files.insert(new.clone(), lines);
        self.file_change(&new, FileKind::Renamed, Some((path.to_owned(), old)), vec![])
    }

    fn modify(&mut self, path: &str) -> FileChange {
        let old = self.files[path].clone();
        let extension = path.rsplit('.').next().expect("split gives one part at least");
        let start = self.numbers.below(old.len().max(1));
        let removed = self.numbers.below(4).min(old.len() - start);
        let added: Vec<String> =
            (0..1 + self.numbers.below(2)).flat_map(|_| function(extension, self.numbers.below(900))).collect();
        let hunk = Hunk {
            old_start: start as u32,
            old_lines: removed as u32,
            new_start: start as u32,
            new_lines: added.len() as u32,
            removed: old[start..start + removed].concat(),
        };
        let mut new = old.clone();
        new.splice(start..start + removed, added);
        self.files.insert(path.to_owned(), new);
        self.file_change(path, FileKind::Modified, Some((path.to_owned(), old.concat())), vec![hunk])
    }

    fn file_change(&self, path: &str, kind: FileKind, old: Option<(String, String)>, hunks: Vec<Hunk>) -> FileChange {
        let content = self.files[path].concat();
        let (old_path, old_content) = old.unzip();
        FileChange {
            path: path.to_owned(),
            old_path: old_path.filter(|old| old != path),
            kind,
            blob: Some(blob_id(&content)),
            old_blob: old_content.as_deref().map(blob_id),
            bytes: content.len() as u64,
            content: Some(content),
            omitted: None,
            encoding: None,
            old_omitted: None,
            old_lines: old_content.map_or(0, |text| text.lines().count() as u32),
            line_counts: None,
            hunks,
            other_parents: vec![],
        }
    }
}

/// The lines of one small function, valid in its language.
fn function(extension: &str, index: usize) -> Vec<String> {
    let text = match extension {
        "py" => format!(
            "def f{index}(a, b):\n    # case {index}\n    if a > {index} and b:\n        return a\n    return b\n\n"
        ),
        "rs" => format!(
            "fn f{index}(a: u32) -> u32 {{\n    // case {index}\n    if a > {index} {{ a }} else {{ 0 }}\n}}\n\n"
        ),
        "go" => format!("func F{index}(a int) int {{\n\tfor a > {index} {{\n\t\ta--\n\t}}\n\treturn a\n}}\n\n"),
        _ => format!("Paragraph {index}.\n\n"),
    };
    text.split_inclusive('\n').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_a_function_of_its_seed() {
        assert_eq!(Project::history("p", 7, 60), Project::history("p", 7, 60));
        assert_ne!(Project::history("p", 7, 60), Project::history("p", 8, 60));
    }

    #[test]
    fn hunks_lead_from_the_old_content_to_the_new() {
        let mut contents: BTreeMap<BlobId, String> = BTreeMap::new();
        for event in Project::history("p", 3, 80) {
            for file in event.change.expect("histories hold changes").files {
                let old = file.old_blob.map(|id| contents[&id].clone()).unwrap_or_default();
                let old: Vec<&str> = old.split_inclusive('\n').collect();
                let Some(new) = file.content else { continue };
                let lines: Vec<&str> = new.split_inclusive('\n').collect();
                let mut rebuilt: Vec<&str> = old.clone();
                for hunk in file.hunks.iter().rev() {
                    let (start, end) = (hunk.old_start as usize, (hunk.old_start + hunk.old_lines) as usize);
                    assert_eq!(old[start..end].concat(), hunk.removed);
                    let added = &lines[hunk.new_start as usize..(hunk.new_start + hunk.new_lines) as usize];
                    rebuilt.splice(start..end, added.iter().copied());
                }
                assert_eq!(rebuilt.concat(), new);
                contents.insert(file.blob.expect("content has an id"), new);
            }
        }
    }
}
