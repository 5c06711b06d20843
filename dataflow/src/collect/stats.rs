//! What a collection has read, for progress, metrics and the summary at the end.

use driftline_schema::LeftOut;
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
            $(#[allow(dead_code, reason = "some counts are added by their sum")]
            pub(super) fn $name(&self) { self.add(&self.$name, 1); })*
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
    omitted_hunks: "Hunks left out of an event that would have been too large; lines are counted all the same.",
    omitted_files: "Files left out of an event whole; their lines are counted all the same.",
    refused_paths: "Files left out because no event may hold their paths, which are too long, or `..`, or `.git`.",
    uncounted_commits: "Commits of which more was left out than could be counted.",
    limited_renames: "Commits whose renames were not all searched because there were too many candidates.",
    limited_parents: "Merges whose files were not compared with all parents because there were too many.",
}

impl Counters {
    /// Adds what one event left out, and how many of its files were left out for their paths.
    pub(super) fn left_out(&self, left_out: &LeftOut, refused: u64) {
        self.add(&self.refused_paths, refused);
        self.add(&self.omitted_contents, left_out.contents);
        self.add(&self.omitted_hunks, left_out.hunks);
        self.add(&self.omitted_files, left_out.files.saturating_sub(refused));
        self.add(&self.uncounted_commits, u64::from(left_out.uncounted));
    }

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
            (self.omitted_hunks, "hunks left out of events that would be too large"),
            (self.omitted_files, "files left out of events that would be too large"),
            (
                self.refused_paths,
                "files left out because no event may hold their paths (too long, `..`, `.git`, or a twin)",
            ),
            (self.uncounted_commits, "commits with more left out than could be counted"),
            (self.limited_renames, "commits with too many candidates for renames"),
            (self.limited_parents, "merges with too many parents to compare with"),
        ];
        for (count, what) in notes.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}
