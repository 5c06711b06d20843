//! Which deleted file an added one was before.
//!
//! In git's three steps, each leaving less to the next: the same content; the same file name, unique on both sides, with
//! three quarters of the content; the most similar of all pairs with at least one half. Similarity is git's, too: bytes
//! of lines found in both, over the size of the larger. Comparing lines as a bag and not as a sequence makes a pair cost
//! microseconds, and a limit on pairs bounds the rest; the answer depends on paths and contents alone, where that of the
//! library would depend on attributes and drivers of the machine.

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Pairs compared at most in the last step; beyond, only the first two steps are taken. A pair takes some microseconds,
/// so the worst commit takes about a second.
const PAIRS_MAX: usize = 250_000;
/// Lines that the files of the last two steps hold together at most, which bounds memory.
const LINES_MAX: usize = 4_000_000;

/// A file that was added or deleted.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Index by which the caller knows it.
    pub(super) index: usize,
    pub(super) path: BString,
    pub(super) id: ObjectId,
}

/// What is compared of a content: its lines as a bag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bag {
    /// Line hash and the bytes of all lines with that hash, by hash.
    lines: Vec<(u64, u32)>,
    bytes: u64,
}

impl Bag {
    /// The lines of `text`; a line end does not depend on the platform it was written on.
    pub(super) fn of(text: &str) -> Self {
        let line = |line: &str| match line.strip_suffix("\r\n") {
            Some(line) => (hash(line.as_bytes(), b'\n'), line.len() as u32 + 1),
            None => (hash(&line.as_bytes()[..line.len() - 1], line.as_bytes()[line.len() - 1]), line.len() as u32),
        };
        let mut lines: Vec<(u64, u32)> = text.split_inclusive('\n').map(line).collect();
        lines.sort_unstable();
        lines.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let bytes = lines.iter().map(|(_, bytes)| u64::from(*bytes)).sum();
        Self { lines, bytes }
    }

    /// Bytes of lines in both over the larger size, in thousandths.
    fn similarity(&self, other: &Self) -> u64 {
        let larger = self.bytes.max(other.bytes);
        if larger == 0 || self.bytes.min(other.bytes) * 1000 < larger * HALF {
            return 0;
        }
        let (mut common, mut mine, mut theirs) = (0, self.lines.iter().peekable(), other.lines.iter().peekable());
        while let (Some((hash, bytes)), Some((other_hash, other_bytes))) = (mine.peek(), theirs.peek()) {
            if hash <= other_hash {
                mine.next();
            }
            if other_hash <= hash {
                theirs.next();
            }
            if hash == other_hash {
                common += u64::from(*bytes.min(other_bytes));
            }
        }
        common * 1000 / larger
    }
}

/// Least similarity of a pair, in thousandths.
const HALF: u64 = 500;
/// Least similarity of a pair that is taken for its name alone, before any other is compared.
const THREE_QUARTERS: u64 = 750;

/// FNV-1a over words of eight bytes and a last byte: fast, and the same on every machine.
fn hash(bytes: &[u8], last: u8) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(PRIME).rotate_left(29);
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    mix(words.fold(mix(0xcbf2_9ce4_8422_2325, bytes.len() as u64), mix), u64::from(last))
}

/// Pairs of (deleted index, added index), and whether the limit kept some files from being compared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Renames {
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) limited: bool,
}

