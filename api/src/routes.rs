//! The routes under `/v1` and how they are put together.
//!
//! A repository name may contain `/`; within a path it is written percent-encoded: `/v1/predictions/owner%2Fname/3fa9c1`.

use crate::limits::{BODY_BYTES_MAX, CANDIDATES_MAX, NEWEST_MAX, PAGE_ROWS, PAGE_ROWS_MAX, ROWS_MAX};
use crate::problem::Problem;
use crate::read::{AtLeast, Known, answer, json, wait_for};
use crate::state::ApiState;
use crate::track::Track;
use crate::{changes, export, page, repositories, system};
use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::Response;
use axum::routing::{MethodRouter, any, get};
use driftline_schema::{AlertState, CommitId, FeatureMeta, Fixed, Label, Position};
use driftline_sinks::AsOf;
use driftline_sinks::view::{Found, Lookup, PredictionQuery, PredictionRow, Sort};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All routes over `state`.
pub fn router(state: ApiState) -> Router {
    let routes = [
        ("/", get(page::page)),
        ("/v1/as_of", get(as_of)),
        ("/v1/predictions", get(predictions)),
        ("/v1/predictions/{repo}/{commit}", get(prediction)),
        ("/v1/repos", get(repositories::list)),
        ("/v1/changes/{repo}/{commit}", get(changes::change)),
        ("/v1/export", get(export::parquet)),
        ("/v1/digests", get(system::digests)),
        ("/v1/features/{repo}/{commit}", get(features)),
        ("/v1/drift", get(drift)),
        ("/v1/alerts", get(alerts)),
        ("/v1/models", get(models)),
        ("/metrics", get(system::metrics)),
        ("/livez", get(system::livez)),
        ("/readyz", get(system::readyz)),
    ];
    let measured = |route, methods: MethodRouter<ApiState>| methods.layer(Track::new(state.metrics.http.route(route)));
    // Requests that match no route share one name, so a scanner makes no new series.
    let unmatched = measured("unmatched", any(system::no_route));
    routes
        .into_iter()
        .fold(Router::new(), |router, (route, methods)| {
            router.route(route, measured(route, methods.fallback(system::method_not_allowed)))
        })
        .fallback_service(unmatched.with_state(state.clone()))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}

pub(crate) type Answered = Result<Response, Problem>;
pub(crate) type RepoCommit = Result<Path<(String, String)>, PathRejection>;
pub(crate) type Asked<T> = Result<Query<T>, QueryRejection>;

/// The query of reads that take nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plain {
    pub(crate) at_least: Option<AtLeast>,
}

/// The query of `/v1/drift` and `/v1/alerts`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    at_least: Option<AtLeast>,
    repository: Option<String>,
    /// Only of alerts.
    state: Option<AlertState>,
    limit: Option<usize>,
}

/// A bounded list and how many rows there are altogether.
fn bounded<T: Serialize>(
    name: &'static str,
    mut rows: Vec<T>,
    limit: Option<usize>,
) -> Result<impl Serialize, Problem> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Part<T> {
        Rows(Vec<T>),
        Total(usize),
    }
    let limit = limit.unwrap_or(ROWS_MAX);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is between 1 and {ROWS_MAX}")));
    }
    let total = rows.len();
    rows.truncate(limit);
    Ok(BTreeMap::from([(name, Part::Rows(rows)), ("total", Part::Total(total))]))
}

/// The query of `/v1/predictions`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    at_least: Option<AtLeast>,
    repository: Option<String>,
    min_risk: Option<f64>,
    #[serde(default)]
    sort: Sort,
    limit: Option<usize>,
    newest: Option<usize>,
    cursor: Option<String>,
}

pub(crate) fn asked<T>(query: Asked<T>) -> Result<T, Problem> {
    query.map(|Query(value)| value).map_err(|error| Problem::bad_request(error.body_text()))
}

pub(crate) fn path(path: RepoCommit) -> Result<(String, String), Problem> {
    path.map(|Path(parts)| parts).map_err(|error| Problem::bad_request(error.body_text()))
}

async fn as_of(State(state): State<ApiState>, known: Known, query: Asked<Plain>) -> Answered {
    wait_for(&state, asked(query)?.at_least).await?;
    let as_of = state.view.as_of();
    Ok(answer(&known, &as_of, || json(&as_of, BTreeMap::<&str, ()>::new())))
}

impl List {
    fn into_query(self) -> Result<PredictionQuery, Problem> {
        let limit = self.limit.unwrap_or(PAGE_ROWS);
        if !(1..=PAGE_ROWS_MAX).contains(&limit) {
            return Err(Problem::bad_request(format!("limit is between 1 and {PAGE_ROWS_MAX}")));
        }
        if self.newest.is_some_and(|newest| newest > NEWEST_MAX) {
            return Err(Problem::bad_request(format!("newest is at most {NEWEST_MAX}")));
        }
        if self.min_risk.is_some_and(|risk| !(0.0..=1.0).contains(&risk)) {
            return Err(Problem::bad_request("min_risk is between 0 and 1"));
        }
        let after = self.cursor.as_deref().map(str::parse).transpose();
        Ok(PredictionQuery {
            repository: self.repository,
            min_risk: self.min_risk.map(|risk| Fixed((risk * Fixed::ONE as f64).ceil() as i64)),
            sort: self.sort,
            limit,
            newest: self.newest,
            after: after.map_err(|error| Problem::bad_request(format!("cursor: {error}")))?,
        })
    }
}

/// The body of `/v1/predictions`.
#[derive(Serialize)]
struct Listing<'a> {
    predictions: &'a [PredictionRow],
    next: Option<String>,
}

