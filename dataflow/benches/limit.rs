//! What a history costs at least: the limit that published ratios are measured against.
//!
//! `cargo bench -p driftline --bench limit -- [PATH] [--json]` prints CPU seconds of this process (user and system) by
//! part: reading every commit, tree and content with the library alone and comparing trees and lines (`bare`), the
//! collector (`collect`), its events as JSON (`json`), and one parse of each distinct text in a known language
//! (`parse`). All parts do their work in this process and in this run, so their ratios hold on a busy machine.

use driftline::collect::{AuthorKey, CollectOptions, GitHistory};
use driftline::cpu::{peak_rss_bytes, process_cpu_ns, thread_cpu_ns};
use driftline_schema::{BlobId, Language, wire};
use gix::diff::blob::{Algorithm, Diff, InternedInput};
use gix::diff::tree::recorder::Change;
use gix::objs::FindExt as _;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    // `cargo bench` adds `--bench`; `cargo test --benches` runs without it and only checks that this compiles.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let path = arguments.iter().find(|argument| !argument.starts_with("--")).map_or(PathBuf::from(".."), PathBuf::from);
    let mut rows = Vec::new();
    let mut part = |name: &'static str, run: &mut dyn FnMut() -> Result<Vec<(&'static str, u64)>, Failure>| {
        let before = process_cpu_ns();
        let counts = run()?;
        rows.push((name, seconds(process_cpu_ns() - before), counts));
        Ok::<(), Failure>(())
    };
    // The collector comes first, so that the peak of memory is its own.
    part("collect", &mut || collect(&path))?;
    part("bare", &mut || bare(&path))?;
    part("collect and json", &mut || json(&path))?;
    let (parse_seconds, counts) = parse(&path)?;
    rows.push(("parse", parse_seconds, counts));
    report(&rows, arguments.iter().any(|argument| argument == "--json"))
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

type Row = (&'static str, f64, Vec<(&'static str, u64)>);

fn report(rows: &[Row], json: bool) -> Result<(), Failure> {
    let cpu = |name: &str| rows.iter().find(|row| row.0 == name).map_or(0.0, |row| row.1);
    let limit = cpu("bare").min(cpu("collect")) + cpu("parse");
    if json {
        let parts: serde_json::Map<String, serde_json::Value> = rows
            .iter()
            .map(|(name, seconds, counts)| {
                let counts: serde_json::Map<_, _> =
                    counts.iter().map(|(name, n)| ((*name).into(), (*n).into())).collect();
                ((*name).to_owned(), serde_json::json!({ "cpu_s": seconds, "counts": counts }))
            })
            .collect();
        println!("{}", serde_json::json!({ "parts": parts, "limit_cpu_s": limit }));
        return Ok(());
    }
    for (name, seconds, counts) in rows {
        let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        println!("{name:18} {seconds:8.3} s CPU   {}", counts.join(", "));
    }
    println!("collect / bare     {:8.3}", cpu("collect") / cpu("bare"));
    println!("limit              {limit:8.3} s CPU   the lesser of bare and collect, and parse");
    Ok(())
}

/// The library alone, newest commit first: the order in which packs are cheapest to read.
fn bare(path: &Path) -> Result<Vec<(&'static str, u64)>, Failure> {
    use gix::odb::pack::cache;
    let repo = gix::open(path)?;
    let mut objects = repo.objects.clone();
    objects.set_pack_cache(|| Box::new(cache::lru::MemoryCappedHashmap::new(16 << 20)));
    objects.set_object_cache(|| Box::new(cache::object::MemoryCappedHashmap::new(48 << 20)));
    let (mut state, mut commits, mut files, mut bytes) = (gix::diff::tree::State::default(), 0, 0, 0);
    let (mut buffer, mut old_buffer, mut new_buffer) = (Vec::new(), Vec::new(), Vec::new());
    for info in repo.rev_walk([repo.head_id()?]).all()? {
        let id = info?.id;
        let (tree, parent) = {
            let commit = objects.find_commit(&id, &mut buffer)?;
            let parent = commit.parents().next();
            (commit.tree(), parent)
        };
        let parent_tree = match parent {
            Some(parent) => Some(objects.find_commit(&parent, &mut buffer)?.tree()),
            None => None,
        };
        let old = match parent_tree {
            Some(tree) => objects.find_tree_iter(&tree, &mut old_buffer)?,
            None => gix::objs::TreeRefIter::from_bytes(&[], id.kind()),
        };
        let new = objects.find_tree_iter(&tree, &mut new_buffer)?;
        let mut recorder = gix::diff::tree::Recorder::default();
        gix::diff::tree(old, new, &mut state, &objects, &mut recorder)?;
        commits += 1;
        for change in recorder.records {
            let (old, new) = match change {
                Change::Addition { entry_mode, oid, .. } if entry_mode.is_blob() => (None, Some(oid)),
                Change::Deletion { entry_mode, oid, .. } if entry_mode.is_blob() => (Some(oid), None),
                Change::Modification { entry_mode, previous_entry_mode, oid, previous_oid, .. }
                    if entry_mode.is_blob() && previous_entry_mode.is_blob() =>
                {
                    (Some(previous_oid), Some(oid))
                }
                _ => continue,
            };
            files += 1;
            bytes += compare(&objects, (old, new), (&mut old_buffer, &mut new_buffer))?;
        }
    }
    Ok(vec![("commits", commits), ("files", files), ("bytes read", bytes)])
}

