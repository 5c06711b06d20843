//! What the fuzz targets do with their bytes, and what must hold whatever these are.
//!
//! Nothing here may panic, for any input: a panic, a stall or a blow-up of memory is the finding.

#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)]

// What is taken in by its sources knows the operators by their crate's name.
extern crate self as driftline_operators;

mod collect;
#[path = "../../../dataflow/src/cpu.rs"]
#[allow(dead_code)]
mod cpu;
#[path = "../../../dataflow/src/plain_file.rs"]
#[allow(dead_code)]
mod plain_file;
mod repository;
#[path = "../../../dataflow/src/terminal.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod terminal;
/// What the collector asks of the log, which brings far more than it needs.
mod log {
    pub(crate) fn ignore_in_git(_folder: &std::path::Path) -> std::io::Result<()> {
        Ok(())
    }
}
// `operators/src/validate.rs` without what routes records through a dataflow; see `build.rs`.
include!(concat!(env!("OUT_DIR"), "/validate.rs"));

use driftline_schema::{Limits, Position, wire};
use driftline_syntax::smells::{Thresholds, duplicates, smells};
use driftline_syntax::{Measurer, SyntaxLimits, class_metrics, languages, measure, patterns};
use validate::{RawRecord, validate};

/// By the name that the operators' crate knows it by.
use driftline_syntax as syntax;

pub use repository::objects;

/// CPU seconds that any text may take, and seconds a byte beyond: many times what the limits allow in a build that is
/// optimised, as this one hardly is and counts as it runs.
const CPU_S_MAX: f64 = 2.0;
const CPU_S_A_BYTE_MAX: f64 = 20e-6;

fn cpu_s() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes a whole timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A byte that chooses the language and a text: measured twice, with the same facts, at a bounded cost.
pub fn parser(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let all: Vec<_> = languages().collect();
    let language = all[usize::from(*choice) % all.len()];
    let start = cpu_s();
    let mut measurer = Measurer::new();
    let facts = measure(&mut measurer, language, &text, &SyntaxLimits::default());
    for class in &facts.structure.classes {
        class_metrics(class, &facts.functions);
    }
    let thresholds = Thresholds::default();
    smells(&facts, &thresholds);
    duplicates(&[&facts], &thresholds);
    patterns::patterns(&facts);
    let taken_s = cpu_s() - start;
    assert!(
        taken_s < CPU_S_MAX + CPU_S_A_BYTE_MAX * text.len() as f64,
        "{language}: {taken_s} s for {} bytes",
        text.len()
    );
    assert_eq!(facts.bytes as usize, text.len());
    assert!(facts.error_bytes <= facts.bytes);
    assert_eq!(facts, measure(&mut measurer, language, &text, &SyntaxLimits::default()), "{language}");
}

/// The bytes of one record: a reject, or an event that stays what it is when it is written and read again.
pub fn event(data: &[u8]) {
    let limits = Limits::default();
    if let Ok(decoded) = wire::decode(data, &limits) {
        let again = wire::encode(&decoded.event);
        if again.len() <= limits.event_bytes_max {
            let again = wire::decode(&again, &limits).expect("what was written can be read");
            assert_eq!((again.event, again.unknown_fields), (decoded.event.clone(), 0));
        }
        judge(data, decoded.event.repository.as_bytes(), &limits);
    }
    judge(data, b"demo", &limits);
}

/// Validates a record under a key, as one partition's and as the log's own.
fn judge(payload: &[u8], key: &[u8], limits: &Limits) {
    for control in [false, true] {
        let position = Position { partition: 0, offset: 7 };
        let record =
            RawRecord { position, key: key.to_vec(), append_time: 1_700_000_000, payload: payload.to_vec(), control, envelope: None };
        if let Err(reject) = validate(&record, limits) {
            assert_eq!(reject.position, position);
            assert!(reject.detail.len() < 4_096, "a reject stays small: {} bytes", reject.detail.len());
        }
    }
}
