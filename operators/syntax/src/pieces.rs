//! The pieces of a C or C++ text before any grammar: comments, literals, words, signs and directives of the preprocessor.
//!
//! For questions that a tree with errors cannot answer. Each byte is looked at once; what does not end runs to the end of
//! the text, or of its line where the language says so.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A comment of either form.
    Comment,
    /// A string, a character or a number.
    Literal,
    /// A name or a keyword.
    Word,
    /// Any other sign, a byte at a time.
    Sign(u8),
    /// `#` at the beginning of a line with the word after it.
    Directive,
    /// The end of a directive's line, without text; what stands between belongs to the directive.
    DirectiveEnd,
}

/// A piece and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it starts (bytes).
    pub(super) start: usize,
    /// Where it ends (bytes).
    pub(super) end: usize,
    /// Whether nothing but white space and comments stands before it on its line.
    pub(super) first: bool,
}

/// The pieces of a text in order of place.
pub(super) struct Pieces<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether nothing but white space and comments was seen on the line.
    first: bool,
    in_directive: bool,
}

/// The pieces of `text`.
pub(super) fn pieces(text: &str) -> Pieces<'_> {
    Pieces { text: text.as_bytes(), at: 0, first: true, in_directive: false }
}

/// Whether a byte may stand in a word.
const IN_WORD: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        let as_byte = byte as u8;
        table[byte] = as_byte.is_ascii_alphanumeric() || matches!(as_byte, b'_' | b'$' | 0x80..);
        byte += 1;
    }
    table
};

fn is_word(byte: u8) -> bool {
    IN_WORD[usize::from(byte)]
}

