//! The batch definition of drift: everything from scratch out of the sorted rows, with lists instead of counters.

use super::finding::{AlertFact, Evaluation, Statistic};
use super::hysteresis::{Resolution, drifts};
use super::statistics::{
    benjamini_hochberg, chi_square, jensen_shannon_distance, population_stability_index, to_fixed,
};
use super::{DriftConfig, DriftInput, RISK, Sample, Subject, samples};
use driftline_schema::{Alert, DriftRow, Fixed, Position, RepoId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A row of either output.
pub(super) type Output = (Option<DriftRow>, Option<Alert>);

/// What `drift` must give for the live `inputs`.
pub(super) fn batch(
    inputs: &[(RepoId, (Position, DriftInput))],
    config: &DriftConfig,
    names: &[&str],
    accumulates: fn(usize) -> bool,
) -> Vec<Output> {
    // Of two inputs that differ in the score alone, the features see one row.
    let mut repositories: BTreeMap<(RepoId, Subject), BTreeSet<(Position, Sample)>> = BTreeMap::new();
    for (repo, (position, input)) in inputs {
        for (subject, sample) in samples(input.clone()) {
            repositories.entry((*repo, subject)).or_default().insert((*position, sample));
        }
    }
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut outputs = Vec::new();
    for ((repo, subject), rows) in repositories {
        let names = owned(if subject == Subject::Risk { &[RISK] } else { names });
        let quiet = if subject == Subject::Risk { |_| false } else { accumulates };
        outputs.extend(series(repo, &rows.into_iter().collect::<Vec<_>>(), config, &names, quiet));
    }
    outputs
}

/// Deciles and closing edges by their definition, as a set.
fn edges(mut values: Vec<Fixed>) -> Vec<Fixed> {
    values.sort_unstable();
    let deciles: Vec<Fixed> = (1..10).map(|q| values[(q * values.len()).div_ceil(10) - 1]).collect();
    let closing = deciles.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| Fixed(pair[0].0 + 1));
    deciles.iter().copied().chain(closing).collect::<BTreeSet<_>>().into_iter().collect()
}

fn histogram(edges: &[Fixed], values: &[Fixed]) -> Vec<u64> {
    let below = |value: &Fixed| edges.iter().filter(|edge| *edge <= value).count();
    (0..=edges.len()).map(|bin| values.iter().filter(|value| below(value) == bin).count() as u64).collect()
}

/// One column's past: where its windows begin, its verdicts since the alert last turned, and its alerts.
struct Past {
    reference: Vec<Fixed>,
    start: usize,
    version: u32,
    verdicts: Vec<bool>,
    open: Option<AlertFact>,
    alerts: Vec<AlertFact>,
}

fn series(
    repo: RepoId,
    rows: &[(Position, Sample)],
    config: &DriftConfig,
    names: &[String],
    quiet: fn(usize) -> bool,
) -> Vec<Output> {
    let (first, window) = (config.reference_changes.get() as usize, config.window_changes.get() as usize);
    if rows.len() <= first {
        return Vec::new();
    }
    let values =
        |column: usize, from: usize, to: usize| rows[from..to].iter().map(|row| row.1.values[column]).collect();
    let past = |column| Past {
        reference: values(column, 0, first),
        start: first,
        version: 0,
        verdicts: Vec::new(),
        open: None,
        alerts: Vec::new(),
    };
    let mut columns: Vec<Past> = (0..names.len()).map(past).collect();
    let mut newest = None;
    for end in (first + 1..=rows.len()).filter(|end| end % config.every.get() as usize == 0) {
        let (position, sample) = &rows[end - 1];
        let current = |column: usize, past: &Past| values(column, past.start.max(end.saturating_sub(window)), end);
        let windows: Vec<Vec<Fixed>> = columns.iter().enumerate().map(|(i, past)| current(i, past)).collect();
        let statistics = evaluate(&columns, &windows, config, quiet);
        for statistic in &statistics {
            let i = statistic.column as usize;
            judge(&mut columns[i], statistic, (*position, sample), config, (&windows[i], end));
        }
        newest = Some(Evaluation {
            repository: sample.repository.clone(),
            position: *position,
            statistics: statistics.into(),
        });
    }
    let rows = newest.iter().flat_map(|evaluation| evaluation.rows(repo, names)).map(|row| (Some(row), None));
    let facts = columns.iter().flat_map(|past| past.alerts.iter().chain(&past.open));
    rows.chain(facts.map(|fact| (None, Some(fact.row(names))))).collect()
}

fn evaluate(
    columns: &[Past],
    windows: &[Vec<Fixed>],
    config: &DriftConfig,
    quiet: fn(usize) -> bool,
) -> Vec<Statistic> {
    let mut statistics = Vec::new();
    let mut p_values = Vec::new();
    for (i, (past, window)) in columns.iter().zip(windows).enumerate() {
        if past.reference.len() < config.sample_min as usize || window.len() < config.sample_min as usize {
            continue;
        }
        let edges = edges(past.reference.clone());
        let (reference, current) = (histogram(&edges, &past.reference), histogram(&edges, window));
        let test = chi_square(&reference, &current);
        p_values.push((test.freedom > 0 && !quiet(i)).then(|| test.p_value()));
        statistics.push(Statistic {
            column: i as u32,
            bins_version: past.version,
            reference_rows: past.reference.len() as u32,
            current_rows: window.len() as u32,
            psi: to_fixed(population_stability_index(&reference, &current)),
            chi_square: to_fixed(test.statistic),
            js_distance: to_fixed(jensen_shannon_distance(&reference, &current)),
            p_value: to_fixed(test.p_value()),
            p_adjusted: Fixed::from_int(1),
            drifting: false,
        });
    }
    let tested: Vec<f64> = p_values.iter().flatten().copied().collect();
    let mut adjusted = benjamini_hochberg(&tested).into_iter();
    for (statistic, _) in statistics.iter_mut().zip(&p_values).filter(|(_, p_value)| p_value.is_some()) {
        statistic.p_adjusted = to_fixed(adjusted.next().expect("one for each tested column"));
        statistic.drifting = drifts(statistic.psi, statistic.p_adjusted, config);
    }
    statistics
}

fn judge(
    past: &mut Past,
    statistic: &Statistic,
    (position, sample): (Position, &Sample),
    config: &DriftConfig,
    (window, end): (&[Fixed], usize),
) {
    past.verdicts.push(statistic.drifting);
    let last = |n: u32, verdict: bool| {
        past.verdicts.len() >= n as usize && past.verdicts.iter().rev().take(n as usize).all(|v| *v == verdict)
    };
    let Some(open) = &past.open else {
        if last(config.open_after.get(), true) {
            past.verdicts.clear();
            past.open = Some(AlertFact {
                repository: Arc::clone(&sample.repository),
                column: statistic.column,
                opened_at: position,
                opened_time: sample.time,
                psi: statistic.psi,
                p_adjusted: statistic.p_adjusted,
                end: None,
            });
        }
        return;
    };
    let resolution = if last(config.resolve_after.get(), false) {
        Resolution::Recovered
    } else if past.verdicts.len() >= config.adopt_after.get() as usize {
        past.reference = window.to_vec();
        past.start = end;
        past.version += 1;
        Resolution::Adopted
    } else {
        return;
    };
    past.alerts.push(AlertFact { end: Some((position, resolution)), ..open.clone() });
    past.open = None;
    past.verdicts.clear();
}
