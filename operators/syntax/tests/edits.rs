//! The facts of an edited text are those of the text alone, whatever was kept of its past.

#[expect(dead_code, reason = "only the sources of the cases are of use here")]
#[path = "cases/mod.rs"]
mod cases;
mod random_edits;

use driftline_schema::Language;
use driftline_syntax::{
    Measurer, RecentLimits, RecentTrees, SyntaxLimits, TreeFrom, Version, languages, measure, measure_edit,
};
use proptest::prelude::*;
use random_edits::edited;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Bytes of a text that is edited.
const TEXT_BYTES_MAX: usize = 4_000;

/// The sources of a language that have no error.
fn sources(language: Language) -> Vec<String> {
    let (stem, end) = match language {
        Language::Python => ("python", "py"),
        Language::JavaScript => ("javascript", "js"),
        Language::TypeScript | Language::Tsx => ("typescript", "ts"),
        Language::Java => ("java", "java"),
        Language::C => ("c", "c"),
        Language::Cpp => ("cpp", "cpp"),
        Language::Go => ("go", "go"),
        Language::Rust => ("rust", "rs"),
        Language::CSharp => ("csharp", "cs"),
        Language::Php => ("php", "php"),
        Language::Ruby => ("ruby", "rb"),
        Language::Kotlin => ("kotlin", "kt"),
        Language::Swift => ("swift", "swift"),
        Language::Scala => ("scala", "scala"),
        Language::Bash => ("bash", "sh"),
    };
    let probes = format!("{}/tests/probes", env!("CARGO_MANIFEST_DIR"));
    let files = [format!("{probes}/{stem}.{end}"), format!("{probes}/tokens.{end}")];
    let mut sources: Vec<String> = files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    sources.extend(cases::read("smells", stem).into_iter().map(|case| case.source));
    let mut measurer = Measurer::new();
    let limits = SyntaxLimits::default();
    sources.retain(|text| !text.is_empty() && measure(&mut measurer, language, text, &limits).error_bytes == 0);
    sources
}

/// A text of a language: its sources from one of them on, one after another.
fn text(language: Language, first: usize) -> String {
    static SOURCES: OnceLock<BTreeMap<Language, Vec<String>>> = OnceLock::new();
    let sources = SOURCES.get_or_init(|| languages().map(|of| (of, sources(of))).collect());
    let own = &sources[&language];
    let mut text = String::new();
    for source in own.iter().cycle().skip(first % own.len()).take(own.len()) {
        if text.len() + source.len() <= TEXT_BYTES_MAX {
            text.push_str(source);
            text.push('\n');
        }
    }
    text
}

