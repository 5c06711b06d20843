//! The page at `/`: riskiest recent commits with their reasons, places to look at, and the drift state.
//!
//! Rendered here, whole, so it reads without scripts; the script only fetches it again when `as_of` or a repository's state
//! has moved. Every text that comes from a repository goes through [`html::Html::text`], and the policy header allows the
//! page's own style and script by hash and nothing else.

mod html;
mod render;

use crate::problem::Problem;
use crate::read::{Known, tagged, wait_for};
use crate::routes::{Asked, Plain, asked};
use crate::state::ApiState;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use driftline_schema::AlertState;
use driftline_sinks::view::{PredictionQuery, Sort};
use html::Html;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Commits the riskiest are chosen among.
const RECENT: usize = 200;
/// Commits shown.
const SHOWN: usize = 20;
/// Open alerts shown.
const ALERTS: usize = 20;
/// Drift rows shown, most drifted first.
const DRIFT: usize = 40;

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::from_str(&policy).expect("base64 in quotes")
});

/// The page.
pub(crate) async fn page(
    State(state): State<ApiState>,
    known: Known,
    query: Asked<Plain>,
) -> Result<Response, Problem> {
    wait_for(&state, asked(query)?.at_least).await?;
    let (tag, html) = document(&state);
    let mut response = tagged(&known, &tag, || html.into_bytes());
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

fn document(state: &ApiState) -> (String, String) {
    let riskiest = PredictionQuery {
        repository: None,
        min_risk: None,
        sort: Sort::Risk,
        limit: SHOWN,
        newest: Some(RECENT),
        after: None,
    };
    // The tag is that of the oldest read, so a newer state is fetched again rather than missed.
    let page = state.view.predictions(&riskiest);
    let (tag, down) = state.repositories.down(&page.as_of);
    let summary = state.view.summary();
    let (mut alerts, mut drift) = (state.view.alerts().1, state.view.drift(None).1);
    alerts.retain(|alert| alert.state == AlertState::Open);
    alerts.truncate(ALERTS);
    drift.sort_by_key(|row| std::cmp::Reverse((row.drifting, row.psi)));
    drift.truncate(DRIFT);
    let mut out = Html::default();
    out.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>driftline</title>");
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    out.raw("<meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\"><style>");
    out.raw(STYLE).raw("</style></head><body>");
    render::header(&mut out, &summary);
    out.raw("<main>");
    render::repositories(&mut out, &down);
    render::alerts(&mut out, &alerts);
    render::commits(&mut out, page.rows.as_deref().unwrap_or_default(), state.features);
    render::drift(&mut out, &drift);
    out.raw("</main><footer>JSON at <a href=\"/v1/predictions?sort=risk\">/v1/predictions</a>, ");
    out.raw("<a href=\"/v1/drift\">/v1/drift</a>, <a href=\"/v1/alerts\">/v1/alerts</a>, ");
    out.raw("<a href=\"/v1/models\">/v1/models</a>; Prometheus metrics at <a href=\"/metrics\">/metrics</a>.</footer>");
    out.raw("<script>").raw(SCRIPT).raw("</script></body></html>");
    (tag, out.into_string())
}
