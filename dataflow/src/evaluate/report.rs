//! What is printed: one JSON object per project, or a table with each model's gain over the constant score.

use super::Protocol;
use super::measures::Measures;
use serde::Serialize;
use std::fmt::Write;

/// The measures of one model under a protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ModelReport {
    /// Measures of the ranking and of the cut.
    #[serde(flatten)]
    pub measures: Measures,
    /// Mean over time of the geometric mean of both recalls, each fading by 0.99 a change of its class; prequential only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faded_g_mean: Option<f64>,
    /// Mean over time of the distance between both faded recalls; prequential only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_gap: Option<f64>,
}

/// The models of a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ModelReports {
    /// The same score for every change.
    pub constant: ModelReport,
    /// Ranked by lines added.
    pub lines_added: ModelReport,
    /// Logistic regression.
    pub logistic: ModelReport,
    /// Boosted trees.
    pub gbdt: ModelReport,
    /// What predictions hold: the mean of the log-odds of logistic regression and boosted trees.
    pub served: ModelReport,
}

/// The result of a protocol on one project.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectReport {
    /// The project.
    pub project: String,
    /// `time-split` or `prequential`.
    pub protocol: &'static str,
    /// Changes that were learnt.
    pub rows_train: usize,
    /// Changes that were predicted.
    pub rows_test: usize,
    /// Measures by model.
    pub models: ModelReports,
    /// CPU seconds of all training of logistic regressions and trees, those that only choose a cut included.
    pub train_cpu_s: f64,
}

/// A measure: its name in the table, its value, and what people are told of it.
type Column = (&'static str, fn(&ModelReport) -> Option<f64>, &'static str);

const COLUMNS: [Column; 10] = [
    (
        "auc",
        |model| model.measures.auc,
        "chance that a defective change is ranked above a clean one; equals count half",
    ),
    (
        "pr_auc",
        |model| model.measures.pr_auc,
        "average precision; the share of defective changes is what guessing gives",
    ),
    ("mcc", |model| Some(model.measures.mcc), "correlation of flags and labels; 0 is what guessing gives"),
    ("f1", |model| Some(model.measures.f1), "harmonic mean of precision and recall of the flags"),
    ("g_mean", |model| Some(model.measures.g_mean), "geometric mean of the recalls of defective and of clean changes"),
    ("brier", |model| model.measures.brier, "mean squared distance of probability and label; LOWER is better"),
    (
        "recall@20%",
        |model| model.measures.recall_at_20_effort,
        "share of defective changes found in the first 20 % of the lines, by score per line",
    ),
    ("popt", |model| model.measures.popt, "area under that recall over all lines: 0 the worst order, 1 the best one"),
    ("faded g", |model| model.faded_g_mean, "g_mean of the latest changes, averaged over time"),
    ("gap", |model| model.recall_gap, "distance of the recalls of both kinds, averaged over time; LOWER is better"),
];

/// Columns at the end that the prequential protocol alone has.
const PREQUENTIAL_COLUMNS: usize = 2;

/// What the rows are, and what must be known to read them.
const ROWS: &str =
    "  constant: one score for all changes; by score per line it inspects the smallest first, which finds many defects
  in few lines, so recall@20% and popt of the others are to be read beside its own
  served: the mean of the log-odds of logistic and gbdt, which is what predictions hold
";

/// Which changes the prequential protocol measures.
const WARM_UP: &str =
    "All changes are predicted. The first 500, or the first quarter where that is less, count for faded g
  and gap alone.
";

/// What the measures of a protocol say, for people: a line each.
pub(super) fn legend(protocol: Protocol) -> String {
    let shown = match protocol {
        Protocol::TimeSplit => COLUMNS.len() - PREQUENTIAL_COLUMNS,
        Protocol::Prequential => COLUMNS.len(),
    };
    let mut text = "Higher is better unless said otherwise:\n".to_owned();
    for (name, _, meaning) in &COLUMNS[..shown] {
        writeln!(text, "  {name:<11} {meaning}").expect("a string grows");
    }
    if protocol == Protocol::Prequential {
        text += WARM_UP;
    }
    text + "Rows:\n" + ROWS
}

