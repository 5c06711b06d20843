//! Lines that were wrapped otherwise: a run of removed lines and a run of added ones with the same characters.
//!
//! A comma before a closing bracket does not count, since formatters add it where they break the list of arguments.

/// Characters of one gap that are compared; larger gaps are no re-wrapped statement.
const GAP_CHARACTERS_MAX: usize = 1 << 14;
/// Pairs of lines of one gap at which a common run may begin.
const STARTS_MAX: usize = 1 << 10;
/// Characters that may be compared, for each character of a gap.
const STEPS_PER_CHARACTER: usize = 16;

/// One side of a gap: its characters without white space, and where each line begins among them.
struct Side {
    characters: Vec<u8>,
    /// Begin of each line, then the end of the last one.
    begins: Vec<usize>,
}

impl Side {
    fn of(texts: &[&str]) -> Self {
        let mut side = Self { characters: Vec::new(), begins: vec![0] };
        // Where a comma was written last, if nothing but white space came after it.
        let mut comma: Option<usize> = None;
        for text in texts {
            for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
                if let Some(at) = comma.take().filter(|_| matches!(byte, b')' | b']' | b'}')) {
                    side.characters.remove(at);
                    side.begins.iter_mut().filter(|begin| **begin > at).for_each(|begin| *begin -= 1);
                }
                if byte == b',' {
                    comma = Some(side.characters.len());
                }
                side.characters.push(byte);
            }
            side.begins.push(side.characters.len());
        }
        side
    }

    /// The line that ends before the character at `at`, if one does.
    fn line_ended(&self, at: usize, from: usize) -> Option<usize> {
        let line = from + self.begins[from..].partition_point(|begin| *begin < at);
        (self.begins.get(line) == Some(&at)).then_some(line)
    }
}

/// Pairs (removed, added) of lines in the gaps between `kept` pairs, which ascend; an added line goes with the removed
/// line that held its first character.
pub(super) fn rewrapped(old: &[&str], new: &[&str], kept: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let (mut pairs, mut old_next, mut new_next) = (Vec::new(), 0, 0);
    for (old_at, new_at) in kept.iter().copied().chain([(old.len(), new.len())]) {
        if old_next < old_at && new_next < new_at {
            let found = gap(&old[old_next..old_at], &new[new_next..new_at]);
            pairs.extend(found.into_iter().map(|(removed, added)| (old_next + removed, new_next + added)));
        }
        (old_next, new_next) = (old_at + 1, new_at + 1);
    }
    pairs
}

fn gap(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let size = |texts: &[&str]| texts.iter().map(|text| text.len()).sum::<usize>();
    if size(old).max(size(new)) > GAP_CHARACTERS_MAX || old.len() * new.len() > STARTS_MAX {
        return Vec::new();
    }
    let (old, new) = (Side::of(old), Side::of(new));
    let mut steps = STEPS_PER_CHARACTER * (old.characters.len() + new.characters.len());
    let (mut pairs, mut old_from, mut new_from) = (Vec::new(), 0, 0);
    while new_from + 1 < new.begins.len() {
        let found = (old_from..old.begins.len() - 1)
            .find_map(|old_at| Some((old_at, run(&old, old_at, &new, new_from, &mut steps)?)));
        let Some((old_at, (old_to, new_to))) = found else {
            new_from += 1;
            continue;
        };
        let from = old.begins[old_at] as isize - new.begins[new_from] as isize;
        for added in new_from..new_to {
            let first = new.begins[added].checked_add_signed(from).expect("the run holds it");
            let removed = old.begins[..=old_to].partition_point(|begin| *begin <= first) - 1;
            pairs.push((removed.min(old_to - 1), added));
        }
        (old_from, new_from) = (old_to, new_to);
    }
    pairs
}

/// The shortest run of whole lines with the same characters on both sides, as the lines behind it.
fn run(old: &Side, old_line: usize, new: &Side, new_line: usize, steps: &mut usize) -> Option<(usize, usize)> {
    let (old_begin, new_begin) = (old.begins[old_line], new.begins[new_line]);
    let same = old.characters[old_begin..].iter().zip(&new.characters[new_begin..]).take_while(|(a, b)| a == b).count();
    *steps = steps.checked_sub(same + 1)?;
    let mut weighed = false;
    for length in 1..=same {
        weighed |= old.characters[old_begin + length - 1].is_ascii_alphanumeric();
        let ends = old.line_ended(old_begin + length, old_line).zip(new.line_ended(new_begin + length, new_line));
        if let Some(ends) = ends.filter(|_| weighed) {
            return Some(ends);
        }
    }
    None
}
