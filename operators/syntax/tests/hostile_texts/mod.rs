//! Texts made to be hard: fragments of a grammar's own tokens, repeated, nested, opened and never closed.
//!
//! A recipe gives a text of any size, so that what it costs can be compared at one size and at four times that.

use driftline_schema::Language;
use driftline_syntax::grammar;

/// How the parts of a recipe are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All parts, again and again.
    Repeat,
    /// The first part, then the others again and again.
    Prefix,
    /// The first parts again and again, then the last as often: brackets around brackets.
    Nest,
    /// Short nests, one after the other.
    Nests,
    /// The first half of the text of one part, the second of the others.
    Halves,
    /// All parts again and again, with another name each time.
    Numbered,
}

impl Shape {
    /// All shapes.
    pub(crate) const ALL: [Self; 6] =
        [Self::Repeat, Self::Prefix, Self::Nest, Self::Nests, Self::Halves, Self::Numbered];
}

/// A text of any size.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// How the parts are put together.
    pub(crate) shape: Shape,
    /// At least one.
    pub(crate) parts: Vec<String>,
    /// What stands between parts.
    pub(crate) between: &'static str,
}

/// Levels of a short nest.
const NEST_LEVELS: usize = 40;

impl Recipe {
    /// A recipe of one shape whose parts stand beside each other.
    pub(crate) fn new(shape: Shape, parts: &[&str]) -> Self {
        Self { shape, parts: parts.iter().map(|part| (*part).to_owned()).collect(), between: "" }
    }

    /// A text of about `bytes` bytes.
    pub(crate) fn text(&self, bytes: usize) -> String {
        let joined = |parts: &[String]| parts.iter().map(|part| format!("{part}{}", self.between)).collect::<String>();
        let repeat = |unit: &str, bytes: usize| unit.repeat((bytes / unit.len().max(1)).max(1));
        let (first, rest) = self.parts.split_first().expect("a recipe has a part");
        let (last, front) = self.parts.split_last().expect("a recipe has a part");
        let nest = |levels: usize| {
            format!("{}{}", joined(front).repeat(levels), format!("{last}{}", self.between).repeat(levels))
        };
        let level = joined(&self.parts).len().max(1);
        match self.shape {
            Shape::Repeat => repeat(&joined(&self.parts), bytes),
            Shape::Prefix => format!("{first}{}", repeat(&joined(rest), bytes)),
            Shape::Nest => nest((bytes / level).max(1)),
            Shape::Nests => repeat(&nest(NEST_LEVELS), bytes),
            Shape::Halves => {
                let half = |parts: &[String]| repeat(&joined(parts), bytes / 2);
                half(std::slice::from_ref(first)) + &half(rest)
            }
            Shape::Numbered => {
                let unit = joined(&self.parts);
                (0..(bytes / (unit.len() + 3)).max(1)).map(|number| unit.replace('a', &format!("a{number}"))).collect()
            }
        }
    }

    /// What tells it from others, for people.
    pub(crate) fn name(&self) -> String {
        format!("{:?} {:?} {:?}", self.shape, self.parts, self.between)
    }
}

/// The keywords and signs of a language, as its grammar lists them.
pub(crate) fn tokens(language: Language) -> Vec<String> {
    let grammar = grammar(language).expect("only languages of this build are asked for");
    let mut tokens: Vec<String> = (0..grammar.node_kind_count() as u16)
        .filter(|id| grammar.node_kind_is_visible(*id) && !grammar.node_kind_is_named(*id))
        .filter_map(|id| grammar.node_kind_for_id(id))
        .map(|token| token.replace("\\n", "\n"))
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// Pieces of texts that no list of tokens has.
#[rustfmt::skip]
pub(crate) const PIECES: [&str; 72] = [
    "a", "b", "1", "0x1", "1.5e3", "A", "\n", "\n\n", "\t", "    ", "\r\n", "\\\n", "\"", "'", "`", "\"a\"", "'a'", "`a`", "\"\"\"", "'''",
    "/*", "*/", "/* a */", "//", "// a\n", "# a\n", "#", "\\", "\u{e9}", "\0", "a<b", "a(b)", "a(b)*", "(a)-b", "(a)b", "a<b>", "a<b>(c)", "a::b",
    "${", "#{", "\\(", "`${", "f\"{", "f'", "$\"{", "@\"", "r#\"", "R\"a(", "<<A\n", "<<-A", "<<~A\n", "<<'A'\n", "A\n", "<?php ", "?>", "/a/", "/=", "<a>", "</a>", "{a}",
    "\n#if A\n", "\n#else\n", "\n#endif\n", "\n#elif B\n", "\n#define A \\\n", "\n#ifdef A\n", "a:\n    ", "a ? b : ", "a => ", "a, ", "a; ", "(a, b) => ",
];
