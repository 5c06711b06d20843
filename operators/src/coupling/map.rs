//! The files of one repository at one position, with the graphs between them.
//!
//! Everything here is a function of which file has which content: lists are sorted, nothing is counted that is not there,
//! and keys are hashes of names. So one way of putting contents in place both takes a step and takes it back, and its
//! cost follows from what differs between the old and the new content alone.

use super::edges::Edges;
use super::names::{IdMap, Key};
use super::outline::{Outline, distinct};
use super::resolve::{Target, Want};
use crate::kept_facts::KeptFacts;
use driftline_schema::{ChangeRow, FileId, FileRow};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The row that a file was last brought by, and the facts of its content where they are known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) change: Arc<ChangeRow>,
    /// Which of the change's files it is.
    pub(super) index: u32,
    pub(super) facts: Option<KeptFacts>,
}

impl Source {
    pub(super) fn row(&self) -> &FileRow {
        &self.change.files[self.index as usize]
    }
}

/// What stands at some paths: in order of the path's id, each once; `None` where nothing does.
pub(super) type Edits = Vec<(FileId, Option<Source>)>;

/// A file that is there.
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) struct File {
    pub(super) source: Source,
    pub(super) outline: Outline,
    /// Other modules that its imports reach, sorted.
    reached: Box<[Key]>,
}

/// A module that is there.
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) struct Module {
    /// Its files, sorted; never empty.
    pub(super) files: Vec<FileId>,
    suffixes: Box<[(Key, Key)]>,
}

/// Where a name is defined: (module, file, how often in it), sorted; never empty.
type Definitions = IdMap<Key, Vec<(Key, FileId, u32)>>;

/// What one import means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Modules of the repository, or a package of it as a whole.
    Known,
    /// Nothing in the repository.
    External,
    /// Something in the repository that is not there, or one of several.
    Unresolved,
}

/// What a name means in a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The only one of its name in that module, in that file.
    One(Key, FileId),
    /// Several are equally near.
    Several,
    /// Nothing in the repository.
    Nothing,
}

/// The files and their graphs.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) struct Map {
    files: IdMap<FileId, File>,
    modules: IdMap<Key, Module>,
    /// End of a path -> (folder it begins in, module), sorted.
    suffixes: IdMap<Key, Vec<(Key, Key)>>,
    /// Package -> how many files are in it.
    packages: IdMap<Key, u32>,
    /// (key of a module, file with an import that it could change).
    wanting: BTreeSet<(Key, FileId)>,
    /// Which module imports which.
    pub(super) imports: Edges,
    pub(super) functions: Definitions,
    pub(super) classes: Definitions,
    /// Name of a function -> functions that call it.
    callers: IdMap<Key, u32>,
    /// (name of a class, file with a class that mentions it).
    mentions: BTreeSet<(Key, FileId)>,
    /// (hash, check, file).
    windows: BTreeSet<(u64, u64, FileId)>,
}

/// What will stand at some paths, outlined.
pub(super) type Prepared = Vec<(FileId, Option<File>)>;

/// Outlines the contents of `edits`; what has no language is no file here.
pub(super) fn prepare(edits: Edits) -> Prepared {
    let file = |source: Source| {
        let outline = Outline::of(source.row(), source.facts.as_ref().map(KeptFacts::get).as_deref())?;
        Some(File { source, outline, reached: Box::default() })
    };
    edits.into_iter().map(|(id, source)| (id, source.and_then(file))).collect()
}

/// Calls `change` for each item that stands in one of two sorted lists alone, and says whether it is in the new one.
fn differences<T: Ord + Copy>(old: &[T], new: &[T], mut change: impl FnMut(T, bool)) {
    let (mut old, mut new) = (old, new);
    loop {
        match (old, new) {
            ([a, others @ ..], [b, rest @ ..]) if a == b => (old, new) = (others, rest),
            ([a, others @ ..], [b, ..]) if a < b => {
                change(*a, false);
                old = others;
            }
            (_, [b, rest @ ..]) => {
                change(*b, true);
                new = rest;
            }
            ([a, others @ ..], []) => {
                change(*a, false);
                old = others;
            }
            ([], []) => return,
        }
    }
}

/// Puts an item into a sorted list or takes it out; a list never stays empty.
fn set<T: Ord>(lists: &mut IdMap<Key, Vec<T>>, key: Key, item: T, present: bool) {
    let list = lists.entry(key).or_default();
    match list.binary_search(&item) {
        Ok(at) if !present => drop(list.remove(at)),
        Err(at) if present => list.insert(at, item),
        _ => {}
    }
    if list.is_empty() {
        lists.remove(&key);
    }
}

/// Counts up or down; no count stays zero.
fn change(counts: &mut IdMap<Key, u32>, key: Key, by: u32, present: bool) {
    let count = counts.entry(key).or_insert(0);
    *count = if present { *count + by } else { *count - by };
    if *count == 0 {
        counts.remove(&key);
    }
}

/// The one definition there is.
fn only<'a>(mut found: impl Iterator<Item = &'a (Key, FileId, u32)>) -> Named {
    match found.next() {
        Some((module, file, 1)) if found.next().is_none() => Named::One(*module, *file),
        Some(_) => Named::Several,
        None => Named::Nothing,
    }
}

