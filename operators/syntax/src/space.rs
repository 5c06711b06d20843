//! What is counted in one function space, and how a closed space adds to the one around it.
//!
//! Cognitive complexity rolls up algebraically: each nesting-sensitive increment of an inner space weighs one more for
//! every level that the outer space puts around it.

use super::text_hash::TextHash;
use driftline_schema::facts::SpaceMetrics;

/// What is counted from the file's start, so that a space is the difference of its two ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) operators: u32,
    pub(super) operands: u32,
    pub(super) assignments: u32,
    pub(super) branches: u32,
    pub(super) conditions: u32,
    pub(super) preproc_branches: u32,
}

/// The counters of a space that is still open.
#[derive(Clone, Debug)]
pub(super) struct Space {
    /// Index of its row among the functions; `None` for the file.
    pub(super) function: Option<usize>,
    /// How many spaces enclose the nearest function with a name, itself included.
    pub(super) named: Option<usize>,
    /// One and its own decisions.
    pub(super) cyclomatic: u32,
    /// One and its own decisions, a switch counted once.
    pub(super) modified: u32,
    /// Its own, recursion apart.
    pub(super) cognitive: u32,
    /// What closed inner spaces add.
    pub(super) rolled: u32,
    /// Own increments that are free in the sonar profile.
    pub(super) free: u32,
    /// Nesting-sensitive increments, with closed inner spaces.
    pub(super) structural: u32,
    /// Deepest structural level, with closed inner spaces.
    pub(super) deepest: u32,
    /// Statements, with closed inner spaces.
    pub(super) statements: u32,
    /// Its own exits.
    pub(super) exits: u32,
    /// Values it yields itself.
    pub(super) yields: u32,
    /// Declared parameters.
    pub(super) params: u32,
    /// Closed inner spaces.
    pub(super) functions: u32,
    /// Whether it was seen to call itself.
    pub(super) recursive: bool,
    /// Whether it only defines and returns another function.
    pub(super) decorator: bool,
    /// How the receiver is written before a method's name (Go).
    pub(super) receiver: Option<Box<str>>,
    /// Hash of the receiver's name, its own or that of the method around it; zero for none.
    pub(super) receiver_hash: u64,
    /// Hash of the name by which it is called without an object; zero for none.
    pub(super) name_hash: u64,
    /// Index of the method it is or stands in.
    pub(super) method: Option<u32>,
    /// Number of the first token of that method.
    pub(super) method_first: u32,
    /// Number of its first token.
    pub(super) first: u32,
    /// Distinct operators and operands, less those that only a space around it has not seen.
    pub(super) distinct: [u32; 2],
    /// What was counted before it began.
    pub(super) before: Totals,
    /// Where the constant ends that it stands in (bytes).
    pub(super) constant_end: usize,
    /// Hash of the text before `hashed`.
    pub(super) hash: TextHash,
    /// End of the text that is hashed (bytes).
    pub(super) hashed: usize,
    /// Where it ends (bytes).
    pub(super) end: usize,
}

impl Space {
    /// An empty space over the bytes from `start` to `end`.
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self {
            function: None,
            named: None,
            cyclomatic: 1,
            modified: 1,
            cognitive: 0,
            rolled: 0,
            free: 0,
            structural: 0,
            deepest: 0,
            statements: 0,
            exits: 0,
            yields: 0,
            params: 0,
            functions: 0,
            recursive: false,
            decorator: false,
            receiver: None,
            receiver_hash: 0,
            name_hash: 0,
            method: None,
            method_first: 0,
            first: 0,
            distinct: [0; 2],
            before: Totals::default(),
            constant_end: 0,
            hash: TextHash::new(),
            hashed: start,
            end,
        }
    }

    /// Counts a structural increment at `nesting` levels.
    pub(super) fn structural(&mut self, nesting: u32) {
        self.cognitive = self.cognitive.saturating_add(nesting + 1);
        self.structural += 1;
        self.deepest = self.deepest.max(nesting + 1);
    }

    /// Adds what `inner`, which is closed and stood under `nesting` levels, counts for this space.
    pub(super) fn absorb(&mut self, inner: &Self, nesting: u32) {
        // A file is no method: what stands in it is not nested by it. A decorator is only a shell.
        let levels = if self.function.is_none() || self.decorator { 0 } else { nesting + 1 };
        let rolled = inner.total().saturating_add(inner.structural.saturating_mul(levels));
        self.rolled = self.rolled.saturating_add(rolled);
        self.structural = self.structural.saturating_add(inner.structural);
        if inner.deepest > 0 {
            self.deepest = self.deepest.max(inner.deepest.saturating_add(levels));
        }
        self.statements += inner.statements;
        self.functions += inner.functions + 1;
        for (own, inner) in self.distinct.iter_mut().zip(inner.distinct) {
            *own = own.wrapping_add(inner);
        }
    }

    /// Adds what `inner`, which is closed and turned out to be no function, counts for this space.
    pub(super) fn take_in(&mut self, inner: &Self) {
        self.statements += inner.statements;
        self.exits += inner.exits;
        self.yields += inner.yields;
        for (own, inner) in self.distinct.iter_mut().zip(inner.distinct) {
            *own = own.wrapping_add(inner);
        }
    }

    /// Its cognitive complexity without what inner functions hold.
    fn own(&self) -> u32 {
        self.cognitive.saturating_add(u32::from(self.recursive))
    }

    /// Its cognitive complexity.
    fn total(&self) -> u32 {
        self.own().saturating_add(self.rolled)
    }

    /// The metrics of this space, lines apart; `totals` is what was counted up to its end.
    pub(super) fn metrics(&self, totals: &Totals) -> SpaceMetrics {
        let before = &self.before;
        SpaceMetrics {
            cyclomatic: self.cyclomatic,
            cyclomatic_modified: self.modified,
            cognitive: self.total(),
            cognitive_own: self.own(),
            cognitive_sonar: self.cognitive.saturating_sub(self.free),
            yields: self.yields,
            operators: totals.operators - before.operators,
            operands: totals.operands - before.operands,
            operators_distinct: self.distinct[0],
            operands_distinct: self.distinct[1],
            assignments: totals.assignments - before.assignments,
            branches: totals.branches - before.branches,
            conditions: totals.conditions - before.conditions,
            preproc_branches: totals.preproc_branches - before.preproc_branches,
            lloc: self.statements,
            nesting: self.deepest,
            params: self.params,
            exits: self.exits,
            functions: self.functions,
            ..SpaceMetrics::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_space_weighs_more_the_deeper_it_stands() {
        let mut inner = Space::new(0, 0);
        inner.structural(0);
        inner.structural(1);
        assert_eq!((inner.cognitive, inner.deepest), (3, 2));
        let mut outer = Space { function: Some(0), ..Space::new(0, 0) };
        outer.absorb(&inner, 1);
        assert_eq!((outer.total(), outer.own(), outer.deepest, outer.functions), (3 + 2 * 2, 0, 4, 1));
        let mut file = Space::new(0, 0);
        file.absorb(&outer, 0);
        assert_eq!((file.total(), file.deepest, file.functions), (7, 4, 2));
    }
}
