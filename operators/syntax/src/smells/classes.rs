//! Smells of classes and of their methods' interest in other objects (Lanza and Marinescu, 2006).

use super::Relation::{AtLeast, AtMost, Below, Over};
use super::{Evidence, Ratio, Smell, SmellKind, Thresholds};
use crate::{ClassMetrics, class_metrics, method_metrics};
use driftline_schema::{ClassFacts, ClassKind, FunctionFacts, MethodFacts};

/// Adds the smells of `class` and its methods.
pub(super) fn add(class: &ClassFacts, functions: &[FunctionFacts], thresholds: &Thresholds, found: &mut Vec<Smell>) {
    let metrics = class_metrics(class, functions);
    let god = god_class(&metrics, thresholds);
    found.extend(god.map(|evidence| Smell::of_class(SmellKind::GodClass, class, evidence)));
    let data = data_class(class, &metrics, thresholds);
    found.extend(data.map(|evidence| Smell::of_class(SmellKind::DataClass, class, evidence)));
    for method in &class.methods {
        let Some(function) = functions.get(method.function as usize) else { continue };
        let evidence = feature_envy(method, thresholds);
        found.extend(evidence.map(|evidence| Smell::of_function(SmellKind::FeatureEnvy, function, evidence)));
    }
}

fn ratio(pair: Option<(u32, u32)>) -> Option<Ratio> {
    pair.and_then(|(part, whole)| Ratio::of(part, whole))
}

/// A class that does much, with little cohesion, on the data of others.
fn god_class(metrics: &ClassMetrics, thresholds: &Thresholds) -> Option<Vec<Evidence>> {
    Some(vec![
        Evidence::if_holds("wmc", metrics.wmc, AtLeast, thresholds.god_class_wmc)?,
        Evidence::if_holds("tcc", ratio(metrics.tcc)?, Below, thresholds.god_class_tcc)?,
        Evidence::if_holds("atfd", metrics.atfd, Over, thresholds.god_class_atfd)?,
    ])
}

/// A class whose public members are data.
fn data_class(class: &ClassFacts, metrics: &ClassMetrics, thresholds: &Thresholds) -> Option<Vec<Evidence>> {
    let is_record = class.kind == ClassKind::Struct && class.methods.is_empty();
    if is_record || !matches!(class.kind, ClassKind::Class | ClassKind::Struct) {
        return None;
    }
    let accessors = class.methods.iter().filter(|method| method.public && method.accessor).count() as u32;
    // Constants and settings of the class itself are no data that an instance hands out.
    let fields = class.fields.iter().filter(|field| field.public && !field.shared).count() as u32;
    let members = fields.saturating_add(accessors);
    Some(vec![
        Evidence::if_holds("woc", ratio(metrics.woc)?, Below, thresholds.data_class_woc)?,
        Evidence::if_holds("data_members", members, AtLeast, thresholds.data_class_members)?,
    ])
}

/// A method that uses much foreign data of few objects and little of its own.
fn feature_envy(method: &MethodFacts, thresholds: &Thresholds) -> Option<Vec<Evidence>> {
    let metrics = method_metrics(method);
    Some(vec![
        Evidence::if_holds("atfd", metrics.atfd, Over, thresholds.feature_envy_atfd)?,
        Evidence::if_holds("laa", ratio(metrics.laa)?, Below, thresholds.feature_envy_laa)?,
        Evidence::if_holds("fdp", metrics.fdp, AtMost, thresholds.feature_envy_fdp)?,
    ])
}
