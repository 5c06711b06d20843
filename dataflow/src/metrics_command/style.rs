//! Colours, for people: none when the text goes anywhere else.

use std::io::IsTerminal;

/// Whether and how text is coloured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    colours: bool,
}

impl Style {
    /// No colours.
    pub(super) const PLAIN: Self = Self { colours: false };
    /// Colours.
    #[cfg(test)]
    pub(super) const COLOURED: Self = Self { colours: true };

    /// Colours when a person looks at standard output and has not asked for none (`NO_COLOR`, any value but empty).
    pub(super) fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if set("NO_COLOR") || dumb || !std::io::stdout().is_terminal() { Self::PLAIN } else { Self { colours: true } }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What is over a threshold.
    pub(super) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What a table is about.
    pub(super) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What is only looked up.
    pub(super) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}
