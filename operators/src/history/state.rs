//! What a repository's history remembers, and how one step of it is taken back.
//!
//! Every mutation leaves an [`Edit`] that holds what it replaced, so a journal read backwards restores the state
//! exactly. Ids are interned as small integers; nothing is kept per pair of author and file but a count.

use super::decay::Decayed;
use crate::diffusion::subsystem;
use crate::features::count;
use driftline_schema::{AuthorId, ChangeRow, FileId, FileKind, Fixed};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

const SECONDS_PER_DAY: i64 = 86_400;
const DAYS_PER_YEAR: i64 = 365;

/// Names as consecutive numbers; the newest can be forgotten.
struct Interned<K> {
    numbers: HashMap<K, u32>,
    names: Vec<K>,
}

impl<K> Default for Interned<K> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), names: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash> Interned<K> {
    fn push(&mut self, name: K) -> u32 {
        let number = self.names.len() as u32;
        self.numbers.insert(name.clone(), number);
        self.names.push(name);
        number
    }
    fn pop(&mut self) {
        if let Some(name) = self.names.pop() {
            self.numbers.remove(&name);
        }
    }
}

/// The newest change of a file.
#[derive(Clone, Copy, Default)]
struct Touch {
    time: i64,
    change: u32,
    author: u32,
}

/// A file, wherever its path moved.
#[derive(Default)]
struct File {
    last: Touch,
    changes: u32,
    /// (author, changes), in the order in which they first came.
    developers: Vec<(u32, u32)>,
    fixes: Decayed,
    reverts: u32,
}

/// An author.
#[derive(Default)]
struct Author {
    /// Times of all changes, ascending.
    times: Vec<i64>,
    /// Time of the newest change by position.
    last: i64,
}

/// The history of one repository.
#[derive(Default)]
pub(super) struct State {
    files: Vec<File>,
    paths: HashMap<FileId, u32>,
    authors: Vec<Author>,
    author_numbers: Interned<AuthorId>,
    subsystems: Interned<Box<str>>,
    /// (author, subsystem) -> changes.
    experience: HashMap<(u32, u32), u32>,
    changes: u32,
}

/// One mutation, with what it replaced.
enum Edit {
    NewFile,
    Path(FileId, Option<u32>),
    Touched { file: u32, developer: u32, last: Touch },
    Fixed { file: u32, before: Decayed },
    Reverted { file: u32 },
    NewAuthor,
    Wrote { author: u32, at: u32, last: i64 },
    NewSubsystem,
    Learned { author: u32, subsystem: u32 },
}

/// All mutations of one step, in order.
#[derive(Default)]
pub(super) struct Journal(Box<[Edit]>);

/// The files of a change as numbers, in the order of the row; `None` without history.
type Touched = Vec<Option<u32>>;

fn days_between(earlier: i64, later: i64) -> i64 {
    later.saturating_sub(earlier).max(0) / SECONDS_PER_DAY
}

impl State {
    /// The files that a change touches. A renamed file is the one at its old path or, where that has no history, at
    /// its new path; a path that moved away in this change has no history any more.
    pub(super) fn touched(&self, row: &ChangeRow) -> Touched {
        let moved: BTreeSet<FileId> = row.files.iter().filter_map(|file| file.old_file).collect();
        let at = |path: FileId| self.paths.get(&path).copied();
        let in_place = |path: FileId| if moved.contains(&path) { None } else { at(path) };
        row.files.iter().map(|file| file.old_file.and_then(at).or_else(|| in_place(file.file))).collect()
    }

    fn known<'a>(&'a self, touched: &'a Touched) -> impl Iterator<Item = &'a File> {
        touched.iter().flatten().map(|file| &self.files[*file as usize])
    }

