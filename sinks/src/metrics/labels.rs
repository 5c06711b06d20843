//! Keeping label sets few, and removing those whose subject is gone.

use prometheus::GaugeVec;
use std::collections::{BTreeMap, BTreeSet};

/// A partition as a label; those beyond 64 share one.
pub(super) fn partition(partition: u32) -> String {
    if partition < 64 { partition.to_string() } else { "other".to_owned() }
}

/// Gives at most `max` names a label of their own. A name keeps its place as long as it is in use.
pub(super) struct Slots {
    max: usize,
    taken: BTreeSet<String>,
}

impl Slots {
    pub(super) fn new(max: usize) -> Self {
        Self { max, taken: BTreeSet::new() }
    }
    /// Forgets names that are no longer in use and lets new ones in, in the order of the alphabet.
    pub(super) fn keep(&mut self, used: &BTreeSet<&str>) {
        self.taken.retain(|name| used.contains(name.as_str()));
        for name in used {
            if self.taken.len() == self.max {
                break;
            }
            self.taken.insert((*name).to_owned());
        }
    }
    /// The label of `name`.
    pub(super) fn label<'a>(&self, name: &'a str) -> &'a str {
        if self.taken.contains(name) { name } else { "other" }
    }
}

/// A family of gauges of which exactly the given label sets exist.
pub(super) struct Exact<const N: usize> {
    family: GaugeVec,
    shown: BTreeSet<[String; N]>,
}

impl<const N: usize> Exact<N> {
    pub(super) fn new(family: GaugeVec) -> Self {
        Self { family, shown: BTreeSet::new() }
    }
    /// Sets these values and removes every other label set. A scrape in between sees old or new values, never a gap.
    pub(super) fn show(&mut self, values: BTreeMap<[String; N], f64>) {
        for (labels, value) in &values {
            self.family.with_label_values(&labels.each_ref().map(String::as_str)).set(*value);
        }
        for gone in self.shown.iter().filter(|labels| !values.contains_key(*labels)) {
            // The set was made by this object, so it is there.
            let _ = self.family.remove_label_values(&gone.each_ref().map(String::as_str));
        }
        self.shown = values.into_keys().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_slot_until_it_is_gone() {
        let mut slots = Slots::new(2);
        slots.keep(&BTreeSet::from(["b", "c"]));
        slots.keep(&BTreeSet::from(["a", "b", "c"]));
        assert_eq!(["a", "b", "c"].map(|name| slots.label(name)), ["other", "b", "c"]);
        slots.keep(&BTreeSet::from(["a", "c"]));
        assert_eq!(["a", "b", "c"].map(|name| slots.label(name)), ["a", "other", "c"]);
    }
}
