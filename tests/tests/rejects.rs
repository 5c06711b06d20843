//! Law 7: any bytes whatever as input: no panic, no stall, accepted + rejected = read, and good records are unharmed.

use driftline_schema::{RejectReason, wire};
use driftline_testkit::history::{Numbers, Project};
use driftline_testkit::lab::{Lab, Way};
use std::sync::atomic::Ordering;

const WAY: Way = Way { workers: 2, records_per_binding: 6 };

/// One bad record of each kind a sender gets wrong, and a valid event with some bytes changed.
fn bad(numbers: &mut Numbers, valid: &[u8]) -> Vec<u8> {
    let deep = "[".repeat(200_000);
    let kinds: [&[u8]; 9] = [
        b"",
        b"\xff\xfe",
        b"{\"schema\":1",
        b"{\"schema\":9,\"repository\":\"p\"}",
        b"{\"schema\":1,\"repository\":\"p\"}",
        b"null",
        deep.as_bytes(),
        br#"{"schema":1,"repository":"p","change":{"commit":"aa"}}"#,
        br#"{"schema":1,"repository":"q","branch":{"name":"x","time":1}}"#,
    ];
    match numbers.below(kinds.len() + 6) {
        kind if kind < kinds.len() => kinds[kind].to_vec(),
        _ => {
            let mut bytes = valid.to_vec();
            for _ in 0..1 + numbers.below(4) {
                let at = numbers.below(bytes.len());
                bytes[at] = numbers.below(256) as u8;
            }
            bytes
        }
    }
}

#[test]
fn whatever_comes_is_accepted_or_rejected_and_nothing_is_lost() {
    let history = Project::history("p", 21, 60);
    let (lab, mut numbers) = (Lab::new(2), Numbers::new(5));
    let mut sent = 0;
    for event in &history {
        let valid = wire::encode(event);
        lab.append_raw(b"p", &valid);
        lab.append_raw(b"p", &bad(&mut numbers, &valid));
        sent += 2;
    }
    lab.sync();
    let engine = lab.start(WAY);
    engine.wait_until_idle().expect("nothing stalls");
    let rejected: u64 = engine.view().summary().rejects.values().sum();
    let accepted = engine.counts().accepted.load(Ordering::Relaxed);
    assert_eq!(engine.clock().stats().records_read, sent);
    assert_eq!(accepted + rejected, sent);
    assert!(engine.view().summary().changes >= history.len() * 9 / 10, "good records are unharmed");
    engine.stop().expect("the engine stops");
}

#[test]
fn a_path_that_leads_out_of_the_repository_is_named() {
    let mut event = Project::history("p", 22, 1).remove(0);
    event.change.as_mut().expect("a change").files[0].path = "../etc/passwd".into();
    let lab = Lab::new(1);
    lab.append(&[event]);
    let engine = lab.start(WAY);
    engine.wait_until_idle().expect("nothing stalls");
    assert_eq!(engine.view().summary().rejects.get(&RejectReason::BadPath), Some(&1));
    engine.stop().expect("the engine stops");
}
