//! From how many rows on a device is worth its launches: measured on this machine, at the first call that is large enough.
//!
//! Both sides give the same bits, so what the clock says decides where a batch is scored and nothing else.

use std::time::Instant;

/// How long a batch of so many rows took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timing {
    /// Rows of the batch.
    pub(crate) rows: f64,
    /// Time in microseconds.
    pub(crate) us: f64,
}

/// Microseconds of a call and of a row more, from a small and a large batch.
fn line([small, large]: [Timing; 2]) -> (f64, f64) {
    let slope = ((large.us - small.us) / (large.rows - small.rows).max(1.0)).max(0.0);
    (small.us - slope * small.rows, slope)
}

/// The least number of rows for which the device is not slower, taking both sides for straight lines through a small and a
/// large batch; `usize::MAX` where it never catches up.
pub(crate) fn crossover_rows(cpu: [Timing; 2], device: [Timing; 2]) -> usize {
    if cpu.iter().zip(&device).all(|(cpu, device)| device.us <= cpu.us) {
        return 1;
    }
    let ((cpu_call, cpu_row), (device_call, device_row)) = (line(cpu), line(device));
    if cpu_row <= device_row {
        return usize::MAX;
    }
    // The cast saturates.
    (((device_call - cpu_call) / (cpu_row - device_row)).ceil().max(1.0)) as usize
}

/// The least time of a few runs, after one that does not count; `None` when a run fails.
pub(crate) fn least_us<R, E>(mut run: impl FnMut() -> Result<R, E>) -> Option<f64> {
    const TIMES: usize = 3;
    run().ok()?;
    let mut least = f64::MAX;
    for _ in 0..TIMES {
        let start = Instant::now();
        run().ok()?;
        least = least.min(start.elapsed().as_secs_f64() * 1e6);
    }
    Some(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timings(call_us: f64, row_us: f64) -> [Timing; 2] {
        [16.0, 4096.0].map(|rows| Timing { rows, us: call_us + row_us * rows })
    }

    #[test]
    fn lines_cross_where_they_cross() {
        assert_eq!(crossover_rows(timings(0.0, 1.0), timings(100.0, 0.0)), 100);
        assert_eq!(crossover_rows(timings(0.5, 1.3), timings(30.0, 0.05)), 24);
        assert_eq!(crossover_rows(timings(0.0, 1.0), timings(1e6, 0.5)), 2_000_000);
    }

    #[test]
    fn a_device_that_is_always_slower_is_never_used_and_one_that_is_always_faster_always() {
        assert_eq!(crossover_rows(timings(0.0, 1.0), timings(10.0, 1.0)), usize::MAX);
        assert_eq!(crossover_rows(timings(0.0, 1.0), timings(10.0, 2.0)), usize::MAX);
        assert_eq!(crossover_rows(timings(5.0, 1.0), timings(1.0, 1.0)), 1);
        // Noise may make a large batch look cheaper than a small one.
        assert_eq!(crossover_rows(timings(5.0, -0.001), timings(100.0, 0.0)), usize::MAX);
    }

    #[test]
    fn a_run_that_fails_gives_no_time() {
        assert_eq!(least_us(|| Err::<(), _>("no")), None);
        assert!(least_us(|| Ok::<_, ()>(1)).is_some_and(|us| us >= 0.0));
    }
}
