//! The sections of the page.

use super::html::Html;
use crate::repositories::RepositoryState;
use driftline_schema::{Alert, DriftRow, FeatureGroup, FeatureMeta, Fixed, Place, Prediction, Reason, Verdict};
use driftline_sinks::utc::rfc3339;
use driftline_sinks::view::{PredictionRow, Summary};

/// Reasons shown of each side, largest first.
const REASONS: usize = 4;
/// Places shown of a commit.
const PLACES: usize = 5;

/// What is known altogether, and as of when.
pub(super) fn header(out: &mut Html, summary: &Summary) {
    out.raw("<header><h1>driftline</h1><dl>");
    let defective = summary.labels.iter().filter(|((_, verdict), _)| *verdict == Verdict::Defective);
    let counts = [
        ("repositories", summary.repositories as u64),
        ("commits scored", summary.scored as u64),
        ("without a risk", (summary.predictions - summary.scored) as u64),
        ("labelled defective", defective.map(|(_, count)| count).sum()),
        ("models", summary.models as u64),
        ("open alerts", summary.alerts_open as u64),
        ("rejects", summary.rejects.values().sum()),
    ];
    for (name, count) in counts {
        out.raw("<div><dt>").text(name).raw("</dt><dd>").text(count).raw("</dd></div>");
    }
    out.raw("</dl><p class=\"muted\" id=\"as-of\">");
    match summary.as_of.time {
        Some(time) => {
            let records: u64 = summary.as_of.offsets.iter().sum();
            out.raw("as of time ").text(time).raw(": the log up to ").text(records).raw(" records in ");
            out.text(summary.as_of.offsets.len()).raw(" partitions");
        }
        None => _ = out.raw("nothing is reflected yet"),
    }
    if let Some(clock) = summary.event_clock.values().max() {
        out.raw("; event clock ").text(minutes(*clock));
    }
    out.raw("</p></header>");
}

/// `2026-11-20 10:51 UTC`.
fn minutes(seconds: i64) -> String {
    let text = rfc3339(seconds);
    let end = text.len() - ":00Z".len();
    format!("{} UTC", text[..end].replace('T', " "))
}

/// Repositories that are missing or cannot be read.
pub(super) fn repositories(out: &mut Html, down: &[(String, RepositoryState)]) {
    if down.is_empty() {
        return;
    }
    out.raw("<section class=\"alerts\"><h2>Repositories that cannot be followed</h2><ul>");
    for (name, row) in down {
        out.raw("<li><strong>").text(name).raw("</strong> is ").text(row.state.word()).raw(": ");
        out.text(row.reason.as_deref().unwrap_or("no reason is known"));
        out.raw(" <span class=\"muted\">since ").text(minutes(row.since)).raw("</span></li>");
    }
    out.raw("</ul></section>");
}

/// Alerts that are open now.
pub(super) fn alerts(out: &mut Html, alerts: &[Alert]) {
    if alerts.is_empty() {
        return;
    }
    out.raw("<section class=\"alerts\"><h2>Open alerts</h2><ul>");
    for alert in alerts {
        out.raw("<li><strong>").text(&alert.repository).raw("</strong> ").text(&alert.summary);
        out.raw(" <span class=\"muted\">since ").text(minutes(alert.opened_time)).raw("</span></li>");
    }
    out.raw("</ul></section>");
}

/// The commits, riskiest first.
pub(super) fn commits(out: &mut Html, rows: &[PredictionRow], features: &[FeatureMeta]) {
    out.raw("<section><h2>Riskiest recent commits</h2>");
    if rows.is_empty() {
        out.raw(
            "<p class=\"muted\">No commit has a risk yet. The first model is trained after 200 commits of a repository, 100 of ",
        );
        out.raw("which must have a label; commits that arrive after that are scored.</p>");
    } else {
        out.raw("<p class=\"muted\">The number beside a reason is what it adds to the log-odds of a defect; both sides and ");
        out.raw("the model's base add up to the score.</p>");
    }
    out.raw("<ol class=\"commits\">");
    for row in rows {
        commit(out, row, features);
    }
    out.raw("</ol></section>");
}

fn commit(out: &mut Html, row: &PredictionRow, features: &[FeatureMeta]) {
    let prediction = &row.prediction;
    let hex = prediction.commit.to_string();
    let risk = prediction.risk.unwrap_or_default();
    out.raw("<li class=\"").raw(band(risk)).raw("\"><div class=\"risk\"><b>").text(percent(risk));
    out.raw(
        "</b><svg viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect height=\"1\" width=\"",
    );
    out.text(risk).raw("\"/></svg>");
    if let Some(percentile) = prediction.percentile {
        out.raw("<span class=\"muted\">riskier than ").text(percent(percentile)).raw(" of earlier</span>");
    }
    out.raw("</div><div class=\"what\"><p class=\"subject\">").text(&prediction.subject).raw("</p><p class=\"muted\">");
    out.text(&prediction.repository).raw(" <a href=\"/v1/predictions/").segment(&prediction.repository).raw("/");
    out.text(&hex).raw("\"><code>").text(&hex[..10]).raw("</code></a> ").text(minutes(prediction.time));
    match row.label.map(|label| label.verdict) {
        Some(Verdict::Defective) => _ = out.raw(" <span class=\"badge bad\">turned out defective</span>"),
        Some(Verdict::Clean) => _ = out.raw(" <span class=\"badge\">clean so far</span>"),
        None => {}
    }
    out.raw("</p>");
    places(out, &prediction.places);
    reasons(out, prediction, features);
    out.raw("</div></li>");
}

