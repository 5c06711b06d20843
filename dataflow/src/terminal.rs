//! What people read: one writer for standard output and standard error, and one way to show text that came from outside.
//!
//! A reader that has seen enough (`| head`) is no failure, so writing into a closed pipe is quiet. Any other failure of
//! standard output, such as a full disk, is kept and ends the command as failed. Names, paths and subjects come from
//! repositories: what could move a terminal's cursor, colour it or turn text around is shown escaped.

use parking_lot::Mutex;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};
use std::io::{self, ErrorKind, Write};

/// The first failure of standard output that was not a closed pipe.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line on standard output, as `println!` does, but never panics.
macro_rules! say {
    ($($part:tt)*) => { $crate::terminal::line(format_args!($($part)*)) };
}

/// Prints a line on standard error, as `eprintln!` does, but never panics.
macro_rules! note {
    ($($part:tt)*) => { $crate::terminal::note_line(format_args!($($part)*)) };
}

pub(crate) use {note, say};

/// A line on standard output; see [`failure`].
pub fn line(text: Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = Quiet(&mut out).write_all(format!("{text}\n").as_bytes()).and_then(|()| Quiet(&mut out).flush())
    {
        FAILURE.lock().get_or_insert(error);
    }
}

/// An error with its causes, on one line, the nearest first.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A line on standard error; where nobody can read it, there is nobody to tell.
pub fn note_line(text: Arguments<'_>) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Why standard output did not take everything, told once; a closed pipe is no reason.
pub fn failure() -> Option<io::Error> {
    FAILURE.lock().take()
}

/// A writer for which a closed pipe is as good as a reader.
pub struct Quiet<W>(pub W);

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            outcome => outcome,
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }
}

/// Whether a character is not shown as itself: controls (with line ends and tabs), direction marks, invisible tags.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(character, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Text from outside as it may stand in a line for people.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) { escaped.extend(character.escape_default()) } else { escaped.push(character) }
    }
    Cow::Owned(escaped)
}

/// The same of text that has several lines of its own: line ends stay, and what follows one is set in, so that no line
/// can pass for one of driftline's.
pub fn shown_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.trim_end().split('\n').map(shown).collect();
    lines.join("\n    ")
}

/// The same of a whole message of driftline's own, whose line ends stay as they are.
pub fn shown_message(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// A value as one line of JSON, in which characters that a terminal would act upon are written `\uXXXX`.
pub fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("what is printed is plain data");
    if !text.chars().any(is_hidden) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            // They can only stand inside strings, where JSON takes any UTF-16 unit in hex.
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").expect("a string grows");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_upon_is_escaped() {
        assert_eq!(
            shown("plain, na\u{ef}ve \u{1f468}\u{200d}\u{1f4bb}"),
            "plain, na\u{ef}ve \u{1f468}\u{200d}\u{1f4bb}"
        );
        assert_eq!(shown("\x1b[31mred\x1b]0;title\x07"), "\\u{1b}[31mred\\u{1b}]0;title\\u{7}");
        assert_eq!(shown("a\nb\tc\rd"), "a\\nb\\tc\\rd");
        assert_eq!(shown("\u{9b}2J\u{202e}txt\u{2066}\u{e0041}"), "\\u{9b}2J\\u{202e}txt\\u{2066}\\u{e0041}");
        assert_eq!(shown_message("one\x1b\n\n  two\n"), "one\\u{1b}\n\n  two\n");
        assert_eq!(shown_lines("one\ndriftline: all is well\x1b\n"), "one\n    driftline: all is well\\u{1b}");
    }

    #[test]
    fn json_means_the_same_and_moves_no_cursor() {
        let value = serde_json::json!({"subject": "a\x1b[2J\u{9b}b\u{202e}c\u{e0041}\u{7f}"});
        let text = json(&value);
        assert!(!text.chars().any(is_hidden), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("is JSON"), value);
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
        struct Fails(ErrorKind);
        impl Write for Fails {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(self.0.into())
            }
        }
        let mut closed = Quiet(Fails(ErrorKind::BrokenPipe));
        assert!(closed.write_all(b"x").and_then(|()| closed.flush()).is_ok());
        let mut full = Quiet(Fails(ErrorKind::StorageFull));
        assert!(full.write_all(b"x").is_err() && full.flush().is_err());
    }
}
