//! What of a content is text, and how two versions of it are compared.
//!
//! As in git, a content is text unless there is a NUL byte among its first bytes. Texts that are no UTF-8 are decoded
//! without loss, while lines are compared as the bytes they are: a change of encoding changes the lines with letters
//! beyond ASCII and no others. UTF-16 is the exception: git takes it for binary, because it never reads it as text.

use super::lines;
use driftline_schema::{Hunk, TextEncoding};
use encoding_rs::Encoding;
use std::borrow::Cow;

/// A NUL byte this far from the beginning makes a content binary; later ones do not.
const BINARY_BYTES: usize = 8000;

/// Whether git takes a content for no text.
pub(super) fn is_binary(data: &[u8]) -> bool {
    data[..data.len().min(BINARY_BYTES)].contains(&0)
}

/// The text that a content is, whatever its encoding; `None` when git takes it for binary.
pub(crate) fn text_of(data: &[u8]) -> Option<String> {
    Text::of(data).map(|text| text.decoded())
}

/// A text whatever its encoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// The content's own bytes; of UTF-16, whose line ends are no single bytes, those of its text in UTF-8.
    bytes: Box<[u8]>,
    encoding: Option<TextEncoding>,
    lines: u32,
}

impl Text {
    /// The text that these bytes are, if they are one.
    pub(super) fn of(data: &[u8]) -> Option<Self> {
        let (encoding, bytes): (_, Box<[u8]>) = match utf_16(data) {
            Some((encoding, text)) => (Some(encoding), text.into_bytes().into()),
            None if is_binary(data) => return None,
            None if std::str::from_utf8(data).is_ok() => (None, data.into()),
            None => (Some(TextEncoding::Latin1), data.into()),
        };
        Some(Self { lines: lines::count_lines(&bytes), encoding, bytes })
    }

    /// The bytes that are cut into lines.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether its bytes are those of the content.
    pub(super) fn is_content(&self) -> bool {
        self.encoding.is_none() || self.is_latin_1()
    }

    /// How the content became text; `None` for UTF-8.
    pub(super) fn encoding(&self) -> Option<TextEncoding> {
        self.encoding
    }

    /// Number of lines.
    pub(super) fn lines(&self) -> u32 {
        self.lines
    }

    /// Whether its bytes are not yet text.
    fn is_latin_1(&self) -> bool {
        self.encoding == Some(TextEncoding::Latin1)
    }

    /// Its bytes, or its letters in UTF-8 where only those can be compared with `other`.
    fn comparable(&self, other: &Self) -> Cow<'_, [u8]> {
        match other.encoding {
            Some(TextEncoding::Utf16Le | TextEncoding::Utf16Be) if self.is_latin_1() => {
                Cow::Owned(self.decoded().into_bytes())
            }
            _ => Cow::Borrowed(&self.bytes),
        }
    }

    /// The whole as a string.
    pub(super) fn decoded(&self) -> String {
        decode(&self.bytes, self.is_latin_1())
    }

    /// What turns `self` into `new`, in order; with the text that is removed where it is `wanted`.
    pub(super) fn hunks(&self, new: &Self, wanted: bool) -> Vec<Hunk> {
        let (old_bytes, new_bytes) = (self.comparable(new), new.comparable(self));
        let latin_1 = self.is_latin_1() && matches!(old_bytes, Cow::Borrowed(_));
        lines::hunks(&old_bytes, &new_bytes, |removed| if wanted { decode(removed, latin_1) } else { String::new() })
    }

    /// Whether the lines that differ cannot be told at a bounded cost, so that too many count as changed.
    pub(super) fn is_tangled_with(&self, new: &Self) -> bool {
        lines::are_tangled(&self.comparable(new), &new.comparable(self))
    }

    /// The hunk that adds it whole; none when it has no lines.
    pub(super) fn added(&self) -> Vec<Hunk> {
        let hunk = Hunk { old_start: 0, old_lines: 0, new_start: 0, new_lines: self.lines, removed: String::new() };
        if self.lines == 0 { Vec::new() } else { vec![hunk] }
    }

    /// The hunk that removes it whole; none when it has no lines.
    pub(super) fn removed(&self) -> Vec<Hunk> {
        let hunk = Hunk { old_start: 0, old_lines: self.lines, new_start: 0, new_lines: 0, removed: self.decoded() };
        if self.lines == 0 { Vec::new() } else { vec![hunk] }
    }
}

