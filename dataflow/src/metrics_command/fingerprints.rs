//! What tells a result from others across runs: a consumer follows it though lines above it come and go.
//!
//! A smell of a function or a class is told by its name, any other by the text of its first line, white space apart; of
//! several that are equal so, by their order in the file.

use super::row::FoundSmell;
use driftline_operators::syntax::name_hash;
use driftline_operators::syntax::smells::SmellKind;
use std::collections::HashMap;
use std::fmt;

/// Hashes of the lines of a text, white space apart.
pub(super) fn line_hashes(text: &str) -> Vec<u64> {
    let plain = |line: &str| name_hash(&line.split_whitespace().collect::<Vec<_>>().join(" "));
    text.lines().map(plain).collect()
}

/// Whether a smell is of the whole that its place names, and not of a line in it.
fn is_of_place(kind: SmellKind) -> bool {
    !matches!(kind, SmellKind::EmptyCatch | SmellKind::MagicNumber | SmellKind::DeadCode | SmellKind::DuplicatedCode)
}

/// What tells a smell from others: a hash, and its order among those of this hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint {
    hash: u64,
    nth: u32,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.hash, self.nth)
    }
}

/// The fingerprints of one file's smells, in their order.
pub(super) fn fingerprints(path: &str, smells: &[FoundSmell], lines: &[u64]) -> Vec<Fingerprint> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let fingerprint = |found: &FoundSmell| {
        let smell = &found.smell;
        let line = lines.get(smell.start_line.saturating_sub(1) as usize).copied().unwrap_or_default();
        let line = if is_of_place(smell.kind) { 0 } else { line };
        // No name holds a zero, so that parts never run into each other.
        let hash = name_hash(&format!("{}\0{path}\0{}\0{line:016x}", smell.kind.name(), smell.place));
        let nth = seen.entry(hash).or_insert(0);
        *nth += 1;
        Fingerprint { hash, nth: *nth }
    };
    smells.iter().map(fingerprint).collect()
}
