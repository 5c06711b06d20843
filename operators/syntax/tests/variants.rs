//! Readings of C and C++ beside the plain one: which is taken, what it costs, and that facts stay those of the whole text.

mod random_edits;

use driftline_schema::facts::LineClass;
use driftline_schema::{FileFacts, Language};
use driftline_syntax::{Measurer, RecentLimits, RecentTrees, SyntaxLimits, TreeFrom, Version, measure, measure_edit};
use proptest::prelude::*;
use random_edits::edited;

const PROBES: [(Language, &str); 5] = [
    (Language::C, include_str!("probes/arms.c")),
    (Language::Cpp, include_str!("probes/arms.cpp")),
    (Language::C, include_str!("probes/cpp.h")),
    (Language::C, include_str!("probes/c.h")),
    (Language::C, include_str!("probes/heads.h")),
];

fn facts(language: Language, text: &str) -> FileFacts {
    measure(&mut Measurer::new(), language, text, &SyntaxLimits::default())
}

/// Names of the functions with where they start and end.
fn functions(facts: &FileFacts) -> Vec<(&str, u32, u32)> {
    facts.functions.iter().map(|function| (&*function.qualified_name, function.start_line, function.end_line)).collect()
}

const SHARED: &str =
    "int f(int a) {\n#ifdef A // why\n  if (a) {\n#else\n  // or\n\n  while (a) {\n#endif\n  }\n}\nint g;\n";

#[test]
fn lines_and_hashes_are_those_of_the_whole_text() {
    let shared = facts(Language::C, SHARED);
    assert_eq!((shared.error_bytes, shared.bytes as usize), (0, SHARED.len()));
    assert_eq!(functions(&shared), [("f", 1, 10)]);
    let metrics = &shared.functions[0].metrics;
    assert_eq!((metrics.sloc, metrics.ploc, metrics.cloc, metrics.blank), (10, 8, 2, 1));
    assert_eq!((metrics.cyclomatic, metrics.preproc_branches, shared.metrics.preproc_branches), (2, 1, 1));
    let classes: Vec<_> = (3..7).map(|line| shared.lines.class(line)).collect();
    let expected = [LineClass::Code, LineClass::Comment, LineClass::Blank, LineClass::Code];
    assert_eq!(classes, expected.map(Some));
    let other = facts(Language::C, &SHARED.replace("while (a)", "while (b)"));
    assert_ne!(other.functions[0].text_hash, shared.functions[0].text_hash, "an arm that is not read is text");
    assert_eq!(other.functions[0].metrics, shared.functions[0].metrics);
}

#[test]
fn line_ends_change_no_count() {
    for text in [SHARED, PROBES[0].1, PROBES[1].1] {
        let (unix, dos) = (facts(Language::Cpp, text), facts(Language::Cpp, &text.replace('\n', "\r\n")));
        assert_eq!((unix.error_bytes, dos.error_bytes), (0, 0));
        assert_eq!((&unix.metrics, &unix.lines, functions(&unix)), (&dos.metrics, &dos.lines, functions(&dos)));
    }
}

#[test]
fn a_text_that_can_be_read_as_it_stands_is() {
    let both =
        "#ifdef A\nint f(void) { return 1; }\n#else\nint f(void) { return 2; }\nint g(void) { return 3; }\n#endif\n";
    assert_eq!(functions(&facts(Language::C, both)).len(), 3);
    // An error elsewhere takes no arm away.
    let broken = facts(Language::C, &format!("{both}int ) 3;\n"));
    assert!(broken.error_bytes > 0);
    assert_eq!(functions(&broken).len(), 3);
}

#[test]
fn what_is_open_to_the_end_of_the_text_takes_nothing_else_away() {
    let text = format!("{SHARED}int h(int a) {{ return a; }}\n#ifdef B\nint i(void) {{\n#else\nint j(void) {{\n");
    let facts = facts(Language::C, &text);
    assert_eq!(functions(&facts)[..2], [("f", 1, 10), ("h", 12, 12)]);
}

#[test]
fn a_header_is_of_the_language_that_reads_it_best() {
    assert_eq!(facts(Language::C, PROBES[2].1).language, Language::Cpp);
    assert_eq!(facts(Language::C, PROBES[3].1).language, Language::C);
    // `class` is a type here, which C++ cannot read.
    let words = "typedef int class;\nclass f(class new) { class delete = new; return delete; }\n";
    let words = facts(Language::C, &format!("{words}class this;\n"));
    assert_eq!((words.language, words.error_bytes, words.functions.len()), (Language::C, 0, 1));
    assert_eq!(facts(Language::Cpp, PROBES[3].1).language, Language::Cpp);
}

