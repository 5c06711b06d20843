//! Bundles through the public interface: what may not change them, what their bytes promise, and which errors callers meet.

use driftline_kernels::{
    Bundle, BundleParams, CpuBackend, GbdtParams, Growth, KernelError, Rows, Scorer, TrainSet, TrainTask,
    probability_q30, score_many, train_bundle, train_bundles,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::sync::Arc;

const CPU: CpuBackend = CpuBackend::new();

/// A 64-bit mixing step, so that the rows of these tests need no random numbers.
fn draw(seed: u64) -> u64 {
    let word = (seed ^ 0x5851_f42d_4c95_7f2d).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (word ^ word >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 7
}

/// Rows like those of changes: counts, mostly small, some missing, with a label that lines added and a few others explain.
fn changes(rows: u64, columns: usize) -> TrainSet {
    let mut set = TrainSet::new(columns);
    for key in 0..rows {
        let value = |column: u64| match draw(key * 131 + column) % 9 {
            0 => f32::NAN,
            1..=4 => 0.0,
            decade => (draw(key + column * 7_919) % 10u64.pow(decade as u32 - 4)) as f32,
        };
        let features: Vec<f32> = (0..columns as u64).map(value).collect();
        let risk = 20 + 10 * u64::from(features[0] > 3.0) + 25 * u64::from(features[columns - 1] > 50.0);
        set.push(key, &features, draw(key ^ 0xfeed) % 100 < risk, 1 + (key % 3) as u32);
    }
    set
}

fn reordered(set: &TrainSet, seed: u64) -> TrainSet {
    let mut order: Vec<usize> = (0..set.rows()).collect();
    order.sort_by_key(|&row| draw(row as u64 ^ seed << 20));
    let mut made = TrainSet::new(set.columns);
    for row in order {
        let features = &set.features[row * set.columns..(row + 1) * set.columns];
        made.push(set.keys[row], features, set.labels[row], set.weights[row]);
    }
    made
}

fn small() -> BundleParams {
    BundleParams { gbdt: GbdtParams { trees: 8, ..GbdtParams::default() }, ..BundleParams::default() }
}

fn train(set: &TrainSet) -> Bundle {
    train_bundle(&CPU, set, &small()).expect("the set is large enough")
}

#[test]
fn threads_order_of_rows_and_registers_do_not_change_a_bundle() {
    // Enough rows and columns for every parallel path, and enough weight for wide histograms.
    let set = changes(36_000, 33);
    let params = BundleParams { gbdt: GbdtParams { trees: 3, ..GbdtParams::default() }, ..BundleParams::default() };
    let features = set.features[..2_000 * 33].to_vec();
    let rows = Rows { columns: 33, features: &features };
    let run = |cpu: CpuBackend, threads: usize, set: &TrainSet| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let bundle = train_bundle(&cpu, set, &params).unwrap();
            (bundle.id(), bundle.score(&cpu, rows).unwrap(), bundle.explain(&cpu, rows).unwrap())
        })
    };
    let first = run(CPU, 1, &set);
    for (cpu, threads) in [(CPU, 1), (CPU, 2), (CPU, 3), (CpuBackend::portable(), 1), (CpuBackend::portable(), 2)] {
        let other = run(cpu, threads, &reordered(&set, threads as u64));
        assert_eq!(first.0, other.0, "{cpu:?}, {threads} threads");
        assert!(first.1 == other.1 && first.2 == other.2, "{cpu:?}, {threads} threads");
    }
}

#[test]
fn copies_and_weights_are_the_same_rows() {
    let set = changes(400, 5);
    let mut copies = TrainSet::new(5);
    for row in (0..set.rows()).rev() {
        let features = &set.features[row * 5..row * 5 + 5];
        copies.push(9, features, row % 2 == 0, 0);
        (0..set.weights[row]).for_each(|_| copies.push(set.keys[row], features, set.labels[row], 1));
    }
    assert_eq!(train(&set), train(&copies));
    assert_eq!(set.digest(), copies.digest());
}

#[test]
fn a_bundle_does_not_depend_on_its_batch() {
    let sets: Vec<TrainSet> = [150, 320, 90, 700].into_iter().map(|rows| changes(rows, 4)).collect();
    let empty = TrainSet::new(4);
    let params = small();
    let levels = BundleParams { gbdt: GbdtParams { growth: Growth::Levels, ..small().gbdt }, ..small() };
    let tasks: Vec<TrainTask<'_>> = [
        (&sets[0], &params),
        (&empty, &params),
        (&sets[1], &levels),
        (&sets[1], &params),
        (&sets[2], &params),
        (&sets[3], &params),
        (&sets[0], &params),
    ]
    .into_iter()
    .map(|(set, params)| TrainTask { set, params })
    .collect();
    let made = train_bundles(&CPU, &tasks);
    for (made, task) in made.iter().zip(&tasks) {
        assert_eq!(made, &train_bundle(&CPU, task.set, task.params));
    }
    assert_eq!(made[1], Err(KernelError::EmptySet));
    assert_eq!(made[0], made[6]);
    assert_ne!(made[2], made[3]);
    // Scoring, too, is free to batch.
    let scorers: Vec<Scorer<CpuBackend>> =
        made.into_iter().flatten().map(|bundle| Scorer::new(&CPU, Arc::new(bundle)).unwrap()).collect();
    let rows = Rows { columns: 4, features: &sets[3].features };
    let batch: Vec<_> = scorers.iter().map(|scorer| (scorer, rows)).collect();
    for (scores, scorer) in score_many(&CPU, &batch).unwrap().into_iter().zip(&scorers) {
        assert_eq!(scores, scorer.score(&CPU, rows).unwrap());
    }
}

