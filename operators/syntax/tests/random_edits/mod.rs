//! Random edits of a text: what people type, cut, paste and mistype, and characters nobody expects.

/// Words and signs that change what surrounds them, in one language or another.
const TOKENS: [&str; 36] = [
    "(", ")", "{", "}", "[", "]", ";", ",", ":", ".", "=", "==", "&&", "||", "<", ">", "\"", "'", "`", "//", "/*",
    "*/", "#", "if", "else", "return", "x", "1", "f()", "async ", "await ", "=> ", "and ", "not ", "\\", "${",
];
/// Characters of several bytes, line ends and blanks of all kinds.
const ODDITIES: [&str; 10] =
    ["\u{e9}", "\u{65e5}\u{672c}", "\u{1f600}", "\u{feff}", "\u{2028}", "\r\n", "\r", "\t", "\0", "    "];

/// The last place not after `at` where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Start and end of the line around `at`, its line end included.
fn line(text: &str, at: usize) -> (usize, usize) {
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    (start, text[at..].find('\n').map_or(text.len(), |length| at + length + 1))
}

/// Start and end of the first word that ends after `at`.
fn word(text: &str, at: usize) -> (usize, usize) {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let start = text[at..].find(is_part).map_or(text.len(), |length| at + length);
    let length = text[start..].find(|c| !is_part(c)).unwrap_or(text.len() - start);
    (start, start + length)
}

/// `text` with other words from `start` to `end`.
pub(crate) fn replaced(text: &str, (start, end): (usize, usize), with: &str) -> String {
    [&text[..start], with, &text[end..]].concat()
}

/// `text` after the edit that `bits` stand for.
pub(crate) fn edited(text: &str, bits: u64) -> String {
    let at = boundary(text, (bits >> 32) as usize % (text.len() + 1));
    let other = boundary(text, (bits >> 16) as usize % (text.len() + 1));
    let choice = (bits >> 8 & 0xff) as usize;
    let (start, end) = line(text, at);
    let (first, last) = word(text, at);
    match bits % 16 {
        0 => replaced(text, (at, at), TOKENS[choice % TOKENS.len()]),
        1 => replaced(text, (first, first), TOKENS[choice % TOKENS.len()]),
        2 => replaced(text, (at, at), ODDITIES[choice % ODDITIES.len()]),
        3 => replaced(text, (at, boundary(text, at + 1 + choice % 8).max(at)), ""),
        4 => replaced(text, (start, end), ""),
        5 => replaced(text, (start, start), &text[start..end]),
        6 => replaced(text, (start, start), "\n"),
        7 => replaced(text, (at, at), "\n"),
        8 => {
            let (next, next_end) = line(text, end.min(text.len()));
            let next = next.max(end).min(next_end);
            [&text[..start], &text[next..next_end], &text[start..end], &text[next_end..]].concat()
        }
        9 => {
            let far = (0..choice % 20).fold(end, |far, _| line(text, far).1);
            replaced(text, (start, far), "")
        }
        10 => {
            let (from, to) = line(text, other);
            replaced(text, (start, start), &text[from..to])
        }
        11 => {
            let (from, to) = word(text, other);
            replaced(text, (first, last), &text[from..to])
        }
        12 => replaced(text, (last, last), ["s", "_2", "\u{e9}x", "0"][choice % 4]),
        13 => replaced(text, (first, last), ["value", "n", "7", "_"][choice % 4]),
        14 => replaced(text, (at, end), ""),
        _ => replaced(text, (first, boundary(text, first + 1)), ""),
    }
}