/// Which of `added` was which of `deleted`. `bag` gives the lines of a content, `None` when it is no text; it is asked
/// only for files that an equal content does not settle.
pub(super) fn renames<E>(
    mut deleted: Vec<Candidate>,
    mut added: Vec<Candidate>,
    mut bag: impl FnMut(&Candidate) -> Result<Option<Bag>, E>,
) -> Result<Renames, E> {
    let mut found = Renames::default();
    deleted.sort_by(|a, b| a.path.cmp(&b.path));
    added.sort_by(|a, b| a.path.cmp(&b.path));
    let empty = |candidate: &Candidate| candidate.id == ObjectId::empty_blob(candidate.id.kind());
    deleted.retain(|candidate| !empty(candidate));
    added.retain(|candidate| !empty(candidate));
    same_content(&mut deleted, &mut added, &mut found.pairs);
    if deleted.is_empty() || added.is_empty() {
        return Ok(found);
    }
    let mut lines = 0;
    let mut read = |list: Vec<Candidate>| -> Result<Vec<(Candidate, Bag)>, E> {
        let mut bags = Vec::new();
        for candidate in list {
            if lines > LINES_MAX {
                found.limited = true;
                break;
            }
            if let Some(bag) = bag(&candidate)? {
                lines += bag.lines.len();
                bags.push((candidate, bag));
            }
        }
        Ok(bags)
    };
    let (mut deleted, mut added) = (read(deleted)?, read(added)?);
    same_name(&mut deleted, &mut added, &mut found.pairs);
    if deleted.len().saturating_mul(added.len()) > PAIRS_MAX {
        found.limited = true;
    } else {
        most_similar(&deleted, &added, &mut found.pairs);
    }
    Ok(found)
}

fn name(path: &BStr) -> &[u8] {
    path.rfind_byte(b'/').map_or(path, |at| path[at + 1..].as_bstr())
}

/// Equal contents: first those that also keep their file name, then any, in the order of paths.
fn same_content(deleted: &mut Vec<Candidate>, added: &mut Vec<Candidate>, pairs: &mut Vec<(usize, usize)>) {
    for keep_name in [true, false] {
        let mut sources: BTreeMap<(ObjectId, Vec<u8>), Vec<usize>> = BTreeMap::new();
        let key = |file: &Candidate| (file.id, if keep_name { name(file.path.as_bstr()).to_vec() } else { Vec::new() });
        for file in deleted.iter().rev() {
            sources.entry(key(file)).or_default().push(file.index);
        }
        let mut taken = Vec::new();
        added.retain(|file| {
            let source = sources.get_mut(&key(file)).and_then(Vec::pop);
            if let Some(source) = source {
                pairs.push((source, file.index));
                taken.push(source);
            }
            source.is_none()
        });
        taken.sort_unstable();
        deleted.retain(|file| taken.binary_search(&file.index).is_err());
    }
}

type WithBag = (Candidate, Bag);

/// Files that only moved to another folder: a name that occurs once on each side.
fn same_name(deleted: &mut Vec<WithBag>, added: &mut Vec<WithBag>, pairs: &mut Vec<(usize, usize)>) {
    let mut by_name: BTreeMap<&[u8], (Vec<&WithBag>, Vec<&WithBag>)> = BTreeMap::new();
    for file in deleted.iter() {
        by_name.entry(name(file.0.path.as_bstr())).or_default().0.push(file);
    }
    for file in added.iter() {
        by_name.entry(name(file.0.path.as_bstr())).or_default().1.push(file);
    }
    let found: Vec<(usize, usize)> = by_name
        .values()
        .filter_map(|(olds, news)| match (olds.as_slice(), news.as_slice()) {
            ([old], [new]) if old.1.similarity(&new.1) >= THREE_QUARTERS => Some((old.0.index, new.0.index)),
            _ => None,
        })
        .collect();
    let (old_taken, new_taken): (BTreeSet<usize>, BTreeSet<usize>) = found.iter().copied().unzip();
    deleted.retain(|file| !old_taken.contains(&file.0.index));
    added.retain(|file| !new_taken.contains(&file.0.index));
    pairs.extend(found);
}

