//! Which languages this build can read: the main ones always, each of the others with a feature of its name.
//!
//! A language whose grammar is left out is still a language everywhere else: its files are counted and not parsed.

use super::table::Table;
use super::{tables, tree_heap};
use driftline_schema::Language;

/// The grammar and the table of a language, if this build has them.
pub(super) fn known(language: Language) -> Option<(tree_sitter::Language, &'static Table)> {
    // Nothing can be parsed without a grammar, and so nothing before this.
    tree_heap::install();
    Some(match language {
        Language::Python => (tree_sitter_python::LANGUAGE.into(), &tables::python::TABLE),
        Language::JavaScript => (tree_sitter_javascript::LANGUAGE.into(), &tables::javascript::TABLE),
        Language::TypeScript => (tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), &tables::typescript::TABLE),
        Language::Tsx => (tree_sitter_typescript::LANGUAGE_TSX.into(), &tables::typescript::TSX),
        Language::Java => (tree_sitter_java::LANGUAGE.into(), &tables::java::TABLE),
        Language::C => (tree_sitter_c::LANGUAGE.into(), &tables::c::TABLE),
        Language::Cpp => (tree_sitter_cpp::LANGUAGE.into(), &tables::cpp::TABLE),
        Language::Go => (tree_sitter_go::LANGUAGE.into(), &tables::go::TABLE),
        Language::Rust => (tree_sitter_rust::LANGUAGE.into(), &tables::rust::TABLE),
        other => return optional(other),
    })
}

/// The grammar and the table of a language beyond the main ones.
fn optional(language: Language) -> Option<(tree_sitter::Language, &'static Table)> {
    match language {
        #[cfg(feature = "csharp")]
        Language::CSharp => Some((tree_sitter_c_sharp::LANGUAGE.into(), &tables::csharp::TABLE)),
        #[cfg(feature = "php")]
        Language::Php => Some((tree_sitter_php::LANGUAGE_PHP.into(), &tables::php::TABLE)),
        #[cfg(feature = "ruby")]
        Language::Ruby => Some((tree_sitter_ruby::LANGUAGE.into(), &tables::ruby::TABLE)),
        #[cfg(feature = "kotlin")]
        Language::Kotlin => Some((tree_sitter_kotlin_ng::LANGUAGE.into(), &tables::kotlin::TABLE)),
        #[cfg(feature = "swift")]
        Language::Swift => Some((tree_sitter_swift::LANGUAGE.into(), &tables::swift::TABLE)),
        #[cfg(feature = "scala")]
        Language::Scala => Some((tree_sitter_scala::LANGUAGE.into(), &tables::scala::TABLE)),
        #[cfg(feature = "bash")]
        Language::Bash => Some((tree_sitter_bash::LANGUAGE.into(), &tables::bash::TABLE)),
        _ => None,
    }
}

/// The grammar of a language, if this build has it.
pub fn grammar(language: Language) -> Option<tree_sitter::Language> {
    known(language).map(|(grammar, _)| grammar)
}

/// Whether this build can read a language. A file of another language has no facts, as one without a language.
pub fn has_grammar(language: Language) -> bool {
    language <= Language::Rust || optional(language).is_some()
}

/// The languages this build can read, in the order of the enum.
pub fn languages() -> impl Iterator<Item = Language> {
    Language::ALL.into_iter().filter(|language| has_grammar(*language))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measurer, SyntaxLimits, measure};

    #[test]
    fn a_language_without_its_grammar_is_counted_and_not_parsed() {
        for language in Language::ALL {
            let facts = measure(&mut Measurer::new(), language, "a\n\nb\n", &SyntaxLimits::default());
            assert_eq!(facts.lines.is_empty(), !has_grammar(language), "{language}");
            assert_eq!((facts.language, facts.metrics.sloc, facts.metrics.blank), (language, 3, 1));
        }
    }

    #[test]
    fn the_main_languages_are_in_every_build() {
        assert!(Language::ALL.iter().take(9).all(|language| known(*language).is_some()));
        assert_eq!(languages().count(), Language::ALL.iter().filter(|other| known(**other).is_some()).count());
    }
}
