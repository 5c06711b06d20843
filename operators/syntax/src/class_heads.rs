//! Macros between the word that begins a class and its name: `class EXPORT A {`.
//!
//! To the grammars the macro is the class, its name a variable and its body one of a function, with all that it holds.

use super::pieces::{Kind, Piece};
use std::ops::Range;

/// How much of the head of a class was seen.
#[derive(Default)]
pub(super) enum ClassHead {
    /// Nothing.
    #[default]
    None,
    /// `class` or `struct`.
    Word,
    /// A macro after it, by its place.
    Macro(Range<usize>),
    /// Then a name.
    Name(Range<usize>),
}

impl ClassHead {
    /// Takes the next piece; gives the place of a macro (bytes) once it is known to stand before a class's name.
    pub(super) fn next(&mut self, piece: Piece, word: &str) -> Option<Range<usize>> {
        // `struct point p{1, 2}` is a variable; capitals alone are the mark of a macro.
        let is_macro = || word.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
        let seen = std::mem::take(self);
        *self = match (seen, piece.kind) {
            (Self::Name(place), Kind::Sign(b'{' | b':')) => return Some(place),
            (Self::Name(place), Kind::Word) if word == "final" => return Some(place),
            (_, Kind::Word) if matches!(word, "class" | "struct") => Self::Word,
            (Self::Word, Kind::Word) if is_macro() => Self::Macro(piece.start..piece.end),
            (Self::Macro(place), Kind::Word) if word != "final" => Self::Name(place),
            _ => Self::None,
        };
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::pieces::pieces;
    use super::*;

    #[test]
    fn a_macro_before_the_name_of_a_class_is_told_from_a_variable() {
        let found = |text: &str| {
            let mut head = ClassHead::default();
            let macros = pieces(text).filter_map(|piece| head.next(piece, &text[piece.start..piece.end]));
            macros.map(|place| text[place].to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            found("class A_EXPORT B {}; struct C2 D : E {}; class F G final {}; class H I::J {};"),
            "A_EXPORT C2 F H"
        );
        for text in ["class A {", "class A;", "class A b;", "struct point p{1};", "class A final {", "class A : B {"] {
            assert_eq!(found(text), "", "{text}");
        }
        assert_eq!(found("class class A B {"), "A");
    }
}
