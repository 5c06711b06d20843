//! Models on disk and by name: what a file proves, and what becomes of a model that cannot be had.

use super::*;
use driftline_kernels::TrainSet;

const COLUMNS: usize = 3;

fn start(folder: &std::path::Path, features: &str) -> Trainer {
    let config = TrainerConfig {
        folder: folder.to_owned(),
        further: None,
        backend: AutoBackend::cpu(),
        size_column: 0,
        features_version: 2,
        features: (0..COLUMNS).map(|column| format!("{features}{column}")).collect(),
        answered: u64::MAX,
        cpu: Arc::default(),
    };
    Trainer::start(config, Box::new(|_, _| {})).expect("starts")
}

/// A set whose rows depend on `seed`.
fn set(seed: u64) -> TrainSet {
    let mut set = TrainSet::new(COLUMNS);
    for row in 0..60u64 {
        let value = (row * 37 + seed * 11) % 29;
        set.push(row, &[value as f32, (row % 7) as f32, seed as f32], value > 14, 1);
    }
    set
}

fn train(trainer: &Trainer, cut: u64, seed: u64) {
    let scope = Scope::Repository("demo".to_owned());
    trainer.shelf().request(TrainRequest { cut, sets: vec![(scope, set(seed))] });
    assert!(trainer.wait(cut, || false));
}

fn id(trainer: &Trainer, cut: u64) -> ModelId {
    trainer.infos().into_iter().find(|info| info.cut == cut).expect("was trained").id
}

fn scores(trainer: &Trainer, model: ModelId, cut: u64) -> Result<Vec<Opinion>, ShelfError> {
    let features: Vec<f32> = (0..9).map(|value| value as f32 * 3.0).collect();
    trainer.shelf().opinions(model, cut, Rows { columns: COLUMNS, features: &features })
}

fn file(folder: &std::path::Path, id: ModelId) -> PathBuf {
    folder.join(format!("{id}.model"))
}

#[test]
fn swapped_damaged_and_bare_files_are_rebuilt_and_never_give_another_answer() {
    let dir = crate::log::scratch();
    let (one, other, right) = {
        let trainer = start(dir.path(), "f");
        (1..=2).for_each(|cut| train(&trainer, cut, cut));
        let (one, other) = (id(&trainer, 1), id(&trainer, 2));
        (one, other, [scores(&trainer, one, 1), scores(&trainer, other, 2)])
    };
    assert_ne!(right[0], right[1]);
    let sound = [one, other].map(|id| std::fs::read(file(dir.path(), id)).expect("is kept"));
    let bare = {
        // As the first version wrote it: the model alone, under a name that may be any.
        let (_, bundle) = Store::new(dir.path().to_owned(), None).own(other).expect("reads");
        bundle.to_bytes()
    };
    let mut flipped = sound[0].clone();
    flipped[40] ^= 1;
    for content in [&sound[1][..], &sound[0][..100], &flipped, &[], b"garbage", &bare] {
        std::fs::write(file(dir.path(), one), content).expect("writes");
        let trainer = start(dir.path(), "f");
        (1..=2).for_each(|cut| train(&trainer, cut, cut));
        assert_eq!([scores(&trainer, one, 1), scores(&trainer, other, 2)], right);
        assert_eq!(std::fs::read(file(dir.path(), one)).expect("is kept"), sound[0], "and mended on disk");
        assert!(trainer.unavailable().is_empty());
    }
}

#[test]
fn a_model_that_its_examples_no_longer_yield_comes_from_the_store_or_is_done_without() {
    let dir = crate::log::scratch();
    let (model, right) = {
        let trainer = start(dir.path(), "f");
        train(&trainer, 1, 1);
        let model = id(&trainer, 1);
        (model, scores(&trainer, model, 1))
    };
    let trainer = start(dir.path(), "f");
    assert_eq!(scores(&trainer, model, 1), Err(ShelfError::Pending), "its cut is not trained yet");
    train(&trainer, 1, 5);
    assert_eq!(scores(&trainer, model, 1), right, "other examples, the same model by its id");
    assert!(trainer.unavailable().is_empty());

    let unknown = ModelId([9; 32]);
    assert!(matches!(scores(&trainer, unknown, 1), Err(ShelfError::Unavailable(_))));
    let without = trainer.shelf().without(ModelId([8; 32]), 77);
    assert!(matches!(&without, ShelfError::Unavailable(reason) if reason.contains("no cut 77")), "{without}");
    assert_eq!(trainer.unavailable().len(), 2);

    let renamed = start(dir.path(), "g");
    train(&renamed, 1, 5);
    let refused = scores(&renamed, model, 1).expect_err("its columns mean something else").to_string();
    assert!(refused.contains("features table"), "{refused}");
    let empty = crate::log::scratch();
    let lost = start(empty.path(), "f");
    train(&lost, 1, 5);
    let refused = scores(&lost, model, 1).expect_err("nobody has it").to_string();
    assert!(refused.contains("there is no file of it"), "{refused}");
}