fn set_in<T: Ord>(items: &mut BTreeSet<T>, item: T, present: bool) {
    if present {
        items.insert(item);
    } else {
        items.remove(&item);
    }
}

impl Map {
    pub(super) fn file(&self, id: FileId) -> Option<&File> {
        self.files.get(&id)
    }
    pub(super) fn module(&self, module: Key) -> Option<&Module> {
        self.modules.get(&module)
    }
    /// How many functions call a name, wherever they are.
    pub(super) fn callers(&self, callee: Key) -> u32 {
        self.callers.get(&callee).copied().unwrap_or(0)
    }
    /// Files with a class that mentions a name.
    pub(super) fn mentioning(&self, class: Key) -> impl Iterator<Item = FileId> {
        self.mentions.range((class, FileId(0))..=(class, FileId(u64::MAX))).map(|(_, file)| *file)
    }
    /// Whether a window stands in a file other than `file`.
    pub(super) fn repeats_elsewhere(&self, (hash, check): (u64, u64), file: FileId) -> bool {
        self.windows
            .range((hash, check, FileId(0))..=(hash, check, FileId(u64::MAX)))
            .any(|(_, _, other)| *other != file)
    }

    /// Puts contents in place and returns what puts everything back.
    pub(super) fn apply(&mut self, prepared: Prepared) -> Edits {
        let mut undo = Vec::with_capacity(prepared.len());
        let mut dirty: BTreeSet<FileId> = BTreeSet::new();
        let mut announced: Vec<Key> = Vec::new();
        for (id, new) in prepared {
            let old = self.files.remove(&id);
            self.place(id, old.as_ref(), new.as_ref(), &mut announced);
            self.swap_contents(id, old.as_ref(), new.as_ref());
            self.swap_members(old.as_ref(), new.as_ref(), &mut announced);
            let mut reached = Box::default();
            if let Some(old) = &old {
                let stays = new.as_ref().is_some_and(|new| new.outline.place.module == old.outline.place.module);
                if stays {
                    reached = old.reached.clone();
                } else {
                    self.rewire(old.outline.place.module, &old.reached, &[]);
                }
            }
            if let Some(new) = new {
                self.files.insert(id, File { reached, ..new });
                dirty.insert(id);
            }
            undo.push((id, old.map(|old| old.source)));
        }
        for key in announced {
            dirty.extend(self.wanting.range((key, FileId(0))..=(key, FileId(u64::MAX))).map(|(_, file)| *file));
        }
        dirty.into_iter().for_each(|id| self.resolve_again(id));
        undo
    }

    /// Enters a file into its module and takes it out of the one it was in; collects the keys of modules that came or went.
    fn place(&mut self, id: FileId, old: Option<&File>, new: Option<&File>, announced: &mut Vec<Key>) {
        let module = |file: &File| file.outline.place.module;
        if old.map(module) == new.map(module) {
            return;
        }
        if let Some(key) = old.map(module)
            && let Some(module) = self.modules.get_mut(&key)
        {
            module.files.retain(|file| *file != id);
            if module.files.is_empty() {
                let gone = self.modules.remove(&key).map(|module| module.suffixes).unwrap_or_default();
                self.announce(key, &gone, false, announced);
            }
        }
        if let Some(place) = new.map(|file| &file.outline.place) {
            if let Some(module) = self.modules.get_mut(&place.module) {
                let at = module.files.partition_point(|file| *file < id);
                module.files.insert(at, id);
                return;
            }
            let suffixes = place.suffixes.clone();
            self.announce(place.module, &suffixes, true, announced);
            self.modules.insert(place.module, Module { files: vec![id], suffixes });
        }
    }

    fn announce(&mut self, module: Key, suffixes: &[(Key, Key)], present: bool, announced: &mut Vec<Key>) {
        announced.push(module);
        for (suffix, folder) in suffixes {
            announced.push(*suffix);
            set(&mut self.suffixes, *suffix, (*folder, module), present);
        }
    }

    /// Keeps in step what a file is found by besides its path, and the packages there are. A package decides where an
    /// import leads that reaches no module, which is asked anew each time, so that none is announced.
    fn swap_members(&mut self, old: Option<&File>, new: Option<&File>, announced: &mut Vec<Key>) {
        let members = |file: Option<&File>| -> Vec<(Key, Key, Key)> {
            let Some(outline) = file.map(|file| &file.outline) else { return vec![] };
            outline.members.iter().map(|(end, folder)| (*end, *folder, outline.place.module)).collect()
        };
        differences(&members(old), &members(new), |(end, folder, module), present| {
            announced.push(end);
            set(&mut self.suffixes, end, (folder, module), present);
        });
        let packages = |file: Option<&File>| file.map_or(Box::default(), |file| file.outline.place.packages.clone());
        packages(new).iter().for_each(|package| change(&mut self.packages, *package, 1, true));
        packages(old).iter().for_each(|package| change(&mut self.packages, *package, 1, false));
    }

