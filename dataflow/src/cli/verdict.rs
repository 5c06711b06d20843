//! What `driftline risk` makes of predictions: within the threshold, over it, or no verdict, with cause and remedy.

use super::show;
use crate::config::TrainingConfig;
use crate::terminal::shown;
use driftline_schema::{CommitId, Fixed, Prediction};
use serde_json::{Value, json};

/// Commits named one by one on standard error; more would drown the first.
const NAMED_MAX: usize = 10;

/// What a shallow clone means for scores.
pub(super) struct ShallowClone;

impl ShallowClone {
    const CAUSE: &str = "the clone is shallow, and its first commits look as if they had added every file";
    pub(super) const MENDED_BY: &str = "`git fetch --unshallow` (in a CI checkout: fetch-depth: 0) brings the rest";
}

/// Predictions of one repository.
pub(super) struct Scored {
    pub(super) repository: String,
    /// Newest first.
    pub(super) predictions: Vec<(CommitId, Option<Prediction>)>,
    /// Whether the history lacks its beginning.
    pub(super) shallow: bool,
}

/// What is known of the commits of a range.
pub(super) struct Report {
    range: String,
    fail_over: Option<Fixed>,
    scored: Scored,
    /// Why there is not even a commit to look at.
    nothing: Option<String>,
}

/// One commit, or the whole range where it has none.
pub(super) struct Line<'a> {
    report: &'a Report,
    commit: Option<CommitId>,
    pub(super) prediction: Option<&'a Prediction>,
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Scored,
    Over,
    None(String),
}

impl Report {
    pub(super) fn new(range: &str, fail_over: Option<Fixed>) -> Self {
        let scored = Scored { repository: String::new(), predictions: Vec::new(), shallow: false };
        Self { range: range.to_owned(), fail_over, scored, nothing: None }
    }

    /// There is no commit to look at.
    pub(super) fn nothing(&mut self, reason: String) {
        self.nothing = Some(reason);
    }

    pub(super) fn scored(&mut self, scored: Scored) {
        self.scored = scored;
    }

    fn verdict(&self, prediction: Option<&Prediction>) -> Verdict {
        let over = |risk: Fixed| self.fail_over.is_some_and(|limit| risk > limit);
        match prediction {
            Some(Prediction { risk: Some(risk), .. }) if over(*risk) => Verdict::Over,
            Some(_) if self.scored.shallow => {
                Verdict::None(format!("{}; {}", ShallowClone::CAUSE, ShallowClone::MENDED_BY))
            }
            Some(Prediction { risk: Some(_), .. }) => Verdict::Scored,
            Some(prediction) => {
                let reason = prediction.abstained.as_deref().unwrap_or("no reason is given");
                let training = TrainingConfig::default();
                Verdict::None(format!(
                    "driftline abstains ({}): a model needs a history of {} changes, {} of them with a label; until then, \
                     --abstain-ok lets them pass",
                    shown(reason),
                    training.first_cut,
                    training.rows_min
                ))
            }
            None => Verdict::None(
                "no change is known of it: it is on no branch that is followed (HEAD may be detached, or this clone ahead of \
                 the one that is followed), so check out or push its branch; or it was rejected, which the page and /metrics \
                 of `driftline up` say"
                    .to_owned(),
            ),
        }
    }

    /// The commits, newest first.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        if let Some(reason) = &self.nothing {
            return vec![Line { report: self, commit: None, prediction: None, verdict: Verdict::None(reason.clone()) }];
        }
        let mut lines = Vec::with_capacity(self.scored.predictions.len());
        for (commit, prediction) in &self.scored.predictions {
            let (commit, prediction) = (Some(*commit), prediction.as_ref());
            lines.push(Line { report: self, commit, prediction, verdict: self.verdict(prediction) });
        }
        lines
    }

    /// Whether a commit is over the threshold.
    pub(super) fn is_over(&self) -> bool {
        self.lines().iter().any(|line| line.verdict == Verdict::Over)
    }

    /// Whether every commit has a verdict, and there is one.
    pub(super) fn has_verdict(&self) -> bool {
        let lines = self.lines();
        !lines.is_empty() && !lines.iter().any(|line| matches!(line.verdict, Verdict::None(_)))
    }

    /// What is said on standard error.
    pub(super) fn said(&self) -> Vec<String> {
        let lines = self.lines();
        let mut said = Vec::new();
        let over: Vec<&Line<'_>> = lines.iter().filter(|line| line.verdict == Verdict::Over).collect();
        if let Some(limit) = self.fail_over.filter(|_| !over.is_empty()) {
            said.push(format!("{} of {} commits are over a risk of {:.2}:", over.len(), lines.len(), limit.to_f64()));
            said.extend(
                over.iter()
                    .take(NAMED_MAX)
                    .filter_map(|line| line.prediction)
                    .map(|it| format!("  {}", show::brief(it))),
            );
            if over.len() > NAMED_MAX {
                said.push(format!("  and {} more", over.len() - NAMED_MAX));
            }
        }
        let mut causes: Vec<(&str, Vec<String>)> = Vec::new();
        for line in &lines {
            let Verdict::None(cause) = &line.verdict else { continue };
            let commit = line.commit.map(|commit| commit.to_string()[..12].to_owned());
            match causes.iter_mut().find(|(known, _)| known == cause) {
                Some((_, commits)) => commits.extend(commit),
                None => causes.push((cause, commit.into_iter().collect())),
            }
        }
        for (cause, commits) in causes {
            let more = if commits.len() > NAMED_MAX { ", ..." } else { "" };
            let named = commits[..commits.len().min(NAMED_MAX)].join(", ");
            said.push(match commits.len() {
                0 => format!("no verdict on {}: {cause}", shown(&self.range)),
                count => format!("no verdict on {count} of {} commits ({named}{more}): {cause}", lines.len()),
            });
        }
        said
    }
}