/// Reads both sides and compares their lines, if they are text of at most 1 MiB; returns their size.
fn compare(
    objects: &gix::OdbHandle,
    (old, new): (Option<gix::ObjectId>, Option<gix::ObjectId>),
    (old_buffer, new_buffer): (&mut Vec<u8>, &mut Vec<u8>),
) -> Result<u64, Failure> {
    let read = |id: Option<gix::ObjectId>, buffer: &mut Vec<u8>| -> Result<bool, Failure> {
        buffer.clear();
        if let Some(id) = id {
            objects.find_blob(&id, buffer)?;
        }
        Ok(id.is_some() && buffer.len() <= 1 << 20 && !buffer.contains(&0) && std::str::from_utf8(buffer).is_ok())
    };
    let both = read(old, old_buffer)? & read(new, new_buffer)?;
    if both {
        let input = InternedInput::new(old_buffer.as_slice(), new_buffer.as_slice());
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        std::hint::black_box(diff.hunks().count());
    }
    Ok((old_buffer.len() + new_buffer.len()) as u64)
}

fn open(path: &Path) -> Result<GitHistory, Failure> {
    Ok(GitHistory::open(path, CollectOptions::new(AuthorKey::new(*b"the key of a benchmark")))?)
}

fn collect(path: &Path) -> Result<Vec<(&'static str, u64)>, Failure> {
    let history = open(path)?;
    for event in history.events()? {
        std::hint::black_box(event?);
    }
    let stats = history.stats();
    Ok(vec![("commits", stats.commits), ("files", stats.files), ("bytes of memory at most", peak_rss_bytes())])
}

fn json(path: &Path) -> Result<Vec<(&'static str, u64)>, Failure> {
    let (mut events, mut bytes) = (0, 0);
    for event in open(path)?.events()? {
        bytes += wire::encode(&event?).len() as u64;
        events += 1;
    }
    Ok(vec![("events", events), ("bytes", bytes)])
}

/// Seconds, and counts by name.
type Measured = (f64, Vec<(&'static str, u64)>);

/// CPU seconds of the parses alone: they run on this thread, the collector on others.
fn parse(path: &Path) -> Result<Measured, Failure> {
    let mut parsers: Vec<Option<tree_sitter::Parser>> = Vec::new();
    for language in Language::ALL {
        let mut parser = tree_sitter::Parser::new();
        let grammar = grammar(language);
        grammar.as_ref().map(|grammar| parser.set_language(grammar)).transpose()?;
        parsers.push(grammar.map(|_| parser));
    }
    let (mut ns, mut bytes) = (0, 0);
    let mut seen: HashSet<(BlobId, Language)> = HashSet::new();
    for event in open(path)?.events()? {
        let files = event?.change.into_iter().flat_map(|change| change.files);
        for file in files {
            let (Some(language), Some(text), Some(blob)) = (Language::of_path(&file.path), file.content, file.blob)
            else {
                continue;
            };
            let Some(parser) = &mut parsers[language as usize] else { continue };
            if seen.insert((blob, language)) {
                let before = thread_cpu_ns();
                std::hint::black_box(parser.parse(&text, None));
                ns += thread_cpu_ns() - before;
                bytes += text.len() as u64;
            }
        }
    }
    Ok((seconds(ns), vec![("contents", seen.len() as u64), ("bytes", bytes)]))
}

/// The grammar of a main language.
fn grammar(language: Language) -> Option<tree_sitter::Language> {
    Some(match language {
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::Java => tree_sitter_java::LANGUAGE.into(),
        Language::C => tree_sitter_c::LANGUAGE.into(),
        Language::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        Language::Go => tree_sitter_go::LANGUAGE.into(),
        Language::Rust => tree_sitter_rust::LANGUAGE.into(),
        _ => return None,
    })
}
