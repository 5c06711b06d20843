//! Predictions as people read them on a terminal.

use crate::terminal::shown;
use driftline_schema::{FeatureGroup, Prediction, Reason};
use std::fmt::Write as _;

/// The first characters of a commit id.
fn short(prediction: &Prediction) -> String {
    prediction.commit.to_string()[..12].to_owned()
}

/// Which commit, how risky, and what it says of itself.
pub fn brief(prediction: &Prediction) -> String {
    let risk = prediction.risk.map_or_else(|| "?".to_owned(), |risk| format!("{:.2}", risk.to_f64()));
    format!("{} {risk} {}", short(prediction), cut(&shown(&prediction.subject), 72))
}

/// One line: risk, percentile, commit, subject, the first reasons.
pub fn line(prediction: &Prediction) -> String {
    let risk = prediction.risk.map_or_else(|| "   ?".to_owned(), |risk| format!("{:.2}", risk.to_f64()));
    let rank =
        prediction.percentile.map_or_else(|| "    ".to_owned(), |rank| format!("p{:<3.0}", rank.to_f64() * 100.0));
    let why = match &prediction.abstained {
        Some(reason) => format!("abstains: {}", shown(reason)),
        None => reasons(prediction, 3),
    };
    format!("{risk} {rank} {} {:<50} {why}", short(prediction), cut(&shown(&prediction.subject), 50))
}

fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}

fn reasons(prediction: &Prediction, most: usize) -> String {
    let part = |reason: &Reason| format!("{} {:+.2}", reason.feature, reason.contribution.to_f64());
    prediction.reasons.iter().take(most).map(part).collect::<Vec<_>>().join(", ")
}

/// The whole answer on a page.
pub fn page(prediction: &Prediction) -> String {
    let mut text = String::new();
    let mut put = |line: String| writeln!(text, "{line}").expect("a string grows");
    put(format!("{} {}", short(prediction), shown(&prediction.subject)));
    match (prediction.risk, &prediction.abstained) {
        (Some(risk), _) => {
            let rank = prediction.percentile.map(|rank| rank.to_f64() * 100.0);
            let rank = rank.map_or_else(String::new, |rank| format!(", riskier than {rank:.0} % of the last ones"));
            put(format!("risk {:.1} %{rank}", risk.to_f64() * 100.0));
        }
        (None, Some(reason)) => put(format!("no risk is given: {}", shown(reason))),
        (None, None) => put("no risk is given".to_owned()),
    }
    if prediction.risk.is_some() {
        put(format!(
            "log-odds {:+.3} = base {:+.3}, size {:+.3}, not size {:+.3}",
            prediction.score.to_f64(),
            prediction.base.to_f64(),
            prediction.size_contribution.to_f64(),
            prediction.other_contribution.to_f64()
        ));
        for reason in &prediction.reasons {
            let size = if reason.group == FeatureGroup::Size { "size" } else { reason.group.code() };
            put(format!(
                "  {:+.3}  {:<28} = {:<12} {size}",
                reason.contribution.to_f64(),
                reason.feature,
                reason.value
            ));
        }
        put(format!("  {:+.3}  all other features", prediction.remaining_contribution.to_f64()));
    }
    for expert in &prediction.experts {
        put(format!("expert {:<12} {}", expert.expert, expert.value));
    }
    for place in &prediction.places {
        let (path, name) = (shown(&place.path), shown(place.function.as_deref().unwrap_or("file")));
        put(format!(
            "  {path}:{}-{}  {name}: {} changed lines, cognitive {} ({:+})",
            place.start_line, place.end_line, place.changed_lines, place.cognitive, place.cognitive_delta
        ));
    }
    let model = prediction.receipt.model.map_or_else(|| "none".to_owned(), |id| id.to_string());
    let cut = prediction.receipt.cut.map_or_else(|| "-".to_owned(), |cut| cut.to_string());
    put(format!("receipt: position {}, model {model}, cut {cut}", prediction.receipt.position));
    text
}