/// Whole lines of a text as a string.
fn decode(bytes: &[u8], latin_1: bool) -> String {
    let text = if latin_1 { TextEncoding::Latin1.decode(bytes) } else { String::from_utf8(bytes.to_vec()).ok() };
    text.expect("a line of UTF-8 is UTF-8, and any byte is a letter of Latin-1")
}

/// The text of UTF-16 with a byte order mark. A NUL character is in no text.
fn utf_16(data: &[u8]) -> Option<(TextEncoding, String)> {
    let encoding = match data {
        [0xff, 0xfe, ..] => TextEncoding::Utf16Le,
        [0xfe, 0xff, ..] => TextEncoding::Utf16Be,
        _ => return None,
    };
    encoding.decode(data).filter(|text| !text.contains('\0')).map(|text| (encoding, text))
}

/// The text of a commit's words, as `git log` shows it: in the encoding that the commit names, or as they are when it
/// names none, an unknown one, or one they are not written in.
pub(super) fn commit_text<'a>(bytes: &'a [u8], encoding: Option<&[u8]>) -> Cow<'a, str> {
    let label = encoding.map(|label| String::from_utf8_lossy(label).trim().to_ascii_lowercase().replace('_', "-"));
    let decoded = label.and_then(|label| match label.as_str() {
        // Elsewhere this is a name of windows-1252, which has letters where ISO 8859-1 has control characters.
        "iso-8859-1" | "iso8859-1" | "iso88591" | "latin1" | "latin-1" | "l1" => {
            TextEncoding::Latin1.decode(bytes).map(Cow::Owned)
        }
        "ascii" | "us-ascii" => None,
        label => encoding_of(label)?.decode_without_bom_handling_and_without_replacement(bytes),
    });
    decoded.unwrap_or_else(|| String::from_utf8_lossy(bytes))
}

