//! Every pattern on small sources: at least five that have it and five that have not, in each language where it exists.
//!
//! The cases are written as those of `smells.rs`.

#[path = "cases/mod.rs"]
mod cases;

use driftline_schema::Language;
use driftline_syntax::patterns::{PatternKind, patterns};
use driftline_syntax::{Measurer, SyntaxLimits, measure};
use std::collections::BTreeMap;

/// The cases of a file in each of these languages.
const FILES: [(&str, &[Language]); 6] = [
    ("python", &[Language::Python]),
    ("javascript", &[Language::JavaScript, Language::TypeScript, Language::Tsx]),
    ("java", &[Language::Java]),
    ("cpp", &[Language::Cpp]),
    ("go", &[Language::Go]),
    ("rust", &[Language::Rust]),
];

/// Whether the pattern is looked for in a language.
fn applies(language: Language, kind: PatternKind) -> bool {
    match kind {
        _ if language == Language::C => false,
        PatternKind::Singleton | PatternKind::BaseKnowsSubclass => !matches!(language, Language::Go | Language::Rust),
        PatternKind::TelescopingConstructor => matches!(language, Language::Java | Language::Cpp),
        _ => true,
    }
}

#[test]
fn every_case_has_the_pattern_as_it_says() {
    let mut measurer = Measurer::new();
    let (mut faults, mut counts) = (Vec::new(), BTreeMap::new());
    for (file, languages) in FILES {
        for case in cases::read("patterns", file) {
            for language in languages {
                let facts = measure(&mut measurer, *language, &case.source, &SyntaxLimits::default());
                let found: Vec<&str> = patterns(&facts).iter().map(|pattern| pattern.kind.name()).collect();
                let has_it = found.contains(&case.kind.as_str());
                if has_it != case.expected || facts.error_bytes > 0 {
                    let errors = facts.error_bytes;
                    faults
                        .push(format!("{file}.txt:{}: as {language}: found {found:?}; {errors} bad bytes", case.title));
                }
                *counts.entry((*language, case.kind.clone(), case.expected)).or_insert(0) += 1;
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    for language in Language::ALL.into_iter().take_while(|language| *language <= Language::Rust) {
        for kind in PatternKind::ALL.into_iter().filter(|kind| applies(language, *kind)) {
            for expected in [true, false] {
                let count = counts.get(&(language, kind.name().to_owned(), expected)).copied().unwrap_or(0);
                assert!(count >= 5, "{language}: {} {expected}: {count} cases", kind.name());
            }
        }
    }
}

#[test]
fn a_pattern_tells_its_clues_and_what_they_weigh() {
    let text = "class Store {\n  private static Store instance;\n  private Store() {}\n  \
                public static Store getInstance() { return instance; }\n}\n";
    let facts = measure(&mut Measurer::new(), Language::Java, text, &SyntaxLimits::default());
    let found = patterns(&facts);
    assert_eq!(found.len(), 1);
    let pattern = &found[0];
    assert_eq!((pattern.kind, &*pattern.place, pattern.confidence), (PatternKind::Singleton, "Store", 1000));
    assert_eq!((pattern.start_line, pattern.end_line), (1, 5));
    let clues: Vec<(u32, u32)> = pattern.clues.iter().map(|clue| (clue.line, clue.weight)).collect();
    assert_eq!(clues, [(1, 400), (3, 300), (4, 300)]);
}

#[test]
fn names_equal_the_serialised_form_and_stand_on_the_page() {
    let page = include_str!("../docs/patterns.md");
    for kind in PatternKind::ALL {
        assert_eq!(serde_json::to_value(kind).expect("plain data"), kind.name());
        assert!(page.contains(&format!("| `{}` |", kind.name())), "{}", kind.name());
    }
}