async fn predictions(State(state): State<ApiState>, known: Known, query: Asked<List>) -> Answered {
    let list = asked(query)?;
    wait_for(&state, list.at_least).await?;
    let query = list.into_query()?;
    let page = state.view.predictions(&query);
    let Some(rows) = &page.rows else { return Err(no_repository(query.repository.as_deref().unwrap_or_default())) };
    let body = Listing { predictions: rows, next: page.next.map(|cursor| cursor.to_string()) };
    Ok(answer(&known, &page.as_of, || json(&page.as_of, body)))
}

fn no_repository(name: &str) -> Problem {
    Problem::not_found(format!("no repository `{}` is known; /v1/repos lists them", name.escape_debug()))
}

/// Refuses a name under which nothing is known: an empty list would read as "all is well".
fn require_known(state: &ApiState, repository: Option<&str>) -> Result<(), Problem> {
    match repository.filter(|name| !state.view.knows(name)) {
        Some(name) => Err(no_repository(name)),
        None => Ok(()),
    }
}

/// Finds one change or says why not.
pub(crate) fn find(state: &ApiState, repository: &str, commit: &str) -> Result<(Arc<AsOf>, Found), Problem> {
    let (as_of, lookup) = state.view.find(repository, commit);
    let commit = || commit.escape_debug();
    match lookup {
        Lookup::Found(found) => Ok((as_of, found)),
        Lookup::NoRepository => Err(no_repository(repository)),
        Lookup::NoCommit => {
            let repository = repository.escape_debug();
            Err(Problem::not_found(format!("no commit of `{repository}` begins with `{}`", commit())))
        }
        Lookup::BadPrefix => {
            Err(Problem::bad_request(format!("`{}` is no commit: 4 to 64 hex digits are needed", commit())))
        }
        Lookup::Ambiguous(found) => {
            let found = found.iter().take(CANDIDATES_MAX).map(ToString::to_string).collect();
            Err(Problem::ambiguous(&commit().to_string(), found))
        }
    }
}

/// Room for most answers about one change, so that the buffer seldom grows.
const ANSWER_BYTES: usize = 6 << 10;

/// One prediction with its label and evidence.
async fn prediction(State(state): State<ApiState>, known: Known, at: RepoCommit, query: Asked<Plain>) -> Answered {
    let (repository, commit) = path(at)?;
    wait_for(&state, asked(query)?.at_least).await?;
    let (as_of, found) = find(&state, &repository, &commit)?;
    if !found.is_predicted() {
        let detail = format!("the change at {} is known but has no prediction", found.key().position);
        return Err(Problem::not_found(detail));
    }
    Ok(answer(&known, &as_of, || {
        let mut body = Vec::with_capacity(ANSWER_BYTES);
        found.write_json(&as_of, &mut body);
        body
    }))
}

/// One feature of one change, with what it means.
#[derive(Serialize)]
struct FeatureRow {
    #[serde(flatten)]
    meta: FeatureMeta,
    value: Fixed,
}

/// The body of `/v1/features/{repo}/{commit}`.
#[derive(Serialize)]
struct Described<'a> {
    repository: &'a str,
    commit: Option<CommitId>,
    position: Position,
    time: Option<i64>,
    label: Option<Label>,
    features: Vec<FeatureRow>,
}

async fn features(State(state): State<ApiState>, known: Known, at: RepoCommit, query: Asked<Plain>) -> Answered {
    let (repository, commit) = path(at)?;
    wait_for(&state, asked(query)?.at_least).await?;
    let (as_of, found) = find(&state, &repository, &commit)?;
    let detail = found.detail();
    let Some(vector) = &detail.vector else {
        let detail = format!("the change at {} is known but has no features", detail.key.position);
        return Err(Problem::not_found(detail));
    };
    let rows = state.features.iter().zip(vector.iter()).map(|(meta, value)| FeatureRow { meta: *meta, value: *value });
    let described = Described {
        repository: &detail.repository,
        commit: detail.commit,
        position: detail.key.position,
        time: detail.time,
        label: detail.label,
        features: rows.collect(),
    };
    Ok(answer(&known, &as_of, || json(&as_of, described)))
}

async fn drift(State(state): State<ApiState>, known: Known, query: Asked<Filter>) -> Answered {
    let query = asked(query)?;
    if query.state.is_some() {
        return Err(Problem::bad_request("state is a filter of alerts"));
    }
    wait_for(&state, query.at_least).await?;
    require_known(&state, query.repository.as_deref())?;
    let (as_of, rows) = state.view.drift(query.repository.as_deref());
    let body = bounded("drift", rows, query.limit)?;
    Ok(answer(&known, &as_of, || json(&as_of, body)))
}

async fn alerts(State(state): State<ApiState>, known: Known, query: Asked<Filter>) -> Answered {
    let query = asked(query)?;
    wait_for(&state, query.at_least).await?;
    require_known(&state, query.repository.as_deref())?;
    let (as_of, mut rows) = state.view.alerts();
    rows.retain(|alert| {
        let here = query.repository.as_ref().is_none_or(|name| *name == alert.repository);
        here && query.state.is_none_or(|state| state == alert.state)
    });
    let body = bounded("alerts", rows, query.limit)?;
    Ok(answer(&known, &as_of, || json(&as_of, body)))
}

async fn models(State(state): State<ApiState>, known: Known, query: Asked<Plain>) -> Answered {
    wait_for(&state, asked(query)?.at_least).await?;
    let (as_of, rows) = state.view.models();
    Ok(answer(&known, &as_of, || json(&as_of, BTreeMap::from([("models", rows)]))))
}
