//! Keeps threads of the pool awake between the steps of one training.
//!
//! A model's steps follow each other in tens of microseconds, and a thread that fell asleep in between needs as long to
//! come back. So a thread that has helped looks for more for a while before it sleeps: never longer than [`LINGER`] after
//! the last step, and only as many threads as a step had use for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for more: longer than what one thread does alone between two steps.
const LINGER: Duration = Duration::from_micros(80);
/// Turns between two looks at what other threads have to give.
const TURNS: usize = 32;

/// Threads that look for more, in all pools.
static LINGERING: AtomicUsize = AtomicUsize::new(0);

/// Lets up to `threads` other threads of the pool look for work; to be called from a thread of the pool at the beginning of
/// a step that has some.
pub(super) fn keep_awake(threads: usize) {
    let Some(caller) = rayon::current_thread_index() else { return };
    for _ in LINGERING.load(Ordering::Relaxed)..threads {
        LINGERING.fetch_add(1, Ordering::Relaxed);
        rayon::spawn(move || {
            // The caller has better things to do, and comes to this only when it waits for others.
            if rayon::current_thread_index() != Some(caller) {
                linger();
            }
            LINGERING.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn linger() {
    let mut last = Instant::now();
    while last.elapsed() < LINGER {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            last = Instant::now();
        }
        for _ in 0..TURNS {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_thread_lingers_for_long() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
        let sum = AtomicUsize::new(0);
        for _ in 0..100 {
            pool.scope(|scope| {
                keep_awake(2);
                for _ in 0..10 {
                    scope.spawn(|_| {
                        sum.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }
        assert_eq!(sum.load(Ordering::Relaxed), 1_000);
        let start = Instant::now();
        while LINGERING.load(Ordering::Relaxed) > 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "a thread still looks for work");
            std::thread::yield_now();
        }
    }
}
