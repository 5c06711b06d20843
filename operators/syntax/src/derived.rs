//! Measures that are real numbers, each computed from integers by one function in one fixed order.
//!
//! Records hold the integers; whoever shows, compares or learns from a real number asks here, so that no two places
//! round differently.

use driftline_schema::facts::SpaceMetrics;

/// Halstead's measures (Elements of Software Science, 1977).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Halstead {
    /// Distinct operators and operands: n = n1 + n2.
    pub vocabulary: f64,
    /// Operators and operands: N = N1 + N2.
    pub length: f64,
    /// V = N log2 n, in bits.
    pub volume: f64,
    /// D = n1 / 2 * N2 / n2; zero without operands.
    pub difficulty: f64,
    /// E = D V, in elementary discriminations.
    pub effort: f64,
    /// T = E / 18, in seconds.
    pub time_s: f64,
    /// B = V / 3000, in delivered bugs; others publish E^(2/3) / 3000 under the same name.
    pub bugs: f64,
}

/// Halstead's measures of a space.
pub fn halstead(metrics: &SpaceMetrics) -> Halstead {
    let (n1, n2) = (f64::from(metrics.operators_distinct), f64::from(metrics.operands_distinct));
    let (total1, total2) = (f64::from(metrics.operators), f64::from(metrics.operands));
    let (vocabulary, length) = (n1 + n2, total1 + total2);
    let volume = if vocabulary > 0.0 { length * vocabulary.log2() } else { 0.0 };
    let difficulty = if n2 > 0.0 { n1 / 2.0 * (total2 / n2) } else { 0.0 };
    let effort = difficulty * volume;
    Halstead { vocabulary, length, volume, difficulty, effort, time_s: effort / 18.0, bugs: volume / 3000.0 }
}

/// The maintainability index in its three published variants; higher is better, and none is clamped but the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Maintainability {
    /// 171 - 5.2 ln V - 0.23 CC - 16.2 ln SLOC (Oman and Hagemeister 1992; Coleman and others 1994).
    pub original: f64,
    /// The same + 50 sin sqrt(2.4 C), C the share of lines with a comment (Software Engineering Institute 1997).
    pub sei: f64,
    /// The original on a scale from 0 to 100, clamped to it (Visual Studio 2007).
    pub visual_studio: f64,
}

/// The maintainability index of a space. A volume or length of zero counts as one, whose logarithm is zero.
pub fn maintainability(metrics: &SpaceMetrics) -> Maintainability {
    let volume = halstead(metrics).volume.max(1.0);
    let lines = f64::from(metrics.sloc.max(1));
    let original = 171.0 - 5.2 * volume.ln() - 0.23 * f64::from(metrics.cyclomatic) - 16.2 * lines.ln();
    let comments = f64::from(metrics.cloc) / lines;
    Maintainability {
        original,
        sei: original + 50.0 * (2.4 * comments).sqrt().sin(),
        visual_studio: (original * 100.0 / 171.0).clamp(0.0, 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn halstead_follows_the_formulas() {
        let metrics = SpaceMetrics {
            operators_distinct: 4,
            operands_distinct: 4,
            operators: 10,
            operands: 6,
            ..SpaceMetrics::default()
        };
        let found = halstead(&metrics);
        // By hand: 16 tokens of 8 kinds are 48 bits; 4 / 2 * 6 / 4 is 3.
        assert_eq!((found.vocabulary, found.length, found.volume, found.difficulty), (8.0, 16.0, 48.0, 3.0));
        assert_eq!((found.effort, found.time_s, found.bugs), (144.0, 8.0, 0.016));
    }

    #[test]
    fn nothing_is_zero_and_the_best_there_is() {
        assert_eq!(halstead(&SpaceMetrics::default()), Halstead::default());
        let found = maintainability(&SpaceMetrics::default());
        assert_eq!((found.original, found.sei, found.visual_studio), (171.0, 171.0, 100.0));
    }

    #[test]
    fn the_index_follows_the_formulas() {
        let metrics = SpaceMetrics {
            operators_distinct: 4,
            operands_distinct: 4,
            operators: 10,
            operands: 6,
            cyclomatic: 3,
            sloc: 10,
            cloc: 5,
            ..SpaceMetrics::default()
        };
        let found = maintainability(&metrics);
        let original = 171.0 - 5.2 * 48.0f64.ln() - 0.69 - 16.2 * 10.0f64.ln();
        assert!(close(found.original, original), "{found:?}");
        assert!(close(found.sei, original + 50.0 * 1.2f64.sqrt().sin()));
        assert!(close(found.visual_studio, original / 1.71));
        let worst = SpaceMetrics { cyclomatic: 10_000, ..metrics };
        assert_eq!(maintainability(&worst).visual_studio, 0.0);
    }
}
