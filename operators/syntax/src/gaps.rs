//! Pieces of C and C++ that the grammars have no rule for, and what to blank of them so that the rest is read as meant.
//!
//! `goto *target;` is an expression without the word, and what a `new` makes is told without its pointers and qualifiers:
//! to the grammar `new const T *[n]` ends with the captures of a closure, whose body is then whatever follows.

use super::pieces::{Kind, Piece};
use std::ops::Range;

/// How much of such a piece was seen.
#[derive(Default)]
enum Seen {
    /// Nothing.
    #[default]
    None,
    /// The word `goto`, by its place.
    Goto(Range<usize>),
    /// The word `new`, then parentheses so many of which are open.
    New(u32),
    /// A part of the type that a `new` makes, and pointers after it (bytes) that belong to it if no name follows.
    Type(Vec<Range<usize>>),
    /// Angle brackets in it, so many of which are open.
    Arguments(u32),
}

/// What is blanked.
#[derive(Default)]
pub(super) struct Gaps {
    seen: Seen,
    /// Places (bytes).
    pub(super) ranges: Vec<Range<usize>>,
    /// Starts of jumps (bytes).
    pub(super) jumps: Vec<u32>,
}

impl Gaps {
    /// Takes the next piece that is no comment; `is_cpp` where `new` is a word of the language.
    pub(super) fn next(&mut self, piece: Piece, word: &str, is_cpp: bool) {
        let place = piece.start..piece.end;
        self.seen = match (std::mem::take(&mut self.seen), piece.kind) {
            (Seen::Goto(jump), Kind::Sign(b'*')) => {
                self.jumps.push(jump.start as u32);
                self.ranges.push(jump);
                Seen::None
            }
            (_, Kind::Word) if word == "goto" => Seen::Goto(place),
            (_, Kind::Word) if word == "new" && is_cpp => Seen::New(0),
            // Where to make it: `new (place) T`.
            (Seen::New(open), Kind::Sign(b'(')) => Seen::New(open + 1),
            (Seen::New(open), Kind::Sign(b')')) => Seen::New(open.saturating_sub(1)),
            (Seen::New(open @ 1..), _) => Seen::New(open),
            (Seen::New(0), Kind::Word) if is_qualifier(word) => {
                self.ranges.push(place);
                Seen::New(0)
            }
            (Seen::New(0), Kind::Word | Kind::Sign(b':')) => Seen::Type(Vec::new()),
            (Seen::Type(pointers), Kind::Word) if is_qualifier(word) => {
                self.ranges.extend(pointers);
                self.ranges.push(place);
                Seen::Type(Vec::new())
            }
            (Seen::Type(mut pointers), Kind::Sign(b'*')) => {
                pointers.push(place);
                Seen::Type(pointers)
            }
            (Seen::Type(pointers), Kind::Word | Kind::Sign(b':')) if pointers.is_empty() => Seen::Type(pointers),
            (Seen::Type(pointers), Kind::Sign(b'<')) if pointers.is_empty() => Seen::Arguments(1),
            (Seen::Arguments(open), Kind::Sign(b'<')) => Seen::Arguments(open + 1),
            (Seen::Arguments(1), Kind::Sign(b'>')) => Seen::Type(Vec::new()),
            (Seen::Arguments(open), Kind::Sign(b'>')) => Seen::Arguments(open - 1),
            (Seen::Arguments(_), Kind::Sign(b';' | b'{' | b'}')) => Seen::None,
            (Seen::Arguments(open), _) => Seen::Arguments(open),
            (Seen::Type(pointers), Kind::Sign(b'[' | b'(' | b'{' | b';' | b',' | b')' | b'}')) => {
                self.ranges.extend(pointers);
                Seen::None
            }
            _ => Seen::None,
        };
    }
}

fn is_qualifier(word: &str) -> bool {
    matches!(word, "const" | "volatile")
}

#[cfg(test)]
mod tests {
    use super::super::pieces::pieces;
    use super::*;

    fn left(text: &str, is_cpp: bool) -> String {
        let mut gaps = Gaps::default();
        for piece in pieces(text).filter(|piece| piece.kind != Kind::Comment) {
            gaps.next(piece, &text[piece.start..piece.end], is_cpp);
        }
        let mut bytes = text.as_bytes().to_vec();
        gaps.ranges.into_iter().for_each(|range| bytes[range].fill(b' '));
        let text = String::from_utf8(bytes).expect("whole pieces are blanked");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_a_new_makes_is_told_without_pointers_and_qualifiers() {
        for (text, kept) in [
            ("new const T*[n];", "new T [n];"),
            ("new T **[n];", "new T [n];"),
            ("new (p) const volatile a::B(1);", "new (p) a::B(1);"),
            ("new T const* const[n];", "new T [n];"),
            ("f(new std::vector<const int>*[n]);", "f(new std::vector<const int> [n]);"),
            ("new const std::map<A, B<C>>*;", "new std::map<A, B<C>> ;"),
            ("new ::a::T*, b", "new ::a::T , b"),
        ] {
            assert_eq!(left(text, true), kept, "{text}");
        }
        for text in ["new T * a;", "a * b[n];", "new T[n] * 2;", "const T *a[n];", "new (T*)[n];"] {
            assert_eq!(left(text, true), text);
        }
        assert_eq!(left("new * const a;", false), "new * const a;");
    }

    #[test]
    fn a_computed_jump_is_an_expression_without_its_word() {
        assert_eq!(left("goto *t[a]; goto /* far */ *t; goto a;", false), "*t[a]; /* far */ *t; goto a;");
    }
}
