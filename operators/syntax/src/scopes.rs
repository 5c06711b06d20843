//! Qualified names: what encloses a function, and one name for each.
//!
//! Inner functions repeat the names around them, so a qualified name is cut in front: its cost stays linear in the file.

use std::collections::HashMap;

/// Longer qualified names lose their outermost parts.
const QUALIFIED_BYTES_MAX: usize = 512;

/// A class, module or function that is open.
struct Scope {
    name: Box<str>,
    /// Index of the class it is, if it is one.
    class: Option<u32>,
}

/// The open scopes and the names given so far.
#[derive(Default)]
pub(super) struct Scopes {
    open: Vec<Scope>,
    given: HashMap<Box<str>, u32>,
}

impl Scopes {
    /// Opens a scope.
    pub(super) fn enter(&mut self, name: Box<str>, class: Option<u32>) {
        self.open.push(Scope { name, class });
    }

    /// Closes the innermost scope.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// The name of the innermost scope if it is a class.
    pub(super) fn class(&self) -> Option<&str> {
        self.open.last().filter(|scope| scope.class.is_some()).map(|scope| &*scope.name)
    }

    /// Index of the innermost scope's class if it is one.
    pub(super) fn class_index(&self) -> Option<u32> {
        self.open.last().and_then(|scope| scope.class)
    }

    /// Index of the class around the innermost scope, where that is a function.
    pub(super) fn outer_class_index(&self) -> Option<u32> {
        self.open.len().checked_sub(2).and_then(|outer| self.open[outer].class)
    }

    /// The names of the open scopes and `name`, joined.
    pub(super) fn path(&self, name: &str) -> Box<str> {
        self.join(None, name).into()
    }

    /// The qualified name of `name` (with the class it names itself) here; no two are equal.
    pub(super) fn qualify(&mut self, class: Option<&str>, name: &str) -> Box<str> {
        let path = self.join(class, name);
        self.unique(path)
    }

    /// Takes back a qualified name that was given last.
    pub(super) fn take_back(&mut self, qualified_name: &str) {
        self.given.remove(qualified_name);
        let numbered =
            qualified_name.rsplit_once('#').and_then(|(name, number)| Some((name, number.parse::<u32>().ok()?)));
        if let Some((name, number)) = numbered
            && let Some(count) = self.given.get_mut(name).filter(|count| **count == number)
        {
            *count -= 1;
        }
    }

    fn join(&self, class: Option<&str>, name: &str) -> String {
        let mut length = name.len() + class.map_or(0, |class| class.len() + 2);
        let mut first = self.open.len();
        while let Some(scope) = first.checked_sub(1).map(|index| &self.open[index]) {
            length += scope.name.len() + 2;
            if length > QUALIFIED_BYTES_MAX {
                break;
            }
            first -= 1;
        }
        let mut path = String::with_capacity(length);
        for outer in self.open[first..].iter().map(|scope| &*scope.name).chain(class) {
            path.push_str(outer);
            path.push_str("::");
        }
        path.push_str(name);
        path
    }

    /// `name`, or with `#2`, `#3` when it was given before.
    fn unique(&mut self, name: String) -> Box<str> {
        if !self.given.contains_key(name.as_str()) {
            return self.give(name);
        }
        loop {
            // Counted per name, so that a thousand equal names do not try a thousand numbers each.
            let count = self.given.entry(name.as_str().into()).or_insert(1);
            *count += 1;
            let candidate = format!("{name}#{count}");
            if !self.given.contains_key(candidate.as_str()) {
                return self.give(candidate);
            }
        }
    }

    fn give(&mut self, name: String) -> Box<str> {
        let name = name.into_boxed_str();
        self.given.insert(name.clone(), 1);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_and_never_repeated() {
        let mut scopes = Scopes::default();
        scopes.enter("A".into(), Some(0));
        assert_eq!(scopes.class(), Some("A"));
        assert_eq!(&*scopes.qualify(None, "m"), "A::m");
        assert_eq!(&*scopes.qualify(None, "m#2"), "A::m#2");
        assert_eq!(&*scopes.qualify(None, "m"), "A::m#3");
        assert_eq!(&*scopes.qualify(Some("B"), "m"), "A::B::m");
        scopes.take_back("A::m#3");
        assert_eq!(&*scopes.qualify(None, "m"), "A::m#3");
        scopes.leave();
        assert_eq!(scopes.class(), None);
        assert_eq!(&*scopes.qualify(None, "m"), "m");
    }

    #[test]
    fn a_long_qualified_name_keeps_its_inner_end() {
        let mut scopes = Scopes::default();
        for depth in 0..10_000 {
            scopes.enter(format!("scope{depth}").into(), None);
        }
        let name = scopes.qualify(None, "inner");
        assert!(name.len() <= QUALIFIED_BYTES_MAX && name.ends_with("scope9999::inner"), "{name}");
    }
}
