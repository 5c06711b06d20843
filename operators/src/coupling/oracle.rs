//! The definition of every value: names and paths as text, every graph built anew, every question answered by looking at
//! everything.

use super::sample::{Content, content};
use crate::features::{count, flag};
use crate::syntax::has_grammar;
use driftline_schema::{BlobKey, ChangeRow, FileId, FileKind, FileRow, Fixed, HunkRow, Language, RepoId};
use std::collections::{BTreeMap, BTreeSet};

/// The files there are: path -> (language, content where it is known, blob).
#[derive(Clone, Default)]
pub(super) struct Tree(BTreeMap<String, (Language, Option<Content>, BlobKey)>);

/// A function or class: its file and its index there.
type Item = (String, usize);
type Named = Result<Item, bool>;
type Pairs<N> = BTreeSet<(N, N)>;

fn family(language: Language) -> &'static str {
    match language {
        Language::Python => "py",
        Language::Go => "go",
        Language::Java | Language::Kotlin => "jvm",
        _ => "js",
    }
}

fn module_of(path: &str, language: Language) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.split('.').next().unwrap_or_default();
    let inside = match family(language) {
        "jvm" if language == Language::Kotlin => path.to_owned(),
        "go" => folder.to_owned(),
        "py" if stem == "__init__" => folder.to_owned(),
        _ => [folder, stem].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/"),
    };
    format!("{}:{inside}", family(language))
}

fn relative(folder: &str, ups: usize, rest: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    parts.truncate(parts.len().checked_sub(ups)?);
    parts.extend(rest.split('/').filter(|part| !part.is_empty()));
    Some(parts.join("/"))
}

impl Tree {
    /// The tree after `row`.
    pub(super) fn after(&self, row: &ChangeRow, paths: &[&str], known: impl Fn(BlobKey) -> bool) -> Self {
        let mut next = self.clone();
        let path_of = |id: FileId| paths.iter().find(|path| FileId::of(row.key.repo, path) == id).copied();
        for old in row.files.iter().filter_map(|file| path_of(file.old_file?)) {
            next.0.remove(old);
        }
        for file in &row.files {
            next.0.remove(&*file.path);
            let language = file.language.filter(|language| has_grammar(*language));
            let (Some(blob), Some(language)) = (file.blob, language) else { continue };
            let key = BlobKey { blob, language };
            let old = file.old_file.map_or(Some(&*file.path), path_of).and_then(|path| self.0.get(path));
            let kept = old.filter(|(_, _, before)| *before == key).and_then(|(_, content, _)| content.clone());
            let content = if file.has_content { Some(content(key)).filter(|_| known(key)) } else { kept };
            next.0.insert(file.path.to_string(), (language, content, key));
        }
        next
    }

    fn module(&self, path: &str) -> String {
        module_of(path, self.0[path].0)
    }
    fn modules(&self) -> BTreeSet<String> {
        self.0.keys().map(|path| self.module(path)).collect()
    }
    fn contents(&self) -> impl Iterator<Item = (&String, &Content)> {
        self.0.iter().filter_map(|(path, (_, content, _))| Some((path, content.as_ref()?)))
    }

    /// The module with this dotted or slashed path that is nearest to `from`: `Err(true)` when several are equally near.
    fn near(&self, from: &str, path: &str) -> Result<String, bool> {
        let roots: Vec<(String, String)> = self
            .modules()
            .iter()
            .filter_map(|module| module.strip_prefix("py:"))
            .filter_map(|module| Some((module.strip_suffix(path)?.to_owned(), format!("py:{module}"))))
            .filter(|(root, _)| root.is_empty() || root.ends_with('/'))
            .collect();
        let around =
            roots.iter().filter(|(root, _)| from.starts_with(root.as_str())).max_by_key(|(root, _)| root.len());
        match (around, &roots[..]) {
            (Some((_, module)), _) | (None, [(_, module)]) => Ok(module.clone()),
            (None, found) => Err(!found.is_empty()),
        }
    }