impl Line<'_> {
    /// The prediction with the verdict on it.
    pub(super) fn json(&self) -> Value {
        let mut object = match self.prediction {
            Some(prediction) => serde_json::to_value(prediction).expect("a prediction is plain data"),
            None => json!({"range": self.report.range}),
        };
        if let (None, Some(commit)) = (self.prediction, self.commit) {
            object["commit"] = commit.to_string().into();
            object["repository"] = self.report.scored.repository.clone().into();
        }
        let (verdict, reason) = match &self.verdict {
            Verdict::Scored => ("scored", None),
            Verdict::Over => ("over", None),
            Verdict::None(reason) => ("none", Some(reason.clone())),
        };
        object["verdict"] = verdict.into();
        object["no_verdict"] = reason.into();
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::{Position, Receipt};

    fn prediction(risk: Option<f64>) -> Prediction {
        Prediction {
            repository: "demo".to_owned(),
            commit: commit(),
            subject: "a\x1b[2Jb".to_owned(),
            time: 0,
            risk: risk.map(|risk| Fixed((risk * Fixed::ONE as f64) as i64)),
            percentile: None,
            abstained: risk.is_none().then(|| "not enough history".to_owned()),
            experts: Vec::new(),
            reasons: Vec::new(),
            remaining_contribution: Fixed(0),
            base: Fixed(0),
            score: Fixed(0),
            size_contribution: Fixed(0),
            other_contribution: Fixed(0),
            places: Vec::new(),
            receipt: Receipt {
                position: Position { partition: 0, offset: 0 },
                model: None,
                cut: None,
                features_version: 1,
            },
        }
    }

    fn commit() -> CommitId {
        CommitId::from_hex(&"ab".repeat(20)).expect("hex")
    }

    fn report(risks: &[Option<f64>], shallow: bool) -> Report {
        let mut report = Report::new("a..b", Some(Fixed(Fixed::ONE / 2)));
        let predictions = risks.iter().map(|risk| (commit(), Some(prediction(*risk)))).collect();
        report.scored(Scored { repository: "demo".to_owned(), predictions, shallow });
        report
    }

    #[test]
    fn a_commit_over_the_threshold_outweighs_one_without_a_verdict() {
        let report = report(&[Some(0.9), None, Some(0.1)], false);
        assert!(report.is_over() && !report.has_verdict());
        let said = report.said().join("\n");
        assert!(said.contains("1 of 3 commits are over a risk of 0.50") && said.contains("abababababab"), "{said}");
        assert!(said.contains("no verdict on 1 of 3") && said.contains("not enough history"), "{said}");
        assert!(!said.contains('\x1b'), "{said}");
        let verdicts: Vec<Value> = report.lines().iter().map(|line| line.json()["verdict"].clone()).collect();
        assert_eq!(verdicts, ["over", "none", "scored"]);
    }

    #[test]
    fn a_shallow_clone_has_no_verdict_but_what_is_over_stays_over() {
        let shallow = report(&[Some(0.1)], true);
        assert!(!shallow.is_over() && !shallow.has_verdict());
        assert!(shallow.said()[0].contains("git fetch --unshallow") && shallow.said()[0].contains("fetch-depth: 0"));
        assert!(report(&[Some(0.9)], true).is_over());
        assert!(report(&[Some(0.1)], false).has_verdict());
    }

    #[test]
    fn nothing_to_score_and_a_change_that_was_not_taken_have_no_verdict() {
        let mut empty = Report::new("HEAD..HEAD", None);
        empty.nothing("the range holds no commit".to_owned());
        assert!(!empty.has_verdict() && !empty.is_over());
        assert_eq!(empty.said(), ["no verdict on HEAD..HEAD: the range holds no commit"]);
        assert_eq!(empty.lines()[0].json()["range"], "HEAD..HEAD");
        let mut lost = report(&[], false);
        assert!(!lost.has_verdict());
        lost.scored.predictions.push((commit(), None));
        assert!(!lost.has_verdict() && lost.said()[0].contains("rejected"));
        assert_eq!(lost.lines()[0].json()["commit"], "ab".repeat(20));
    }
}
