//! Smells of one function: length, parameters, nesting, complexity.

use super::Relation::Over;
use super::{Evidence, Smell, SmellKind, Thresholds};
use driftline_schema::FunctionFacts;

/// Adds the smells of `function`.
pub(super) fn add(function: &FunctionFacts, thresholds: &Thresholds, found: &mut Vec<Smell>) {
    let metrics = &function.metrics;
    let limits = [
        (SmellKind::LongMethod, "ploc", metrics.ploc, thresholds.long_method_ploc),
        (SmellKind::LongParameterList, "params", metrics.params, thresholds.long_parameter_list_params),
        (SmellKind::DeepNesting, "nesting", metrics.nesting, thresholds.deep_nesting_levels),
    ];
    for (kind, measure, value, threshold) in limits {
        let evidence = Evidence::if_holds(measure, value, Over, threshold);
        found.extend(evidence.map(|evidence| Smell::of_function(kind, function, vec![evidence])));
    }
    let complex: Vec<Evidence> = [
        Evidence::if_holds("cyclomatic", metrics.cyclomatic, Over, thresholds.complex_method_cyclomatic),
        Evidence::if_holds("cognitive", metrics.cognitive, Over, thresholds.complex_method_cognitive),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !complex.is_empty() {
        found.push(Smell::of_function(SmellKind::ComplexMethod, function, complex));
    }
}
