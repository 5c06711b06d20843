//! A change as a whole: sizes, parents and paths that must agree across its files, and the row made of it.

use super::file::{Checked, Context, file_row};
use super::kept::keep_lines;
use super::{Accept, Body, Fault, advances_clock, fault, message, quoted};
use driftline_schema::{Change, ChangeKey, ChangeRow, FileKind, FileRow, Limits, Omitted, RejectReason};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most of anything that a change may say to have left out: sums over many changes stay far from the end of an `i64`.
const LEFT_OUT_MAX: u64 = 1 << 40;

/// The change's row and the contents to parse.
pub(super) fn accept(change: Change, repository: &str, accept: Accept<'_>) -> Result<Body, Fault> {
    check_sizes(&change, accept.limits)?;
    check_parents(&change)?;
    check_left_out(&change)?;
    let Change { commit, parents, author, author_time, author_offset_min, commit_time, .. } = change;
    let Change { message, merge, files, left_out, .. } = change;
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
        left_out,
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
        ("parents", change.parents.len(), limits.parents_max),
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
    let left_out = change.left_out.map_or(0, |left_out| left_out.parents);
    let parents = (change.parents.len() as u64).saturating_add(left_out);
    if change.merge != (parents > 1) {
        return contradiction(format!("`merge` is {} with {parents} parents", change.merge));
    }
    if change.parents.contains(&change.commit) {
        return contradiction(format!("commit {} is its own parent", change.commit));
    }
    Ok(())
}

/// What was left out must agree with what is there, as far as that can be told, and leave room for sums over changes.
fn check_left_out(change: &Change) -> Result<(), Fault> {
    let Some(left_out) = change.left_out else { return Ok(()) };
    let contents = change.files.iter().filter(|file| file.omitted == Some(Omitted::EventTooLarge)).count() as u64;
    let hunks = change.files.iter().flat_map(|file| &file.hunks);
    let without_text = hunks.filter(|hunk| hunk.old_lines > 0 && hunk.removed.is_empty()).count() as u64;
    let cut = change.files.iter().filter(|file| file.line_counts.is_some()).count() as u64;
    let lines = left_out.lines_added.max(left_out.lines_removed);
    let counts = [left_out.hunks, left_out.files, left_out.parents, lines];
    let what = if left_out.contents != contents {
        format!("{} contents are said to be left out, of {contents} files they are", left_out.contents)
    } else if left_out.removed_texts > without_text + cut {
        format!(
            "{} removed texts are said to be left out, at most {} are absent",
            left_out.removed_texts,
            without_text + cut
        )
    } else if left_out.hunks > 0 && cut == 0 {
        "hunks are said to be left out, but no file has counts of lines instead".to_owned()
    } else if left_out.files == 0 && lines > 0 {
        "lines of files are said to be left out, but no file is".to_owned()
    } else if counts.iter().any(|count| *count > LEFT_OUT_MAX) {
        format!("more than {LEFT_OUT_MAX} of something are said to be left out")
    } else {
        return Ok(());
    };
    Err(fault(RejectReason::Contradiction, what))
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
