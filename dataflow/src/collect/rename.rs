//! Which deleted file an added one was before.
//!
//! In git's three steps, each leaving less to the next: the same content; the same file name, unique on both sides, with
//! three quarters of the content; the most similar of all pairs with at least one half. Counted limits bound the work of
//! the last step, and the answer depends on paths and contents alone, where that of the library would depend on
//! attributes and drivers of the machine.

use super::similarity::{Bag, Index, SCORE_MAX, SCORE_MIN};
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::objs::tree::EntryKind;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Pairs compared at most in the last step, as in git; beyond, only the first two steps are taken.
const PAIRS_MAX: usize = 1000 * 1000;
/// Pieces that pairs of contents have in common at most, which the last step counts one by one: about 0.8 seconds.
const STEPS_MAX: usize = 400_000_000;
/// Different pieces that are held at most, which bounds memory.
const PIECES_MAX: usize = 8_000_000;
/// Least score of a pair that is taken for its name alone, before any other is compared.
const SCORE_OF_NAMES: u64 = (SCORE_MAX + SCORE_MIN) / 2;
/// How many equal contents are looked at for one with the same file name.
const EQUALS_MAX: usize = 100;
/// Sources kept for each file in the last step.
const BEST: usize = 4;

/// A path that was added or deleted.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Index by which the caller knows it.
    pub(super) index: usize,
    pub(super) path: BString,
    pub(super) id: ObjectId,
    pub(super) kind: EntryKind,
}

impl Candidate {
    /// Whether it is a file, executable or not: links and submodules move only as they are.
    fn is_file(&self) -> bool {
        matches!(self.kind, EntryKind::Blob | EntryKind::BlobExecutable)
    }

    fn may_become(&self, other: &Self) -> bool {
        self.id == other.id && (self.kind == other.kind || self.is_file() && other.is_file())
    }
}

/// Pairs of (deleted index, added index), and whether a limit kept some files from being compared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Renames {
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) limited: bool,
}

/// Which of `added` was which of `deleted`. `bag` gives the pieces of a content, `None` when it cannot be read; it is
/// asked only for files that an equal content does not settle.
pub(super) fn renames<E>(
    mut deleted: Vec<Candidate>,
    mut added: Vec<Candidate>,
    bag: impl FnMut(&Candidate) -> Result<Option<Bag>, E>,
) -> Result<Renames, E> {
    deleted.sort_by(|a, b| a.path.cmp(&b.path));
    added.sort_by(|a, b| a.path.cmp(&b.path));
    let mut search = Search {
        old_taken: vec![false; deleted.len()],
        new_taken: vec![false; added.len()],
        old: Side::of(deleted),
        new: Side::of(added),
        bag,
        pieces: 0,
        limited: false,
        pairs: Vec::new(),
    };
    search.same_content();
    search.same_name()?;
    search.most_similar()?;
    Ok(Renames { pairs: search.pairs, limited: search.limited })
}

/// The candidates of one side by path, and what was read of them.
struct Side {
    files: Vec<Candidate>,
    bags: Vec<Option<Option<Bag>>>,
}

impl Side {
    fn of(files: Vec<Candidate>) -> Self {
        Self { bags: vec![None; files.len()], files }
    }

    fn bag(&self, at: usize) -> Option<&Bag> {
        self.bags[at].as_ref()?.as_ref()
    }
}

struct Search<F> {
    old: Side,
    new: Side,
    old_taken: Vec<bool>,
    new_taken: Vec<bool>,
    bag: F,
    /// Pieces held.
    pieces: usize,
    limited: bool,
    pairs: Vec<(usize, usize)>,
}

impl<F> Search<F> {
    fn take(&mut self, old: usize, new: usize) {
        (self.old_taken[old], self.new_taken[new]) = (true, true);
        self.pairs.push((self.old.files[old].index, self.new.files[new].index));
    }

    /// Equal contents: each file takes one that also keeps its file name, or else the first.
    fn same_content(&mut self) {
        let mut sources: BTreeMap<ObjectId, Vec<usize>> = BTreeMap::new();
        for (at, file) in self.old.files.iter().enumerate() {
            sources.entry(file.id).or_default().push(at);
        }
        for new in 0..self.new.files.len() {
            let file = &self.new.files[new];
            let Some(sources) = sources.get_mut(&file.id) else { continue };
            let fits = |at: &usize| self.old.files[*at].may_become(file);
            let kept_name = |at: &usize| name(self.old.files[*at].path.as_bstr()) == name(file.path.as_bstr());
            let open = || sources.iter().copied().enumerate().filter(|(_, at)| fits(at)).take(EQUALS_MAX);
            if let Some((place, old)) = open().find(|(_, at)| kept_name(at)).or_else(|| open().next()) {
                sources.remove(place);
                self.take(old, new);
            }
        }
    }
}