fn version(language: Language, text: &str) -> Version<'_, u8> {
    Version { key: 0, language, text }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn equals_measuring_the_text_alone_after_every_edit(
        first in any::<usize>(),
        edits in prop::collection::vec(any::<u64>(), 1..12),
    ) {
        let limits = SyntaxLimits::default();
        for language in languages() {
            let (mut one, mut other) = (Measurer::new(), Measurer::new());
            let mut recent = RecentTrees::new(RecentLimits::default());
            let mut text = text(language, first);
            measure_edit(&mut one, &mut recent, version(language, &text), &limits);
            for bits in &edits {
                text = edited(&text, *bits);
                let (facts, from) = measure_edit(&mut one, &mut recent, version(language, &text), &limits);
                prop_assert!(facts == measure(&mut other, language, &text, &limits), "{language} {from:?}\n{text}");
            }
        }
    }

    /// Texts of errors, whose trees are not kept, between those that have none.
    #[test]
    fn equals_measuring_the_text_alone_when_edits_are_taken_back(
        first in any::<usize>(),
        edits in prop::collection::vec(any::<u64>(), 1..12),
    ) {
        let limits = SyntaxLimits::default();
        for language in languages() {
            let (mut one, mut other) = (Measurer::new(), Measurer::new());
            let mut recent = RecentTrees::new(RecentLimits::default());
            let clean = text(language, first);
            for bits in &edits {
                for text in [edited(&clean, *bits), clean.clone()] {
                    let (facts, from) = measure_edit(&mut one, &mut recent, version(language, &text), &limits);
                    prop_assert!(facts == measure(&mut other, language, &text, &limits), "{language} {from:?}\n{text}");
                }
            }
        }
    }

    /// The densest text that is known: pairs of operators that may or may not be one, whose cost grows with their number.
    #[test]
    fn equals_measuring_the_text_alone_wherever_a_parse_is_cut(
        first in any::<usize>(),
        edits in prop::collection::vec((any::<u64>(), 0..400u32), 1..12),
    ) {
        let dense = format!("{}a;\nf(1);\n", "-await ".repeat(30)).repeat(4);
        let texts = [Language::Rust, Language::Python].map(|language| (language, text(language, first)));
        for (language, mut text) in texts.into_iter().chain([(Language::JavaScript, dense)]) {
            let (mut one, mut other) = (Measurer::new(), Measurer::new());
            let mut recent = RecentTrees::new(RecentLimits::default());
            for (bits, parse_reports_max) in &edits {
                let cut = SyntaxLimits { parse_reports_max: *parse_reports_max, ..SyntaxLimits::default() };
                text = edited(&text, *bits);
                for limits in [SyntaxLimits::default(), cut] {
                    let (facts, from) = measure_edit(&mut one, &mut recent, version(language, &text), &limits);
                    prop_assert!(facts == measure(&mut other, language, &text, &limits), "{language} {from:?}\n{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_stays_within_its_limits(
        uses in prop::collection::vec((0..9u8, any::<u64>()), 1..40),
        texts_max in 0..5usize,
        bytes_max in 0..200_000usize,
    ) {
        let limits = SyntaxLimits::default();
        let (mut one, mut other) = (Measurer::new(), Measurer::new());
        let mut recent = RecentTrees::new(RecentLimits { texts_max, bytes_max });
        for (key, bits) in uses {
            let language = Language::ALL[usize::from(key) % 2];
            let text = edited(&text(language, usize::from(key))[..400], bits);
            let (facts, _) = measure_edit(&mut one, &mut recent, Version { key, language, text: &text }, &limits);
            prop_assert!(recent.len() <= texts_max && recent.bytes() <= bytes_max);
            prop_assert_eq!(facts, measure(&mut other, language, &text, &limits));
        }
    }
}

#[test]
fn an_edit_without_errors_is_read_from_the_tree_before() {
    let limits = SyntaxLimits::default();
    // Sources of the other languages, one after another, need not be free of errors.
    for language in languages().take_while(|language| *language <= Language::Rust) {
        let mut measurer = Measurer::new();
        let mut recent = RecentTrees::new(RecentLimits::default());
        let text = text(language, 0);
        let mut from = |text: &str| measure_edit(&mut measurer, &mut recent, version(language, text), &limits).1;
        assert_eq!(from(&text), TreeFrom::Text, "{language}");
        assert_eq!(from(&text), TreeFrom::Tree, "{language}: nothing was changed");
        assert_eq!(from(&text.replacen('1', "100", 1)), TreeFrom::Tree, "{language}");
        assert_eq!(from(&text.replacen("\n", "\n((\n", 1)), TreeFrom::Text, "{language}: an error");
        assert_eq!(from(&text), TreeFrom::Tree, "{language}: the error is taken back");
    }
}

#[test]
fn of_the_kept_texts_the_one_longest_unused_goes_first() {
    let limits = SyntaxLimits::default();
    let mut measurer = Measurer::new();
    let mut recent = RecentTrees::new(RecentLimits { texts_max: 2, ..RecentLimits::default() });
    let mut from = |key: u8, text: &str| {
        measure_edit(&mut measurer, &mut recent, Version { key, language: Language::Go, text }, &limits).1
    };
    let text = "package p\nfunc f() {}\n";
    let used: Vec<TreeFrom> = [1, 2, 1, 3, 1, 2].into_iter().map(|key| from(key, text)).collect();
    use TreeFrom::{Text, Tree};
    assert_eq!(used, [Text, Text, Tree, Text, Tree, Text]);
    recent.forget(&1);
    assert_eq!(recent.len(), 1);
    recent.forget(&2);
    assert_eq!((recent.is_empty(), recent.bytes()), (true, 0));
}

#[test]
fn a_text_of_another_language_begins_anew() {
    let limits = SyntaxLimits::default();
    let mut measurer = Measurer::new();
    let mut recent = RecentTrees::new(RecentLimits::default());
    for language in [Language::C, Language::Cpp, Language::C] {
        let text = "int f(int a) { return a ? 1 : 2; }\n";
        let (facts, from) = measure_edit(&mut measurer, &mut recent, version(language, text), &limits);
        assert_eq!((facts.language, from), (language, TreeFrom::Text));
    }
}

/// An edit costs few reports where the whole text costs many; the facts must still say that the whole is cut.
#[test]
fn a_text_whose_fresh_parse_is_cut_is_cut_whatever_was_kept() {
    let text = "int f(int a) { return a ? 1 : 2; }\n".repeat(200);
    let edited = text.replacen('1', "3", 1);
    let whole = SyntaxLimits::default();
    for language in [Language::C, Language::Cpp, Language::Java] {
        let mut cut = Vec::new();
        for parse_reports_max in [0, 1, 10, 30, 60, 90, 120, 1_000, 3_000, 4_000, 10_000] {
            let limits = SyntaxLimits { parse_reports_max, ..whole };
            let mut measurer = Measurer::new();
            let mut recent = RecentTrees::new(RecentLimits::default());
            let (before, _) = measure_edit(&mut measurer, &mut recent, version(language, &text), &whole);
            assert!(!before.truncated && recent.len() == 1, "{language}: the tree before is whole and kept");
            let (facts, _) = measure_edit(&mut measurer, &mut recent, version(language, &edited), &limits);
            assert_eq!(facts, measure(&mut Measurer::new(), language, &edited, &limits), "{language}");
            cut.push(facts.truncated);
        }
        assert!(cut[0] && cut[2] && !cut[10], "{language}: more than ten reports make the whole");
    }
}