#[test]
fn the_id_of_a_known_set_is_pinned() {
    // Another id means that another machine, compiler or edit trains another model from the same rows: then the format
    // version and the code version of the receipt must change with it.
    let bundle = train(&changes(1_000, 7));
    let id: String = bundle.id().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(id, "ce5e55b038c3fe2970c3e56f77878e03d91620e020f235db8d96414c72721d26");
}

#[test]
fn bytes_are_canonical_and_survive_serde() {
    let bundle = train(&changes(300, 6));
    let bytes = bundle.to_bytes();
    assert_eq!(Bundle::from_bytes(&bytes).as_ref(), Ok(&bundle));
    assert_eq!(bundle.id().as_slice(), Sha256::digest(&bytes[..bytes.len() - 32]).as_slice());
    let json = serde_json::to_string(&bundle).unwrap();
    assert_eq!(serde_json::from_str::<Bundle>(&json).unwrap(), bundle);
    assert!(serde_json::from_str::<Bundle>(&json.replacen("66", "67", 1)).is_err());
}

#[test]
fn every_torn_or_changed_byte_is_an_error() {
    let bytes = train(&changes(80, 2)).to_bytes();
    for end in (0..bytes.len()).step_by(7) {
        assert!(matches!(Bundle::from_bytes(&bytes[..end]), Err(KernelError::Corrupt { .. })));
    }
    for at in (0..bytes.len()).step_by(3) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(matches!(Bundle::from_bytes(&changed), Err(KernelError::Corrupt { .. })), "byte {at}");
    }
}

/// Replaces the hash at the end, so that only the bounds stand between the bytes and a model.
fn reseal(bytes: &mut [u8]) {
    let end = bytes.len() - 32;
    let hash = Sha256::digest(&bytes[..end]);
    bytes[end..].copy_from_slice(&hash);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn resealed_nonsense_is_refused_or_harmless(
        changes_ in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut bytes = BYTES.get_or_init(|| train(&changes(120, 3)).to_bytes()).clone();
        let body = bytes.len() - 32;
        for (index, value) in changes_ {
            bytes[index.index(body)] = value;
        }
        if let Some(cut) = cut {
            bytes.drain(cut.index(body)..body);
        }
        reseal(&mut bytes);
        if let Ok(bundle) = Bundle::from_bytes(&bytes) {
            let features = [1.0, f32::NAN, 1e30].repeat(bundle.columns());
            let rows = Rows { columns: bundle.columns(), features: &features };
            let scores = bundle.score(&CPU, rows).unwrap();
            for (explanation, scores) in bundle.explain(&CPU, rows).unwrap().into_iter().zip(scores) {
                let sum = |parts: &driftline_kernels::Contributions| parts.base_q24 + parts.features_q24.iter().sum::<i64>();
                prop_assert_eq!(sum(&explanation.gbdt), scores.gbdt_q24);
                prop_assert_eq!(sum(&explanation.logistic), scores.logistic_q24);
            }
            prop_assert_eq!(bundle.to_bytes(), bytes);
        }
    }
}

#[test]
fn experts_learn_and_agree_with_their_explanations() {
    let set = changes(6_000, 6);
    let bundle = train_bundle(&CPU, &set, &BundleParams { size_column: 5, ..BundleParams::default() }).unwrap();
    let large = [5.0, 0.0, 0.0, 0.0, 0.0, 900.0];
    let tiny = [0.0; 6];
    let missing = [f32::NAN; 6];
    let features = [large, tiny, missing].concat();
    let rows = Rows { columns: 6, features: &features };
    let scores = bundle.score(&CPU, rows).unwrap();
    assert!(scores[0].gbdt_q24 > scores[1].gbdt_q24 && scores[0].logistic_q24 > scores[1].logistic_q24);
    assert_eq!(scores[0].lines_added_q24, 900 << 24);
    assert!(scores[2].lines_added_q24 < scores[1].lines_added_q24);
    // Log-odds are at the natural share, balanced or not: the mean probability is that share.
    let own = Rows { columns: 6, features: &set.features };
    let all = bundle.score(&CPU, own).unwrap();
    let weights = set.class_weights();
    let share = weights.defective as f64 / weights.total() as f64;
    for expert in [|s: &driftline_kernels::Scores| s.gbdt_q24, |s: &driftline_kernels::Scores| s.logistic_q24] {
        let mean = all.iter().map(|scores| f64::from(probability_q30(expert(scores)))).sum::<f64>();
        let mean = mean / all.len() as f64 / (1u64 << 30) as f64;
        assert!((mean - share).abs() < 0.02, "{mean} for {share}");
    }
    let explanation = &bundle.explain(&CPU, rows).unwrap()[0];
    let largest = (0..6).max_by_key(|&column| explanation.gbdt.features_q24[column]);
    assert_eq!(largest, Some(5));
}

#[test]
fn faults_of_callers_are_errors() {
    let set = changes(100, 3);
    let wide = BundleParams { size_column: 3, ..BundleParams::default() };
    assert!(matches!(train_bundle(&CPU, &set, &wide), Err(KernelError::Parameter { name: "size_column", .. })));
    let bundle = train(&set);
    let rows = Rows { columns: 2, features: &[1.0; 6] };
    assert_eq!(bundle.score(&CPU, rows), Err(KernelError::Columns { found: 2, expected: 3 }));
    assert_eq!(bundle.explain(&CPU, rows), Err(KernelError::Columns { found: 2, expected: 3 }));
    assert_eq!(bundle.score(&CPU, Rows { columns: 3, features: &[] }), Ok(Vec::new()));
    assert!(score_many::<CpuBackend>(&CPU, &[]).unwrap().is_empty());
}
