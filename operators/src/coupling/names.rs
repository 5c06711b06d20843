//! Names, paths and modules as 64-bit keys, and maps over such keys.
//!
//! A path is folded segment by segment from its end, so the key of `a/b/c` follows from the hashes of its segments alone
//! and an imported name that is only known by its hash still leads to the file of that name.

use driftline_schema::{Language, NameHash};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The hash under which the syntax pass notes names.
pub(super) use driftline_syntax::name_hash;

/// A module, a part of a path, or a name in one family of languages.
pub(super) type Key = u64;

/// Odd constant with evenly spread bits, and where hashing starts: digits of pi.
const FACTOR: u64 = 0x2432_6a88_85a3_08d3 | 1;
const START: u64 = 0x1319_8a2e_0370_7344;

fn word(state: u64, word: u64) -> u64 {
    // The two halves of a 128-bit product depend on every bit of both factors.
    let product = u128::from(state ^ word) * u128::from(FACTOR);
    (product as u64 ^ (product >> 64) as u64).wrapping_add(START)
}

/// The key of a pair.
pub(super) fn join(left: Key, right: Key) -> Key {
    word(word(START, left), right)
}

/// The last part of a name as written: of `&mut a::b::C<D>` or `a.b.C` it is `C`.
pub(super) fn last_part(name: &str) -> &str {
    let bare = name.split(['<', '[', '(']).next().unwrap_or(name);
    let bare = bare.trim_end_matches(|c: char| !is_word(c));
    let start = bare.char_indices().rev().find(|(_, c)| !is_word(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    &bare[start..]
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Languages whose files can use each other; names of different families never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Python,
    JavaScript,
    /// Java, Kotlin and Scala: classes compiled from one are imported from the others by the same qualified names.
    Jvm,
    C,
    Go,
    Rust,
    CSharp,
    Php,
    Ruby,
    Swift,
    Bash,
}

impl Family {
    /// The family of a language.
    pub(super) fn of(language: Language) -> Self {
        match language {
            Language::Python => Self::Python,
            Language::JavaScript | Language::TypeScript | Language::Tsx => Self::JavaScript,
            Language::Java | Language::Kotlin | Language::Scala => Self::Jvm,
            Language::C | Language::Cpp => Self::C,
            Language::Go => Self::Go,
            Language::Rust => Self::Rust,
            Language::CSharp => Self::CSharp,
            Language::Php => Self::Php,
            Language::Ruby => Self::Ruby,
            Language::Swift => Self::Swift,
            Language::Bash => Self::Bash,
        }
    }
    /// The key of a function's name.
    pub(super) fn function(self, name: NameHash) -> Key {
        join(0x100 | self as u64, name)
    }
    /// The key of a class's name.
    pub(super) fn class(self, name: NameHash) -> Key {
        join(0x200 | self as u64, name)
    }
    /// The key of the end of a path.
    pub(super) fn suffix(self, segments: &[NameHash]) -> Key {
        segments.iter().rev().fold(0x300 | self as u64, |key, segment| join(key, *segment))
    }
    /// The key of a whole path.
    pub(super) fn whole(self, segments: &[NameHash]) -> Key {
        join(0x400, self.suffix(segments))
    }
}

/// Maps over keys, which are hashes already.
pub(super) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Takes a key for its own hash.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = join(self.0, u64::from(*byte)));
    }
    fn write_u32(&mut self, value: u32) {
        self.0 = join(self.0, u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = self.0.rotate_left(32) ^ value;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_name_is_found_behind_marks_and_before_arguments() {
        for (name, last) in [
            ("C", "C"),
            ("a.b.C", "C"),
            ("&mut a::b::C<D, E>", "C"),
            ("*pkg.Type", "Type"),
            ("List[int]", "List"),
            ("const char *", "char"),
            ("Base()", "Base"),
            ("", ""),
            ("<T>", ""),
            ("caf\u{e9}::B\u{e9}b\u{e9}", "B\u{e9}b\u{e9}"),
        ] {
            assert_eq!(last_part(name), last, "{name}");
        }
    }

    #[test]
    fn names_hash_as_the_syntax_pass_hashes_them() {
        use crate::syntax::{Measurer, SyntaxLimits, measure};
        let text = "def function_with_a_name():\n    pass\n\nfunction_with_a_name()\n";
        let facts = measure(&mut Measurer::new(), Language::Python, text, &SyntaxLimits::default());
        let called: Vec<NameHash> = facts.structure.calls.iter().map(|call| call.callee).collect();
        assert!(called.iter().all(|name| *name == name_hash("function_with_a_name")));
    }

    #[test]
    fn keys_tell_families_paths_and_names_apart() {
        let (a, b) = (name_hash("a"), name_hash("b"));
        let mut keys = vec![a, b, name_hash(""), name_hash("ab"), name_hash("abcdefgh"), name_hash("abcdefghi")];
        for family in [Family::Python, Family::Rust] {
            keys.extend([family.function(a), family.class(a), family.suffix(&[a]), family.whole(&[a])]);
            keys.extend([family.suffix(&[a, b]), family.suffix(&[b, a]), family.whole(&[a, b]), family.whole(&[])]);
        }
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