    /// The values of the group `history`, in the order of the features table.
    pub(super) fn history_of(&self, row: &ChangeRow, touched: &Touched) -> Box<[Fixed]> {
        let mut seen = vec![false; self.authors.len()];
        let mut last_changes = BTreeSet::new();
        let (mut files, mut seconds, mut changes, mut reverts) = (0i64, 0i64, 0i64, 0i64);
        let (mut fixes, mut fixes_max) = (Fixed::ZERO, Fixed::ZERO);
        for file in self.known(touched) {
            file.developers.iter().for_each(|(author, _)| seen[*author as usize] = true);
            last_changes.insert(file.last.change);
            files += 1;
            seconds = seconds.saturating_add(row.time.saturating_sub(file.last.time).max(0));
            changes += i64::from(file.changes);
            reverts += i64::from(file.reverts);
            let recent = file.fixes.on(row.time.div_euclid(SECONDS_PER_DAY));
            fixes += recent;
            fixes_max = fixes_max.max(recent);
        }
        Box::new([
            count(seen.iter().filter(|seen| **seen).count()),
            Fixed::ratio(seconds, files * SECONDS_PER_DAY),
            count(last_changes.len()),
            Fixed::ratio(changes, files),
            fixes,
            fixes_max,
            count(reverts),
        ])
    }

    /// The values of the group `author`, in the order of the features table.
    pub(super) fn author_of(&self, row: &ChangeRow, touched: &Touched) -> Box<[Fixed]> {
        let number = self.author_numbers.numbers.get(&row.author).copied();
        let author = number.map(|number| &self.authors[number as usize]);
        let (mut files, mut new, mut last, mut own, mut all) = (0i64, 0i64, 0i64, 0i64, 0i64);
        for file in self.known(touched) {
            let mine =
                file.developers.iter().find(|(author, _)| Some(*author) == number).map_or(0, |(_, count)| *count);
            files += 1;
            new += i64::from(mine == 0);
            last += i64::from(Some(file.last.author) == number);
            own += i64::from(mine);
            all += i64::from(file.changes);
        }
        let local = row.author_time.saturating_add(i64::from(row.author_offset_min) * 60);
        let since = author.map_or(0, |author| row.time.saturating_sub(author.last).max(0));
        Box::new([
            count(author.map_or(0, |author| author.times.len())),
            author.map_or(Fixed::ZERO, |author| recent_experience(&author.times, row.time)),
            self.subsystem_experience(row, number),
            Fixed::ratio(new, files),
            Fixed::ratio(last, files),
            Fixed::ratio(own, all),
            count(local.rem_euclid(SECONDS_PER_DAY) / 3600),
            Fixed::ratio(since, SECONDS_PER_DAY),
        ])
    }

    fn subsystem_experience(&self, row: &ChangeRow, author: Option<u32>) -> Fixed {
        let touched: BTreeSet<&str> = row.files.iter().map(|file| subsystem(&file.path)).collect();
        let Some(author) = author else { return Fixed::ZERO };
        let experience = |name: &&str| -> Option<u32> {
            let subsystem = *self.subsystems.numbers.get(*name)?;
            self.experience.get(&(author, subsystem)).copied()
        };
        let sum: i64 = touched.iter().filter_map(experience).map(i64::from).sum();
        Fixed::ratio(sum, touched.len() as i64)
    }

    /// Adds a change to the history of its files and its author.
    pub(super) fn record(&mut self, row: &ChangeRow, touched: &Touched) -> Journal {
        let mut edits = Vec::with_capacity(2 * touched.len() + 4);
        let author = self.record_author(row, &mut edits);
        self.move_paths(row, touched, &mut edits);
        let touch = Touch { time: row.time, change: self.changes, author };
        self.changes += 1;
        for (file, known) in row.files.iter().zip(touched) {
            let number = known.unwrap_or_else(|| self.new_file(file.file, &mut edits));
            self.touch(number, touch, &mut edits);
            let file = &mut self.files[number as usize];
            if row.fix {
                edits.push(Edit::Fixed { file: number, before: file.fixes });
                file.fixes = file.fixes.with(row.time.div_euclid(SECONDS_PER_DAY));
            }
            if !row.reverts.is_empty() {
                edits.push(Edit::Reverted { file: number });
                file.reverts += 1;
            }
        }
        Journal(edits.into_boxed_slice())
    }

    fn record_author(&mut self, row: &ChangeRow, edits: &mut Vec<Edit>) -> u32 {
        let number = self.author_numbers.numbers.get(&row.author).copied().unwrap_or_else(|| {
            edits.push(Edit::NewAuthor);
            self.authors.push(Author::default());
            self.author_numbers.push(row.author)
        });
        let author = &mut self.authors[number as usize];
        let at = author.times.partition_point(|time| *time <= row.time);
        edits.push(Edit::Wrote { author: number, at: at as u32, last: author.last });
        author.times.insert(at, row.time);
        author.last = row.time;
        let names: BTreeSet<&str> = row.files.iter().map(|file| subsystem(&file.path)).collect();
        for name in names {
            let subsystem = self.subsystems.numbers.get(name).copied().unwrap_or_else(|| {
                edits.push(Edit::NewSubsystem);
                self.subsystems.push(name.into())
            });
            edits.push(Edit::Learned { author: number, subsystem });
            *self.experience.entry((number, subsystem)).or_insert(0) += 1;
        }
        number
    }

