//! The metrics of a function by name: what `--sort` and `--fail-over` take and what the columns of `--csv` are.
//!
//! Counts are exact as doubles; derived values are doubles anyway, so one type serves both.

use driftline_operators::syntax::{halstead, maintainability};
use driftline_schema::facts::SpaceMetrics;

/// A metric of a function.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, that of its field in `--json`.
    pub name: &'static str,
    /// Its value.
    pub value: fn(&SpaceMetrics) -> f64,
    /// Digits after the point that are worth printing.
    pub decimals: usize,
    /// Whether a low value is the bad one.
    pub low_is_worse: bool,
}

macro_rules! counts {
    ($($name:ident),*) => {
        [$(Metric {
            name: stringify!($name),
            value: |metrics| f64::from(metrics.$name),
            decimals: 0,
            low_is_worse: false,
        }),*]
    };
}

/// What is counted.
const COUNTS: [Metric; 23] = counts!(
    cyclomatic,
    cyclomatic_modified,
    cognitive,
    cognitive_own,
    cognitive_sonar,
    ploc,
    sloc,
    cloc,
    blank,
    lloc,
    nesting,
    params,
    exits,
    yields,
    operators_distinct,
    operands_distinct,
    operators,
    operands,
    assignments,
    branches,
    conditions,
    preproc_branches,
    functions
);

/// What is derived from the counts.
const DERIVED: [Metric; 8] = [
    derived("halstead_volume", 1, false, |m| halstead(m).volume),
    derived("halstead_difficulty", 2, false, |m| halstead(m).difficulty),
    derived("halstead_effort", 1, false, |m| halstead(m).effort),
    derived("halstead_time_s", 1, false, |m| halstead(m).time_s),
    derived("halstead_bugs", 4, false, |m| halstead(m).bugs),
    derived("maintainability_index", 2, true, |m| maintainability(m).original),
    derived("maintainability_index_sei", 2, true, |m| maintainability(m).sei),
    derived("maintainability_index_visual_studio", 2, true, |m| maintainability(m).visual_studio),
];

const fn derived(name: &'static str, decimals: usize, low_is_worse: bool, value: fn(&SpaceMetrics) -> f64) -> Metric {
    Metric { name, value, decimals, low_is_worse }
}

impl Metric {
    /// All metrics, in the order of the columns.
    pub fn all() -> impl Iterator<Item = Self> {
        COUNTS.into_iter().chain(DERIVED)
    }

    /// The metric of this name, or a message that lists all names.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::all().find(|metric| metric.name == name).ok_or_else(|| unknown(name, Self::all()))
    }

    /// The value as it is printed.
    pub fn print(&self, metrics: &SpaceMetrics) -> String {
        format!("{:.*}", self.decimals, (self.value)(metrics))
    }

    /// What orders functions from the worst on: greater is worse.
    pub fn badness(&self, metrics: &SpaceMetrics) -> f64 {
        let value = (self.value)(metrics);
        if self.low_is_worse { -value } else { value }
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Says that there is no metric of this name, and which there are.
pub(super) fn unknown(name: &str, known: impl Iterator<Item = Metric>) -> String {
    let names: Vec<&str> = known.map(|metric| metric.name).collect();
    format!("there is no metric `{name}`; there are {}", names.join(", "))
}

/// A bound a function may not pass: `METRIC=N`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The metric.
    pub metric: Metric,
    /// The largest value allowed.
    pub most: f64,
}

impl Limit {
    /// Reads `METRIC=N`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, most) = text.split_once('=').ok_or("a limit is written METRIC=N")?;
        let metric = Metric::parse(name)?;
        if metric.low_is_worse {
            return Err(format!("a high `{name}` is good; set a limit on what is bad when high"));
        }
        let number = most.parse().ok().filter(|most: &f64| most.is_finite() && *most >= 0.0);
        Ok(Self { metric, most: number.ok_or_else(|| format!("`{most}` is no limit; write a number"))? })
    }
}
