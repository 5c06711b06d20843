//! Who wrote a commit and when, read as git reads it.
//!
//! The line is split by its angle brackets and nothing else is asked of it, because old tools wrote names, addresses and
//! times that strict readers refuse.

use driftline_schema::AuthorId;

/// The author or committer line of a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature<'a> {
    pub(super) name: &'a [u8],
    pub(super) email: &'a [u8],
    /// Seconds since 1970; 0 when the line does not say.
    pub(super) seconds: i64,
    /// Offset from UTC in minutes; 0 when the line does not say.
    pub(super) offset_min: i32,
}

impl<'a> Signature<'a> {
    /// What the line says; what cannot be read is empty or 0.
    pub(super) fn of(line: &'a [u8]) -> Self {
        let at = |byte: u8, from: usize| line[from..].iter().position(|found| *found == byte).map(|at| from + at);
        let Some(open) = at(b'<', 0) else { return Self { name: without_time(line), ..Self::default() } };
        let Some(close) = at(b'>', open) else {
            return Self { name: line[..open].trim_ascii(), email: line[open + 1..].trim_ascii(), ..Self::default() };
        };
        // A broken address may hold further brackets; a time holds none.
        let last = line.iter().rposition(|byte| *byte == b'>').unwrap_or(close);
        let mut words = line[last + 1..].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let seconds = words.next().and_then(seconds);
        Self {
            name: line[..open].trim_ascii(),
            email: line[open + 1..close].trim_ascii(),
            seconds: seconds.unwrap_or(0),
            offset_min: seconds.and(words.next()).and_then(offset_min).unwrap_or(0),
        }
    }

    /// The pseudonym: that of the address, or of name and address, `NAME <>`, where the address is empty, because many
    /// people share the empty address. `text` makes text of bytes.
    pub(super) fn author(&self, key: &[u8], text: impl Fn(&[u8]) -> String) -> AuthorId {
        match (self.name, self.email) {
            ([], _) | (_, [_, ..]) => AuthorId::of(key, &text(self.email)),
            (name, []) => AuthorId::of(key, &format!("{} <>", text(name))),
        }
    }
}

/// A line without brackets, without the numbers at its end.
fn without_time(line: &[u8]) -> &[u8] {
    let is_time = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace() || matches!(byte, b'+' | b'-');
    let end = line.iter().rposition(|byte| !is_time(byte)).map_or(0, |at| at + 1);
    line[..end].trim_ascii()
}

fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The digits at the beginning, as far as they go.
fn seconds(word: &[u8]) -> Option<i64> {
    let sign = usize::from(word.starts_with(b"-"));
    let digits = word[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    number(&word[..sign + digits])
}

/// `+0130` is 90 minutes.
fn offset_min(word: &[u8]) -> Option<i32> {
    let sign = match word {
        [b'+', _, _, _, _] => 1,
        [b'-', _, _, _, _] => -1,
        _ => return None,
    };
    let clock: i32 = if word[1..].iter().all(u8::is_ascii_digit) { number(&word[1..])? } else { return None };
    Some(sign * (clock / 100 * 60 + clock % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (&str, &str, i64, i32) {
        let found = Signature::of(line.as_bytes());
        let text = |bytes| std::str::from_utf8(bytes).expect("UTF-8");
        (text(found.name), text(found.email), found.seconds, found.offset_min)
    }

    #[test]
    fn signatures_are_read_as_far_as_they_can_be() {
        assert_eq!(read("A B <a@b.c> 1700000000 -0330"), ("A B", "a@b.c", 1_700_000_000, -210));
        assert_eq!(read("A <a@b.c> 4102444800 +0000"), ("A", "a@b.c", 4_102_444_800, 0));
        assert_eq!(read("nobody"), ("nobody", "", 0, 0));
        assert_eq!(read("nobody 1700000000 +0100"), ("nobody", "", 0, 0));
        assert_eq!(read("A <a@b.c>"), ("A", "a@b.c", 0, 0));
        assert_eq!(read(" A  < a@b.c >  5  +0100 "), ("A", "a@b.c", 5, 60));
        assert_eq!(read("A <a@b.c"), ("A", "a@b.c", 0, 0));
        assert_eq!(read("A <a <x> y@b.c> 5 +0100"), ("A", "a <x", 5, 60));
        assert_eq!(read("<> 5"), ("", "", 5, 0));
        assert_eq!(read("A <a@b.c> Mon, 5 May"), ("A", "a@b.c", 0, 0));
        assert_eq!(read("A <a@b.c> 99999999999999999999 +0100"), ("A", "a@b.c", 0, 0));
        assert_eq!(read("A <a@b.c> 5 +051800"), ("A", "a@b.c", 5, 0));
        assert_eq!(read(""), ("", "", 0, 0));
    }

    #[test]
    fn people_who_share_the_empty_address_are_told_apart_by_name() {
        let key = b"a key of the test suite";
        let author = |line: &'static str| {
            Signature::of(line.as_bytes()).author(key, |bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        assert_ne!(author("ann <> 5 +0000"), author("bob <> 5 +0000"));
        assert_eq!(author("ann <> 5 +0000"), author("Ann <> 6 +0100"));
        assert_eq!(author("ann <> 5 +0000"), AuthorId::of(key, "ann <>"));
        assert_eq!(author("Ann <ann@x.org> 5 +0000"), author("A. Nother <ANN@x.org> 5 +0000"));
        assert_eq!(author("Ann <ann@x.org> 5 +0000"), AuthorId::of(key, "ann@x.org"));
        assert_eq!(author("<> 5 +0000"), AuthorId::of(key, ""));
    }
}
