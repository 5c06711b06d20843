//! How memory is had from the system.

use libmimalloc_sys::{mi_free, mi_malloc, mi_realloc, mi_zalloc};
use std::ffi::c_void;

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

/// Lets syntax trees, which are many small pieces that live briefly, be built in a heap of their own.
///
/// Measuring files costs 7 to 10 % less than with the C library's. Must be called before anything is parsed.
pub fn trees_apart() {
    let allocator = tree_sitter::Allocator { malloc: take, calloc: take_zeroed, realloc: resize, free: mi_free };
    // SAFETY: all four are of one allocator, none gives null, and no tree exists yet.
    unsafe { tree_sitter::set_allocator(Some(allocator)) }
}

/// The library takes memory for granted.
fn or_abort(memory: *mut c_void) -> *mut c_void {
    if memory.is_null() {
        std::process::abort();
    }
    memory
}

unsafe extern "C" fn take(size: usize) -> *mut c_void {
    // SAFETY: any size may be asked for.
    or_abort(unsafe { mi_malloc(size) })
}

unsafe extern "C" fn take_zeroed(count: usize, size: usize) -> *mut c_void {
    // SAFETY: as above; a product too large is a size that nobody has.
    or_abort(unsafe { mi_zalloc(count.saturating_mul(size)) })
}

unsafe extern "C" fn resize(memory: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: `memory` is null or of this allocator, as the caller promises.
    or_abort(unsafe { mi_realloc(memory, size) })
}
