//! The tables of the languages, compiled from names to arrays over kind ids.
//!
//! A grammar gives one name to several ids (aliases), so an array is filled by asking every id for its name; asking for
//! the id of a name would miss constructs without a sign.

use super::class::*;
use super::grammar::known;
use super::text_hash::name_hash;
use driftline_schema::{ClassKind, Language};
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
    /// Fields of a class that hold the names of its bases.
    pub(super) base_fields: &'static [&'static str],
    /// Named kinds that need nothing: a kind that is in no class must stand here.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the test of the tables asks"))]
    pub(super) ignored: &'static [&'static str],
    /// How the language behaves where tables cannot say it.
    pub(super) traits: Traits,
}

/// Habits of a language.
#[derive(Clone, Copy)]
pub(super) struct Traits {
    /// What stands before a method's name when an object calls itself.
    pub(super) self_prefixes: &'static [&'static str],
    /// Whether the first parameter of a method is the receiver, whatever it is called.
    pub(super) first_is_receiver: bool,
    /// Whether a method may be called without naming its object.
    pub(super) implicit_self: bool,
    /// Whether functions of one name differ by their parameters.
    pub(super) overloads: bool,
    /// Whether arms are told apart by patterns; otherwise by their first word.
    pub(super) arm_patterns: bool,
    /// Whether one parameter declaration may name several parameters.
    pub(super) grouped_params: bool,
    /// Whether a function that only defines and returns another is a decorator.
    pub(super) decorators: bool,
    /// The name that makes a method a constructor; the class's own name where this is empty.
    pub(super) constructor: Option<&'static str>,
    /// How members say that others may touch them.
    pub(super) visibility: Visibility,
    /// How a file names others.
    pub(super) imports: Imports,
    /// Whether assigning to a member of the object declares a field.
    pub(super) fields_by_assignment: bool,
    /// Whether a class without a body only mentions the class, and a name may follow the body.
    pub(super) class_ends_with_body: bool,
    /// Whether `a = b || {}` is free in the sonar profile.
    pub(super) free_defaults: bool,
    /// Which strings hold code.
    pub(super) code_in_strings: CodeInStrings,
    /// The variable that is the object itself, where no word is.
    pub(super) self_variable: Option<&'static str>,
    /// Whether a call may have neither an object nor brackets.
    pub(super) bare_calls: bool,
    /// Whether two names in a row are a type and what is declared.
    pub(super) types_are_names: bool,
    /// Words that make a declaration one of constants; where there are none, a name in capitals says so.
    pub(super) constant_words: &'static [&'static str],
    /// Words that keep a member from others, where all others may be touched.
    pub(super) private_words: &'static [&'static str],
    /// What a class is whose methods stand in the file and whose declaration does not.
    pub(super) loose_class: ClassKind,
}

/// How members say that others may touch them.
#[cfg_attr(
    not(feature = "all-languages"),
    allow(dead_code, reason = "a language that is left out has its habits to itself")
)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    /// By the word `public`; members of an interface need none.
    Word,
    /// All but those with a word such as `private` and names that begin with `#`.
    NotPrivate,
    /// All but names that begin with one underscore.
    Underscore,
    /// Those whose name begins with a capital.
    Capital,
    /// Those that begin with `pub`.
    Pub,
    /// By the label above; without one, all but those of a `class`.
    Label,
    /// All but those below a word such as `private` that stands alone, or right behind it.
    Section,
}

/// How a file names others.
#[cfg_attr(
    not(feature = "all-languages"),
    allow(dead_code, reason = "a language that is left out has its habits to itself")
)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Imports {
    /// `import a.b`, `from .a import b`.
    Python,
    /// `import a from 'b'`, `export * from 'b'`, `require('b')`.
    EcmaScript,
    /// `import a.b.C`.
    Java,
    /// `#include "a.h"`.
    Include,
    /// `import "a/b"`.
    Go,
    /// `use a::b`, `mod a;`.
    Rust,
    /// `using a.b`.
    CSharp,
    /// `use a\b`, `require 'a.php'`.
    Php,
    /// `require 'a'`.
    Ruby,
    /// `import a.b.c`, `import a.b.*`.
    Kotlin,
    /// `import a`.
    Swift,
    /// `import a.b.{c, d}`.
    Scala,
    /// `source a.sh`.
    Bash,
}

/// Which strings hold code.
#[derive(Clone, Copy)]
pub(super) enum CodeInStrings {
    /// None.
    Never,
    /// Those with an `f` or `t` before the quote.
    Prefix,
    /// Those with this text.
    Marker(&'static str),
}

/// Numbers kept for operators that are told by their text.
pub(super) const SPELLED_OPERATORS: usize = 1 << 10;

/// Habits most languages share.
pub(super) const PLAIN: Traits = Traits {
    self_prefixes: &[],
    first_is_receiver: false,
    implicit_self: false,
    overloads: false,
    arm_patterns: false,
    grouped_params: false,
    decorators: false,
    constructor: None,
    visibility: Visibility::Word,
    imports: Imports::Include,
    fields_by_assignment: false,
    class_ends_with_body: false,
    free_defaults: false,
    code_in_strings: CodeInStrings::Never,
    self_variable: None,
    bare_calls: false,
    types_are_names: false,
    constant_words: &["const", "constexpr", "final"],
    private_words: &["private", "protected"],
    loose_class: ClassKind::Class,
};

/// What a leaf is to the token before and after it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Nothing of the below.
    #[default]
    Other,
    /// A name.
    Name,
    /// The name of a type.
    Type,
    /// The object itself.
    SelfName,
    /// Between an object and its member.
    Dot,
    /// Between a module or type and its member.
    Path,
    /// A word before a name that is declared.
    Declarer,
    /// The name of a field of the object itself.
    Own,
}

