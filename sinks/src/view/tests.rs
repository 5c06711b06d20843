//! The view against its definition: the multiset of rows that are live.

use super::*;
use crate::batch::{ClosedTime, Sink};
use crate::testing::{alert, closed, commit, key_of, prediction, resolved, summary};
use driftline_schema::{Alert, Evidence, EvidenceKind, Fixed, Label, Position, Prediction, Vector, Verdict};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

fn listing(sort: Sort) -> PredictionQuery {
    PredictionQuery { repository: None, min_risk: None, sort, limit: 100, newest: None, after: None }
}

fn offsets(reader: &ViewReader, query: &PredictionQuery) -> Vec<u64> {
    let rows = reader.predictions(query).rows.expect("no repository was named");
    rows.iter().map(|row| row.prediction.receipt.position.offset).collect()
}

fn label(verdict: Verdict) -> Label {
    Label { verdict, kind: EvidenceKind::Szz, provisional: false, evidence: 1 }
}

/// All rows of one change.
fn rows_of(prediction: &Prediction, diff: isize, into: &mut ClosedTime) {
    let key = key_of(prediction);
    into.changes.push((summary(prediction), diff));
    into.predictions.push((prediction.clone(), diff));
    into.vectors.push((Vector { key, time: prediction.time, values: [Fixed(1), Fixed(2)].into() }, diff));
    into.labels.push(((key, label(Verdict::Defective)), diff));
    let source = Position { partition: 0, offset: 99 };
    let row = Evidence { change: key, kind: EvidenceKind::Szz, verdict: Verdict::Defective, source, weight: 3 };
    into.evidence.push((row, diff));
}

#[test]
fn a_change_is_found_by_a_unique_prefix_of_its_commit() {
    let (mut sink, reader) = View::open();
    let (a, mut b) = (prediction("owner/name", 1, 300_000), prediction("owner/name", 2, 600_000));
    b.commit = commit(1, 77);
    let mut batch = closed(1, 3);
    rows_of(&a, 1, &mut batch);
    rows_of(&b, 1, &mut batch);
    sink.apply(&batch).expect("the view takes everything");
    let find = |prefix: &str| reader.lookup("owner/name", prefix).1;
    assert!(matches!(find("0101"), Lookup::Ambiguous(commits) if commits.len() == 2));
    assert!(matches!(find("010"), Lookup::BadPrefix));
    assert!(matches!(find("01xy"), Lookup::BadPrefix));
    assert!(matches!(find("ffff"), Lookup::NoCommit));
    assert!(matches!(reader.lookup("nobody", "0101").1, Lookup::NoRepository));
    for wanted in [&a, &b] {
        for length in [40, 39] {
            let Lookup::Found(detail) = find(&wanted.commit.to_string().to_uppercase()[..length]) else {
                panic!("{} is unique", wanted.commit)
            };
            assert_eq!(detail.prediction.as_ref(), Some(wanted));
            assert_eq!(detail.vector.as_deref(), Some([Fixed(1), Fixed(2)].as_slice()));
            assert_eq!((detail.label, detail.evidence.len()), (Some(label(Verdict::Defective)), 1));
        }
    }
}