/// The encoding of this name, which may be one that only other libraries know.
fn encoding_of(label: &str) -> Option<&'static Encoding> {
    let label = match label {
        "cp932" | "sjis-win" => "shift-jis",
        "cp936" => "gbk",
        "cp949" | "uhc" => "euc-kr",
        "cp950" => "big5",
        "eucjp" => "euc-jp",
        "euckr" => "euc-kr",
        "euccn" | "euc-cn" => "gb2312",
        "koi8r" => "koi8-r",
        "koi8u" => "koi8-u",
        label => label,
    };
    Encoding::for_label(label.as_bytes()).filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::tests::kit::places;

    fn text(data: &[u8]) -> Text {
        Text::of(data).expect("it is text")
    }

    #[test]
    fn text_is_told_from_binary_as_git_tells_it() {
        assert_eq!((text(b"a\nb").encoding(), text(b"a\nb").lines()), (None, 2));
        assert_eq!((text(b"").decoded().as_str(), text(b"").lines()), ("", 0));
        assert_eq!(Text::of(b"a\0b"), None);
        let late = [&[b'x'; BINARY_BYTES][..], b"\0"].concat();
        assert_eq!(text(&late).bytes(), late);
        assert_eq!(Text::of(&late[1..]), None, "the last of the first 8000 bytes");
        assert_eq!(
            (text(b"\xff").decoded().as_str(), text(b"\xff").encoding()),
            ("\u{ff}", Some(TextEncoding::Latin1))
        );
        let wide = text(b"\xff\xfea\0\n\0b\0");
        assert_eq!((wide.decoded().as_str(), wide.encoding(), wide.lines()), ("a\nb", Some(TextEncoding::Utf16Le), 2));
        assert_eq!(Text::of(b"\xff\xfea\0\0\0"), None, "a NUL character");
        assert_eq!(text(b"\xff\xfea").encoding(), Some(TextEncoding::Latin1), "half a character");
        assert_eq!(text("\u{feff}a".as_bytes()).encoding(), None, "a mark in UTF-8 is part of the text");
    }

    #[test]
    fn one_letter_beyond_ascii_changes_its_own_line() {
        let utf_8 = text("a\ncaf\u{e9}\nz\n".as_bytes());
        let latin_1 = text(b"a\ncaf\xe9\nz\n");
        let plain = text(b"a\ncafe\nz\n");
        for (old, new, removed) in [
            (&plain, &latin_1, "cafe\n"),
            (&latin_1, &plain, "caf\u{e9}\n"),
            (&latin_1, &utf_8, "caf\u{e9}\n"),
            (&utf_8, &latin_1, "caf\u{e9}\n"),
        ] {
            let hunks = old.hunks(new, true);
            assert_eq!((places(&hunks), hunks[0].removed.as_str()), (vec![(1, 1, 1, 1)], removed));
            assert_eq!(places(&old.hunks(new, false)), [(1, 1, 1, 1)]);
            assert!(old.hunks(new, false)[0].removed.is_empty());
        }
    }

    #[test]
    fn utf_16_is_compared_by_its_letters() {
        let wide = text(b"\xfe\xff\0a\0\n\0\xe9\0\n");
        for other in [text("a\n\u{e9}\n".as_bytes()), text(b"a\n\xe9\n"), text(b"\xff\xfea\0\n\0\xe9\0\n\0")] {
            assert!(wide.hunks(&other, true).is_empty() && other.hunks(&wide, true).is_empty());
        }
        let hunks = text(b"b\n\xe9\n\xff").hunks(&wide, true);
        assert_eq!(places(&hunks), [(0, 1, 0, 1), (2, 1, 2, 0)]);
        assert_eq!(hunks[1].removed, "\u{ff}");
    }

    #[test]
    fn a_commit_is_read_in_the_encoding_that_it_names() {
        for (bytes, encoding, text) in [
            (&b"gr\xf6\xdfer"[..], "ISO-8859-1", "gr\u{f6}\u{df}er"),
            (b"\x93", "latin1", "\u{93}"),
            (b"\x93", "CP1252", "\u{201c}"),
            (b"\xa4", "ISO-8859-15", "\u{20ac}"),
            (b"\xe8\xef\xf0", "windows-1251", "\u{438}\u{43f}\u{440}"),
            (b"\x83o\x83O", "SHIFT-JIS", "\u{30d0}\u{30b0}"),
            (b"\x83o\x83O", "CP932", "\u{30d0}\u{30b0}"),
            (b"\xc4\xe3", "GB2312", "\u{4f60}"),
            (b"gr\xf6\xdfer", "", "gr\u{fffd}\u{fffd}er"),
            (b"gr\xf6\xdfer", "no such thing", "gr\u{fffd}\u{fffd}er"),
            (b"gr\xf6\xdfer", "US-ASCII", "gr\u{fffd}\u{fffd}er"),
            ("gr\u{f6}\u{df}er".as_bytes(), "UTF-8", "gr\u{f6}\u{df}er"),
            (b"\xfd #12", "SHIFT-JIS", "\u{fffd} #12"),
        ] {
            let expected = if text.contains('\u{fffd}') { String::from_utf8_lossy(bytes) } else { text.into() };
            assert_eq!(commit_text(bytes, Some(encoding.as_bytes())), expected, "{encoding}");
        }
        assert_eq!(commit_text(b"\xff", None), "\u{fffd}");
    }

    #[test]
    fn a_whole_text_is_one_hunk_and_an_empty_one_is_none() {
        assert_eq!(places(&text(b"a\nb").added()), [(0, 0, 0, 2)]);
        let gone = text(b"\xe4\n").removed();
        assert_eq!((places(&gone), gone[0].removed.as_str()), (vec![(0, 1, 0, 0)], "\u{e4}\n"));
        assert!(text(b"").added().is_empty() && text(b"").removed().is_empty());
    }
}
