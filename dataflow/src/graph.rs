//! The straight line: how an event becomes an answer, on one page.
//!
//! A stage is a verb from `operators`; no `if`, loop or arithmetic lives here. A new feature is a new line here and a new
//! file elsewhere.

use crate::clock::Clock;
use crate::outlets::Outlets;
use crate::plan::Plan;
use driftline_operators::coupling::coupling;
use driftline_operators::diffusion::diffusion;
use driftline_operators::drift::drift;
use driftline_operators::evidence::gather_evidence;
use driftline_operators::examples::examples;
use driftline_operators::features::{FEATURES, FEATURES_VERSION, accumulates, is_size};
use driftline_operators::history::history;
use driftline_operators::labels::labels;
use driftline_operators::live::{erased_authors, live, withdrawn_commits};
use driftline_operators::models::{answer, answer_parts, lessons, observe, percentile, score, train};
use driftline_operators::origins::trace_fixes;
use driftline_operators::parse::parse;
use driftline_operators::purpose::purpose;
use driftline_operators::referenced::referenced;
use driftline_operators::size::size;
use driftline_operators::split::{split_changes, split_repositories};
use driftline_operators::syntax_delta::syntax_delta;
use driftline_operators::ticks::ticks;
use driftline_operators::validate::route;
use driftline_operators::vectors::vectorize;
use driftline_operators::waiting::wait;
use timely::dataflow::Scope;

/// Builds the dataflow of one worker.
pub fn build(scope: Scope<'_, u64>, clock: &Clock, plan: &Plan, out: &Outlets) {
    let input = route(out.raw(clock.records(scope)), plan.limits.clone());
    out.accepted(&input.changes);
    out.ahead_of_clock(&input.changes);
    out.accepted(&input.votes);
    out.accepted(&input.branches);
    out.accepted(&input.controls);
    out.standing(&input.changes, &input.rejects, &input.branches);
    let split = split_repositories(input.changes.clone(), input.votes.clone(), input.branches.clone());
    let withdrawn = withdrawn_commits(input.branches.clone());
    let changes = live(input.changes, withdrawn, erased_authors(input.controls.clone()));
    let facts = referenced(parse(input.contents, plan.parse.clone()), changes.clone());

    let syntax = syntax_delta(changes.clone(), facts.clone());
    let vectors = vectorize([
        size(changes.clone()),
        diffusion(changes.clone()),
        purpose(changes.clone()),
        history(changes.clone()),
        syntax.parts,
        coupling(changes.clone(), facts.clone()),
    ]);

    let ticks = ticks(input.controls.clone(), input.votes.clone());
    let waiting = wait(changes.clone(), ticks, plan.waiting_s);
    let fixes = trace_fixes(changes.clone(), plan.origins.clone());
    let found = gather_evidence(changes.clone(), fixes, facts.clone(), input.votes);
    let evidence = found.evidence.concat(waiting.evidence);
    let labels = labels(evidence.clone());
    let examples = examples(labels.clone(), vectors.clone(), changes.clone());

    let lessons = lessons(examples.clone(), changes.clone(), split.clone());
    train(lessons, input.controls.clone(), plan.shelf.clone(), plan.train);
    let scores = score(vectors.clone(), input.controls.clone(), plan.shelf.clone(), is_size);
    let ranks = percentile(scores.clone());
    let parts = answer_parts(
        changes.clone(),
        scores.clone(),
        ranks,
        syntax.places,
        split_changes(changes.clone(), split.clone()),
    );
    let predictions = answer(parts, FEATURES, FEATURES_VERSION);
    let watched = observe(vectors.clone(), scores, changes.clone());
    let (drift, alerts) = drift(watched, plan.drift, &plan.feature_names, accumulates);

    out.split(&split);
    out.changes(&changes);
    out.facts(&facts);
    out.vectors(&vectors);
    out.evidence(&evidence);
    out.unresolved(&found.unresolved);
    out.labels(&labels);
    out.examples(&examples);
    out.predictions(&predictions);
    out.drift(&drift);
    out.alerts(&alerts);
    out.controls(&input.controls);
    out.rejects(&input.rejects);
    out.clock(&waiting.clock);
    out.unknown_fields(&input.unknown_fields);
}