    fn python(&self, from: &str, text: &str, names: &[&str]) -> (Vec<String>, bool) {
        let rest = text.trim_start_matches('.').replace('.', "/");
        let dots = text.chars().take_while(|c| *c == '.').count();
        if rest == "json" {
            return (vec![], false);
        }
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut found = Vec::new();
        let mut missing = dots > 0;
        for name in [""].iter().chain(names) {
            let path =
                [rest.as_str(), name].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
            let at = match dots {
                0 => self.near(from, &path),
                ups => relative(folder, ups - 1, &path)
                    .map(|path| format!("py:{path}"))
                    .filter(|module| self.modules().contains(module))
                    .ok_or(false),
            };
            missing |= at == Err(true);
            found.extend(at);
        }
        (found, missing)
    }

    /// The names in its folder under which a file of Java or Kotlin is imported.
    fn imported_as(&self, path: &str) -> Vec<String> {
        let (language, content, _) = &self.0[path];
        let stem = path.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or_default();
        let mut names = vec![stem.to_owned()];
        if let Some(content) = content.as_ref().filter(|_| *language == Language::Kotlin) {
            let functions = content.functions.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('<'));
            names.extend(functions.chain(content.classes.iter().map(|class| class.name)).map(str::to_owned));
            names.push(format!("{}{}Kt", stem[..1].to_uppercase(), &stem[1..]));
        }
        names
    }

    /// Whether a Kotlin file lies in the package.
    fn has_package(&self, package: &[&str]) -> bool {
        let end = format!("/{}", package.join("/"));
        let folders = self.0.iter().filter(|(_, (language, _, _))| *language == Language::Kotlin);
        !package.is_empty()
            && folders
                .map(|(path, _)| path.rsplit_once('/').map_or("", |(folder, _)| folder))
                .any(|folder| format!("/{folder}").ends_with(&end))
    }

    fn qualified(&self, from: &str, text: &str) -> (Vec<String>, bool) {
        let parts: Vec<&str> = text.split('.').collect();
        let is_kotlin = self.0[from].0 == Language::Kotlin;
        let is_class = |part: &str| part.starts_with(char::is_uppercase);
        if is_kotlin && parts[0] == "kotlin" {
            return (vec![], false);
        }
        let mut missing = false;
        for end in (1..=parts.len()).rev().take_while(|end| *end == parts.len() || is_class(parts[end - 1])) {
            let path = format!("/{}", parts[..end].join("/"));
            let mut found = BTreeSet::new();
            for (file, _) in self.0.iter().filter(|(_, (language, _, _))| family(*language) == "jvm") {
                let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
                let names = self.imported_as(file).into_iter().map(|name| format!("/{folder}/{name}"));
                let roots = names.filter_map(|name| Some(name.strip_suffix(&path)?.to_owned()));
                found.extend(roots.map(|root| (root, self.module(file))));
            }
            let around = |root: &str| root.is_empty() || format!("/{from}").starts_with(&format!("{root}/"));
            let nearest = found
                .iter()
                .map(|(root, _)| root.len())
                .filter(|len| found.iter().any(|(root, _)| root.len() == *len && around(root)))
                .max();
            let chosen: Vec<_> = match nearest {
                Some(len) => found.iter().filter(|(root, _)| root.len() == len && around(root)).collect(),
                None => found.iter().collect(),
            };
            match chosen[..] {
                [] => {}
                [(_, module)] => return (vec![module.clone()], false),
                _ => missing = true,
            }
        }
        if is_kotlin && !missing && self.has_package(&parts) {
            // A whole package: nothing is missing, nor is another module reached.
            return (vec![self.module(from)], false);
        }
        let package = parts.iter().position(|part| is_class(part)).unwrap_or(parts.len() - 1);
        (vec![], missing || is_kotlin && self.has_package(&parts[..package]))
    }

    /// The modules an import reaches, and whether it should reach one.
    fn import(&self, from: &str, (text, names): &(&str, Vec<&str>)) -> (Vec<String>, bool) {
        let modules = self.modules();
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        match family(self.0[from].0) {
            "py" => self.python(from, text, names),
            "jvm" => self.qualified(from, text),
            "go" => {
                let rest = text.splitn(4, '/').collect::<Vec<_>>();
                let ends = (1..4).filter_map(|start| Some(format!("go:{}", rest.get(start..)?.join("/"))));
                let ends = ends.filter(|module| module != "go:" && text.contains('.'));
                (ends.filter(|module| modules.contains(module)).take(1).collect(), false)
            }
            _ => {
                let ups = text.matches("../").count();
                let Some(path) = text.starts_with('.').then(|| text.trim_start_matches(['.', '/'])) else {
                    return (vec![], false);
                };
                let Some(path) = relative(folder, ups, path) else { return (vec![], true) };
                let found = [format!("js:{path}"), format!("js:{path}/index")];
                (found.into_iter().filter(|module| modules.contains(module)).take(1).collect(), true)
            }
        }
    }

    fn edges(&self) -> Pairs<String> {
        let mut edges = BTreeSet::new();
        for (path, content) in self.contents() {
            let own = self.module(path);
            let reached = content.imports.iter().flat_map(|import| self.import(path, import).0);
            edges.extend(reached.filter(|other| *other != own).map(|other| (own.clone(), other)));
        }
        edges
    }

    /// External modules and the number of unresolved imports of some files.
    fn outside(&self, paths: &[&String]) -> (BTreeSet<&'static str>, usize) {
        let (mut external, mut unresolved) = (BTreeSet::new(), 0);
        for (path, content) in self.contents().filter(|(path, _)| paths.contains(path)) {
            for import in &content.imports {
                match self.import(path, import) {
                    (found, missing) if found.is_empty() && missing => unresolved += 1,
                    (found, _) if found.is_empty() => drop(external.insert(import.0)),
                    _ => {}
                }
            }
        }
        (external, unresolved)
    }

    /// What `name` means in the file at `from`, among the items of that name: `Err(true)` when that is not one.
    fn meaning(&self, edges: &Pairs<String>, from: &str, items: &[Item]) -> Named {
        let own = self.module(from);
        let same = |path: &str| family(self.0[path].0) == family(self.0[from].0);
        let scopes: [&dyn Fn(&str) -> bool; 3] =
            [&|path| self.module(path) == own, &|path| edges.contains(&(own.clone(), self.module(path))), &|_| true];
        for scope in scopes {
            let found: Vec<&Item> = items.iter().filter(|(path, _)| same(path) && scope(path)).collect();
            if !found.is_empty() {
                return if found.len() == 1 { Ok(found[0].clone()) } else { Err(true) };
            }
        }
        Err(false)
    }

    fn functions(&self, name: &str) -> Vec<Item> {
        let named = |content: &Content, at: usize| content.functions[at].0 == name && !name.starts_with('<');
        self.contents()
            .flat_map(|(path, content)| {
                let found = (0..content.functions.len()).filter(move |at| named(content, *at));
                found.map(|at| (path.clone(), at)).collect::<Vec<_>>()
            })
            .collect()
    }

    fn classes(&self, name: &str) -> Vec<Item> {
        let found = self.contents().flat_map(|(path, content)| {
            let named = content.classes.iter().enumerate().filter(|(_, class)| class.name == name);
            named.map(|(at, _)| (path.clone(), at)).collect::<Vec<_>>()
        });
        found.collect()
    }
}

