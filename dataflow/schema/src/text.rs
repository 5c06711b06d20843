//! Texts that are no UTF-8: from bytes to text and back.
//!
//! Both ways are exact inverses of each other, so that a content can be carried as text and still be hashed as bytes.

use crate::event::TextEncoding;

impl TextEncoding {
    /// The mark that opens a content in this encoding.
    fn mark(self) -> &'static [u8] {
        match self {
            Self::Latin1 => b"",
            Self::Utf16Le => &[0xff, 0xfe],
            Self::Utf16Be => &[0xfe, 0xff],
        }
    }

    fn units(self, pair: [u8; 2]) -> u16 {
        if self == Self::Utf16Le { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    }

    /// The text of `bytes`; `None` when they are not a text in this encoding.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        if self == Self::Latin1 {
            return Some(bytes.iter().map(|byte| char::from(*byte)).collect());
        }
        let (pairs, []) = bytes.strip_prefix(self.mark())?.as_chunks::<2>() else { return None };
        let text = char::decode_utf16(pairs.iter().map(|pair| self.units(*pair)));
        text.collect::<Result<String, _>>().ok()
    }

    /// The bytes whose text is `text`; `None` when it has a character that this encoding cannot write.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        if self == Self::Latin1 {
            return text.chars().map(|letter| u8::try_from(letter).ok()).collect();
        }
        let mut bytes = self.mark().to_vec();
        for unit in text.encode_utf16() {
            bytes.extend(if self == Self::Utf16Le { unit.to_le_bytes() } else { unit.to_be_bytes() });
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TextEncoding; 3] = [TextEncoding::Latin1, TextEncoding::Utf16Le, TextEncoding::Utf16Be];

    #[test]
    fn every_encoding_gives_back_the_bytes_it_read() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(TextEncoding::Latin1.decode(b"caf\xe9"), Some("caf\u{e9}".to_owned()));
        assert_eq!(TextEncoding::Utf16Le.decode(b"\xff\xfea\0\xac\x20"), Some("a\u{20ac}".to_owned()));
        assert_eq!(TextEncoding::Utf16Be.decode(b"\xfe\xff\xd8\x3d\xde\x00"), Some("\u{1f600}".to_owned()));
        for bytes in [&b""[..], b"caf\xe9\r\n", b"\xff\xfea\0\n\0", b"\xfe\xff\0a\xd8\x3d\xde\x00", &all] {
            for encoding in ALL {
                let text = encoding.decode(bytes);
                assert_eq!(
                    text.as_deref().map(|text| encoding.encode(text)),
                    text.as_deref().map(|_| Some(bytes.to_vec()))
                );
            }
        }
    }

    #[test]
    fn what_is_no_text_in_an_encoding_is_told() {
        for bytes in [&b"a\0"[..], b"\xff\xfea", b"\xff\xfe\x3d\xd8a\0", b"\xff", b""] {
            assert_eq!(TextEncoding::Utf16Le.decode(bytes), None, "{bytes:?}");
        }
        assert_eq!(TextEncoding::Latin1.encode("\u{20ac}"), None);
        assert_eq!(TextEncoding::Utf16Be.encode("\u{20ac}"), Some(b"\xfe\xff\x20\xac".to_vec()));
    }
}
