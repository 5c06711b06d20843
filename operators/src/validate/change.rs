//! A change as a whole: sizes, parents and paths that must agree across its files, and the row made of it.

use super::file::{Checked, Context, file_row};
use super::kept::keep_lines;
use super::{Accept, Body, Fault, advances_clock, fault, message, quoted};
use driftline_schema::{Change, ChangeKey, ChangeRow, FileKind, FileRow, Limits, RejectReason};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The change's row and the contents to parse.
pub(super) fn accept(change: Change, repository: &str, accept: Accept<'_>) -> Result<Body, Fault> {
    check_sizes(&change, accept.limits)?;
    check_parents(&change)?;
    let Change { commit, parents, author, author_time, author_offset_min, commit_time, message, merge, files, .. } =
        change;
    let context = Context { repo: accept.key.repo, merge, limits: accept.limits };
    let mut rows = Vec::with_capacity(files.len());
    let mut contents = Vec::new();
    for file in files {
        let old_path = file.old_path.clone();
        let Checked { row, content, lines } = file_row(file, context)?;
        rows.push(((row, old_path), lines));
        contents.extend(content);
    }
    rows.sort_by(|((a, _), _), ((b, _), _)| a.path.cmp(&b.path));
    let (rows, lines): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    check_paths_together(&rows)?;
    let mut files: Vec<FileRow> = rows.into_iter().map(|(row, _)| row).collect();
    keep_lines(&mut files, lines);
    contents.sort();
    contents.dedup();
    let row = ChangeRow {
        key: ChangeKey { ..accept.key },
        repository: Arc::from(repository),
        commit,
        parents,
        author,
        author_time,
        author_offset_min,
        time: commit_time,
        advances_clock: advances_clock(commit_time, accept),
        subject: message::subject(&message),
        fix: message::speaks_of_a_fix(&message),
        fixes: message::fixes(&message),
        reverts: message::reverts(&message),
        merge,
        files,
    };
    Ok(Body::Change { row: Arc::new(row), contents })
}

fn check_sizes(change: &Change, limits: &Limits) -> Result<(), Fault> {
    let hunks = change
        .files
        .iter()
        .map(|file| file.hunks.len() + file.other_parents.iter().map(|parent| parent.hunks.len()).sum::<usize>());
    for (what, found, limit) in [
        ("files", change.files.len(), limits.files_max),
        ("hunks", hunks.sum(), limits.hunks_max),
        ("bytes of message", change.message.len(), limits.message_bytes_max),
    ] {
        if found > limit {
            return Err(fault(RejectReason::OverLimit, format!("the change has {found} {what}, the limit is {limit}")));
        }
    }
    Ok(())
}

fn check_parents(change: &Change) -> Result<(), Fault> {
    let contradiction = |detail: String| Err(fault(RejectReason::Contradiction, detail));
    if change.merge != (change.parents.len() > 1) {
        return contradiction(format!("`merge` is {} with {} parents", change.merge, change.parents.len()));
    }
    if change.parents.contains(&change.commit) {
        return contradiction(format!("commit {} is its own parent", change.commit));
    }
    Ok(())
}

/// A path may stand in a change once, may move to one place, and is empty after it moved unless it is added anew.
fn check_paths_together(rows: &[(FileRow, Option<String>)]) -> Result<(), Fault> {
    let contradiction =
        |path: &str, what: &str| Err(fault(RejectReason::Contradiction, format!("file {} {what}", quoted(path))));
    if let Some([(twice, _), _]) = rows.windows(2).find(|pair| pair[0].0.path == pair[1].0.path) {
        return contradiction(&twice.path, "stands in the change twice");
    }
    let mut moved: BTreeMap<&str, &str> = BTreeMap::new();
    for (row, old_path) in rows {
        if let Some(old_path) = old_path
            && moved.insert(old_path, &row.path).is_some()
        {
            return contradiction(old_path, "is renamed to two paths");
        }
    }
    let stays = |row: &FileRow| matches!(row.kind, FileKind::Modified | FileKind::Deleted);
    match rows.iter().find(|(row, _)| stays(row) && moved.contains_key(&*row.path)) {
        Some((row, _)) => contradiction(&row.path, "is renamed away and changed in place"),
        None => Ok(()),
    }
}
