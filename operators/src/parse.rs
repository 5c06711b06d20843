//! The facts of every live content: each is parsed when it first appears and kept as integers while it lives.
//!
//! Contents are never arranged. A text is parsed as soon as it arrives and dropped; what is kept per content is how often
//! it is live, the facts, and how many closed-over times still wait for it. So a file that comes back unchanged, in
//! another change, another path or another repository, costs a look-up, and retracting its last use takes its facts back.

use crate::Records;
use crate::kept_facts::KeptFacts;
use crate::syntax::{Measurer, SyntaxLimits, measure};
use differential_dataflow::{AsCollection, Hashable};
use driftline_schema::{BlobContent, BlobKey};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::Operator;

/// Facts of a content.
type Fact = (BlobKey, KeptFacts);
type Update<D> = (D, u64, isize);

/// What was parsed, over all workers; for people, never for an answer.
#[derive(Debug, Default)]
pub struct ParseStats {
    parsed: AtomicU64,
    reused: AtomicU64,
    bytes: AtomicU64,
    cpu_ns: AtomicU64,
    kept: AtomicU64,
    kept_bytes: AtomicU64,
}

impl ParseStats {
    /// Contents parsed.
    pub fn parsed(&self) -> u64 {
        self.parsed.load(Ordering::Relaxed)
    }
    /// Contents that came again and were not parsed again.
    pub fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }
    /// Bytes parsed.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
    /// CPU nanoseconds of parsing and measuring, if a clock was given.
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Ordering::Relaxed)
    }
    /// Contents whose facts are kept now.
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }
    /// About how much memory these take, in bytes.
    pub fn kept_bytes(&self) -> u64 {
        self.kept_bytes.load(Ordering::Relaxed)
    }
    fn keep(&self, facts: &KeptFacts) {
        self.kept.fetch_add(1, Ordering::Relaxed);
        self.kept_bytes.fetch_add(facts.memory_bytes(), Ordering::Relaxed);
    }
    fn forget(&self, facts: &KeptFacts) {
        self.kept.fetch_sub(1, Ordering::Relaxed);
        self.kept_bytes.fetch_sub(facts.memory_bytes(), Ordering::Relaxed);
    }
}

/// How parsing is bounded and observed.
#[derive(Clone)]
pub struct ParseSettings {
    /// What one parse may cost.
    pub limits: SyntaxLimits,
    /// Where counts go.
    pub stats: Arc<ParseStats>,
    /// CPU nanoseconds of the calling thread; operators read no clock of their own, and no answer depends on this one.
    pub cpu_clock: fn() -> u64,
}

/// What is known of one content.
#[derive(Default)]
struct Blob {
    /// How often it is live at the times that are closed.
    count: isize,
    /// Open times that change it.
    waiting: u32,
    /// Known since its first insertion.
    facts: Option<KeptFacts>,
}

/// The contents one worker keeps.
struct Blobs {
    blobs: HashMap<BlobKey, Blob>,
    open: BTreeMap<u64, BTreeMap<BlobKey, isize>>,
    measurer: Measurer,
    settings: ParseSettings,
}

impl Blobs {
    fn new(settings: ParseSettings) -> Self {
        Self { blobs: HashMap::new(), open: BTreeMap::new(), measurer: Measurer::new(), settings }
    }

