//! CPU time by stage: on a shared machine the only clock that compares.

use std::sync::atomic::{AtomicU64, Ordering};

/// Nanoseconds of CPU time this thread has used.
pub fn thread_cpu_ns() -> u64 {
    cpu_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Nanoseconds of CPU time this process has used.
pub fn process_cpu_ns() -> u64 {
    cpu_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn cpu_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call writes to; an unknown clock leaves it zero.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The largest resident set of this process so far, in bytes.
pub fn peak_rss_bytes() -> u64 {
    // SAFETY: rusage is plain data for which all-zero bytes are valid, and the call fills it in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    usage.ru_maxrss as u64 * 1024
}

/// CPU nanoseconds of one stage, added up over threads.
#[derive(Debug, Default)]
pub struct StageCpu(AtomicU64);

impl StageCpu {
    /// Adds `ns`.
    pub fn add_ns(&self, ns: u64) {
        self.0.fetch_add(ns, Ordering::Relaxed);
    }
    /// Nanoseconds so far.
    pub fn ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
    /// Adds what this thread uses until the guard is dropped.
    pub fn measure(&self) -> Measuring<'_> {
        Measuring { stage: self, start: thread_cpu_ns() }
    }
}

/// See [`StageCpu::measure`].
pub struct Measuring<'a> {
    stage: &'a StageCpu,
    start: u64,
}

impl Drop for Measuring<'_> {
    fn drop(&mut self) {
        self.stage.add_ns(thread_cpu_ns().saturating_sub(self.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_measured_and_sleep_is_not() {
        let (work, sleep) = (StageCpu::default(), StageCpu::default());
        {
            let _measuring = work.measure();
            let mut sum = 0u64;
            for number in 0..5_000_000u64 {
                sum = std::hint::black_box(sum.wrapping_add(number * number));
            }
            assert_ne!(sum, 1);
        }
        {
            let _measuring = sleep.measure();
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        assert!(work.ns() > 1_000_000 && sleep.ns() < 15_000_000, "{} {}", work.ns(), sleep.ns());
        assert!(peak_rss_bytes() > 1 << 20 && process_cpu_ns() >= work.ns());
    }
}
