//! What a change does to the graphs: levels after it, and differences to before where the graph says more than a level.
//!
//! Only the touched files and what they reach are looked at. Walks stop at a bound of visited nodes; the vector says so.

use super::components::Components;
use super::map::{File, Map, Meaning, Named, Prepared};
use super::names::Key;
use super::outline::distinct;
use super::resolve::Want;
use crate::features::{count, flag};
use crate::kept_facts::KeptFacts;
use driftline_schema::{FileId, Fixed, HunkRow, NameHash, Window};
use std::collections::BTreeSet;

/// How many nodes the walks of one change may visit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Modules, in each of the walks before and after the change.
    pub(super) modules: usize,
    /// Functions.
    pub(super) functions: usize,
}

impl Default for Bounds {
    /// Most repositories have fewer modules, and most functions reach fewer functions; a change whose walks all meet
    /// their bound takes about a millisecond.
    fn default() -> Self {
        Self { modules: 2_000, functions: 1_000 }
    }
}

/// What must be known of the map before a change is applied to it.
pub(super) struct Before {
    /// Modules that are touched on either side, sorted.
    modules: Box<[Key]>,
    efferent: usize,
    /// Modules on a cycle; `None` when no import can have come or gone.
    in_cycle: Option<usize>,
    external: BTreeSet<NameHash>,
    /// Functions of the touched files.
    functions: BTreeSet<(u64, u64)>,
    bounded: bool,
}

/// What decides which edges between modules a file brings, and which lead to it.
fn imports(file: &File) -> (Key, &[Want], &[(Key, Key)]) {
    (file.outline.place.module, &file.outline.wants, &file.outline.members)
}

fn efferent(map: &Map, modules: &[Key]) -> usize {
    modules.iter().map(|module| map.imports.from(*module).len()).sum()
}

fn components(map: &Map, modules: &[Key], bounds: Bounds) -> Components<Key> {
    Components::below(modules.iter().copied(), bounds.modules, |module, next| {
        next.extend(map.imports.from(module).iter().map(|(other, _)| *other));
    })
}

fn in_cycle(found: &Components<Key>, modules: &[Key]) -> usize {
    modules.iter().filter(|module| found.of(**module).size > 1).count()
}

/// Distinct modules outside the repository that a file imports, and how many imports reach nothing though they should.
fn outside(map: &Map, file: &File, external: &mut BTreeSet<NameHash>) -> usize {
    let mut unresolved = 0;
    for want in &file.outline.wants {
        match map.meaning(&file.outline, want, &mut Vec::new()) {
            Meaning::Known => {}
            Meaning::External => drop(external.insert(want.name)),
            Meaning::Unresolved => unresolved += 1,
        }
    }
    unresolved
}

impl Before {
    /// Looks at `map`, to which `prepared` is to be applied.
    pub(super) fn of(map: &Map, prepared: &Prepared, bounds: Bounds) -> Self {
        let old = || prepared.iter().filter_map(|(id, _)| map.file(*id));
        let new = prepared.iter().filter_map(|(_, file)| file.as_ref());
        let modules = distinct(old().chain(new).map(|file| file.outline.place.module));
        let rewires = |(id, new): &(FileId, Option<File>)| map.file(*id).map(imports) != new.as_ref().map(imports);
        let found = prepared.iter().any(rewires).then(|| components(map, &modules, bounds));
        let mut external = BTreeSet::new();
        for file in old() {
            outside(map, file, &mut external);
        }
        Self {
            efferent: efferent(map, &modules),
            in_cycle: found.as_ref().map(|found| in_cycle(found, &modules)),
            external,
            functions: old().flat_map(|file| file.outline.functions.iter().map(|function| function.identity)).collect(),
            bounded: found.is_some_and(|found| found.bounded),
            modules,
        }
    }