impl ProjectReport {
    /// One line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a report is plain data")
    }

    /// A table for people: each measure, and below it the gain over the constant score.
    pub fn to_table(&self) -> String {
        let Self { project, protocol, rows_train, rows_test, models, train_cpu_s } = self;
        let project = crate::terminal::shown(project);
        let mut text = format!(
            "{project}: {protocol}, {rows_train} changes learnt, {rows_test} measured, {train_cpu_s:.3} CPU s of training\n"
        );
        let shown: Vec<&Column> = COLUMNS.iter().filter(|(_, value, _)| value(&models.gbdt).is_some()).collect();
        let mut line = |name: &str, cells: Vec<String>| {
            let cells: String = cells.iter().map(|cell| format!("{cell:>11}")).collect();
            writeln!(text, "  {name:<22}{cells}").expect("a string grows");
        };
        line("", shown.iter().map(|(name, ..)| (*name).to_owned()).collect());
        let rows = [
            ("constant", models.constant),
            ("lines added", models.lines_added),
            ("logistic", models.logistic),
            ("gbdt", models.gbdt),
            ("served", models.served),
        ];
        for (name, model) in rows {
            let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
            line(name, shown.iter().map(|(_, value, _)| cell(value(&model))).collect());
        }
        for (name, model) in &rows[1..] {
            let gain = |value: fn(&ModelReport) -> Option<f64>| Some(value(model)? - value(&models.constant)?);
            let cell = |gain: Option<f64>| gain.map_or_else(|| "-".to_owned(), |gain| format!("{gain:+.4}"));
            let cells = shown.iter().map(|(_, value, _)| cell(gain(*value))).collect();
            line(&format!("{name} - constant"), cells);
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> ProjectReport {
        let model = |auc| ModelReport {
            measures: Measures { auc: Some(auc), ..Measures::default() },
            ..ModelReport::default()
        };
        ProjectReport {
            project: "p".into(),
            protocol: "time-split",
            rows_train: 8,
            rows_test: 2,
            models: ModelReports { constant: model(0.5), gbdt: model(0.75), ..ModelReports::default() },
            train_cpu_s: 0.25,
        }
    }

    #[test]
    fn json_has_the_contracted_keys() {
        let json: serde_json::Value = serde_json::from_str(&report().to_json()).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&json), ["models", "project", "protocol", "rows_test", "rows_train", "train_cpu_s"]);
        assert_eq!(keys(&json["models"]), ["constant", "gbdt", "lines_added", "logistic", "served"]);
        let measures = ["auc", "brier", "f1", "g_mean", "mcc", "popt", "pr_auc", "recall_at_20_effort"];
        assert_eq!(keys(&json["models"]["gbdt"]), measures);
        assert_eq!(json["models"]["gbdt"]["auc"], 0.75);
    }

    #[test]
    fn the_table_shows_gains_and_only_what_was_measured() {
        let table = report().to_table();
        assert!(table.contains("gbdt - constant           +0.2500"), "{table}");
        assert!(!table.contains("faded"));
    }

    #[test]
    fn the_legend_has_a_line_for_each_measure_and_says_where_lower_is_better() {
        let (split, prequential) = (legend(Protocol::TimeSplit), legend(Protocol::Prequential));
        let line = |name: &str| prequential.lines().find(|line| line.trim_start().starts_with(name));
        for (name, ..) in COLUMNS {
            let lower = line(name).expect("a line").ends_with("LOWER is better");
            assert_eq!(lower, ["brier", "gap"].contains(&name), "{name}");
        }
        assert!(split.contains("  popt ") && !split.contains("faded"), "{split}");
        assert!(prequential.lines().all(|line| line.len() <= 120), "{prequential}");
    }
}
