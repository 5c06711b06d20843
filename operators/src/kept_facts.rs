//! The facts of one content as they are kept: packed, since a history has thousands of contents and needs few at a time.
//!
//! A content's facts are needed when it comes, when the next version of its file comes, and when one of the two is taken
//! back. In between they are bytes, a quarter of what the lists take. The facts used last are kept as they are besides, a
//! few megabytes on each thread, so that most uses unpack nothing. None of this can be seen from outside: order is that of
//! the bytes, which are a function of the facts, and what is exchanged or hashed is the facts themselves.

use bincode::Options as _;
use driftline_schema::FileFacts;
use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

/// Memory of the facts that a thread keeps unpacked, in bytes.
const WARM_BYTES: u64 = 4 << 20;

/// Facts of one content.
#[derive(Clone)]
pub struct KeptFacts(Arc<Inner>);

struct Inner {
    packed: Box<[u8]>,
    /// The facts, while some thread still keeps them.
    warm: Mutex<Weak<FileFacts>>,
}

/// The facts that a thread used last, oldest first.
#[derive(Default)]
struct Warm {
    facts: VecDeque<(Arc<FileFacts>, u64)>,
    bytes: u64,
}

thread_local! {
    static WARM: RefCell<Warm> = RefCell::default();
}

impl Warm {
    fn keep(&mut self, facts: Arc<FileFacts>) {
        let bytes = facts.memory_bytes();
        self.facts.push_back((facts, bytes));
        self.bytes += bytes;
        while self.bytes > WARM_BYTES
            && let Some((_, bytes)) = self.facts.pop_front()
        {
            self.bytes -= bytes;
        }
    }
}

/// Small numbers take one byte.
fn packing() -> impl bincode::Options {
    bincode::DefaultOptions::new().with_varint_encoding()
}

impl KeptFacts {
    /// Packs facts.
    pub fn of(facts: FileFacts) -> Self {
        let packed = packing().serialize(&facts).expect("facts are lists of integers and names");
        let facts = Arc::new(facts);
        let warm = Mutex::new(Arc::downgrade(&facts));
        WARM.with_borrow_mut(|kept| kept.keep(facts));
        Self(Arc::new(Inner { packed: packed.into(), warm }))
    }

    /// The facts.
    pub fn get(&self) -> Arc<FileFacts> {
        let mut warm = self.0.warm.lock();
        if let Some(facts) = warm.upgrade() {
            return facts;
        }
        let facts: FileFacts = packing().deserialize(&self.0.packed).expect("what was packed can be unpacked");
        let facts = Arc::new(facts);
        *warm = Arc::downgrade(&facts);
        WARM.with_borrow_mut(|kept| kept.keep(facts.clone()));
        facts
    }

    /// Memory it takes while packed, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        (size_of::<Inner>() + self.0.packed.len()) as u64
    }
}

impl PartialEq for KeptFacts {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.packed == other.0.packed
    }
}

impl Eq for KeptFacts {}

impl PartialOrd for KeptFacts {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KeptFacts {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.packed.cmp(&other.0.packed) }
    }
}

impl Hash for KeptFacts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.packed.hash(state);
    }
}

impl fmt::Debug for KeptFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl Serialize for KeptFacts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeptFacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FileFacts::deserialize(deserializer).map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Measurer, SyntaxLimits, measure};
    use driftline_schema::Language;

    fn facts(number: usize) -> FileFacts {
        let method = |index: usize| {
            format!("    def f{index}(self, a):\n        return self.g(a) if a > {number} else {index}\n")
        };
        let text = format!("import os\n\nclass C{number}(Base):\n{}", (0..40).map(method).collect::<String>());
        measure(&mut Measurer::new(), Language::Python, &text, &SyntaxLimits::default())
    }

    #[test]
    fn what_was_packed_comes_back_also_when_no_thread_keeps_it() {
        let kept: Vec<KeptFacts> = (0..600).map(|number| KeptFacts::of(facts(number))).collect();
        WARM.with_borrow(|warm| assert!(warm.bytes <= WARM_BYTES && warm.facts.len() < 600, "{}", warm.facts.len()));
        assert!(kept[0].0.warm.lock().upgrade().is_none(), "the first one is not kept any more");
        for (number, one) in kept.iter().enumerate() {
            assert_eq!(*one.get(), facts(number));
        }
        assert!(Arc::ptr_eq(&kept[599].get(), &kept[599].get()), "what is kept is not unpacked again");
        assert!(kept[0].memory_bytes() * 2 < facts(0).memory_bytes(), "{}", kept[0].memory_bytes());
    }

    #[test]
    fn hashed_and_sent_it_is_the_facts_themselves() {
        let (plain, kept) = (facts(1), KeptFacts::of(facts(1)));
        let bytes = bincode::serialize(&plain).expect("serializes");
        assert_eq!(bincode::serialize(&kept).expect("serializes"), bytes);
        assert_eq!(bincode::deserialize::<KeptFacts>(&bytes).expect("deserializes"), kept);
        assert_ne!(KeptFacts::of(facts(2)), kept);
    }
}