/// What the pass needs of a leaf's kind.
#[derive(Clone, Copy)]
pub(super) struct Leaf {
    /// What stands for the token where names and literals are compared by class.
    pub(super) code: u32,
    /// Its number among the distinct operators.
    pub(super) operator: u16,
    /// What it is to its neighbours.
    pub(super) role: Role,
}

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
    pub(super) kind: u16,
    pub(super) property: u16,
    pub(super) pattern: u16,
    pub(super) operator: u16,
    pub(super) value: u16,
    pub(super) default_value: u16,
}

/// A table over kind ids.
pub(super) struct Compiled {
    classes: Vec<Classes>,
    leaves: Vec<Leaf>,
    /// What a semicolon is.
    pub(super) semicolon: Leaf,
    /// What the word of a jump is.
    pub(super) goto: Leaf,
    /// How many distinct operators there may be.
    pub(super) operators: usize,
    pub(super) bases: Vec<u16>,
    header: Vec<bool>,
    pub(super) namer: Vec<u16>,
    pub(super) scope: Vec<u16>,
    pub(super) fields: Fields,
    /// Whether a word says that a field is declared.
    pub(super) declares: bool,
    pub(super) traits: Traits,
}

impl Compiled {
    /// The classes of a kind; ERROR nodes have an id beyond the table.
    pub(super) fn classes(&self, kind: u16) -> Classes {
        self.classes.get(kind as usize).copied().unwrap_or(ERROR)
    }
    /// What a leaf of this kind is.
    pub(super) fn leaf(&self, kind: u16) -> Leaf {
        let unknown = Leaf { code: 0, operator: 0, role: Role::Other };
        self.leaves.get(kind as usize).copied().unwrap_or(unknown)
    }
    /// Whether the nesting of a structural node does not reach its field with this id.
    pub(super) fn is_header(&self, field: u16) -> bool {
        self.header.get(field as usize).copied().unwrap_or(false)
    }
}

/// The compiled table of a language, made at its first use.
pub(super) fn compiled(language: Language) -> &'static Compiled {
    static COMPILED: [OnceLock<Compiled>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    COMPILED[language as usize].get_or_init(|| {
        let (grammar, table) = known(language).expect("only a language with a grammar has a tree that asks");
        compile(&grammar, table)
    })
}

