//! What the view costs in memory: 20,000 changes with prediction, vector, label and evidence stay below 60 MiB, and
//! reading leaves nothing behind.

mod synthetic;

use driftline_sinks::view::{PredictionQuery, Sort};
use driftline_sinks::{Sink, View};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts live bytes as asked for.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator unchanged; counting touches no memory of the allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn twenty_thousand_predictions_fit_and_reading_leaves_nothing() {
    const MIB: f64 = 1024.0 * 1024.0;
    let mut numbers = synthetic::Numbers(1);
    let (mut sink, reader) = View::open();
    let before = LIVE.load(Ordering::Relaxed);
    for time in 0..100 {
        let closed = synthetic::closed_time(&mut numbers, time, time * 200, 200);
        sink.apply(&closed).expect("the view takes everything");
    }
    let held = LIVE.load(Ordering::Relaxed) - before;
    let summary = reader.summary();
    assert_eq!((summary.predictions, summary.conflicts), (20_000, 0));
    let (held, estimated) = (held as f64 / MIB, summary.bytes as f64 / MIB);
    println!("20,000 predictions hold {held:.1} MiB; the view's own estimate is {estimated:.1} MiB");
    assert!(held < 60.0, "{held:.1} MiB");
    assert!((estimated / held - 1.0).abs() < 0.25, "estimated {estimated:.1} MiB, held {held:.1} MiB");
    let query = PredictionQuery {
        repository: None,
        min_risk: None,
        sort: Sort::Risk,
        limit: 500,
        newest: Some(1_000),
        after: None,
    };
    drop(summary);
    let before = LIVE.load(Ordering::Relaxed);
    for _ in 0..200 {
        let page = reader.predictions(&query);
        let row = &page.rows.as_ref().expect("all repositories")[0].prediction;
        let found = reader.lookup(&row.repository, &row.commit.to_string()[..12]).1;
        assert!(matches!(found, driftline_sinks::view::Lookup::Found(_)));
        reader.repositories();
        drop(reader.reached(driftline_schema::Position { partition: 0, offset: 1 << 40 }));
    }
    assert_eq!(LIVE.load(Ordering::Relaxed), before);
}
