//! The tables of the languages, compiled from names to arrays over kind ids.
//!
//! A grammar gives one name to several ids (aliases), so an array is filled by asking every id for its name; asking for
//! the id of a name would miss constructs without a sign.

use super::class::{Classes, ERROR};
use super::tables;
use driftline_schema::Language;
use std::sync::OnceLock;

/// Kind names of one class.
pub(super) type Entry = (Classes, &'static [&'static str]);

/// What is known of a language, by names as its grammar writes them.
pub(super) struct Table {
    /// The table whose entries hold here too.
    pub(super) base: Option<&'static Table>,
    /// Named kinds.
    pub(super) kinds: &'static [Entry],
    /// Words and signs.
    pub(super) tokens: &'static [Entry],
    /// Fields of a structural node that its own nesting does not reach.
    pub(super) header_fields: &'static [&'static str],
    /// Fields that name a closure, in a node of class `NAMER`.
    pub(super) namer_fields: &'static [&'static str],
    /// Fields that name a scope.
    pub(super) scope_fields: &'static [&'static str],
    /// How the language behaves where tables cannot say it.
    pub(super) traits: Traits,
}

/// Habits of a language.
#[derive(Clone, Copy)]
pub(super) struct Traits {
    /// What stands before a method's name when an object calls itself.
    pub(super) self_prefixes: &'static [&'static str],
    /// Names of a first parameter that is the receiver.
    pub(super) self_params: &'static [&'static str],
    /// Whether a method may be called without naming its object.
    pub(super) implicit_self: bool,
    /// Whether functions of one name differ by their parameters.
    pub(super) overloads: bool,
    /// Whether a call's first child is what is called; otherwise all before the arguments is.
    pub(super) callee_first: bool,
    /// Whether arms are told apart by patterns; otherwise by their first word.
    pub(super) arm_patterns: bool,
    /// Whether one parameter declaration may name several parameters.
    pub(super) grouped_params: bool,
    /// Whether a function that only defines and returns another is a decorator.
    pub(super) decorators: bool,
    /// The name that makes a method a constructor; the class's own name where this is empty.
    pub(super) constructor: Option<&'static str>,
}

/// Habits most languages share.
pub(super) const PLAIN: Traits = Traits {
    self_prefixes: &[],
    self_params: &[],
    implicit_self: false,
    overloads: false,
    callee_first: true,
    arm_patterns: false,
    grouped_params: false,
    decorators: false,
    constructor: None,
};

/// Ids of the fields the pass asks for; zero where the grammar has none.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) name: u16,
    pub(super) parameters: u16,
    pub(super) parameter: u16,
    pub(super) receiver: u16,
    pub(super) declarator: u16,
    pub(super) body: u16,
    pub(super) condition: u16,
    pub(super) definition: u16,
}

/// A table over kind ids.
pub(super) struct Compiled {
    classes: Vec<Classes>,
    header: Vec<bool>,
    pub(super) namer: Vec<u16>,
    pub(super) scope: Vec<u16>,
    pub(super) fields: Fields,
    pub(super) traits: Traits,
}

impl Compiled {
    /// The classes of a kind; ERROR nodes have an id beyond the table.
    pub(super) fn classes(&self, kind: u16) -> Classes {
        self.classes.get(kind as usize).copied().unwrap_or(ERROR)
    }
    /// Whether the nesting of a structural node does not reach its field with this id.
    pub(super) fn is_header(&self, field: u16) -> bool {
        self.header.get(field as usize).copied().unwrap_or(false)
    }
}

/// The grammar of a language.
pub(super) fn grammar(language: Language) -> tree_sitter::Language {
    match language {
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::Java => tree_sitter_java::LANGUAGE.into(),
        Language::C => tree_sitter_c::LANGUAGE.into(),
        Language::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        Language::Go => tree_sitter_go::LANGUAGE.into(),
        Language::Rust => tree_sitter_rust::LANGUAGE.into(),
    }
}

/// The table of a language.
pub(super) fn table(language: Language) -> &'static Table {
    match language {
        Language::Python => &tables::python::TABLE,
        Language::JavaScript => &tables::javascript::TABLE,
        Language::TypeScript | Language::Tsx => &tables::typescript::TABLE,
        Language::Java => &tables::java::TABLE,
        Language::C => &tables::c::TABLE,
        Language::Cpp => &tables::cpp::TABLE,
        Language::Go => &tables::go::TABLE,
        Language::Rust => &tables::rust::TABLE,
    }
}