    /// Keeps everything that is counted by name in step with a file's content.
    fn swap_contents(&mut self, id: FileId, old: Option<&File>, new: Option<&File>) {
        let (old, new) = (old.map(|file| &file.outline), new.map(|file| &file.outline));
        let definitions = |outline: Option<&Outline>, names: fn(&Outline) -> Vec<(Key, u32)>| -> Vec<(Key, Key, u32)> {
            let Some(outline) = outline else { return vec![] };
            names(outline).into_iter().map(|(name, count)| (name, outline.place.module, count)).collect()
        };
        let both = |names| (definitions(old, names), definitions(new, names));
        let (before, after) = both(Outline::defined);
        differences(&before, &after, |(name, module, count), present| {
            set(&mut self.functions, name, (module, id, count), present);
        });
        let (before, after) = both(Outline::declared);
        differences(&before, &after, |(name, module, count), present| {
            set(&mut self.classes, name, (module, id, count), present);
        });
        let (before, after) = both(Outline::called);
        differences(&before, &after, |(name, _, count), present| change(&mut self.callers, name, count, present));
        let keys =
            |list: fn(&Outline) -> Box<[Key]>| (old.map(list).unwrap_or_default(), new.map(list).unwrap_or_default());
        let (before, after) = keys(Outline::wanted);
        differences(&before, &after, |key, present| set_in(&mut self.wanting, (key, id), present));
        let (before, after) = keys(Outline::mentioned);
        differences(&before, &after, |key, present| set_in(&mut self.mentions, (key, id), present));
        let windows = |outline: Option<&'_ Outline>| outline.map_or(Box::default(), |outline| outline.windows.clone());
        differences(&windows(old), &windows(new), |(hash, check), present| {
            set_in(&mut self.windows, (hash, check, id), present);
        });
    }

    fn rewire(&mut self, from: Key, old: &[Key], new: &[Key]) {
        differences(old, new, |to, present| self.imports.change(from, to, present));
    }

    /// Finds anew what the imports of a file mean.
    fn resolve_again(&mut self, id: FileId) {
        let Some(file) = self.files.get(&id) else { return };
        let module = file.outline.place.module;
        let mut reached = Vec::new();
        for want in &file.outline.wants {
            self.meaning(&file.outline, want, &mut reached);
        }
        let reached = distinct(reached.into_iter().filter(|other| *other != module));
        let file = self.files.get_mut(&id).expect("it was just there");
        let old = std::mem::replace(&mut file.reached, reached.clone());
        self.rewire(module, &old, &reached);
    }

    /// What an import means; adds the modules it reaches.
    pub(super) fn meaning(&self, outline: &Outline, want: &Want, reached: &mut Vec<Key>) -> Meaning {
        let before = reached.len();
        let mut several = false;
        let mut find = |target: &Target| {
            let found = self.find(outline, *target);
            several |= matches!(found, Err(Meaning::Unresolved));
            found.ok()
        };
        reached.extend(want.first_of.iter().find_map(&mut find));
        reached.extend(want.names.iter().filter_map(&mut find));
        let has_package = |package: Option<Key>| package.is_some_and(|package| self.packages.contains_key(&package));
        match reached.len() > before {
            true => Meaning::Known,
            false if several || want.local => Meaning::Unresolved,
            false if has_package(want.package) => Meaning::Known,
            false if has_package(want.within) => Meaning::Unresolved,
            false => Meaning::External,
        }
    }

    fn find(&self, outline: &Outline, target: Target) -> Result<Key, Meaning> {
        match target {
            Target::At(key) => self.modules.contains_key(&key).then_some(key).ok_or(Meaning::External),
            Target::Near(key) => {
                let Some(found) = self.suffixes.get(&key) else { return Err(Meaning::External) };
                let inside = |folder: &Key| {
                    let start = found.partition_point(|(other, _)| other < folder);
                    let count = found[start..].iter().take_while(|(other, _)| other == folder).take(2).count();
                    (count > 0).then(|| &found[start..start + count])
                };
                match outline.place.folders.iter().find_map(inside).unwrap_or(found) {
                    [(_, module)] => Ok(*module),
                    _ => Err(Meaning::Unresolved),
                }
            }
        }
    }

    /// What a name means in a module: what the module itself defines, then what a module it imports does, then what is
    /// the only one in the repository.
    pub(super) fn named(&self, definitions: &Definitions, module: Key, name: Key) -> Named {
        let Some(places) = definitions.get(&name) else { return Named::Nothing };
        let inside = |module: Key| {
            let start = places.partition_point(|(other, _, _)| *other < module);
            places[start..].iter().take_while(move |(other, _, _)| *other == module)
        };
        let own = only(inside(module));
        if own != Named::Nothing {
            return own;
        }
        if let [(module, file, 1)] = places[..] {
            return Named::One(module, file);
        }
        let imported = self.imports.from(module);
        let found = if imported.len() <= places.len() {
            only(imported.iter().flat_map(|(other, _)| inside(*other)))
        } else {
            only(places.iter().filter(|(other, _, _)| self.imports.has(module, *other)))
        };
        if found == Named::Nothing { Named::Several } else { found }
    }
}
