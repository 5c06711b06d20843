//! Java, Kotlin and Scala: qualified names, found by the end of the path.
//!
//! Kotlin and Scala put what they like into a file of any name, so a file is also found by what it defines outside of all
//! classes. A package that the folders do not spell out is not known. What stands in a package of the repository and was
//! not found (a property, a file that no parse has seen) is no import from outside.

use super::{Family, Target, Want, external, hashes, wanting};
use driftline_schema::NameHash;

fn is_class(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// The name itself, then the classes around it, innermost first.
fn with_outer_classes(parts: &[&str]) -> Vec<Target> {
    let segments = hashes(parts);
    let mut end = parts.len();
    let mut first_of = vec![Target::Near(Family::Jvm.suffix(&segments))];
    while end > 1 && is_class(parts[end - 2]) {
        end -= 1;
        first_of.push(Target::Near(Family::Jvm.suffix(&segments[..end])));
    }
    first_of
}

/// Qualified names; what follows a class is a nested class or a static member. `None` for a whole package, which names
/// no file.
pub(in super::super) fn java(text: &str) -> Option<Want> {
    let text = text.strip_prefix("static ").unwrap_or(text).trim();
    let mut parts: Vec<&str> = text.split('.').map(str::trim).collect();
    let whole = parts.pop_if(|last| *last == "*").is_some();
    if whole && !parts.last().is_some_and(|last| is_class(last)) {
        return None;
    }
    Some(wanting(with_outer_classes(&parts), false))
}

/// The parts of a qualified name; `None` for what comes with the languages: source folders bear their names, so that
/// `scala.util` would be found in `src/main/scala/util`.
fn parts(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> =
        text.split('.').map(|part| part.trim_matches('`')).filter(|part| *part != "_root_").collect();
    let is_standard = matches!(parts.first(), None | Some(&("java" | "kotlin" | "scala")));
    (!is_standard).then_some(parts)
}

/// The key of the package that holds `parts`, all that stands before the first class or the last name.
fn package(parts: &[&str]) -> Option<u64> {
    let end = parts.iter().position(|part| is_class(part)).unwrap_or(parts.len() - 1);
    (end > 0).then(|| Family::Jvm.suffix(&hashes(&parts[..end])))
}

/// Qualified names of classes, functions and members of objects; a whole package is written as the package alone.
pub(in super::super) fn kotlin(text: &str) -> Want {
    let Some(parts) = parts(text) else { return external() };
    let package_itself = Family::Jvm.suffix(&hashes(&parts));
    Want { package: Some(package_itself), within: package(&parts), ..wanting(with_outer_classes(&parts), false) }
}

/// As Kotlin's, with names taken from a package, which are files or stand in one, or from an object, which is a file.
pub(in super::super) fn scala(text: &str, names: &[NameHash]) -> Want {
    if names.is_empty() {
        return kotlin(text);
    }
    let Some(parts) = parts(text) else { return external() };
    let mut segments = hashes(&parts);
    let objects = parts.iter().position(|part| is_class(part));
    let within = Family::Jvm.suffix(&segments[..objects.unwrap_or(segments.len())]);
    let first_of = objects.map(|_| with_outer_classes(&parts)).unwrap_or_default();
    let names = names.iter().map(|name| {
        segments.push(*name);
        let found = Target::Near(Family::Jvm.suffix(&segments));
        segments.pop();
        found
    });
    Want { names: names.collect(), within: (objects != Some(0)).then_some(within), ..wanting(first_of, false) }
}
