//! Bounds what the contents of one commit cost.
//!
//! To read every content once is in proportion to the repository, whatever its size. To read one again and again is not: a
//! few objects can name the same large content at many paths, or pair few contents in many ways. So only repeated
//! reading is counted, and it ends at an allowance.

use gix::ObjectId;
use gix::hashtable::HashSet;

/// Bytes of contents that one commit may use again. Copies of licences and vendored files take a tenth of it.
#[cfg(not(test))]
const REPEATED_BYTES_MAX: usize = 256 << 20;
/// In tests little is much.
#[cfg(test)]
const REPEATED_BYTES_MAX: usize = 8 << 20;
/// Paths below which nothing is counted: as many contents of the largest size are read in seconds.
const PATHS_FREE: usize = 500;

/// What one commit may still use again.
pub(super) struct Effort {
    seen: HashSet<ObjectId>,
    left: usize,
    counts: bool,
}

impl Effort {
    /// For a commit that differs at so many paths.
    pub(super) fn of(paths: usize) -> Self {
        Self { seen: HashSet::default(), left: REPEATED_BYTES_MAX, counts: paths > PATHS_FREE }
    }

    /// Whether the allowance is used up.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Whether uses have to be told.
    pub(super) fn counts(&self) -> bool {
        self.counts
    }

    /// The content `id` of this size is used.
    pub(super) fn uses(&mut self, id: ObjectId, bytes: usize) {
        if !self.seen.insert(id) {
            self.left = self.left.saturating_sub(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_used_again_is_counted() {
        let id = |byte| ObjectId::Sha1([byte; 20]);
        let mut effort = Effort::of(PATHS_FREE + 1);
        (0..200).for_each(|byte| effort.uses(id(byte), REPEATED_BYTES_MAX));
        assert!(effort.counts() && !effort.is_spent());
        effort.uses(id(7), REPEATED_BYTES_MAX - 1);
        assert!(!effort.is_spent());
        effort.uses(id(7), 1);
        assert!(effort.is_spent());
    }
}
