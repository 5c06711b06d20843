//! Every page of `docs/` says what the engine measures: its example is measured and each value compared.
//!
//! An example is a code block of a language followed by a block `values`, whose lines are `PLACE: NAME = VALUE, ...`; a
//! place is `file`, a function's qualified name, or `class` and a qualified name.

use driftline_schema::facts::{FileFacts, SpaceMetrics};
use driftline_schema::{ClassFacts, Language};
use driftline_syntax::{Measurer, SyntaxLimits, class_metrics, halstead, maintainability, measure};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// (name, text) of every page.
fn pages() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder()).expect("the pages").map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<_> = entries
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a readable page"))
        })
        .collect();
    pages.sort();
    pages
}

/// (word after the fence, lines within) of every code block.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut parts = text.split("```");
    parts.next();
    let inner = parts.step_by(2).map(|block| block.split_once('\n').expect("a block has lines"));
    inner.map(|(word, lines)| (word.to_owned(), lines.to_owned())).collect()
}

fn of_space(metrics: &SpaceMetrics, name: &str) -> Option<String> {
    let (halstead, index) = (halstead(metrics), maintainability(metrics));
    let derived = match name {
        "halstead_volume" => halstead.volume,
        "halstead_difficulty" => halstead.difficulty,
        "maintainability_index" => index.original,
        "maintainability_index_visual_studio" => index.visual_studio,
        _ => {
            let counts = serde_json::to_value(metrics).expect("plain data");
            return counts.get(name).map(|value| value.to_string());
        }
    };
    Some(derived.to_string())
}

fn of_class(class: &ClassFacts, facts: &FileFacts, name: &str) -> Option<String> {
    let metrics = class_metrics(class, &facts.functions);
    let ratio = |pair: Option<(u32, u32)>| pair.map(|(part, whole)| format!("{part}/{whole}"));
    match name {
        "wmc" => Some(metrics.wmc.to_string()),
        "methods" => Some(metrics.methods.to_string()),
        "public_methods" => Some(metrics.public_methods.to_string()),
        "fields" => Some(metrics.fields.to_string()),
        "public_fields" => Some(metrics.public_fields.to_string()),
        "lcom4" => metrics.lcom4.map(|lcom4| lcom4.to_string()),
        "tcc" => ratio(metrics.tcc),
        "atfd" => Some(metrics.atfd.to_string()),
        "woc" => ratio(metrics.woc),
        "cda" => ratio(metrics.cda()),
        "coa" => ratio(metrics.coa()),
        _ => None,
    }
}

fn value(facts: &FileFacts, place: &str, name: &str) -> Option<String> {
    if place == "file" {
        return of_space(&facts.metrics, name);
    }
    if let Some(class) = place.strip_prefix("class ") {
        let class = facts.structure.classes.iter().find(|facts| &*facts.qualified_name == class)?;
        return of_class(class, facts, name);
    }
    let function = facts.functions.iter().find(|function| &*function.qualified_name == place)?;
    of_space(&function.metrics, name)
}

/// Whether a value is the stated one, to the digits that are stated.
fn agrees(actual: &str, stated: &str) -> bool {
    let decimals = stated.split_once('.').map_or(0, |(_, digits)| digits.len());
    match actual.parse::<f64>() {
        Ok(number) => format!("{number:.decimals$}") == stated,
        Err(_) => actual == stated,
    }
}

#[test]
fn the_value_on_each_page_is_the_engines() {
    let mut measurer = Measurer::new();
    let (mut faults, mut compared) = (Vec::new(), 0);
    let without_example = ["README.md", "agreement.md", "disagreements.md", "smells.md", "patterns.md", "limits.md"];
    for (page, text) in pages().iter().filter(|(page, _)| !without_example.contains(&&**page)) {
        let blocks = blocks(text);
        assert!(blocks.len() >= 2, "{page} has an example");
        for pair in blocks.chunks(2) {
            let [(language, source), (word, values)] = pair else { panic!("{page}: an example without values") };
            assert_eq!(word, "values", "{page}");
            let language = Language::ALL.into_iter().find(|known| known.name() == language).expect("a language");
            let facts = measure(&mut measurer, language, source, &SyntaxLimits::default());
            assert_eq!(facts.error_bytes, 0, "{page}: the example has no error");
            for line in values.lines() {
                let (place, values) = line.rsplit_once(": ").expect("a place");
                for (name, stated) in values.split(", ").map(|pair| pair.split_once(" = ").expect("a value")) {
                    let actual = value(&facts, place, name).unwrap_or_else(|| panic!("{page}: no {name} of {place}"));
                    compared += 1;
                    if !agrees(&actual, stated) {
                        faults.push(format!("{page}: {place}: {name} is {actual}, not {stated}"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(compared > 50, "{compared} values compared");
}

#[test]
fn every_metric_has_a_page_and_every_page_stands_in_the_index() {
    let pages = pages();
    let values: String =
        pages.iter().flat_map(|(_, text)| blocks(text)).filter(|(word, _)| word == "values").map(|(_, v)| v).collect();
    let stated: BTreeSet<&str> = values.split([' ', '\n', ',']).collect();
    let metrics = serde_json::to_value(SpaceMetrics::default()).expect("plain data");
    for name in metrics.as_object().expect("a struct").keys() {
        assert!(stated.contains(name.as_str()), "no page states a value of {name}");
    }
    let (_, index) = pages.iter().find(|(page, _)| page == "README.md").expect("an index");
    for (page, _) in pages.iter().filter(|(page, _)| page != "README.md") {
        assert!(index.contains(&format!("({page})")), "{page} is not in the index");
    }
    for link in index.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
        assert!(folder().join(link).exists(), "the index names {link}, which is not there");
    }
}
