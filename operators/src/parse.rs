//! Parses every live content once: (content, language) -> facts, for as long as some record holds the content.
//!
//! Contents are never arranged. What is kept of one is its multiplicity and its facts, a pure function of the text, so
//! the last retraction of a content retracts the very facts its first insertion gave. A content that comes again, while
//! an earlier copy lives, is only counted.

use crate::Records;
use crate::syntax::{Measurer, SyntaxLimits, measure};
use differential_dataflow::{AsCollection, Hashable};
use driftline_schema::{BlobContent, BlobKey, FileFacts, FunctionFacts};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::Operator;

/// What was parsed; for people, never for an answer.
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
    /// About how much memory they take, in bytes.
    pub fn kept_bytes(&self) -> u64 {
        self.kept_bytes.load(Ordering::Relaxed)
    }
    fn keep(&self, facts: &FileFacts) {
        self.kept.fetch_add(1, Ordering::Relaxed);
        self.kept_bytes.fetch_add(bytes_of(facts), Ordering::Relaxed);
    }
    fn forget(&self, facts: &FileFacts) {
        self.kept.fetch_sub(1, Ordering::Relaxed);
        self.kept_bytes.fetch_sub(bytes_of(facts), Ordering::Relaxed);
    }
}

/// The record itself, its functions and their names.
fn bytes_of(facts: &FileFacts) -> u64 {
    let names = facts.functions.iter().map(|function| function.name.len() + function.qualified_name.len());
    let functions = facts.functions.len() * size_of::<FunctionFacts>() + names.sum::<usize>();
    (size_of::<FileFacts>() + functions) as u64
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

/// One content's live copies and facts.
struct Kept {
    copies: isize,
    facts: Option<Arc<FileFacts>>,
}

struct Parser {
    settings: ParseSettings,
    measurer: Measurer,
    kept: HashMap<BlobKey, Kept>,
}

type Fact = (BlobKey, Arc<FileFacts>);

impl Parser {
    /// Applies one time's changes of one content; gives how its facts differ.
    fn apply(&mut self, key: BlobKey, copies: isize, text: Option<&str>) -> Option<(Fact, isize)> {
        let kept = self.kept.entry(key).or_insert(Kept { copies: 0, facts: None });
        kept.copies += copies;
        let live = kept.copies > 0;
        match (&kept.facts, live) {
            (None, true) => {
                let facts = Arc::new(parse_one(&mut self.measurer, &self.settings, key, text?));
                kept.facts = Some(facts.clone());
                self.settings.stats.keep(&facts);
                Some(((key, facts), 1))
            }
            (Some(_), false) => {
                let facts = kept.facts.take().expect("just seen");
                self.settings.stats.forget(&facts);
                if kept.copies == 0 {
                    self.kept.remove(&key);
                }
                Some(((key, facts), -1))
            }
            (None, false) if kept.copies == 0 => {
                self.kept.remove(&key);
                None
            }
            _ => {
                self.settings.stats.reused.fetch_add(u64::from(copies > 0), Ordering::Relaxed);
                None
            }
        }
    }
}

fn parse_one(measurer: &mut Measurer, settings: &ParseSettings, key: BlobKey, text: &str) -> FileFacts {
    let start = (settings.cpu_clock)();
    let facts = measure(measurer, key.language, text, &settings.limits);
    let stats = &settings.stats;
    stats.cpu_ns.fetch_add((settings.cpu_clock)().saturating_sub(start), Ordering::Relaxed);
    stats.parsed.fetch_add(1, Ordering::Relaxed);
    stats.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
    facts
}

/// One content's changes within a time.
#[derive(Default)]
struct Pending {
    copies: isize,
    text: Option<Arc<str>>,
}

type Update<D> = (D, u64, isize);

/// Maintains the facts of every live content. Contents are spread over the workers by hash.
pub fn parse<'scope>(contents: Records<'scope, BlobContent>, settings: ParseSettings) -> Records<'scope, Fact> {
    let exchange = Exchange::new(|(content, _, _): &Update<BlobContent>| content.key.hashed());
    let mut parser = Parser { settings, measurer: Measurer::new(), kept: HashMap::new() };
    let mut waiting: BTreeMap<u64, (Capability<u64>, BTreeMap<BlobKey, Pending>)> = BTreeMap::new();
    contents
        .inner
        .unary_frontier::<CapacityContainerBuilder<Vec<Update<Fact>>>, _, _, _>(exchange, "Parse", move |_, _| {
            move |(input, frontier), output| {
                input.for_each_stamp(|capability, data| {
                    for (content, time, diff) in data.flat_map(|buffer| buffer.drain(..)) {
                        let (_, pending) = waiting.entry(time).or_insert_with(|| {
                            let mut held = capability.retain_least(0).expect("a message with records has a time");
                            held.downgrade(&time);
                            (held, BTreeMap::new())
                        });
                        let pending = pending.entry(content.key).or_default();
                        pending.copies += diff;
                        // One text is enough: all copies of a key have the same, which validation has checked.
                        pending.text = Some(content.text).filter(|_| diff > 0).or(pending.text.take());
                    }
                });
                while let Some(entry) = waiting.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (time, (held, pending)) = entry.remove_entry();
                    let mut session = output.session(&held);
                    for (key, pending) in pending {
                        if let Some((fact, diff)) = parser.apply(key, pending.copies, pending.text.as_deref()) {
                            session.give((fact, time, diff));
                        }
                    }
                }
            }
        })
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

    fn content(number: u8, copy: u8) -> (BlobContent, u8) {
        let language = if number.is_multiple_of(2) { Language::Python } else { Language::Go };
        let blob = BlobId::from_bytes(&[number; 20]).expect("20 bytes");
        let text = "def f(a):\n    return a or 1\n".repeat(usize::from(number)).into();
        (BlobContent { key: BlobKey { blob, language }, text }, copy)
    }

    fn batch(rows: &[(BlobContent, u8)]) -> Vec<Fact> {
        let mut distinct: Vec<&BlobContent> = rows.iter().map(|(content, _)| content).collect();
        distinct.sort();
        distinct.dedup();
        let facts = |content: &BlobContent| {
            measure(&mut Measurer::new(), content.key.language, &content.text, &SyntaxLimits::default())
        };
        distinct.into_iter().map(|content| (content.key, Arc::new(facts(content)))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn facts_live_as_long_as_any_copy_of_the_content(
            updates in updates((0..4u8, 0..3u8).prop_map(|(number, copy)| content(number, copy)), 40)
        ) {
            assert_matches_batch(&updates, |rows| parse(rows.map(|(content, _)| content), settings()), batch);
        }
    }

    #[test]
    fn a_content_that_comes_again_is_not_parsed_again() {
        let (settings, rows) = (settings(), [(content(3, 0).0, 1), (content(3, 1).0, 1), (content(4, 0).0, 1)]);
        let stats = settings.stats.clone();
        crate::testing::run(&rows, 2, 1, move |rows| parse(rows, settings.clone()));
        assert_eq!((stats.parsed(), stats.reused(), stats.kept()), (2, 1, 2));
    }
}