/// The compiled table of a language, made at its first use.
pub(super) fn compiled(language: Language) -> &'static Compiled {
    static COMPILED: [OnceLock<Compiled>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    COMPILED[language as usize].get_or_init(|| compile(&grammar(language), table(language)))
}

/// A table and those it builds on.
fn lineage(table: &'static Table) -> impl Iterator<Item = &'static Table> {
    std::iter::successors(Some(table), |table| table.base)
}

fn compile(grammar: &tree_sitter::Language, table: &'static Table) -> Compiled {
    let of = |id: u16| -> Classes {
        let Some(name) = grammar.node_kind_for_id(id) else { return 0 };
        let entries = lineage(table).flat_map(|t| if grammar.node_kind_is_named(id) { t.kinds } else { t.tokens });
        entries.filter(|(_, names)| names.contains(&name)).fold(0, |classes, (class, _)| classes | class)
    };
    let count = u16::try_from(grammar.node_kind_count()).expect("kind ids are 16 bits wide");
    let field = |name: &str| grammar.field_id_for_name(name).map_or(0, |id| id.get());
    let ids = |names: &[&str]| names.iter().map(|name| field(name)).filter(|id| *id != 0).collect::<Vec<u16>>();
    let headers = ids(table.header_fields);
    Compiled {
        classes: (0..count).map(of).collect(),
        header: (0..=grammar.field_count()).map(|id| headers.iter().any(|header| usize::from(*header) == id)).collect(),
        namer: ids(table.namer_fields),
        scope: ids(table.scope_fields),
        fields: Fields {
            name: field("name"),
            parameters: field("parameters"),
            parameter: field("parameter"),
            receiver: field("receiver"),
            declarator: field("declarator"),
            body: field("body"),
            condition: field("condition"),
            definition: field("definition"),
        },
        traits: table.traits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_table_stands_in_the_grammar() {
        for language in Language::ALL {
            let grammar = grammar(language);
            let has = |name: &str, named: bool| {
                (0..grammar.node_kind_count() as u16)
                    .any(|id| grammar.node_kind_for_id(id) == Some(name) && grammar.node_kind_is_named(id) == named)
            };
            for table in lineage(table(language)) {
                for (entries, named) in [(table.kinds, true), (table.tokens, false)] {
                    for name in entries.iter().flat_map(|(_, names)| names.iter()) {
                        assert!(has(name, named), "{language} has no kind `{name}` (named: {named})");
                    }
                }
            }
            let own = table(language);
            for name in [own.header_fields, own.namer_fields, own.scope_fields].into_iter().flatten() {
                assert!(grammar.field_id_for_name(name).is_some(), "{language} has no field `{name}`");
            }
        }
    }

    /// A new grammar may bring kinds no table knows; this makes its reader compare the lists before going on.
    #[test]
    fn the_grammars_are_those_the_tables_were_written_for() {
        let sizes = Language::ALL.map(|language| {
            let grammar = grammar(language);
            (language.name(), grammar.node_kind_count(), grammar.field_count())
        });
        assert_eq!(sizes, SIZES);
    }

    #[test]
    fn aliases_of_a_kind_share_its_classes() {
        for language in Language::ALL {
            let (grammar, compiled) = (grammar(language), compiled(language));
            let mut seen = std::collections::BTreeMap::new();
            for id in 0..grammar.node_kind_count() as u16 {
                let key = (grammar.node_kind_for_id(id), grammar.node_kind_is_named(id));
                assert_eq!(
                    *seen.entry(key).or_insert(compiled.classes(id)),
                    compiled.classes(id),
                    "{language} {key:?}"
                );
            }
            assert_eq!(compiled.classes(u16::MAX), ERROR);
        }
    }

    const SIZES: [(&str, usize, usize); 9] = [
        ("python", 274, 32),
        ("javascript", 265, 36),
        ("typescript", 383, 40),
        ("tsx", 400, 43),
        ("java", 321, 40),
        ("c", 363, 39),
        ("cpp", 543, 50),
        ("go", 219, 35),
        ("rust", 355, 31),
    ];
}
