//! Smells of classes and of their methods' interest in other objects (Lanza and Marinescu, 2006).

use super::Relation::{AtMost, Below, Over};
use super::{Evidence, Ratio, Smell, SmellKind, Thresholds};
use driftline_schema::{ClassFacts, FunctionFacts, MethodFacts, NameHash};
use std::collections::BTreeSet;

/// Adds the smells of `class` and its methods.
pub(super) fn add(class: &ClassFacts, functions: &[FunctionFacts], thresholds: &Thresholds, found: &mut Vec<Smell>) {
    for method in &class.methods {
        let Some(function) = functions.get(method.function as usize) else { continue };
        let evidence = feature_envy(method, thresholds);
        found.extend(evidence.map(|evidence| Smell::of_function(SmellKind::FeatureEnvy, function, evidence)));
    }
}

/// A method that uses much foreign data of few objects and little of its own.
fn feature_envy(method: &MethodFacts, thresholds: &Thresholds) -> Option<Vec<Evidence>> {
    let foreign = method.foreign_fields.iter().collect::<BTreeSet<_>>().len() as u32;
    let objects = method.foreign_fields.iter().map(|(object, _)| *object).collect::<BTreeSet<NameHash>>().len() as u32;
    let own = method.own_fields.iter().collect::<BTreeSet<_>>().len() as u32;
    let share = Ratio::of(own, own.saturating_add(foreign))?;
    Some(vec![
        Evidence::if_holds("atfd", foreign, Over, thresholds.feature_envy_atfd)?,
        Evidence::if_holds("laa", share, Below, thresholds.feature_envy_laa)?,
        Evidence::if_holds("fdp", objects, AtMost, thresholds.feature_envy_fdp)?,
    ])
}
