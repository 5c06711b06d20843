//! The heap of syntax trees: apart from everything else's, and counted.
//!
//! Trees are many small pieces that live briefly, for which this heap is 7 to 10 % faster than the C library's. What a parse asks it
//! for is counted a thread: the parser's own reports say nothing of memory, of which some texts take thousands of bytes a byte.
//! What is counted are bytes asked for, never what the heap makes of them, so the count is the same on every machine.

use libmimalloc_sys::{mi_free, mi_malloc, mi_realloc, mi_zalloc};
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Once;

thread_local! {
    /// Bytes this thread's parses have asked for.
    static ASKED: Cell<usize> = const { Cell::new(0) };
    /// How many of them were for a place on the parser's stack.
    static PLACES: Cell<usize> = const { Cell::new(0) };
    /// How many were for the summary that the parser makes of its stack where it meets an error.
    static ERRORS: Cell<usize> = const { Cell::new(0) };
}

/// Bytes of memory that this thread's parses have asked for since it began; only differences mean anything.
pub fn tree_bytes_asked() -> usize {
    ASKED.get()
}

/// Bytes of a place on the parser's stack in the tree-sitter that is linked; hardly anything else has this size. A test notices when
/// another version has another.
const PLACE_BYTES: usize = 232;

/// Places on their stacks that this thread's parsers have asked for since it began; only differences mean anything.
pub(super) fn places_asked() -> usize {
    PLACES.get()
}

/// Bytes of such a summary, an empty array; nothing else that is asked for at once has this size.
const SUMMARY_BYTES: usize = 16;

/// Errors that this thread's parsers have met since it began, in all readings that they tried; only differences mean anything.
pub(super) fn errors_met() -> usize {
    ERRORS.get()
}

/// Lets trees be built in this heap; must come before any parser is made.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let allocator = tree_sitter::Allocator { malloc: take, calloc: take_zeroed, realloc: resize, free: mi_free };
        // SAFETY: all four are of one allocator, none gives null, and no tree or parser exists yet.
        unsafe { tree_sitter::set_allocator(Some(allocator)) }
    });
}

/// The library takes memory for granted.
fn or_abort(memory: *mut c_void) -> *mut c_void {
    if memory.is_null() {
        std::process::abort();
    }
    memory
}

fn count(size: usize) {
    ASKED.set(ASKED.get().wrapping_add(size));
}

unsafe extern "C" fn take(size: usize) -> *mut c_void {
    count(size);
    PLACES.set(PLACES.get() + usize::from(size == PLACE_BYTES));
    ERRORS.set(ERRORS.get() + usize::from(size == SUMMARY_BYTES));
    // SAFETY: any size may be asked for.
    or_abort(unsafe { mi_malloc(size) })
}

unsafe extern "C" fn take_zeroed(number: usize, size: usize) -> *mut c_void {
    let size = number.saturating_mul(size);
    count(size);
    // SAFETY: as above; a product too large is a size that nobody has.
    or_abort(unsafe { mi_zalloc(size) })
}

unsafe extern "C" fn resize(memory: *mut c_void, size: usize) -> *mut c_void {
    count(size);
    // SAFETY: `memory` is null or of this allocator, as the caller promises.
    or_abort(unsafe { mi_realloc(memory, size) })
}
