//! Open files: how many the process may have, and how many of them connections may take.
//!
//! The log, the models, git's packs and the brokers need files at moments nobody chooses. What HTTP may use is what is
//! left over, so a flood of connections never keeps a record from being written.

/// More than this many files are not asked for: what counts them (and what closes them all) would only get slower.
const FILES_WANTED: u64 = 65_536;
/// Files kept for everything but connections, at least; a quarter of all where there are more.
const RESERVED: u64 = 256;
/// Connections at most, whatever the limit: each may hold some twenty kibibytes.
const CONNECTIONS_MAX: u64 = 4_096;
/// Connections at least, where the limit is so low that nothing is left over.
const CONNECTIONS_MIN: u64 = 16;

/// Raises the limit of open files as far as allowed and says how many connections may be open.
pub fn connections_max() -> usize {
    let files = raise_limit();
    let connections = connections_of(files);
    if files < RESERVED + CONNECTIONS_MIN {
        tracing::warn!(
            files,
            connections,
            "the limit of open files is low; raise it, for example with `ulimit -n 1024`"
        );
    }
    connections
}

fn connections_of(files: u64) -> usize {
    let left = files.saturating_sub(RESERVED.max(files / 4));
    left.clamp(CONNECTIONS_MIN.min(files / 4).max(1), CONNECTIONS_MAX) as usize
}

/// The soft limit after raising it to the hard one.
fn raise_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit that the call writes to.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return 1_024;
    }
    let wanted = limit.rlim_max.min(FILES_WANTED);
    if wanted > limit.rlim_cur {
        let raised = libc::rlimit { rlim_cur: wanted, ..limit };
        // SAFETY: `raised` is a valid rlimit that the call only reads.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } == 0 {
            return wanted;
        }
    }
    limit.rlim_cur
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        assert_eq!([1_024, 4_096, 65_536].map(connections_of), [768, 3_072, 4_096]);
        assert_eq!([4, 16, 64, 256, 280].map(connections_of), [1, 4, 16, 16, 24]);
        for files in 4..2_000 {
            assert!((connections_of(files) as u64) < files, "{files}");
        }
    }
}