/// Which nodes are reached from which.
fn closure<N: Clone + Ord>(edges: &Pairs<N>) -> Pairs<N> {
    let mut all = edges.clone();
    loop {
        let more: Vec<(N, N)> = all
            .iter()
            .flat_map(|(a, b)| edges.iter().filter(move |(c, _)| c == b).map(move |(_, d)| (a.clone(), d.clone())))
            .filter(|pair| !all.contains(pair))
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn depth(edges: &Pairs<String>, reach: &Pairs<String>, node: &str) -> i64 {
    let both =
        |a: &str, b: &str| a == b || reach.contains(&(a.into(), b.into())) && reach.contains(&(b.into(), a.into()));
    let leaving = edges.iter().filter(|(from, to)| both(from, node) && !both(to, node));
    leaving.map(|(_, to)| depth(edges, reach, to) + 1).max().unwrap_or(0)
}

/// Everything about the calls of a tree.
struct CallGraph {
    /// (caller, callee) with `usize::MAX` for a file's own code; a function's calls of itself left out.
    calls: Pairs<Item>,
    ambiguous: BTreeSet<(Item, &'static str)>,
}

fn call_graph(tree: &Tree, edges: &Pairs<String>) -> CallGraph {
    let (mut calls, mut ambiguous) = (BTreeSet::new(), BTreeSet::new());
    for (path, content) in tree.contents() {
        for (caller, name, _) in &content.calls {
            let caller = (path.clone(), caller.unwrap_or(usize::MAX));
            match tree.meaning(edges, path, &tree.functions(name)) {
                Ok(callee) if callee != caller => drop(calls.insert((caller, callee))),
                Err(true) => drop(ambiguous.insert((caller, *name))),
                Ok(_) | Err(false) => {}
            }
        }
    }
    CallGraph { calls, ambiguous }
}

/// Pairs of coupled classes, both ways, and names of classes that are no one class.
fn class_graph(tree: &Tree, edges: &Pairs<String>) -> (Pairs<Item>, BTreeSet<(Item, String)>) {
    let (mut pairs, mut unresolved) = (BTreeSet::new(), BTreeSet::new());
    for (path, content) in tree.contents() {
        for (at, class) in content.classes.iter().enumerate() {
            let own = (path.clone(), at);
            let named = class.bases.iter().chain(&class.kinds).map(|name| name.rsplit('.').next().unwrap_or(name));
            let called =
                content.calls.iter().filter(|(caller, _, _)| caller.is_some_and(|at| class.methods.contains(&at)));
            let called = called.flat_map(|(_, name, receiver)| [*name, *receiver]);
            for (name, certain) in named.map(|name| (name, true)).chain(called.map(|name| (name, false))) {
                match tree.meaning(edges, path, &tree.classes(name)) {
                    Ok(other) if other != own => {
                        pairs.insert((own.clone(), other.clone()));
                        pairs.insert((other, own.clone()));
                    }
                    Err(_) if certain => drop(unresolved.insert((own.clone(), name.to_owned()))),
                    _ => {}
                }
            }
        }
    }
    (pairs, unresolved)
}

fn duplicated_lines(tree: &Tree, path: &str, content: &Content, hunks: &[HunkRow]) -> i64 {
    let elsewhere = |which: u64| {
        tree.contents().any(|(other, content)| other != path && content.windows.iter().any(|w| w.2 == which))
    };
    let repeated = |line: u32| content.windows.iter().any(|w| (w.0..=w.1).contains(&(line + 1)) && elsewhere(w.2));
    let lines = hunks.iter().flat_map(|hunk| hunk.new_start..hunk.new_start + hunk.new_lines);
    lines.filter(|line| repeated(*line)).count() as i64
}

/// The values of a change that turned one tree into the other.
pub(super) fn values(before: &Tree, after: &Tree, row: &ChangeRow, paths: &[&str]) -> Box<[Fixed]> {
    let ids: BTreeSet<FileId> = row.files.iter().flat_map(|file| [Some(file.file), file.old_file]).flatten().collect();
    let repo: RepoId = row.key.repo;
    let touched: Vec<String> =
        paths.iter().filter(|path| ids.contains(&FileId::of(repo, path))).map(|path| (*path).to_owned()).collect();
    let in_tree = |tree: &Tree| touched.iter().filter(|path| tree.0.contains_key(*path)).cloned().collect::<Vec<_>>();
    let (old, new) = (in_tree(before), in_tree(after));
    let mut modules: BTreeSet<String> = old.iter().map(|path| before.module(path)).collect();
    modules.extend(new.iter().map(|path| after.module(path)));
    let edges = [before.edges(), after.edges()];
    let reach = [closure(&edges[0]), closure(&edges[1])];
    let out = |side: usize, module: &String| edges[side].iter().filter(|(from, _)| from == module).count() as i64;
    let into = |module: &String| edges[1].iter().filter(|(_, to)| to == module).count() as i64;
    let sum = |value: &dyn Fn(&String) -> i64| modules.iter().map(value).sum::<i64>();
    let cycles = |side: usize| sum(&|module| i64::from(reach[side].contains(&(module.clone(), module.clone()))));
    let outside = after.outside(&new.iter().collect::<Vec<_>>());
    let outside_before = before.outside(&old.iter().collect::<Vec<_>>());
    let texts = |tree: &Tree, path: &String| -> Vec<(String, u64)> {
        let Some(content) = &tree.0[path].1 else { return vec![] };
        (0..content.functions.len()).map(|at| (content.qualified(at), content.functions[at].1)).collect()
    };
    let known: BTreeSet<(String, u64)> = old.iter().flat_map(|path| texts(before, path)).collect();
    let changed: Vec<Item> = new
        .iter()
        .flat_map(|path| {
            let functions = texts(after, path).into_iter().enumerate().filter(|(_, text)| !known.contains(text));
            functions.map(|(at, _)| (path.clone(), at)).collect::<Vec<_>>()
        })
        .collect();
    let graph = call_graph(after, &edges[1]);
    let calls = closure(&graph.calls);
    let most = |count: &dyn Fn(&Item) -> usize| changed.iter().map(count).max().unwrap_or(0);
    let (pairs, unresolved) = class_graph(after, &edges[1]);
    let coupled = pairs.iter().filter(|(class, _)| new.contains(&class.0)).map(|(class, _)| class);
    let row_of = |path: &str| -> &FileRow { row.files.iter().find(|file| &*file.path == path).expect("it is touched") };
    let duplicated = after.contents().filter(|(path, _)| new.contains(path)).map(|(path, content)| {
        let file = row_of(path);
        assert_ne!(file.kind, FileKind::Deleted);
        duplicated_lines(after, path, content, &file.hunks)
    });
    Box::new([
        count(sum(&|module| out(1, module))),
        count(sum(&|module| out(1, module) - out(0, module))),
        count(sum(&into)),
        modules.iter().map(|m| Fixed::ratio(out(1, m), out(1, m) + into(m))).max().unwrap_or_default(),
        count(modules.iter().map(|module| depth(&edges[1], &reach[1], module)).max().unwrap_or(0)),
        count(cycles(1)),
        count(cycles(1) - cycles(0)),
        count(outside.0.difference(&outside_before.0).count()),
        count(outside.1),
        count(most(&|item| graph.calls.iter().filter(|(_, callee)| callee == item).count())),
        count(most(&|item| graph.calls.iter().filter(|(caller, _)| caller == item).count())),
        count(graph.ambiguous.iter().filter(|((path, _), _)| new.contains(path)).count()),
        count(changed.iter().filter(|item| calls.contains(&((*item).clone(), (*item).clone()))).count()),
        count(coupled.clone().map(|class| coupled.clone().filter(|other| *other == class).count()).max().unwrap_or(0)),
        count(unresolved.iter().filter(|((path, _), _)| new.contains(path)).count()),
        count(duplicated.sum::<i64>()),
        flag(false),
    ])
}