#[test]
fn listings_are_sorted_filtered_and_paged() {
    let (mut sink, reader) = View::open();
    let mut batch = closed(1, 9);
    for (offset, risk) in [(1, 300_000), (2, 900_000), (3, -1), (4, 600_000), (5, 300_000)] {
        let repository = if offset == 4 { "other" } else { "owner/name" };
        batch.predictions.push((prediction(repository, offset, risk), 1));
    }
    sink.apply(&batch).expect("the view takes everything");
    assert_eq!(offsets(&reader, &listing(Sort::Recent)), [5, 4, 3, 2, 1]);
    assert_eq!(offsets(&reader, &listing(Sort::Risk)), [2, 4, 5, 1]);
    let bound = Some(Fixed(500_000));
    assert_eq!(offsets(&reader, &PredictionQuery { min_risk: bound, ..listing(Sort::Recent) }), [4, 2]);
    assert_eq!(offsets(&reader, &PredictionQuery { min_risk: bound, ..listing(Sort::Risk) }), [2, 4]);
    assert_eq!(offsets(&reader, &PredictionQuery { newest: Some(2), ..listing(Sort::Risk) }), [4, 5]);
    let mine = PredictionQuery { repository: Some("owner/name".to_owned()), ..listing(Sort::Risk) };
    assert_eq!(offsets(&reader, &mine), [2, 5, 1]);
    let nobody = PredictionQuery { repository: Some("nobody".to_owned()), ..listing(Sort::Risk) };
    assert!(reader.predictions(&nobody).rows.is_none());
    for sort in [Sort::Recent, Sort::Risk] {
        for newest in [None, Some(100)] {
            let mut query = PredictionQuery { limit: 2, newest, ..listing(sort) };
            let mut paged = Vec::new();
            loop {
                paged.extend(offsets(&reader, &query));
                query.after = reader.predictions(&query).next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(paged, offsets(&reader, &listing(sort)));
        }
    }
}

#[test]
fn taking_everything_back_leaves_nothing() {
    let (mut sink, reader) = View::open();
    let mut batch = closed(1, 9);
    let gone = prediction("owner/name", 1, 300_000);
    rows_of(&gone, 1, &mut batch);
    batch.alerts.push((alert("a"), 1));
    sink.apply(&batch).expect("the view takes everything");
    assert_eq!((reader.summary().changes, reader.summary().quality.rows()), (1, (0, 1)));
    let mut batch = closed(2, 10);
    rows_of(&gone, -1, &mut batch);
    batch.alerts.push((alert("a"), -1));
    sink.apply(&batch).expect("the view takes everything");
    let expected = Summary { as_of: reader.as_of(), ..Summary::default() };
    assert_eq!(reader.summary(), expected);
    assert!(reader.repositories().1.is_empty());
}

#[test]
fn a_repository_of_one_change_keeps_its_name_when_its_label_changes() {
    let (mut sink, reader) = View::open();
    let only = prediction("acme/one", 1, 300_000);
    let mut batch = closed(1, 9);
    rows_of(&only, 1, &mut batch);
    sink.apply(&batch).expect("the view takes everything");
    let mut batch = closed(2, 10);
    let labels = [(Verdict::Defective, -1), (Verdict::Clean, 1)];
    batch.labels.extend(labels.map(|(verdict, diff)| ((key_of(&only), label(verdict)), diff)));
    sink.apply(&batch).expect("the view takes everything");
    let names: Vec<_> = reader.repositories().1.into_iter().map(|row| row.repository.to_string()).collect();
    assert_eq!(names, ["acme/one"]);
    assert!(matches!(reader.lookup("acme/one", &only.commit.to_string()).1, Lookup::Found(_)));
}

#[test]
fn a_time_applied_twice_counts_once() {
    let (mut sink, reader) = View::open();
    let mut batch = closed(1, 9);
    rows_of(&prediction("r", 1, 300_000), 1, &mut batch);
    sink.apply(&batch).expect("the view takes everything");
    let before = reader.summary();
    sink.apply(&batch).expect("the view takes everything");
    assert_eq!(reader.summary(), before);
    assert_eq!(before.conflicts, 0);
}

#[test]
fn a_resolved_alert_replaces_the_open_one() {
    let (mut sink, reader) = View::open();
    let open = alert("a");
    sink.apply(&ClosedTime { alerts: vec![(open.clone(), 1)], ..closed(1, 1) }).expect("the view takes everything");
    assert_eq!(reader.summary().alerts_open, 1);
    let rows: Vec<(Alert, isize)> = vec![(resolved(&open), 1), (open.clone(), -1)];
    sink.apply(&ClosedTime { alerts: rows, ..closed(2, 2) }).expect("the view takes everything");
    assert_eq!(reader.alerts().1, [resolved(&open)]);
    assert_eq!((reader.summary().alerts_open, reader.summary().conflicts), (0, 0));
}

#[test]
fn a_thread_waits_until_its_record_is_reflected() {
    let (mut sink, reader) = View::open();
    let at = Position { partition: 0, offset: 4 };
    assert!(!reader.wait_until(at, Duration::from_millis(1)));
    let waiting = std::thread::spawn({
        let reader = reader.clone();
        move || reader.wait_until(at, Duration::from_secs(20))
    });
    sink.apply(&closed(1, 4)).expect("the view takes everything");
    assert!(!reader.as_of().reflects(at), "offset 4 is the next, not the last");
    sink.apply(&closed(2, 5)).expect("the view takes everything");
    assert!(waiting.join().expect("the thread ends"));
}

proptest! {
    /// The definition: a map of the live rows, rebuilt from scratch; removals and additions in any cut into times.
    #[test]
    fn the_view_holds_the_live_rows(steps in proptest::collection::vec((0_u64..6, 0_i64..4, any::<bool>()), 1..60)) {
        let (mut sink, reader) = View::open();
        let mut live = BTreeMap::<u64, Prediction>::new();
        let mut batch = ClosedTime::default();
        let mut time = 0;
        for (offset, risk, close) in steps {
            // A step replaces the row at `offset` by another one, or removes it when the risk is zero.
            if let Some(old) = live.remove(&offset) {
                rows_of(&old, -1, &mut batch);
            }
            if risk > 0 {
                let new = prediction(["a", "b"][offset as usize % 2], offset, risk * 250_000);
                rows_of(&new, 1, &mut batch);
                live.insert(offset, new);
            }
            if close {
                time += 1;
                consolidate(&mut batch);
                sink.apply(&ClosedTime { time, as_of: vec![time], ..std::mem::take(&mut batch) }).expect("taken");
            }
        }
        consolidate(&mut batch);
        sink.apply(&ClosedTime { time: time + 1, as_of: vec![time + 1], ..batch }).expect("taken");
        let mut expected: Vec<_> = live.values().map(|p| (p.risk, p.time, key_of(p), p.clone())).collect();
        expected.sort_by(|a, b| b.cmp(a));
        let got: Vec<_> = reader.predictions(&listing(Sort::Risk)).rows.expect("all").into_iter().map(|r| r.prediction).collect();
        prop_assert_eq!(got, expected.into_iter().map(|row| row.3).collect::<Vec<_>>());
        let summary = reader.summary();
        prop_assert_eq!((summary.changes, summary.vectors, summary.evidence), (live.len(), live.len(), live.len()));
        prop_assert_eq!(summary.quality.rows(), (0, live.len() as u64));
        prop_assert_eq!(summary.conflicts, 0);
        let (fresh_sink, fresh) = from_scratch(live.values());
        drop(fresh_sink);
        prop_assert_eq!(summary.bytes, fresh.summary().bytes);
    }
}

/// What the engine does before it hands a time over: equal rows are summed, sums of zero left out.
fn consolidate(batch: &mut ClosedTime) {
    fn sum<D: Ord>(rows: &mut Vec<(D, isize)>) {
        let mut sums = BTreeMap::new();
        for (row, diff) in rows.drain(..) {
            *sums.entry(row).or_insert(0) += diff;
        }
        rows.extend(sums.into_iter().filter(|(_, diff)| *diff != 0));
    }
    sum(&mut batch.changes);
    sum(&mut batch.predictions);
    sum(&mut batch.vectors);
    sum(&mut batch.labels);
    sum(&mut batch.evidence);
}

fn from_scratch<'a>(live: impl Iterator<Item = &'a Prediction>) -> (ViewSink, ViewReader) {
    let (mut sink, reader) = View::open();
    let mut batch = closed(1, 1);
    live.for_each(|row| rows_of(row, 1, &mut batch));
    sink.apply(&batch).expect("taken");
    (sink, reader)
}