    /// The values of the group, in the order of the features table, once the change is applied; `touched` are its files.
    pub(super) fn values(&self, map: &Map, touched: &[FileId], bounds: Bounds) -> Box<[Fixed]> {
        let files: Vec<(FileId, &File)> = touched.iter().filter_map(|id| Some((*id, map.file(*id)?))).collect();
        let modules = components(map, &self.modules, bounds);
        let cycles = in_cycle(&modules, &self.modules);
        let efferent = efferent(map, &self.modules);
        let gained = |after: usize, before: usize| count(after as i64 - before as i64);
        let afferent = |module: &Key| map.imports.to(*module).len();
        let instability = self.modules.iter().map(|module| {
            let (out, into) = (map.imports.from(*module).len() as i64, afferent(module) as i64);
            Fixed::ratio(out, out + into)
        });
        let mut external = BTreeSet::new();
        let unresolved: usize = files.iter().map(|(_, file)| outside(map, file, &mut external)).sum();
        let calls = Calls::of(map, &files, &self.functions, bounds);
        let classes = files.iter().flat_map(|(id, file)| (0..file.outline.classes.len()).map(|at| (*id, at as u32)));
        let coupled: Vec<Coupled> = classes.map(|class| Coupled::of(map, class)).collect();
        let repeated = |(id, file): &(FileId, &File)| {
            let facts = file.source.facts.as_ref().map(KeptFacts::get);
            let windows = facts.as_ref().map_or(&[][..], |facts| &facts.structure.windows);
            duplicated_lines(&file.source.row().hunks, windows, |window| map.repeats_elsewhere(window, *id))
        };
        Box::new([
            count(efferent),
            gained(efferent, self.efferent),
            count(self.modules.iter().map(afferent).sum::<usize>()),
            instability.max().unwrap_or_default(),
            count(self.modules.iter().map(|module| modules.of(*module).depth).max().unwrap_or(0)),
            count(cycles),
            gained(cycles, self.in_cycle.unwrap_or(cycles)),
            count(external.difference(&self.external).count()),
            count(unresolved),
            count(calls.fan_in_max),
            count(calls.fan_out_max),
            count(calls.ambiguous),
            count(calls.recursive),
            count(coupled.iter().map(|class| class.others).max().unwrap_or(0)),
            count(coupled.iter().map(|class| class.unresolved).sum::<usize>()),
            count(files.iter().map(repeated).sum::<u64>()),
            flag(self.bounded || modules.bounded || calls.bounded),
        ])
    }
}

/// What the call graph says of the touched functions.
#[derive(Default)]
struct Calls {
    fan_in_max: u64,
    fan_out_max: u64,
    ambiguous: usize,
    recursive: usize,
    bounded: bool,
}

/// A function that calls can mean: its module and its name.
type Node = (Key, Key);

impl Calls {
    fn of(map: &Map, files: &[(FileId, &File)], known: &BTreeSet<(u64, u64)>, bounds: Bounds) -> Self {
        let mut calls = Self::default();
        let mut starts: Vec<Node> = Vec::new();
        for (id, file) in files {
            let outline = &file.outline;
            let module = outline.place.module;
            let named = |name: Key| map.named(&map.functions, module, name);
            calls.ambiguous += outline.calls.iter().filter(|(_, name)| named(*name) == Named::Several).count();
            for (index, function) in (0..).zip(&outline.functions) {
                if known.contains(&function.identity) {
                    continue;
                }
                let itself = |name: Key| function.key == Some(name) && named(name) == Named::One(module, *id);
                let out =
                    outline.calls_of(index).filter(|name| matches!(named(*name), Named::One(..)) && !itself(*name));
                calls.fan_out_max = calls.fan_out_max.max(out.count() as u64);
                let Some(name) = function.key.filter(|name| itself(*name)) else { continue };
                let fan_in = fan_in(map, (*id, file), index, name);
                calls.fan_in_max = calls.fan_in_max.max(fan_in);
                starts.extend((fan_in > 0).then_some((module, name)));
            }
        }
        starts.sort_unstable();
        let found = Components::below(starts.iter().copied(), bounds.functions, |node, next| callees(map, node, next));
        calls.recursive = starts.iter().filter(|start| found.of(**start).size > 1).count();
        calls.bounded = found.bounded;
        calls
    }
}

