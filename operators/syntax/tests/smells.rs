//! Every smell on small sources: at least five that have it and five that have not, in each language where it exists;
//! in the optional languages, which share the engine, at least one of each.
//!
//! A file `smells/LANGUAGE.txt` holds cases. A case opens with `=== KIND SIGNS NOTE`, where a sign is `+` (smells), `-`
//! (does not) or `+3,4` and `-1,2`: one source for each number `N`. In a source a line `%9 TEXT` (or `%N TEXT`) is
//! repeated, `{}` being the count from 1, `\n` a line end and `{in}` four blanks for each; elsewhere `{in}` is four blanks `N` times and
//! once more, and `{join:, :a@}` is `a1, a2, ...` up to `N`.

#[path = "cases/mod.rs"]
mod cases;

use cases::Case;
use driftline_schema::Language;
use driftline_syntax::smells::{SmellKind, Thresholds, duplicates, smells};
use driftline_syntax::{Measurer, SyntaxLimits, has_grammar, languages, measure};
use std::collections::BTreeMap;

/// The cases of a file in each of these languages.
const FILES: [(&str, &[Language]); 15] = [
    ("python", &[Language::Python]),
    ("javascript", &[Language::JavaScript, Language::TypeScript, Language::Tsx]),
    ("typescript", &[Language::TypeScript]),
    ("java", &[Language::Java]),
    ("c", &[Language::C, Language::Cpp]),
    ("cpp", &[Language::Cpp]),
    ("go", &[Language::Go]),
    ("rust", &[Language::Rust]),
    ("csharp", &[Language::CSharp]),
    ("php", &[Language::Php]),
    ("ruby", &[Language::Ruby]),
    ("kotlin", &[Language::Kotlin]),
    ("swift", &[Language::Swift]),
    ("scala", &[Language::Scala]),
    ("bash", &[Language::Bash]),
];

/// Whether a language has what the smell is about.
fn applies(language: Language, kind: SmellKind) -> bool {
    use SmellKind::*;
    match kind {
        // Ruby's fields are never public.
        DataClass if language == Language::Ruby => false,
        GodClass | DataClass | FeatureEnvy => !matches!(language, Language::C | Language::Bash),
        EmptyCatch => !matches!(language, Language::C | Language::Go | Language::Rust | Language::Bash),
        LongParameterList => language != Language::Bash,
        _ => true,
    }
}

/// What is wrong with a case in a language, if anything.
fn fault(measurer: &mut Measurer, language: Language, case: &Case) -> Option<String> {
    let facts = measure(measurer, language, &case.source, &SyntaxLimits::default());
    let thresholds = Thresholds::default();
    let mut found: Vec<&str> = smells(&facts, &thresholds).iter().map(|smell| smell.kind.name()).collect();
    found.extend(duplicates(&[&facts], &thresholds).iter().map(|duplicate| duplicate.smell.kind.name()));
    if facts.error_bytes > 0 {
        return Some("has an error".to_owned());
    }
    let smelt = found.contains(&case.kind.as_str());
    (smelt != case.expected).then(|| format!("{smelt} instead of {}; found {found:?}", case.expected))
}

#[test]
fn every_case_smells_as_it_says() {
    let mut measurer = Measurer::new();
    let mut faults = Vec::new();
    for (file, languages) in FILES {
        for case in cases::read("smells", file) {
            assert!(SmellKind::ALL.iter().any(|kind| kind.name() == case.kind), "{file}: no smell `{}`", case.kind);
            for language in languages.iter().filter(|language| has_grammar(**language)) {
                let fault = fault(&mut measurer, *language, &case);
                faults.extend(fault.map(|fault| format!("{file}.txt:{}: as {language}: {fault}", case.title)));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_smell_has_five_cases_of_each_sign_in_each_language() {
    let mut counts: BTreeMap<(Language, String, bool), usize> = BTreeMap::new();
    for (file, languages) in FILES {
        for case in cases::read("smells", file) {
            for language in languages.iter().filter(|language| has_grammar(**language)) {
                *counts.entry((*language, case.kind.clone(), case.expected)).or_default() += 1;
            }
        }
    }
    for language in languages() {
        let least = if language <= Language::Rust { 5 } else { 1 };
        for kind in SmellKind::ALL.into_iter().filter(|kind| applies(language, *kind)) {
            for expected in [true, false] {
                let count = counts.get(&(language, kind.name().to_owned(), expected)).copied().unwrap_or(0);
                assert!(count >= least, "{language}: {} {expected}: {count} cases", kind.name());
            }
        }
    }
}