impl Pieces<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or_default()
    }

    /// Where the run of bytes ends that begins at `at`.
    fn run(&self, at: usize, belongs: impl Fn(u8) -> bool) -> usize {
        self.text[at..].iter().position(|byte| !belongs(*byte)).map_or(self.text.len(), |length| at + length)
    }

    /// Where the text ends that begins at `at` and is closed by `closing`.
    fn closed(&self, at: usize, closing: &[u8]) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        memchr::memmem::find(rest, closing).map_or(self.text.len(), |length| at + length + closing.len())
    }

    /// Length of what joins this line to the next, if it stands at `at`.
    fn splice(&self, at: usize) -> usize {
        match (self.byte(at), self.byte(at + 1), self.byte(at + 2)) {
            (b'\\', b'\n', _) => 2,
            (b'\\', b'\r', b'\n') => 3,
            _ => 0,
        }
    }

    /// Where the line ends on which `at` stands, with all that are joined to it, or the literal that `quote` closes.
    fn line_or_quote(&self, mut at: usize, quote: Option<u8>) -> usize {
        while at < self.text.len() && self.byte(at) != b'\n' {
            let byte = self.byte(at);
            if Some(byte) == quote {
                return at + 1;
            }
            // In a comment a backslash is a character like others but at the end of its line.
            let escape = if quote.is_some() && byte == b'\\' && self.byte(at + 1) != b'\n' { 2 } else { 1 };
            at += self.splice(at).max(escape);
        }
        at.min(self.text.len())
    }

    /// Where the number ends that begins at `at`, quotes between its digits included.
    fn number(&self, mut at: usize) -> usize {
        while is_word(self.byte(at)) || self.byte(at) == b'.' || (self.byte(at) == b'\'' && is_word(self.byte(at + 1)))
        {
            at += 1;
        }
        at
    }

    /// Where the raw string ends whose quote stands at `at`, if it is one.
    fn raw(&self, prefix: &[u8], at: usize) -> Option<usize> {
        const DELIMITER_BYTES_MAX: usize = 16;
        if self.byte(at) != b'"' || !matches!(prefix, b"R" | b"LR" | b"uR" | b"UR" | b"u8R") {
            return None;
        }
        let open = self.run(at + 1, |byte| !matches!(byte, b'(' | b')' | b'\\' | b'"' | b' ' | b'\t' | b'\r' | b'\n'));
        if self.byte(open) != b'(' || open - at - 1 > DELIMITER_BYTES_MAX {
            return None;
        }
        let closing = [b")", &self.text[at + 1..open], b"\""].concat();
        Some(self.closed(open + 1, &closing))
    }

    /// What the piece is that begins at `at`, which is no white space, and where it ends.
    fn piece(&self, at: usize) -> (Kind, usize) {
        match (self.byte(at), self.byte(at + 1)) {
            (b'/', b'*') => (Kind::Comment, self.closed(at + 2, b"*/")),
            (b'/', b'/') => (Kind::Comment, self.line_or_quote(at, None)),
            (b'#', _) if self.first && !self.in_directive => {
                let word = self.run(at + 1, |byte| matches!(byte, b' ' | b'\t'));
                (Kind::Directive, self.run(word, is_word))
            }
            (quote @ (b'"' | b'\''), _) => (Kind::Literal, self.line_or_quote(at + 1, Some(quote))),
            (byte, _) if byte.is_ascii_digit() => (Kind::Literal, self.number(at)),
            (byte, _) if is_word(byte) => {
                let end = self.run(at, is_word);
                let raw = self.raw(&self.text[at..end], end);
                raw.map_or((Kind::Word, end), |end| (Kind::Literal, end))
            }
            (byte, _) => (Kind::Sign(byte), at + 1),
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let (start, first) = (self.at, self.first);
            let is_over = start >= self.text.len();
            if self.in_directive && (is_over || self.byte(start) == b'\n') {
                self.in_directive = false;
                return Some(Piece { kind: Kind::DirectiveEnd, start, end: start, first: false });
            }
            if is_over {
                return None;
            }
            let byte = self.byte(start);
            if byte.is_ascii_whitespace() || byte == 0x0b {
                self.first |= byte == b'\n';
                self.at += 1;
                continue;
            }
            let splice = self.splice(start);
            if splice > 0 {
                self.at += splice;
                continue;
            }
            let (kind, end) = self.piece(start);
            self.at = end;
            self.first &= kind == Kind::Comment;
            self.in_directive |= kind == Kind::Directive;
            return Some(Piece { kind, start, end, first });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The pieces of a text, directives and their ends in brackets, comments as `//`.
    fn shown(text: &str) -> String {
        let show = |piece: Piece| match piece.kind {
            Kind::Comment => "//".to_owned(),
            Kind::Directive => format!("[{}", &text[piece.start..piece.end]),
            Kind::DirectiveEnd => "]".to_owned(),
            _ => text[piece.start..piece.end].to_owned(),
        };
        pieces(text).map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn signs_in_comments_and_literals_are_no_signs() {
        assert_eq!(shown("a /* { */ b // }\nc"), "a // b // c");
        assert_eq!(shown(r#"f("{\"}", '{', '\'', L'}', u8"{")"#), r#"f ( "{\"}" , '{' , '\'' , L '}' , u8 "{" )"#);
        assert_eq!(shown("x = R\"a(}\")\")a\" + 1'000'000;"), "x = R\"a(}\")\")a\" + 1'000'000 ;");
        assert_eq!(shown("// a \\\n { \n b"), "// b");
        assert_eq!(shown("\"a \\\r\n{\" }"), "\"a \\\r\n{\" }");
    }

    #[test]
    fn what_is_not_closed_ends_with_its_line_or_with_the_text() {
        assert_eq!(shown("don't {\n}"), "don 't { }");
        assert_eq!(shown("don't {\\"), "don 't {\\");
        assert_eq!(shown("a /* {\n}"), "a //");
        assert_eq!(shown("R\"(a\n}"), "R\"(a\n}");
        assert_eq!(shown("R\"a b(\n}"), "R \"a b( }");
    }

    #[test]
    fn a_directive_begins_a_line_and_ends_with_the_last_that_is_joined_to_it() {
        assert_eq!(shown("  # if A \\\r\n && B /* c\n */ < 1\nd # e"), "[# if A & & B // < 1 ] d # e");
        assert_eq!(shown("/* a */ #endif"), "// [#endif ]");
        assert_eq!(shown("#\n#else\r\n#"), "[# ] [#else ] [# ]");
        let firsts: Vec<bool> = pieces("/* a */ b c\n d").map(|piece| piece.first).collect();
        assert_eq!(firsts, [true, true, false, true]);
    }

    proptest! {
        #[test]
        fn pieces_follow_each_other_and_hold_all_that_is_not_white_space(text in "[a'\"/*#\\\\\n\r R(){1\u{e9}]{0,60}") {
            let mut end = 0;
            for piece in pieces(&text) {
                prop_assert!(end <= piece.start && piece.start <= piece.end && piece.end <= text.len());
                prop_assert!(text.is_char_boundary(piece.start) && text.is_char_boundary(piece.end));
                let between = &text[end..piece.start];
                prop_assert!(between.chars().all(|c| c.is_ascii_whitespace() || c == '\\'), "{between:?}");
                end = piece.end;
            }
            prop_assert!(text[end..].chars().all(|c| c.is_ascii_whitespace() || c == '\\'));
        }
    }
}