impl<E, F: FnMut(&Candidate) -> Result<Option<Bag>, E>> Search<F> {
    /// Reads a pair of contents, and says whether both are known.
    fn read(&mut self, old: usize, new: usize) -> Result<bool, E> {
        let mut known = true;
        for (side, at) in [(&mut self.old, old), (&mut self.new, new)] {
            let file = &side.files[at];
            if side.bags[at].is_none() {
                let bag = if file.is_file() && self.pieces <= PIECES_MAX { (self.bag)(file)? } else { None };
                self.limited |= self.pieces > PIECES_MAX;
                self.pieces += bag.as_ref().map_or(0, Bag::pieces);
                side.bags[at] = Some(bag);
            }
            known &= side.bag(at).is_some();
        }
        Ok(known)
    }

    /// Files that only moved to another folder: a name that is left once on each side.
    fn same_name(&mut self) -> Result<(), E> {
        let mut by_name: BTreeMap<&[u8], (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (at, file) in self.old.files.iter().enumerate().filter(|(at, _)| !self.old_taken[*at]) {
            by_name.entry(name(file.path.as_bstr())).or_default().0.push(at);
        }
        for (at, file) in self.new.files.iter().enumerate().filter(|(at, _)| !self.new_taken[*at]) {
            by_name.entry(name(file.path.as_bstr())).or_default().1.push(at);
        }
        let unique = by_name.values().filter_map(|(olds, news)| match (olds.as_slice(), news.as_slice()) {
            ([old], [new]) => Some((*old, *new)),
            _ => None,
        });
        for (old, new) in unique.collect::<Vec<_>>() {
            if self.read(old, new)? && self.score(old, new) >= SCORE_OF_NAMES {
                self.take(old, new);
            }
        }
        Ok(())
    }

    /// The score of a pair that was read.
    fn score(&self, old: usize, new: usize) -> u64 {
        self.old.bag(old).zip(self.new.bag(new)).map_or(0, |(old, new)| old.score(new))
    }

    /// All pairs that are similar enough, the most similar first; ties go to an equal file name, then to the first paths.
    fn most_similar(&mut self) -> Result<(), E> {
        let left = |taken: &[bool]| (0..taken.len()).filter(|at| !taken[*at]).collect::<Vec<_>>();
        let (olds, news) = (left(&self.old_taken), left(&self.new_taken));
        if olds.is_empty() || news.is_empty() {
            return Ok(());
        }
        if olds.len().saturating_mul(news.len()) > PAIRS_MAX {
            self.limited = true;
            return Ok(());
        }
        for at in 0..olds.len().max(news.len()) {
            self.read(olds[at.min(olds.len() - 1)], news[at.min(news.len() - 1)])?;
        }
        let index = Index::of(olds.iter().map(|old| self.old.bag(*old)));
        let steps = news.iter().filter_map(|new| self.new.bag(*new)).map(|bag| index.steps(bag)).sum::<usize>();
        if steps > STEPS_MAX {
            self.limited = true;
            return Ok(());
        }
        let mut scored = self.scored(&olds, &news, &index);
        // The order of equal ones stays.
        scored.sort_by_key(|pair| Reverse(pair.rank));
        for pair in scored {
            if !self.old_taken[pair.old] && !self.new_taken[pair.new] {
                self.take(pair.old, pair.new);
            }
        }
        Ok(())
    }

    /// The best few sources of each file, where they are similar enough.
    fn scored(&self, olds: &[usize], news: &[usize], index: &Index) -> Vec<Scored> {
        let names: Vec<&[u8]> = olds.iter().map(|old| name(self.old.files[*old].path.as_bstr())).collect();
        let (mut scored, mut common) = (Vec::new(), vec![0; olds.len()]);
        for new in news {
            let (bag, new_name) = (self.new.bag(*new), name(self.new.files[*new].path.as_bstr()));
            if let Some(bag) = bag {
                index.common(bag, &mut common);
            }
            let mut best = Vec::with_capacity(BEST);
            for (at, old) in olds.iter().enumerate() {
                let score = self.old.bag(*old).zip(bag).map_or(0, |(old, new)| old.score_of(new, common[at]));
                keep_best(&mut best, Scored { rank: (score, names[at] == new_name), old: *old, new: *new });
            }
            scored.extend(best.into_iter().filter(|pair| pair.rank.0 >= SCORE_MIN));
        }
        scored
    }
}

#[derive(Clone, Copy, Debug)]
struct Scored {
    /// Score and whether the file name is kept.
    rank: (u64, bool),
    old: usize,
    new: usize,
}

/// Keeps the best few, as git does: a better one takes the place of the first of the worst.
fn keep_best(best: &mut Vec<Scored>, pair: Scored) {
    if best.len() < BEST {
        best.push(pair);
    } else if let Some(worst) = best.iter_mut().min_by_key(|kept| kept.rank)
        && worst.rank < pair.rank
    {
        *worst = pair;
    }
}

fn name(path: &BStr) -> &[u8] {
    path.rfind_byte(b'/').map_or(path, |at| path[at + 1..].as_bstr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn candidate(index: usize, path: &str, text: &str, kind: EntryKind) -> Candidate {
        let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, text.as_bytes());
        Candidate { index, path: path.into(), id: id.expect("hashes"), kind }
    }

    fn files(list: &[(&str, &str)]) -> Vec<Candidate> {
        let of = |(index, (path, text)): (usize, &(&str, &str))| candidate(index, path, text, EntryKind::Blob);
        list.iter().enumerate().map(of).collect()
    }

    fn find(deleted: &[(&str, &str)], added: &[(&str, &str)]) -> Renames {
        let texts: BTreeMap<&str, &str> = deleted.iter().chain(added).copied().collect();
        let bag =
            |file: &Candidate| Ok::<_, Infallible>(Some(Bag::of(texts[file.path.to_string().as_str()].as_bytes())));
        let mut found = renames(files(deleted), files(added), bag).expect("infallible");
        found.pairs.sort_unstable();
        found
    }

    #[test]
    fn an_equal_content_goes_to_an_equal_name_or_the_first() {
        let found = find(&[("a/x", "1\n2\n"), ("b/y", "1\n2\n")], &[("c/y", "1\n2\n"), ("c/z", "1\n2\n")]);
        assert_eq!(found.pairs, [(0, 1), (1, 0)]);
        let found = find(&[("a/x", "1\n2\n"), ("b/y", "1\n2\n")], &[("c/a", "1\n2\n"), ("c/x", "1\n2\n")]);
        assert_eq!(found.pairs, [(0, 0), (1, 1)], "each in turn, as git");
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
    fn a_unique_name_comes_before_a_more_similar_content() {
        let text = |last: &str| format!("1\n2\n3\n4\n5\n6\n7\n{last}\n");
        let found = find(&[("a/f", &text("8")), ("a/g", &text("9"))], &[("b/f", &text("9\n"))]);
        assert_eq!(found.pairs, [(0, 0)]);
    }

    #[test]
    fn an_empty_file_moves_like_any_other() {
        assert_eq!(find(&[("a", "")], &[("b", "")]).pairs, [(0, 0)]);
        assert!(find(&[("a", "")], &[("b", "\n")]).pairs.is_empty());
    }

    #[test]
    fn links_and_submodules_move_only_as_they_are() {
        use EntryKind::{Blob, BlobExecutable, Commit, Link};
        for (old, new, moved) in [
            ((Link, "target"), (Link, "target"), true),
            ((Link, "target"), (Blob, "target"), false),
            ((Commit, "1"), (Commit, "1"), true),
            ((Blob, "run\n"), (BlobExecutable, "run\n"), true),
            ((Link, "a/long/target/name"), (Link, "a/long/target/names"), false),
        ] {
            let (old, new) = (candidate(0, "a", old.1, old.0), candidate(0, "b", new.1, new.0));
            let bag = |file: &Candidate| {
                assert_eq!(file.kind, Blob, "no link is read");
                Ok::<_, Infallible>(Some(Bag::of(b"target")))
            };
            let found = renames(vec![old], vec![new], bag).expect("infallible");
            assert_eq!(!found.pairs.is_empty(), moved);
        }
    }

    #[test]
    fn a_storm_of_renames_is_cut_to_equal_contents_and_names() {
        let text = |n: usize, mark: &str| format!("file {n}\nline {n}\nmore {n}\nstill {n}\n{mark}\n");
        let olds: Vec<(String, String)> = (0..1100).map(|n| (format!("old/{n}.rs"), text(n, "a"))).collect();
        let news: Vec<(String, String)> = (0..1100).map(|n| (format!("new/{n}_moved.rs"), text(n, "b"))).collect();
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
