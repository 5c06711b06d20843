//! A text builder in which only literals are markup.
//!
//! `raw` takes `&'static str`, so nothing that came from outside can get in without being escaped.

use std::fmt::{Display, Write};

/// A growing HTML text.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup, as written in the source.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }
    /// A text or an attribute's value (within double quotes), escaped.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        write!(Escaped(&mut self.0), "{text}").expect("writing to a string");
        self
    }
    /// One segment of a path in an attribute, percent-encoded.
    pub(super) fn segment(&mut self, text: &str) -> &mut Self {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.0.push(byte as char);
            } else {
                write!(self.0, "%{byte:02X}").expect("writing to a string");
            }
        }
        self
    }
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for char in text.chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Bidirectional overrides could make a path look like another one.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                char if char.is_control() => self.0.push(' '),
                char => self.0.push(char),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let mut out = Html::default();
        out.raw("<b title=\"").text("\"><script>'&").raw("\">").text("a\u{202e}b\0").segment("o/n?#é");
        let expected = "<b title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">a\u{fffd}b o%2Fn%3F%23%C3%A9";
        assert_eq!(out.into_string(), expected);
    }
}
