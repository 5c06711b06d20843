//! Law 6: changing any record after a position changes no vector at or before it.

use driftline_schema::{Fixed, Position};
use driftline_testkit::history::Project;
use driftline_testkit::lab::{Lab, Way};
use std::collections::BTreeMap;
use std::sync::Arc;

fn vectors(events: &[driftline_schema::Event]) -> BTreeMap<Position, Arc<[Fixed]>> {
    let lab = Lab::new(1);
    lab.append(events);
    let engine = lab.start(Way { workers: 2, records_per_binding: 9 });
    engine.wait_until_idle().expect("everything is reflected");
    let (_, changes) = engine.view().changes();
    let vectors = changes.filter_map(|change| Some((change.key.position, change.vector?))).collect();
    engine.stop().expect("the engine stops");
    vectors
}

#[test]
fn no_vector_knows_what_comes_after_it() {
    let (one, other) = (Project::history("p", 31, 80), Project::history("p", 32, 80));
    for keep in [1usize, 20, 50, 79] {
        let mut forked = one[..keep].to_vec();
        // Another future: other authors, files and fixes, with commit ids of its own.
        forked.extend(other[keep..].iter().cloned());
        let (original, forked) = (vectors(&one), vectors(&forked));
        for (position, vector) in original.range(..Position { partition: 0, offset: keep as u64 }) {
            assert_eq!(forked.get(position), Some(vector), "the vector at {position} with {keep} records in common");
        }
        assert_eq!(original.range(..Position { partition: 0, offset: keep as u64 }).count(), keep);
    }
}