/// All pairs that are similar enough, the most similar first; ties go to an equal file name, then to the first paths.
fn most_similar(deleted: &[WithBag], added: &[WithBag], pairs: &mut Vec<(usize, usize)>) {
    let mut scored = Vec::new();
    for (old_at, (old, old_bag)) in deleted.iter().enumerate() {
        for (new_at, (new, new_bag)) in added.iter().enumerate() {
            let similarity = old_bag.similarity(new_bag);
            if similarity >= HALF {
                let same_name = name(old.path.as_bstr()) == name(new.path.as_bstr());
                scored.push((Reverse((similarity, same_name)), new_at, old_at));
            }
        }
    }
    scored.sort_unstable();
    let (mut old_taken, mut new_taken) = (vec![false; deleted.len()], vec![false; added.len()]);
    for (_, new_at, old_at) in scored {
        if !old_taken[old_at] && !new_taken[new_at] {
            (old_taken[old_at], new_taken[new_at]) = (true, true);
            pairs.push((deleted[old_at].0.index, added[new_at].0.index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Files by path and content; the id of a content is derived from it.
    fn files(list: &[(&str, &str)]) -> Vec<Candidate> {
        list.iter()
            .enumerate()
            .map(|(index, (path, text))| {
                let mut id = [7; 20];
                id[..8].copy_from_slice(&hash(text.as_bytes(), 0).to_be_bytes());
                Candidate { index, path: (*path).into(), id: ObjectId::Sha1(id) }
            })
            .collect()
    }

    fn find(deleted: &[(&str, &str)], added: &[(&str, &str)]) -> Renames {
        let texts: BTreeMap<&str, &str> = deleted.iter().chain(added).copied().collect();
        let bag = |file: &Candidate| Ok::<_, Infallible>(Some(Bag::of(texts[file.path.to_string().as_str()])));
        let mut found = renames(files(deleted), files(added), bag).expect("infallible");
        found.pairs.sort_unstable();
        found
    }

    #[test]
    fn an_equal_content_goes_to_an_equal_name_first() {
        let found = find(&[("a/x", "1\n2\n"), ("b/y", "1\n2\n")], &[("c/y", "1\n2\n"), ("c/z", "1\n2\n")]);
        assert_eq!(found.pairs, [(0, 1), (1, 0)]);
    }

    #[test]
    fn half_the_bytes_must_be_kept() {
        assert_eq!(find(&[("a", "1\n2\n3\n4\n")], &[("b", "1\n2\nx\ny\n")]).pairs, [(0, 0)]);
        assert!(find(&[("a", "1\n2\n3\n4\n")], &[("b", "1\nw\nx\ny\n")]).pairs.is_empty());
        assert!(find(&[("a", "1\n2\n")], &[("b", "1\n2\n3\n4\n5\n")]).pairs.is_empty());
        assert_eq!(find(&[("a", "1\n2\n3\n")], &[("b", "1\r\n2\r\n3\r\n")]).pairs, [(0, 0)]);
    }

    #[test]
    fn the_most_similar_pair_is_taken_first_whatever_the_order() {
        let deleted = [("p", "1\n2\n3\n4\n"), ("q", "1\n2\n3\n5\n")];
        let added = [("r", "1\n2\n3\n5\n6\n"), ("s", "1\n2\n3\n4\n7\n8\n")];
        assert_eq!(find(&deleted, &added).pairs, [(0, 1), (1, 0)]);
        let back = find(&[deleted[1], deleted[0]], &[added[1], added[0]]);
        assert_eq!(back.pairs, [(0, 1), (1, 0)]);
    }

    #[test]
    fn empty_files_are_no_renames() {
        let empty = ObjectId::empty_blob(gix::hash::Kind::Sha1);
        let file = |index, path: &str| Candidate { index, path: path.into(), id: empty };
        let bag = |_: &Candidate| Ok::<_, Infallible>(Some(Bag::of("")));
        assert!(renames(vec![file(0, "a")], vec![file(0, "b")], bag).expect("infallible").pairs.is_empty());
    }

    #[test]
    fn a_storm_of_renames_is_cut_to_equal_contents_and_names() {
        let text = |n: usize, mark: &str| format!("file {n}\nline {n}\nmore {n}\nstill {n}\n{mark}\n");
        let olds: Vec<(String, String)> = (0..600).map(|n| (format!("old/{n}.rs"), text(n, "a"))).collect();
        let news: Vec<(String, String)> = (0..600).map(|n| (format!("new/{n}_moved.rs"), text(n, "b"))).collect();
        fn refs(list: &[(String, String)]) -> Vec<(&str, &str)> {
            list.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
        }
        let found = find(&refs(&olds), &refs(&news));
        assert!(found.limited && found.pairs.is_empty());
        let few = find(&refs(&olds[..100]), &refs(&news[..100]));
        assert!(!few.limited);
        assert_eq!(few.pairs, (0..100).map(|n| (n, n)).collect::<Vec<_>>());
    }
}