/// A table and those it builds on.
fn lineage(table: &'static Table) -> impl Iterator<Item = &'static Table> {
    std::iter::successors(Some(table), |table| table.base)
}

/// The classes of a word or sign by its text: an operator, unless it closes a bracket or ends a line or a string.
fn token_class(name: &str) -> Classes {
    let quotes = |c: char| matches!(c, '"' | '\'' | '`');
    if name.trim().is_empty() || matches!(name, ")" | "]" | "}" | "]]" | "|}") || name.ends_with(quotes) {
        SILENT
    } else {
        OPERATOR
    }
}

/// Whether a literal of this kind is a text, which may go over several lines.
fn is_text(name: &str) -> bool {
    const PARTS: [&str; 8] =
        ["string", "heredoc", "nowdoc", "regex", "subshell", "symbol", "shell_command", "user_defined_literal"];
    PARTS.iter().any(|part| name.contains(part))
}

/// What a leaf of this name and these classes is; `operator` is its number.
fn leaf(name: &str, classes: Classes, operator: u16) -> Leaf {
    let roles = [
        (NAME, Role::Name),
        (TYPE, Role::Type),
        (SELF, Role::SelfName),
        (DOT, Role::Dot),
        (PATH, Role::Path),
        (DECLARER, Role::Declarer),
        (OWN, Role::Own),
    ];
    let role = roles.iter().find(|(class, _)| classes & class != 0).map_or(Role::Other, |(_, role)| *role);
    let class = match role {
        Role::Name | Role::Own => "name",
        Role::Type => "type",
        _ if classes & NUMBER != 0 => "number",
        _ if classes & OPERAND != 0 && name.contains("string") => "string",
        _ => name,
    };
    Leaf { code: name_hash(class.as_bytes()) as u32, operator, role }
}

fn compile(grammar: &tree_sitter::Language, table: &'static Table) -> Compiled {
    let of = |id: u16| -> Classes {
        let Some(name) = grammar.node_kind_for_id(id) else { return 0 };
        let named = grammar.node_kind_is_named(id);
        let entries = lineage(table).flat_map(|t| if named { t.kinds } else { t.tokens });
        let given = entries.filter(|(_, names)| names.contains(&name)).fold(0, |classes, (class, _)| classes | class);
        let text = if given & OPERAND != 0 && is_text(name) { TEXT } else { 0 };
        if named { given | text } else { given | token_class(name) }
    };
    let count = u16::try_from(grammar.node_kind_count()).expect("kind ids are 16 bits wide");
    let field = |name: &str| grammar.field_id_for_name(name).map_or(0, |id| id.get());
    let ids = |names: &[&str]| names.iter().map(|name| field(name)).filter(|id| *id != 0).collect::<Vec<u16>>();
    let headers = ids(table.header_fields);
    // Equal names share a number, so that aliases of one sign are one operator.
    let mut names: Vec<&str> = (0..count).filter_map(|id| grammar.node_kind_for_id(id)).collect();
    names.sort_unstable();
    names.dedup();
    let leaf_of = |id: u16| {
        let name = grammar.node_kind_for_id(id).unwrap_or_default();
        leaf(name, of(id), names.partition_point(|other| *other < name) as u16)
    };
    Compiled {
        classes: (0..count).map(of).collect(),
        leaves: (0..count).map(leaf_of).collect(),
        semicolon: leaf_of(grammar.id_for_node_kind(";", false)),
        goto: leaf_of(grammar.id_for_node_kind("goto", false)),
        operators: names.len() + 1 + SPELLED_OPERATORS,
        bases: ids(table.base_fields),
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
            kind: field("type"),
            property: field("property"),
            pattern: field("pattern"),
            operator: field("operator"),
            value: field("value"),
            default_value: field("default_value"),
        },
        declares: table.tokens.iter().any(|(classes, _)| classes & DECLARER != 0),
        traits: table.traits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::languages;

    #[test]
    fn every_name_of_a_table_stands_in_the_grammar() {
        for language in languages() {
            let (grammar, own) = known(language).expect("it is compiled in");
            let has = |name: &str, named: bool| {
                (0..grammar.node_kind_count() as u16)
                    .any(|id| grammar.node_kind_for_id(id) == Some(name) && grammar.node_kind_is_named(id) == named)
            };
            for table in lineage(own) {
                for (entries, named) in [(table.kinds, true), (table.tokens, false), (&[(0, table.ignored)], true)] {
                    for name in entries.iter().flat_map(|(_, names)| names.iter()) {
                        assert!(has(name, named), "{language} has no kind `{name}` (named: {named})");
                    }
                }
            }
            let fields = [own.header_fields, own.namer_fields, own.scope_fields, own.base_fields];
            for name in fields.into_iter().flatten() {
                assert!(grammar.field_id_for_name(name).is_some(), "{language} has no field `{name}`");
            }
        }
    }

    /// A new grammar may bring kinds no table knows: each must be given a class or be ignored on purpose.
    #[test]
    fn every_named_kind_is_in_a_class_or_ignored() {
        let (mut lost, mut both) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for language in languages() {
            let (grammar, table) = known(language).expect("it is compiled in");
            let compiled = compiled(language);
            let ignored: Vec<&str> = lineage(table).flat_map(|table| table.ignored).copied().collect();
            let named = (0..grammar.node_kind_count() as u16)
                .filter(|id| grammar.node_kind_is_named(*id) && grammar.node_kind_is_visible(*id));
            for id in named {
                let name = grammar.node_kind_for_id(id).expect("a visible kind has a name");
                let (is_ignored, has_class) = (ignored.contains(&name), compiled.classes(id) != 0);
                if is_ignored && has_class {
                    both.insert((language, name.to_owned()));
                } else if !is_ignored && !has_class {
                    lost.insert((language, name.to_owned()));
                }
            }
        }
        assert!(lost.is_empty(), "kinds in no class: {lost:?}");
        assert!(both.is_empty(), "kinds that are ignored and in a class: {both:?}");
    }

    #[test]
    fn the_grammars_are_those_the_tables_were_written_for() {
        for language in languages() {
            let (grammar, _) = known(language).expect("it is compiled in");
            let size = (language.name(), grammar.node_kind_count(), grammar.field_count());
            assert_eq!(size, SIZES[language as usize]);
        }
    }

    #[test]
    fn aliases_of_a_kind_share_its_classes() {
        for language in languages() {
            let (grammar, _) = known(language).expect("it is compiled in");
            let compiled = compiled(language);
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

    const SIZES: [(&str, usize, usize); 16] = [
        ("python", 274, 32),
        ("javascript", 265, 36),
        ("typescript", 383, 40),
        ("tsx", 400, 43),
        ("java", 321, 40),
        ("c", 363, 39),
        ("cpp", 543, 50),
        ("go", 219, 35),
        ("rust", 355, 31),
        ("csharp", 533, 26),
        ("php", 434, 31),
        ("ruby", 351, 32),
        ("kotlin", 289, 8),
        ("swift", 572, 47),
        ("scala", 463, 35),
        ("bash", 280, 19),
    ];
}