fn band(risk: Fixed) -> &'static str {
    match risk.0 {
        700_000.. => "high",
        400_000.. => "medium",
        _ => "low",
    }
}

fn percent(share: Fixed) -> String {
    format!("{} %", (share.0 + 5_000).div_euclid(10_000))
}

fn places(out: &mut Html, places: &[Place]) {
    if places.is_empty() {
        return;
    }
    out.raw("<ul class=\"places\">");
    for place in places.iter().take(PLACES) {
        out.raw("<li><code>").text(&place.path).raw(":").text(place.start_line).raw("</code>");
        if let Some(function) = &place.function {
            out.raw(" <code class=\"function\">").text(function).raw("</code>");
        }
        out.raw(" <span class=\"muted\">").text(place.changed_lines).raw(" changed lines");
        if place.cognitive_delta != 0 {
            out.raw(", cognitive complexity ").text(place.cognitive).raw(" (");
            out.text(format_args!("{:+}", place.cognitive_delta)).raw(")");
        }
        out.raw("</span></li>");
    }
    out.raw("</ul>");
}

/// The two sides of the score: what size says, and what everything else says.
fn reasons(out: &mut Html, prediction: &Prediction, features: &[FeatureMeta]) {
    if prediction.reasons.is_empty() {
        return;
    }
    out.raw("<div class=\"reasons\">");
    let of_size = |reason: &&Reason| reason.group == FeatureGroup::Size;
    let (size, other): (Vec<_>, Vec<_>) = prediction.reasons.iter().partition(of_size);
    side(out, ("size", prediction.size_contribution), &size, features);
    side(out, ("not size", prediction.other_contribution), &other, features);
    out.raw("</div>");
}

fn side(out: &mut Html, (name, sum): (&'static str, Fixed), reasons: &[&Reason], features: &[FeatureMeta]) {
    out.raw("<div><h3>").raw(name).raw(" <b>").text(signed(sum)).raw("</b></h3><table>");
    let mut largest: Vec<_> = reasons.iter().filter(|reason| reason.contribution != Fixed::ZERO).collect();
    largest.sort_by_key(|reason| (std::cmp::Reverse(reason.contribution.0.unsigned_abs()), reason.feature.as_str()));
    for reason in largest.into_iter().take(REASONS) {
        let meta = features.iter().find(|meta| meta.name == reason.feature);
        out.raw("<tr><th title=\"").text(meta.map_or("", |meta| meta.definition)).raw("\">").text(&reason.feature);
        out.raw("</th><td>").text(short(reason.value)).raw(" <span class=\"muted\">");
        out.text(meta.map_or("", |meta| meta.unit)).raw("</span></td><td class=\"");
        out.raw(if reason.contribution > Fixed::ZERO { "up" } else { "down" }).raw("\">");
        out.text(signed(reason.contribution)).raw("</td></tr>");
    }
    out.raw("</table></div>");
}

/// Two decimals with a sign, for contributions to the log-odds.
fn signed(value: Fixed) -> String {
    format!("{:+.2}", value.to_f64())
}

/// At most two decimals.
fn short(value: Fixed) -> Fixed {
    Fixed(value.0 - value.0 % 10_000)
}

/// Drift statistics, most drifted first.
pub(super) fn drift(out: &mut Html, rows: &[DriftRow]) {
    out.raw("<section><h2>Drift</h2>");
    if rows.is_empty() {
        out.raw("<p class=\"muted\">No statistics yet: a reference window is needed first.</p></section>");
        return;
    }
    out.raw(
        "<div class=\"scroll\"><table class=\"drift\"><thead><tr><th>repository</th><th>feature</th><th>state</th>",
    );
    out.raw("<th>PSI</th><th>JS distance</th><th>adjusted p</th><th>rows</th></tr></thead><tbody>");
    for row in rows {
        out.raw("<tr><td>").text(&row.repository).raw("</td><td>").text(&row.feature).raw("</td><td>");
        out.raw(if row.drifting { "<span class=\"badge bad\">drifting</span>" } else { "steady" }).raw("</td><td>");
        out.text(format_args!("{:.3}", row.psi.to_f64())).raw("</td><td>");
        out.text(format_args!("{:.3}", row.js_distance.to_f64())).raw("</td><td>").text(p_value(row.p_adjusted));
        out.raw("</td><td>").text(row.reference_rows).raw(" / ").text(row.current_rows).raw("</td></tr>");
    }
    out.raw("</tbody></table></div></section>");
}

fn p_value(value: Fixed) -> String {
    match value.0 {
        ..=0 => "< 0.000001".to_owned(),
        1..1_000 => format!("{:.6}", value.to_f64()),
        _ => format!("{:.3}", value.to_f64()),
    }
}
