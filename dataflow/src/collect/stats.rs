//! What a collection has read, for progress, metrics and the summary at the end.

use serde::Serialize;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident: $doc:literal,)*) => {
        /// Counts of one open repository since it was opened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct CollectStats {
            $(#[doc = $doc] pub $name: u64,)*
        }
        /// The counts while they grow; threads add to them in any order.
        #[derive(Default)]
        pub(super) struct Counters {
            $($name: AtomicU64,)*
        }
        impl Counters {
            $(pub(super) fn $name(&self) { self.add(&self.$name, 1); })*
            /// The counts now.
            pub(super) fn snapshot(&self) -> CollectStats {
                CollectStats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}
counters! {
    commits: "Commits read.",
    files: "Files that differ from the first parent, summed over commits.",
    missing_parents: "Commits whose first parent the repository does not have; their files count as added.",
    absent_contents: "Contents a partial clone does not have, summed over reads.",
    passed_over_references: "Branches that point nowhere, or to what is no commit.",
    omitted_contents: "Contents left out of an event that would have been too large.",
    limited_renames: "Commits whose renames were not all searched because there were too many candidates.",
    limited_parents: "Merges whose files were not compared with all parents because there were too many.",
}

impl Counters {
    fn add(&self, counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

impl fmt::Display for CollectStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} commits, {} changed files", self.commits, self.files)?;
        let notes = [
            (self.missing_parents, "commits without their first parent"),
            (self.absent_contents, "contents not in this partial clone (`git fetch --refetch --no-filter` gets them)"),
            (self.passed_over_references, "references passed over because they lead to no commit"),
            (self.omitted_contents, "contents left out of events that would be too large"),
            (self.limited_renames, "commits with too many candidates for renames"),
            (self.limited_parents, "merges with too many parents to compare with"),
        ];
        for (count, what) in notes.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}
