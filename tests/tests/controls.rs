//! Control records are the engine's own: what anybody else writes is a reject, and changes no answer.

use driftline_schema::event::{Control, ControlAction, Event, ModelRef, Scope};
use driftline_schema::{AuthorId, ControlId, ControlKey, ModelId, RejectReason};
use driftline_testkit::history::Project;
use driftline_testkit::lab::{Lab, Way, control_rule};
use std::sync::atomic::Ordering;

const WAY: Way = Way { workers: 2, records_per_binding: 7 };

fn control(purpose: &str, serial: u64, action: ControlAction) -> Control {
    Control { id: ControlId::of(purpose, serial), action }
}

/// What somebody who may write to the log would like the engine to do.
fn wishes() -> Vec<Control> {
    let model = |scope| ModelRef { scope, id: ModelId([9; 32]), rows: 500, defective: 50 };
    let models = vec![model(Scope::Organisation), model(Scope::Repository("p".into()))];
    vec![
        control("cut", u64::MAX, ControlAction::Cut { cut: u64::MAX }),
        control("model-ready", 1, ControlAction::ModelReady { cut: 1, models: models.clone() }),
        control("model-ready", u64::MAX, ControlAction::ModelReady { cut: u64::MAX, models }),
        control("erase", 1, ControlAction::Erase { author: AuthorId([3; 16]) }),
        control("tick", 1, ControlAction::Tick { time: 4_000_000_000 }),
    ]
}

#[test]
fn forged_control_records_in_all_partitions_are_rejects_and_change_nothing() {
    let history = Project::history("p", 21, 130);
    let (forged, clean) = (Lab::new(2), Lab::new(2));
    let stranger = driftline::controls::ControlRule::new(ControlKey::of_log(b"another secret", "lab"), Vec::new());
    let mut letters = 0;
    for wish in wishes() {
        forged.append_forged(&Event::of_control(wish.clone()));
        forged.append_forged(&stranger.seal(wish, u64::MAX, 2));
        letters += 2 * 2;
    }
    let engines = [forged.start(WAY), clean.start(WAY)];
    forged.import(&engines[0], &history);
    clean.import(&engines[1], &history);
    // A copy of a genuine record, and a genuine one for another log.
    let copy = control("cut", 1, ControlAction::Cut { cut: 1 });
    forged.append_forged(&control_rule().seal(copy, 1, 2));
    letters += 2;
    engines[0].wait_until_idle().expect("nothing stalls");
    let summaries = engines.each_ref().map(|engine| engine.view().summary());
    assert_eq!(summaries[0].rejects.get(&RejectReason::ForgedControl), Some(&letters));
    assert_eq!(summaries[0].changes, 130, "nobody is erased");
    assert_eq!(engines[0].models().len(), engines[1].models().len());
    assert!(!engines[0].models().is_empty() && engines[0].models_unavailable().is_empty());
    let read = engines[0].clock().stats().records_read;
    let rejected: u64 = summaries[0].rejects.values().sum();
    assert_eq!(engines[0].counts().accepted.load(Ordering::Relaxed) + rejected, read);
    let risks = |engine: &driftline::engine::Engine| {
        let mut risks: Vec<_> = engine.reflected().digests.parts().into_iter().collect();
        // Positions differ, since the forged records have offsets of their own; sizes of collections do not.
        risks.retain(|(name, _)| *name == "facts");
        risks
    };
    assert_eq!(risks(&engines[0]), risks(&engines[1]));
    let recorded = engines[0].reflected().digests;
    for engine in engines {
        engine.stop().expect("the engine stops");
    }
    for way in [WAY, Way { workers: 1, records_per_binding: 2_000 }] {
        assert_eq!(forged.digests(way).parts(), recorded.parts(), "one log, one answer");
    }
}

#[test]
fn a_model_that_nobody_has_makes_predictions_abstain_until_the_next_cut() {
    let history = Project::history("p", 22, 230);
    let lab = Lab::new(1);
    let engine = lab.start(WAY);
    lab.import(&engine, &history[..120]);
    let known = engine.models();
    assert!(!known.is_empty());
    // As a log written by an earlier version: the id is not what these examples give any more.
    let [cut, ready] = [2, 2];
    let models = vec![ModelRef { scope: Scope::Repository("p".into()), id: ModelId([7; 32]), rows: 90, defective: 30 }];
    engine.stop().expect("the engine stops");
    lab.append(&[
        Event::of_control(control("cut", cut, ControlAction::Cut { cut })),
        Event::of_control(control("model-ready", ready, ControlAction::ModelReady { cut, models })),
    ]);
    lab.append(&history[120..200]);
    let engine = lab.start(WAY);
    engine.wait_until_idle().expect("it opens");
    assert_eq!(engine.models_unavailable().len(), 1);
    let reasons = |engine: &driftline::engine::Engine| {
        let (_, changes) = engine.view().changes();
        let positions: Vec<_> =
            changes.filter_map(|change| change.prediction.and_then(|it| it.abstained.clone())).collect();
        positions.iter().filter(|reason| **reason == "model_unavailable").count()
    };
    assert_eq!(reasons(&engine), 80, "what came after it and nothing else");
    let third = engine.conductor().cut().expect("cuts");
    assert_eq!(third, 3);
    engine.wait_for_models(third).expect("trains anew");
    lab.append(&history[200..]);
    engine.wait_until_idle().expect("goes on");
    assert_eq!(reasons(&engine), 80, "the next cut's models answer again");
    let recorded = engine.reflected().digests;
    engine.stop().expect("the engine stops");
    assert_eq!(lab.digests(Way { workers: 1, records_per_binding: 3 }).parts(), recorded.parts());
}

#[test]
fn a_model_of_a_cut_that_never_was_is_done_without() {
    let history = Project::history("p", 23, 40);
    let lab = Lab::new(2);
    let models = vec![ModelRef { scope: Scope::Organisation, id: ModelId([7; 32]), rows: 90, defective: 30 }];
    // Numbers may have gaps: cut 3 exists, cut 2 never did.
    lab.append(&[
        Event::of_control(control("cut", 3, ControlAction::Cut { cut: 3 })),
        Event::of_control(control("model-ready", 2, ControlAction::ModelReady { cut: 2, models })),
    ]);
    lab.append(&history);
    let engine = lab.start(WAY);
    engine.wait_until_idle().expect("it is not waited for");
    assert_eq!(engine.view().summary().predictions, 40);
    assert_eq!(engine.models_unavailable().len(), 1);
    engine.stop().expect("the engine stops");
}