    /// Takes an update in, whose time is still open; parses the text if its facts are not known.
    fn arrive(&mut self, content: &BlobContent, time: u64, diff: isize) {
        let blob = self.blobs.entry(content.key).or_default();
        let changes = self.open.entry(time).or_default();
        if !changes.contains_key(&content.key) {
            blob.waiting += 1;
        }
        *changes.entry(content.key).or_insert(0) += diff;
        if diff > 0 && blob.facts.is_none() {
            blob.facts = Some(measure_counted(&mut self.measurer, &self.settings, content));
        } else if diff > 0 {
            self.settings.stats.reused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Closes the earliest open time, which is `time`, and returns how the facts of live contents differ from before.
    fn close(&mut self, time: u64) -> Vec<(Fact, isize)> {
        let mut rows = Vec::new();
        for (key, diff) in self.open.remove(&time).unwrap_or_default() {
            let Some(blob) = self.blobs.get_mut(&key) else { continue };
            let was_live = blob.count > 0;
            blob.count += diff;
            blob.waiting -= 1;
            let change = isize::from(blob.count > 0) - isize::from(was_live);
            if let Some(facts) = blob.facts.as_ref().filter(|_| change != 0) {
                rows.push(((key, facts.clone()), change));
            }
            if blob.count > 0 || blob.waiting > 0 {
                continue;
            }
            if let Some(facts) = blob.facts.take() {
                self.settings.stats.forget(&facts);
            }
            // Below zero a retraction has come ahead of its insertion: the count is owed, the facts are not.
            if blob.count == 0 {
                self.blobs.remove(&key);
            }
        }
        rows
    }
}

/// Measures a content, and what that costs.
fn measure_counted(measurer: &mut Measurer, settings: &ParseSettings, content: &BlobContent) -> KeptFacts {
    let start = (settings.cpu_clock)();
    let facts = KeptFacts::of(measure(measurer, content.key.language, &content.text, &settings.limits));
    let stats = &settings.stats;
    stats.cpu_ns.fetch_add((settings.cpu_clock)().saturating_sub(start), Ordering::Relaxed);
    stats.parsed.fetch_add(1, Ordering::Relaxed);
    stats.bytes.fetch_add(content.text.len() as u64, Ordering::Relaxed);
    stats.keep(&facts);
    facts
}

/// Maintains the facts of every live content; a content that is live several times has them once.
pub fn parse<'scope>(contents: Records<'scope, BlobContent>, settings: ParseSettings) -> Records<'scope, Fact> {
    // By content and not by repository, so that one busy repository is parsed by all workers.
    let exchange = Exchange::new(|(content, _, _): &Update<BlobContent>| content.key.hashed());
    let mut blobs = Blobs::new(settings);
    let mut held: BTreeMap<u64, Capability<u64>> = BTreeMap::new();
    contents
        .inner
        .unary_frontier::<CapacityContainerBuilder<Vec<Update<Fact>>>, _, _, _>(
            exchange,
            "parse",
            move |_capability, _info| {
                move |(input, frontier), output| {
                    input.for_each_stamp(|capability, data| {
                        for (content, time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                            held.entry(time).or_insert_with(|| {
                                let mut own = capability.retain_least(0).expect("a message with records has a time");
                                own.downgrade(&time);
                                own
                            });
                            blobs.arrive(&content, time, diff);
                        }
                    });
                    while let Some(entry) = held.first_entry() {
                        if frontier.less_equal(entry.key()) {
                            break;
                        }
                        let (time, capability) = entry.remove_entry();
                        let rows = blobs.close(time);
                        if !rows.is_empty() {
                            let mut session = output.session(&capability);
                            rows.into_iter().for_each(|(row, diff)| session.give((row, time, diff)));
                        }
                    }
                }
            },
        )
        .as_collection()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_matches_batch, updates};
    use driftline_schema::{BlobId, Language};
    use proptest::prelude::*;

    fn settings() -> ParseSettings {
        ParseSettings { limits: SyntaxLimits::default(), stats: Arc::default(), cpu_clock: || 0 }
    }

    /// The content with this number; several have one text, and two languages share a blob.
    fn content(number: u8) -> BlobContent {
        let language = [Language::Python, Language::C][usize::from(number % 2)];
        let blob = BlobId::from_bytes(&[number / 2; 20]).expect("twenty bytes");
        let text = format!("int f{0}(int a) {{ return a ? {0} : 2; }}\n", number / 4).into();
        BlobContent { key: BlobKey { blob, language }, text }
    }

    /// Uses of contents, several of one.
    fn facts_of_uses<'scope>(uses: Records<'scope, (u8, u8)>) -> Records<'scope, Fact> {
        parse(uses.map(|(_, number)| content(number)), settings())
    }

    /// The definition: measure every distinct content from scratch.
    fn batch(uses: &[(u8, u8)]) -> Vec<Fact> {
        let live: BTreeMap<BlobKey, BlobContent> =
            uses.iter().map(|(_, number)| content(*number)).map(|content| (content.key, content)).collect();
        let facts = |content: BlobContent| {
            measure(&mut Measurer::new(), content.key.language, &content.text, &SyntaxLimits::default())
        };
        live.into_iter().map(|(key, content)| (key, KeptFacts::of(facts(content)))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn equals_measuring_every_live_content_at_every_time(updates in updates((0..4u8, 0..8u8), 40)) {
            assert_matches_batch(&updates, facts_of_uses, batch);
        }
    }

    fn counts(stats: &ParseStats) -> (u64, u64, u64) {
        (stats.parsed(), stats.reused(), stats.kept())
    }

    #[test]
    fn a_content_is_parsed_once_while_it_lives() {
        let mut blobs = Blobs::new(settings());
        let stats = blobs.settings.stats.clone();
        let one = content(1);
        blobs.arrive(&one, 1, 1);
        assert_eq!(blobs.close(1).len(), 1);
        blobs.arrive(&one, 2, 1);
        assert!(blobs.close(2).is_empty(), "a second use has the same facts");
        assert_eq!((counts(&stats), stats.bytes()), ((1, 1, 1), one.text.len() as u64));
        blobs.arrive(&one, 3, -2);
        assert_eq!(blobs.close(3).iter().map(|(_, diff)| diff).sum::<isize>(), -1);
        assert!(blobs.blobs.is_empty() && blobs.open.is_empty(), "nothing is left of a retracted content");
        assert_eq!((stats.kept(), stats.kept_bytes()), (0, 0));
    }

    #[test]
    fn what_comes_and_goes_within_a_time_is_never_seen() {
        for order in [[1, -1], [-1, 1]] {
            let mut blobs = Blobs::new(settings());
            order.into_iter().for_each(|diff| blobs.arrive(&content(1), 5, diff));
            assert!(blobs.close(5).is_empty());
            assert!(blobs.blobs.is_empty());
        }
    }

    #[test]
    fn a_content_that_returns_while_its_retraction_waits_is_not_parsed_again() {
        let mut blobs = Blobs::new(settings());
        let stats = blobs.settings.stats.clone();
        blobs.arrive(&content(1), 1, 1);
        blobs.arrive(&content(1), 2, -1);
        blobs.arrive(&content(1), 3, 1);
        let changes: Vec<isize> = (1..4).flat_map(|time| blobs.close(time)).map(|(_, diff)| diff).collect();
        assert_eq!(changes, [1, -1, 1]);
        assert_eq!(counts(&stats), (1, 1, 1));
    }
}
