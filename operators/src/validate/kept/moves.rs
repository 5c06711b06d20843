//! Blocks of removed lines that stand elsewhere after the change, in the same file or in another of the change.
//!
//! A block counts from as many letters and digits on as `git blame -M` and `-C` ask for; the heaviest block that begins
//! at a line wins, and no removed line moves twice. The search takes a bounded number of steps for each line.

use super::{FileLines, Line};
use std::collections::HashMap;

/// Letters and digits above which a block that moved within its file counts (`git blame -M`).
const WEIGHT_WITHIN: u32 = 20;
/// The same between two files (`git blame -C`).
const WEIGHT_BETWEEN: u32 = 40;
/// Places at which a block is looked for; more frequent lines begin no block.
const PLACES_MAX: usize = 32;
/// Lines that may be compared, for each removed or added line of the change.
const STEPS_PER_LINE: usize = 64;

/// An added line and the removed one it was, each as file and line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Move {
    pub(super) to: (u32, u32),
    pub(super) from: (u32, u32),
}

/// The removed lines of all files, found by hash.
struct Search<'a> {
    files: &'a [FileLines],
    /// Hash -> file and position among its removed lines.
    places: HashMap<u64, Vec<(usize, usize)>>,
    taken: Vec<Vec<bool>>,
    steps: usize,
}

/// A block that begins at one place.
#[derive(Clone, Copy)]
struct Block {
    file: usize,
    at: usize,
    lines: usize,
    weight: u32,
}

/// Whether the line at `at` follows the one before it without a gap.
fn follows(lines: &[Line], at: usize) -> bool {
    lines[at].index == lines[at - 1].index + 1
}

impl<'a> Search<'a> {
    fn new(files: &'a [FileLines]) -> Self {
        let mut places: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
        for (file, lines) in files.iter().enumerate() {
            for (at, line) in lines.removed.iter().enumerate().filter(|(_, line)| line.weight > 0) {
                places.entry(line.hash).or_default().push((file, at));
            }
        }
        let lines: usize = files.iter().map(|lines| lines.removed.len() + lines.added.len()).sum();
        let taken = files.iter().map(|lines| vec![false; lines.removed.len()]).collect();
        Self { files, places, taken, steps: STEPS_PER_LINE.saturating_mul(lines) }
    }

    /// The block of removed lines from `(file, at)` on that the added lines from `next` on repeat.
    fn block(&mut self, added: &[Line], next: usize, (file, at): (usize, usize)) -> Block {
        let removed = &self.files[file].removed;
        let mut block = Block { file, at, lines: 0, weight: 0 };
        while let (Some(new), Some(old)) = (added.get(next + block.lines), removed.get(at + block.lines)) {
            let apart = block.lines > 0 && !(follows(added, next + block.lines) && follows(removed, at + block.lines));
            if new.hash != old.hash || self.taken[file][at + block.lines] || apart || self.steps == 0 {
                break;
            }
            self.steps -= 1;
            block.lines += 1;
            block.weight = block.weight.saturating_add(new.weight);
        }
        block
    }

    /// The heaviest block that begins at `next`; of equal ones that of the same file, then the first.
    fn best(&mut self, to: usize, next: usize) -> Option<Block> {
        let files = self.files;
        let added = &files[to].added;
        let places = self.places.get(&added[next].hash).filter(|places| places.len() <= PLACES_MAX)?.clone();
        let mut best: Option<Block> = None;
        for place in places {
            let block = self.block(added, next, place);
            let enough = if block.file == to { WEIGHT_WITHIN } else { WEIGHT_BETWEEN };
            let rank = |block: &Block| (block.weight, block.file == to);
            if block.weight > enough && best.is_none_or(|best| rank(&block) > rank(&best)) {
                best = Some(block);
            }
        }
        best
    }

    /// How many lines before a block moved along with it; at most down to the added line `first`.
    fn lines_before(&mut self, added: &[Line], first: usize, next: usize, block: Block) -> usize {
        let removed = &self.files[block.file].removed;
        let mut before = 0;
        while next - before > first && block.at > before && self.steps > 0 {
            let (new, old) = (next - before, block.at - before);
            let together = follows(added, new) && follows(removed, old);
            if !together || added[new - 1].hash != removed[old - 1].hash || self.taken[block.file][old - 1] {
                break;
            }
            self.steps -= 1;
            before += 1;
        }
        before
    }
}

/// All moves, by file and line after the change.
pub(super) fn moves(files: &[FileLines]) -> Vec<Move> {
    let mut search = Search::new(files);
    let mut moves = Vec::new();
    for (to, lines) in files.iter().enumerate() {
        // `first` is the first added line that no block has taken.
        let (mut first, mut next) = (0, 0);
        while next < lines.added.len() {
            let Some(block) = search.best(to, next) else {
                next += 1;
                continue;
            };
            let before = search.lines_before(&lines.added, first, next, block);
            for line in 0..before + block.lines {
                let (new, old) = (next - before + line, block.at - before + line);
                search.taken[block.file][old] = true;
                let from = (block.file as u32, files[block.file].removed[old].index);
                moves.push(Move { to: (to as u32, lines.added[new].index), from });
            }
            next += block.lines;
            first = next;
        }
    }
    moves
}
