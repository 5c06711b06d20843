//! What is counted in one function space, and how a closed space adds to the one around it.
//!
//! Cognitive complexity rolls up algebraically: each nesting-sensitive increment of an inner space weighs one more for
//! every level that the outer space puts around it.

use super::text_hash::TextHash;
use driftline_schema::facts::SpaceMetrics;

/// The counters of a space that is still open.
#[derive(Clone, Debug)]
pub(super) struct Space {
    /// Index of its row among the functions; `None` for the file.
    pub(super) function: Option<usize>,
    /// How many spaces enclose the nearest function with a name, itself included.
    pub(super) named: Option<usize>,
    /// One and its own decisions.
    pub(super) cyclomatic: u32,
    /// With closed inner spaces, recursion apart.
    pub(super) cognitive: u32,
    /// Nesting-sensitive increments, with closed inner spaces.
    pub(super) structural: u32,
    /// Deepest structural level, with closed inner spaces.
    pub(super) deepest: u32,
    /// Statements, with closed inner spaces.
    pub(super) statements: u32,
    /// Its own exits.
    pub(super) exits: u32,
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
            cognitive: 0,
            structural: 0,
            deepest: 0,
            statements: 0,
            exits: 0,
            params: 0,
            functions: 0,
            recursive: false,
            decorator: false,
            receiver: None,
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
        let rolled = inner.cognitive.saturating_add(inner.structural.saturating_mul(levels));
        self.cognitive = self.cognitive.saturating_add(rolled);
        self.structural = self.structural.saturating_add(inner.structural);
        if inner.deepest > 0 {
            self.deepest = self.deepest.max(inner.deepest.saturating_add(levels));
        }
        self.statements += inner.statements;
        self.functions += inner.functions + 1;
    }

    /// The metrics of this space, lines apart.
    pub(super) fn metrics(&self) -> SpaceMetrics {
        SpaceMetrics {
            cyclomatic: self.cyclomatic,
            cognitive: self.cognitive,
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
        assert_eq!((outer.cognitive, outer.deepest, outer.functions), (3 + 2 * 2, 4, 1));
        let mut file = Space::new(0, 0);
        file.absorb(&outer, 0);
        assert_eq!((file.cognitive, file.deepest, file.functions), (7, 4, 2));
    }
}