    /// Moves renamed files: all old paths become free before any new one is taken, so that files may swap names.
    fn move_paths(&mut self, row: &ChangeRow, touched: &Touched, edits: &mut Vec<Edit>) {
        let renamed = || row.files.iter().zip(touched).filter(|(file, _)| file.kind == FileKind::Renamed);
        for (file, _) in renamed() {
            if let Some(old_path) = file.old_file
                && let Some(number) = self.paths.remove(&old_path)
            {
                edits.push(Edit::Path(old_path, Some(number)));
            }
        }
        for (file, number) in renamed() {
            if let Some(number) = number {
                edits.push(Edit::Path(file.file, self.paths.insert(file.file, *number)));
            }
        }
    }

    fn new_file(&mut self, path: FileId, edits: &mut Vec<Edit>) -> u32 {
        let number = self.files.len() as u32;
        self.files.push(File::default());
        edits.push(Edit::NewFile);
        edits.push(Edit::Path(path, self.paths.insert(path, number)));
        number
    }

    fn touch(&mut self, number: u32, touch: Touch, edits: &mut Vec<Edit>) {
        let file = &mut self.files[number as usize];
        let known = file.developers.iter().position(|(author, _)| *author == touch.author);
        let developer = known.unwrap_or_else(|| {
            file.developers.push((touch.author, 0));
            file.developers.len() - 1
        });
        file.developers[developer].1 += 1;
        edits.push(Edit::Touched { file: number, developer: developer as u32, last: file.last });
        file.changes += 1;
        file.last = touch;
    }

    /// Undoes one step, newest mutation first.
    pub(super) fn take_back(&mut self, journal: Journal) {
        let recorded = !journal.0.is_empty();
        for edit in journal.0.into_iter().rev() {
            self.take_back_one(edit);
        }
        // Every recorded change at least writes to its author; only a merge leaves an empty journal.
        self.changes -= u32::from(recorded);
    }

    fn take_back_one(&mut self, edit: Edit) {
        match edit {
            Edit::NewFile => drop(self.files.pop()),
            Edit::Path(path, Some(number)) => drop(self.paths.insert(path, number)),
            Edit::Path(path, None) => drop(self.paths.remove(&path)),
            Edit::Touched { file, developer, last } => {
                let file = &mut self.files[file as usize];
                file.last = last;
                file.changes -= 1;
                file.developers[developer as usize].1 -= 1;
                if file.developers[developer as usize].1 == 0 {
                    file.developers.pop();
                }
            }
            Edit::Fixed { file, before } => self.files[file as usize].fixes = before,
            Edit::Reverted { file } => self.files[file as usize].reverts -= 1,
            Edit::NewAuthor => {
                self.author_numbers.pop();
                self.authors.pop();
            }
            Edit::Wrote { author, at, last } => {
                let author = &mut self.authors[author as usize];
                author.times.remove(at as usize);
                author.last = last;
            }
            Edit::NewSubsystem => self.subsystems.pop(),
            Edit::Learned { author, subsystem } => {
                let changes = self.experience.entry((author, subsystem)).or_insert(0);
                *changes = changes.saturating_sub(1);
                if *changes == 0 {
                    self.experience.remove(&(author, subsystem));
                }
            }
        }
    }
}

/// The sum of 1 / (1 + age in whole years) over `times`, which ascend; times after `now` have no age.
fn recent_experience(times: &[i64], now: i64) -> Fixed {
    let years = |time: i64| days_between(time, now) / DAYS_PER_YEAR;
    let mut sum = Fixed::ZERO;
    let mut rest = times;
    while let Some(newest) = rest.last() {
        let age = years(*newest);
        let older = rest.partition_point(|time| years(*time) > age);
        sum += Fixed::ratio((rest.len() - older) as i64, age.saturating_add(1));
        rest = &rest[..older];
    }
    sum
}
