//! Recursion where functions of one name are told apart by their parameters.
//!
//! Only the whole file says whether another function of the name takes as many arguments: then a call of that many may mean
//! the other, as an overload that casts its argument and hands it on does, and counts nothing. So what such a call adds is
//! added at the end, to the function and to all that enclose it.

use super::{NOWHERE, Pass};
use std::collections::HashMap;

/// What is known of recursion until the file ends.
#[derive(Default)]
pub(super) struct Recursion {
    /// The function around each, by index.
    around: Vec<u32>,
    /// Functions that call one of their name with as many arguments as they take.
    seeming: Vec<usize>,
}

impl Pass<'_, '_> {
    /// Notes the function around the one that is opened next.
    pub(super) fn note_around(&mut self) {
        if self.reader.table.traits.overloads {
            self.recursion.around.push(self.space.function.map_or(NOWHERE, |index| index as u32));
        }
    }

    /// Forgets the function that was opened last.
    pub(super) fn forget_around(&mut self) {
        if self.reader.table.traits.overloads {
            self.recursion.around.pop();
        }
    }

    /// Notes that the nearest named function calls itself, as far as the call tells.
    pub(super) fn calls_itself(&mut self) {
        let overloads = self.reader.table.traits.overloads;
        let Some(function) = self.named_function().filter(|function| !function.recursive) else { return };
        if !overloads {
            function.recursive = true;
        } else if let Some(index) = function.function {
            self.recursion.seeming.push(index);
        }
    }

    /// Counts the recursion that needed the whole file.
    pub(super) fn count_recursion(&mut self) {
        if self.recursion.seeming.is_empty() {
            return;
        }
        let functions = &mut self.found.functions;
        let mut takers = HashMap::new();
        for function in functions.iter() {
            *takers.entry((plain(&function.qualified_name), function.metrics.params)).or_insert(0u32) += 1;
        }
        let mut added = vec![0u32; functions.len()];
        for index in &self.recursion.seeming {
            let function = &functions[*index];
            added[*index] = u32::from(takers[&(plain(&function.qualified_name), function.metrics.params)] == 1);
        }
        let file = &mut self.found.file;
        let sum = added.iter().sum();
        file.cognitive = file.cognitive.saturating_add(sum);
        file.cognitive_own = file.cognitive_own.saturating_add(sum);
        for (function, own) in functions.iter_mut().zip(&added) {
            function.metrics.cognitive_own = function.metrics.cognitive_own.saturating_add(*own);
        }
        // Functions are in order of their start: what one holds comes after it.
        for (index, around) in self.recursion.around.iter().enumerate().rev() {
            functions[index].metrics.cognitive = functions[index].metrics.cognitive.saturating_add(added[index]);
            let within = added[index];
            if let Some(outer) = added.get_mut(*around as usize) {
                *outer += within;
            }
        }
    }
}

/// A qualified name without the number that tells it from others.
fn plain(name: &str) -> &str {
    name.rsplit_once('#')
        .filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(name, |(name, _)| name)
}
