//! Design patterns and anti-patterns as structural heuristics over classes, each with its clues and a confidence.
//!
//! A confidence is the sum of fixed weights of the clues found, in thousandths. The weights are chosen and not fitted:
//! they order findings and are no probability. What each pattern looks for stands in `docs/patterns.md`.

mod anti;
mod behaviour;
mod creation;
mod view;

use driftline_schema::Language;
use driftline_schema::facts::FileFacts;
use serde::Serialize;
use view::View;

/// Which pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PatternKind {
    /// A class with one instance, which it holds itself.
    Singleton,
    /// A function that makes one of several related classes.
    Factory,
    /// A class that collects parts in steps and makes a whole of them.
    Builder,
    /// A class that others register with and that tells them of events.
    Observer,
    /// A class that leaves part of its work to one of several related objects.
    Strategy,
    /// A class that wraps an object of its own kind and passes calls on.
    Decorator,
    /// An anti-pattern: constructors that differ by one more parameter each.
    TelescopingConstructor,
    /// An anti-pattern: a base class that makes its own subclasses.
    BaseKnowsSubclass,
}

impl PatternKind {
    /// All kinds, in the order of the enum.
    pub const ALL: [Self; 8] = [
        Self::Singleton,
        Self::Factory,
        Self::Builder,
        Self::Observer,
        Self::Strategy,
        Self::Decorator,
        Self::TelescopingConstructor,
        Self::BaseKnowsSubclass,
    ];

    /// The name in JSON and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Singleton => "singleton",
            Self::Factory => "factory",
            Self::Builder => "builder",
            Self::Observer => "observer",
            Self::Strategy => "strategy",
            Self::Decorator => "decorator",
            Self::TelescopingConstructor => "telescoping_constructor",
            Self::BaseKnowsSubclass => "base_knows_subclass",
        }
    }

    /// Whether it is better avoided.
    pub fn is_anti_pattern(self) -> bool {
        matches!(self, Self::TelescopingConstructor | Self::BaseKnowsSubclass)
    }
}

/// One thing that speaks for a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Clue {
    /// Where, from 1.
    pub line: u32,
    /// What.
    pub what: &'static str,
    /// What it adds to the confidence, in thousandths.
    pub weight: u32,
}

/// A pattern in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Pattern {
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, from 1, inclusive.
    pub end_line: u32,
    /// Which.
    pub kind: PatternKind,
    /// Qualified name of the class or function.
    pub place: Box<str>,
    /// How much speaks for it, in thousandths.
    pub confidence: u32,
    /// What speaks for it, in order of place.
    pub clues: Vec<Clue>,
}

impl Pattern {
    /// The pattern that these clues speak for.
    fn of(kind: PatternKind, place: &str, (start_line, end_line): (u32, u32), mut clues: Vec<Clue>) -> Self {
        clues.sort();
        let confidence = clues.iter().map(|clue| clue.weight).sum::<u32>().min(1000);
        Self { kind, start_line, end_line, place: place.into(), confidence, clues }
    }
}

/// The patterns of one file, in order of place.
pub fn patterns(facts: &FileFacts) -> Vec<Pattern> {
    // What a pattern looks like in the optional languages was never tried on cases.
    if facts.language > Language::Rust {
        return Vec::new();
    }
    let view = View::new(facts);
    let mut found = Vec::new();
    for (index, class) in facts.structure.classes.iter().enumerate() {
        let delegations = view.delegations(class);
        found.extend(creation::singleton(&view, class));
        found.extend(creation::builder(&view, class));
        found.extend(behaviour::observer(&view, class));
        found.extend(behaviour::strategy(&view, index, &delegations));
        found.extend(behaviour::decorator(&view, class, &delegations));
        found.extend(anti::telescoping_constructor(&view, class));
        found.extend(anti::base_knows_subclass(&view, class));
    }
    found.extend(creation::factories(&view));
    found.sort();
    found
}
