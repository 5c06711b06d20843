//! Measures against figures of scikit-learn 1.9.1 and against cases worked by hand.

use super::*;

fn close(found: Option<f64>, expected: f64) {
    let found = found.expect("the measure exists");
    assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
}

/// Labels of the case "heavy_ties".
const HEAVY_TIES_LABELS: &str = "001001001101111010110011011101111011011100011010001011101100011101101000000000101001110011010001100100001001111011011111101100101110111000000011101110";

/// Its scores, in ten-thousandths.
const HEAVY_TIES_SCORES: [u32; 150] = [
    6000, 4000, 5000, 2000, 5000, 7000, 3000, 1000, 6000, 2000, 0, 5000, 7000, 1000, 2000, 1000, 5000, 5000, 9000,
    2000, 0, 8000, 9000, 9000, 1000, 5000, 3000, 9000, 4000, 6000, 9000, 4000, 6000, 6000, 1000, 10000, 2000, 8000,
    9000, 7000, 1000, 4000, 3000, 9000, 10000, 5000, 9000, 7000, 5000, 2000, 6000, 5000, 6000, 10000, 1000, 7000, 7000,
    7000, 1000, 1000, 6000, 7000, 2000, 6000, 1000, 10000, 7000, 4000, 7000, 0, 1000, 6000, 4000, 8000, 2000, 1000,
    3000, 4000, 8000, 5000, 9000, 4000, 5000, 7000, 6000, 8000, 6000, 0, 3000, 8000, 8000, 2000, 1000, 3000, 3000,
    7000, 6000, 1000, 7000, 6000, 2000, 0, 2000, 7000, 8000, 1000, 1000, 6000, 9000, 7000, 9000, 1000, 10000, 8000,
    6000, 7000, 9000, 10000, 9000, 6000, 10000, 2000, 7000, 2000, 4000, 7000, 6000, 1000, 8000, 1000, 3000, 9000, 5000,
    8000, 9000, 2000, 3000, 3000, 2000, 7000, 10000, 3000, 9000, 8000, 9000, 7000, 7000, 10000, 7000, 1000,
];

/// Labels of the case "useless".
const USELESS_LABELS: &str = "000010100000100110000010000000010001000000000110000001001011101000011100110011001000101110000010010110101001100111100000";

/// Its scores, in ten-thousandths.
const USELESS_SCORES: [u32; 120] = [
    9820, 2510, 8240, 9550, 4020, 1130, 5450, 200, 4950, 9810, 8150, 270, 6660, 810, 7780, 810, 7130, 9650, 5080, 4890,
    4690, 6280, 8780, 7050, 6130, 6950, 310, 4680, 1420, 5350, 850, 320, 7540, 3250, 3890, 8020, 1140, 5210, 7930,
    1150, 1000, 6160, 5910, 5190, 4620, 6550, 5750, 9750, 8310, 280, 1460, 5990, 9610, 8600, 20, 2740, 1980, 8010,
    4470, 8120, 3870, 3450, 9940, 9950, 7800, 580, 990, 4280, 5820, 5440, 1940, 4720, 2020, 5870, 2140, 1500, 7930,
    3560, 5820, 6450, 9550, 990, 850, 8550, 1550, 8550, 920, 8880, 2570, 2310, 7310, 5970, 8030, 9790, 1050, 6380,
    4310, 6950, 470, 3680, 7230, 2050, 2240, 6660, 470, 8900, 3960, 510, 6540, 8290, 920, 4640, 1380, 8480, 7420, 2930,
    3150, 9720, 4810, 5110,
];

struct Case {
    labels: Vec<bool>,
    scores: Vec<f64>,
}

fn case(labels: &str, scores: &[u32]) -> Case {
    Case {
        labels: labels.chars().map(|label| label == '1').collect(),
        scores: scores.iter().map(|&score| f64::from(score) / 10_000.0).collect(),
    }
}

fn measures(case: &Case) -> Measures {
    let flags: Vec<bool> = case.scores.iter().map(|&score| score >= 0.5).collect();
    let efforts = vec![1.0; flags.len()];
    Measures::of(Tested {
        labels: &case.labels,
        scores: &case.scores,
        probabilities: &case.scores,
        flags: &flags,
        efforts: &efforts,
    })
}

#[test]
fn tied_scores_agree_with_the_reference() {
    let case = case(HEAVY_TIES_LABELS, &HEAVY_TIES_SCORES);
    assert_eq!(pairs_won(&case.labels, &case.scores).0, 8_979);
    let made = measures(&case);
    close(made.auc, 0.8004100552683188);
    close(made.pr_auc, 0.7957697074584666);
    close(made.brier, 0.1836);
    close(Some(made.mcc), 0.47969404484167183);
    close(Some(made.f1), 0.7692307692307693);
    close(Some(made.g_mean), (65.0 / 79.0 * 46.0 / 71.0f64).sqrt());
}

#[test]
fn a_useless_score_agrees_with_the_reference() {
    let case = case(USELESS_LABELS, &USELESS_SCORES);
    assert_eq!(pairs_won(&case.labels, &case.scores).0, 3_260);
    let made = measures(&case);
    close(made.auc, 0.509375);
    close(made.pr_auc, 0.33787165892076493);
    close(made.brier, 0.33538509166666663);
    close(Some(made.mcc), 0.023573500364223843);
    close(Some(made.f1), 0.4158415841584158);
}

#[test]
fn effort_is_measured_as_by_hand() {
    let labels = [true, false, true, false];
    let efforts = [10.0, 20.0, 30.0, 40.0];
    // Densities 0.09, 0.04, 0.01, 0.005: inspected in the given order, of which a tenth of the lines is the first change.
    let scores = [0.9, 0.8, 0.3, 0.2];
    let made = Measures::of(Tested {
        labels: &labels,
        scores: &scores,
        probabilities: &scores,
        flags: &[true, true, false, false],
        efforts: &efforts,
    });
    close(made.recall_at_20_effort, 0.5);
    // Areas: inspected .025 + .1 + .225 + .4, best .025 + .225 + .6, worst 0 + 0 + .075 + .075.
    close(made.popt, 1.0 - (0.85 - 0.75) / (0.85 - 0.15));
    close(made.auc, 0.75);
    close(made.pr_auc, (1.0 + 2.0 / 3.0) / 2.0);
}

#[test]
fn measures_that_do_not_exist_are_none() {
    let one = Tested {
        labels: &[false, false],
        scores: &[0.1, 0.2],
        probabilities: &[0.1, 0.2],
        flags: &[false, true],
        efforts: &[1.0, 1.0],
    };
    let made = Measures::of(one);
    assert_eq!((made.auc, made.pr_auc, made.popt, made.mcc, made.f1, made.g_mean), (None, None, None, 0.0, 0.0, 0.0));
    let empty = Measures::of(Tested { labels: &[], scores: &[], probabilities: &[], flags: &[], efforts: &[] });
    assert_eq!(empty, Measures::default());
}