#[test]
fn all_readings_count_against_one_limit() {
    for (language, probe) in PROBES {
        let text = probe.repeat(8);
        let whole = facts(language, &text);
        let (mut truncated, mut last) = (Vec::new(), None);
        for parse_reports_max in 0..400 {
            let limits = SyntaxLimits { parse_reports_max, ..SyntaxLimits::default() };
            let facts = measure(&mut Measurer::new(), language, &text, &limits);
            truncated.push(facts.truncated);
            last = Some(facts);
        }
        assert!(truncated[0] && truncated.is_sorted_by(|one, next| one >= next), "{language}");
        assert_eq!(last, Some(whole), "{language}");
    }
}

#[test]
fn a_header_of_cpp_without_errors_is_edited_as_one() {
    let limits = SyntaxLimits::default();
    let (mut measurer, mut recent) = (Measurer::new(), RecentTrees::new(RecentLimits::default()));
    let mut from = |text: &str| {
        let version = Version { key: 0, language: Language::C, text };
        let (facts, from) = measure_edit(&mut measurer, &mut recent, version, &limits);
        assert_eq!(facts, measure(&mut Measurer::new(), Language::C, text, &limits));
        (facts.language, from)
    };
    let header = PROBES[2].1;
    assert_eq!(from(header), (Language::Cpp, TreeFrom::Text));
    assert_eq!(from(&header.replace("int free", "long free")), (Language::Cpp, TreeFrom::Tree));
    assert_eq!(from("int f(int a) { return a; }\n"), (Language::C, TreeFrom::Text));
    assert_eq!(from(SHARED), (Language::C, TreeFrom::Text));
    assert_eq!(from(SHARED), (Language::C, TreeFrom::Text), "a tree of a part of the text is not kept");
}

/// What conditionals, brackets and headers are made of.
#[rustfmt::skip]
const PIECES: [&str; 34] = [
    "\n#if A\n", "\n#if 0\n", "\n#ifdef __cplusplus\n", "\n#ifndef A\n", "\n#elif B\n", "\n#else\n", "\n#endif\n",
    "\n#define A \\\n", "{", "}", "(", ")", ";", ",", "\"", "'", "/*", "*/", "//", "\\\r\n", "\u{e9}", "R\"(", ")\"",
    "\nint f(int a)", "\nif (a)", "\nelse ", "return a;", "\nnamespace a {", "\nclass A {", "\npublic:\n",
    "\ntemplate <class T> ", "a && b", "extern \"C\"", "\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn facts_are_a_function_of_the_text(
        words in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60),
        edits in prop::collection::vec(any::<u64>(), 0..3),
        parse_reports_max in prop_oneof![0..12u32, Just(1 << 16)],
    ) {
        let limits = SyntaxLimits { parse_reports_max, ..SyntaxLimits::default() };
        for language in [Language::C, Language::Cpp] {
            let (mut one, mut recent) = (Measurer::new(), RecentTrees::new(RecentLimits::default()));
            let mut text = words.concat();
            for bits in [0].iter().chain(&edits) {
                text = if *bits == 0 { text } else { edited(&text, *bits) };
                let measured = measure(&mut one, language, &text, &limits);
                prop_assert_eq!(&measured, &measure(&mut Measurer::new(), language, &text, &limits));
                let version = Version { key: 0, language, text: &text };
                prop_assert_eq!(&measured, &measure_edit(&mut one, &mut recent, version, &limits).0);
                prop_assert_eq!(measured.bytes as usize, text.len());
                prop_assert!(measured.error_bytes <= measured.bytes);
                prop_assert!(measured.truncated || measured.lines.len() == measured.metrics.sloc);
                prop_assert!(measured.metrics.ploc + measured.metrics.blank <= measured.metrics.sloc);
                for function in &measured.functions {
                    prop_assert!(1 <= function.start_line && function.start_line <= function.end_line);
                    prop_assert!(function.end_line <= measured.metrics.sloc);
                    prop_assert!(function.metrics.preproc_branches <= measured.metrics.preproc_branches);
                }
            }
        }
    }

    #[test]
    fn an_edit_of_arms_and_headers_equals_measuring_the_text_alone(edits in prop::collection::vec(any::<u64>(), 1..6)) {
        let limits = SyntaxLimits::default();
        for (language, text) in PROBES {
            let (mut one, mut other) = (Measurer::new(), Measurer::new());
            let mut recent = RecentTrees::new(RecentLimits::default());
            let mut text = text.to_owned();
            for bits in &edits {
                let version = Version { key: 0, language, text: &text };
                let (facts, from) = measure_edit(&mut one, &mut recent, version, &limits);
                prop_assert!(facts == measure(&mut other, language, &text, &limits), "{language} {from:?}\n{text}");
                text = edited(&text, *bits);
            }
        }
    }
}