/// How many other functions, or files by code of their own, call the only function of its name in its module.
fn fan_in(map: &Map, (id, file): (FileId, &File), index: u32, name: Key) -> u64 {
    let module = file.outline.place.module;
    let callers = |module: Key| -> u64 {
        let files = map.module(module).map_or(&[][..], |module| &module.files);
        files.iter().filter_map(|id| map.file(*id)).map(|file| file.outline.callers_of(name) as u64).sum()
    };
    let itself = u64::from(file.outline.calls_of(index).any(|callee| callee == name));
    if map.functions.get(&name).is_some_and(|places| places.len() == 1) {
        // Whoever says this name means this function.
        return u64::from(map.callers(name)) - itself;
    }
    let importers = map.imports.to(module).iter().map(|(importer, _)| *importer);
    let meaning_it = importers.filter(|other| map.named(&map.functions, *other, name) == Named::One(module, id));
    callers(module) - itself + meaning_it.map(callers).sum::<u64>()
}

/// The functions that a function calls, but for itself.
fn callees(map: &Map, (module, name): Node, next: &mut Vec<Node>) {
    let Named::One(_, id) = map.named(&map.functions, module, name) else { return };
    let Some(outline) = map.file(id).map(|file| &file.outline) else { return };
    let Some(index) = outline.functions.iter().position(|function| function.key == Some(name)) else { return };
    next.extend(outline.calls_of(index as u32).filter_map(|callee| match map.named(&map.functions, module, callee) {
        Named::One(other, _) => Some((other, callee)).filter(|node| *node != (module, name)),
        Named::Several | Named::Nothing => None,
    }));
}

/// Which other classes a class is coupled to.
struct Coupled {
    /// Distinct other classes that it uses or that use it.
    others: usize,
    /// Names of bases and kinds of fields that are no one class of the repository.
    unresolved: usize,
}

impl Coupled {
    /// The coupling of the class at an index of a file.
    fn of(map: &Map, class: (FileId, u32)) -> Self {
        let Some(file) = map.file(class.0) else { return Self { others: 0, unresolved: 0 } };
        let (module, own) = (file.outline.place.module, &file.outline.classes[class.1 as usize]);
        let means = |module: Key, name: Key| match map.named(&map.classes, module, name) {
            Named::One(_, id) => map.file(id)?.outline.class(name).map(|at| (id, at)),
            Named::Several | Named::Nothing => None,
        };
        let unresolved = own.named.iter().filter(|name| means(module, **name).is_none()).count();
        let mut others: BTreeSet<(FileId, u32)> = own.mentions().filter_map(|name| means(module, name)).collect();
        if means(module, own.key) == Some(class) {
            for id in map.mentioning(own.key) {
                let Some(outline) = map.file(id).map(|file| &file.outline) else { continue };
                if means(outline.place.module, own.key) == Some(class) {
                    others.extend(outline.mentioning(own.key).map(|at| (id, at)));
                }
            }
        }
        others.remove(&class);
        Self { others: others.len(), unresolved }
    }
}

/// How many added lines lie in windows that are repeated.
fn duplicated_lines(hunks: &[HunkRow], windows: &[Window], repeated: impl Fn((u64, u64)) -> bool) -> u64 {
    let end = |hunk: &HunkRow| hunk.new_start.saturating_add(hunk.new_lines);
    let added = |from: u32, to: u32| {
        let first = hunks.partition_point(|hunk| end(hunk) <= from);
        let within = hunks[first..].iter().take_while(move |hunk| hunk.new_start < to);
        within.map(move |hunk| u64::from(end(hunk).min(to).saturating_sub(hunk.new_start.max(from)))).sum::<u64>()
    };
    let lines = |window: &Window| (window.start_line.saturating_sub(1), window.end_line);
    let found = windows.iter().filter(|window| added(lines(window).0, lines(window).1) > 0);
    let mut found: Vec<(u32, u32)> = found.filter(|window| repeated((window.hash, window.check))).map(lines).collect();
    found.sort_unstable();
    let mut counted_to = 0;
    let mut total = 0;
    for (from, to) in found {
        total += added(from.max(counted_to), to.max(counted_to));
        counted_to = counted_to.max(to);
    }
    total
}
