//! `--fail-over`: which functions pass a bound, the worst of them named.

use super::metric::Limit;
use super::row::MeasuredFile;
use crate::terminal::shown;
use std::io::{self, Write};

/// Places named for each limit; more would drown the first.
const NAMED_MAX: usize = 10;

/// Names on `errors` what passes a limit; true if anything does.
pub(super) fn judge(files: &[MeasuredFile], limits: &[Limit], errors: &mut impl Write) -> io::Result<bool> {
    let mut any = false;
    for Limit { metric, most } in limits {
        let functions = files.iter().flat_map(|file| file.facts.functions.iter().map(move |function| (file, function)));
        let value = |metrics| (metric.value)(metrics);
        let mut over: Vec<_> = functions.filter(|(_, function)| value(&function.metrics) > *most).collect();
        // Equals stay in the order of paths, as the sort is stable.
        over.sort_by(|(_, a), (_, b)| value(&b.metrics).total_cmp(&value(&a.metrics)));
        any |= !over.is_empty();
        for (file, function) in over.iter().take(NAMED_MAX) {
            let (name, path, line) = (shown(&function.qualified_name), shown(&file.path), function.start_line);
            let (metric, value) = (metric.name, metric.print(&function.metrics));
            writeln!(errors, "driftline: {path}:{line}: {metric} of {name} is {value}, over {most}")?;
        }
        if over.len() > NAMED_MAX {
            writeln!(errors, "driftline: {} more functions are over {}={most}", over.len() - NAMED_MAX, metric.name)?;
        }
    }
    Ok(any)
}
