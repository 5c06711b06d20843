//! Whether each repository that is followed can be.

use super::labels::{Exact, Slots};
use super::{Maker, REPOSITORIES_MAX};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Shows which repositories are up. Cloning gives the same metric.
#[derive(Clone)]
pub struct RepositoryMetrics(Arc<Mutex<(Slots, Exact<1>)>>);

impl RepositoryMetrics {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let help = "Whether new commits of a repository arrive (1) or it is missing or unreadable (0); repositories \
                    beyond 50 share `other` (the smallest value).";
        let family = make.float_gauges("driftline_repository_up", help, &["repository"]);
        Self(Arc::new(Mutex::new((Slots::new(REPOSITORIES_MAX), Exact::new(family)))))
    }

    /// Every repository that is followed, and whether it can be.
    pub fn show<'a>(&self, states: impl IntoIterator<Item = (&'a str, bool)>) {
        let states: BTreeMap<&str, bool> = states.into_iter().collect();
        let (slots, family) = &mut *self.0.lock();
        slots.keep(&states.keys().copied().collect::<BTreeSet<_>>());
        let mut values = BTreeMap::new();
        for (name, up) in states {
            let up = f64::from(u8::from(up));
            let shown: &mut f64 = values.entry([slots.label(name).to_owned()]).or_insert(up);
            *shown = shown.min(up);
        }
        family.show(values);
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::Metrics;

    #[test]
    fn those_without_a_label_of_their_own_are_up_when_all_are() {
        let metrics = Metrics::new();
        let names: Vec<String> = (0..60).map(|number| format!("r{number:02}")).collect();
        let text = |down: &str| {
            metrics.repositories.show(names.iter().map(|name| (name.as_str(), name != down)));
            String::from_utf8(metrics.text()).expect("text")
        };
        let other = text("r07");
        assert!(other.contains("driftline_repository_up{repository=\"r07\"} 0"), "{other}");
        assert!(other.contains("driftline_repository_up{repository=\"other\"} 1"), "{other}");
        let other = text("r55");
        assert!(other.contains("driftline_repository_up{repository=\"r07\"} 1"), "{other}");
        assert!(other.contains("driftline_repository_up{repository=\"other\"} 0"), "{other}");
    }
}
