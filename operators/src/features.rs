//! The features table: every column of the vector, what it means and where the definition comes from.
//!
//! Columns stand in the order of [`FeatureGroup`], and each group is computed by one operator as one [`Part`], so that
//! a vector is the concatenation of its parts. A changed definition needs a new [`FEATURES_VERSION`].

use crate::Records;
use driftline_schema::{ChangeKey, FeatureGroup, FeatureMeta, Fixed};
use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) mod sample;

/// Version of [`FEATURES`]; part of every receipt and model id.
pub const FEATURES_VERSION: u32 = 2;

/// The groups in the order of their columns.
pub const GROUPS: [FeatureGroup; 7] = [
    FeatureGroup::Size,
    FeatureGroup::Diffusion,
    FeatureGroup::History,
    FeatureGroup::Author,
    FeatureGroup::Purpose,
    FeatureGroup::Syntax,
    FeatureGroup::Coupling,
];

/// The features of one group for one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Part {
    /// The group.
    pub group: FeatureGroup,
    /// Event time of the change, seconds since 1970; the same in all parts, so that a vector needs no other source.
    pub time: i64,
    /// One value for each feature of the group, in the order of the table.
    pub values: Box<[Fixed]>,
}

/// Parts of vectors by change.
pub type Parts<'scope> = Records<'scope, (ChangeKey, Part)>;

const KAMEI: &str = "Kamei et al. 2013";
const NAGAPPAN: &str = "Nagappan and Ball 2005";
const BIRD: &str = "Bird et al. 2011";
const GRAVES: &str = "Graves et al. 2000";
const MCCABE: &str = "McCabe 1976";
const COGNITIVE: &str = "Campbell 2018";
const GIGER: &str = "Giger et al. 2012 (method level)";
const MARTIN: &str = "Martin 1994";
const CHIDAMBER: &str = "Chidamber and Kemerer 1994";
const HENRY: &str = "Henry and Kafura 1981";
const SCHLEIMER: &str = "Schleimer et al. 2003";
const OWN: &str = "driftline";

const fn size(name: &'static str, unit: &'static str, definition: &'static str, source: &'static str) -> FeatureMeta {
    FeatureMeta { name, group: FeatureGroup::Size, unit, definition, source }
}
const fn diffusion(name: &'static str, unit: &'static str, definition: &'static str) -> FeatureMeta {
    FeatureMeta { name, group: FeatureGroup::Diffusion, unit, definition, source: KAMEI }
}
const fn history(
    name: &'static str,
    unit: &'static str,
    definition: &'static str,
    source: &'static str,
) -> FeatureMeta {
    FeatureMeta { name, group: FeatureGroup::History, unit, definition, source }
}
const fn author(name: &'static str, unit: &'static str, definition: &'static str, source: &'static str) -> FeatureMeta {
    FeatureMeta { name, group: FeatureGroup::Author, unit, definition, source }
}
const fn purpose(
    name: &'static str,
    unit: &'static str,
    definition: &'static str,
    source: &'static str,
) -> FeatureMeta {
    FeatureMeta { name, group: FeatureGroup::Purpose, unit, definition, source }
}
const fn syntax(name: &'static str, unit: &'static str, definition: &'static str, source: &'static str) -> FeatureMeta {
    FeatureMeta { name, group: FeatureGroup::Syntax, unit, definition, source }
}
const fn coupling(
    name: &'static str,
    unit: &'static str,
    definition: &'static str,
    source: &'static str,
) -> FeatureMeta {
    FeatureMeta { name, group: FeatureGroup::Coupling, unit, definition, source }
}

/// Every column of the vector. The fourteen measures of Kamei et al. keep their names from the literature, under which
/// the published tables have them, too; all others are spelled out.
#[rustfmt::skip]
pub static FEATURES: &[FeatureMeta] = &[
    size("la", "lines", "Lines added over all files.", KAMEI),
    size("ld", "lines", "Lines removed over all files.", KAMEI),
    size("lt", "lines", "Lines of the touched files before the change, summed.", KAMEI),
    size("added_ratio", "ratio", "Lines added for each line there was before: la / max(lt, 1).", NAGAPPAN),
    size("deleted_ratio", "ratio", "Lines removed for each line there was before: ld / max(lt, 1).", NAGAPPAN),
    size("hunks", "hunks", "Separate runs of changed lines over all files.", NAGAPPAN),
    size("hunk_lines_max", "lines", "Lines added and removed in the largest hunk.", OWN),
    size("test_share", "ratio", "Share of changed lines that are in tests.", OWN),
    size("documentation_share", "ratio", "Share of changed lines that are in documentation.", OWN),
    size("generated_share", "ratio", "Share of changed lines that are in generated or vendored files.", OWN),
    size("la_source", "lines", "Lines added in source files that are no tests.", OWN),
    size("files_added", "files", "Files that did not exist before.", OWN),
    size("files_deleted", "files", "Files that do not exist after.", OWN),
    size("files_renamed", "files", "Files that were renamed.", OWN),

    diffusion("ns", "folders", "Distinct first path segments of the touched files."),
    diffusion("nd", "folders", "Distinct directories of the touched files."),
    diffusion("nf", "files", "Touched files."),
    diffusion("entropy", "bits", "Entropy of the changed lines over the files."),
    diffusion("languages", "languages", "Distinct languages of the touched source and test files."),

    history("ndev", "developers", "Distinct developers that changed the touched files before.", KAMEI),
    history("age", "days", "Mean time since the last change of the touched files, over those with history.", KAMEI),
    history("nuc", "changes", "Distinct changes that were the last to touch the files.", KAMEI),
    history("prior_changes", "changes", "Mean number of earlier changes of the touched files with history.", GRAVES),
    history("recent_fixes", "fixes", "Earlier fixes of the touched files, each halved every 180 days, summed.", GRAVES),
    history("recent_fixes_max", "fixes", "The same for the touched file where it is largest.", GRAVES),
    history("reverts", "changes", "Earlier reverts that touched the files, summed.", OWN),

    author("exp", "changes", "Earlier changes of the author in the repository.", KAMEI),
    author("rexp", "changes", "The same, each divided by 1 + its age in whole years.", KAMEI),
    author("sexp", "changes", "Mean number of the author's earlier changes in the touched subsystems.", KAMEI),
    author("new_files_share", "ratio", "Share of the touched files with history that the author never changed.", BIRD),
    author("own_last_share", "ratio", "Share of the touched files with history last changed by the author.", BIRD),
    author("owned_share", "ratio", "Share of the earlier changes of the touched files that are the author's.", BIRD),
    author("hour", "hours", "Hour of the day at which the author wrote the change, in local time.", OWN),
    author("days_since_previous", "days", "Time since the author's previous change; 0 for the first.", OWN),

    purpose("fix", "flag", "Whether the message speaks of a fix.", KAMEI),
    purpose("merge", "flag", "Whether the change has more than one parent.", OWN),
    purpose("revert", "flag", "Whether the message says that the change reverts another.", OWN),
    purpose("subject_length", "characters", "Characters of the message's first line, at most 120.", OWN),
    purpose("issue_in_subject", "flag", "Whether the message's first line refers to an issue (#12, ABC-12).", OWN),

    syntax("cyclomatic", "paths", "Cyclomatic complexity of the touched files after the change, summed.", MCCABE),
    syntax("cognitive", "points", "Cognitive complexity of the touched files after the change, summed.", COGNITIVE),
    syntax("nesting_max", "levels", "Deepest nesting in a touched file after the change.", OWN),
    syntax("code_lines", "lines", "Lines with code in the touched files after the change, summed.", OWN),
    syntax("functions", "functions", "Functions in the touched files after the change, summed.", OWN),
    syntax("params_max", "parameters", "Most parameters of a function in a touched file after the change.", OWN),
    syntax("exits", "exits", "Exits (return, throw, `?`) in the touched files after the change, summed.", OWN),
    syntax("error_share", "ratio", "Share of the touched files' bytes that the grammar could not read.", OWN),
    syntax("cyclomatic_delta", "paths", "Cyclomatic complexity gained, over files known on both sides.", MCCABE),
    syntax("cognitive_delta", "points", "Cognitive complexity gained, over files known on both sides.", COGNITIVE),
    syntax("nesting_delta", "levels", "Deepest nesting gained, summed over files known on both sides.", OWN),
    syntax("code_lines_delta", "lines", "Lines with code gained, over files known on both sides.", OWN),
    syntax("functions_delta", "functions", "Functions gained, over files known on both sides.", OWN),
    syntax("functions_changed", "functions", "Functions whose text changed; closures count with the function around them.", GIGER),
    syntax("functions_added", "functions", "Functions that did not exist before; closures as above.", GIGER),
    syntax("changed_cognitive_max", "points", "Largest cognitive complexity of a changed or added function.", COGNITIVE),
    syntax("code_lines_added", "lines", "Added lines that hold code.", OWN),
    syntax("comment_share_added", "ratio", "Share of comment lines among added lines that are not blank.", OWN),
    syntax("files_unparsed", "files", "Source and test files that exist after the change but were not measured.", OWN),

    coupling("coupling_efferent", "modules", "Modules of the repository that the touched modules import, summed.", MARTIN),
    coupling("coupling_efferent_delta", "modules", "The same, gained by the change.", MARTIN),
    coupling("coupling_afferent", "modules", "Modules that import the touched modules, summed.", MARTIN),
    coupling("instability_max", "ratio", "Largest Ce / (Ca + Ce) of a touched module; 0 without any coupling.", MARTIN),
    coupling("import_depth_max", "levels", "Longest chain of imports below a touched module, a cycle counting as one.", OWN),
    coupling("modules_in_cycle", "modules", "Touched modules that lie on a cycle of imports.", MARTIN),
    coupling("modules_in_cycle_delta", "modules", "The same, gained by the change.", MARTIN),
    coupling("external_imports_added", "modules", "Modules outside the repository that no touched file imported before.", OWN),
    coupling("unresolved_imports", "imports", "Imports in touched files of what the repository should have but has not, or more than once.", OWN),
    coupling("fan_in_max", "functions", "Most functions, or files by code of their own, that call a touched function.", HENRY),
    coupling("fan_out_max", "functions", "Most functions of the repository that a touched function calls.", HENRY),
    coupling("ambiguous_calls", "calls", "Calls in touched files that several functions are equally near to, once for each caller and name.", OWN),
    coupling("recursive_functions", "functions", "Touched functions on a cycle of calls through other functions.", OWN),
    coupling("cbo_max", "classes", "Most other classes that a class of a touched file uses or is used by.", CHIDAMBER),
    coupling("class_names_unresolved", "names", "Bases and kinds of fields in touched files that are no one class of the repository.", CHIDAMBER),
    coupling("duplicated_lines_added", "lines", "Added lines in runs of 50 tokens that stand in another file, too.", SCHLEIMER),
    coupling("coupling_bounded", "flag", "Whether a walk over imports or calls stopped at its bound.", OWN),
];

/// The column of the feature called `name`.
pub fn column(name: &str) -> Option<usize> {
    FEATURES.iter().position(|feature| feature.name == name)
}

/// The columns of a group.
pub fn columns(group: FeatureGroup) -> std::ops::Range<usize> {
    let start = FEATURES.partition_point(|feature| feature.group < group);
    start..start + FEATURES[start..].partition_point(|feature| feature.group == group)
}

/// Whether a column belongs to the group `size`.
pub fn is_size(column: usize) -> bool {
    columns(FeatureGroup::Size).contains(&column)
}

/// Features that move with the length of a history or the size of a repository by their definition, though nothing about
/// the changes is different: counts since the beginning, ages, levels of the touched files and of what they are coupled
/// with, and shares that have any of these below or above the line.
const ACCUMULATING: &[&str] = &[
    "lt",
    "added_ratio",
    "deleted_ratio",
    "ndev",
    "age",
    "nuc",
    "prior_changes",
    "recent_fixes",
    "recent_fixes_max",
    "reverts",
    "exp",
    "rexp",
    "sexp",
    "new_files_share",
    "own_last_share",
    "owned_share",
    "cyclomatic",
    "cognitive",
    "nesting_max",
    "code_lines",
    "functions",
    "params_max",
    "exits",
    "changed_cognitive_max",
    "coupling_efferent",
    "coupling_afferent",
    "instability_max",
    "import_depth_max",
    "modules_in_cycle",
    "unresolved_imports",
    "fan_in_max",
    "fan_out_max",
    "ambiguous_calls",
    "recursive_functions",
    "cbo_max",
    "class_names_unresolved",
    "duplicated_lines_added",
    "coupling_bounded",
];

/// Whether a column moves with the history by its definition, so that a shift of its distribution says nothing.
pub fn accumulates(column: usize) -> bool {
    FEATURES.get(column).is_some_and(|feature| ACCUMULATING.contains(&feature.name))
}

/// One for true, zero for false.
pub(crate) fn flag(value: bool) -> Fixed {
    Fixed::from_int(i64::from(value))
}

/// A count as a whole number.
pub(crate) fn count(value: impl TryInto<i64>) -> Fixed {
    Fixed::from_int(value.try_into().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_groups_stand_together_in_order() {
        let names: BTreeSet<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        assert_eq!(names.len(), FEATURES.len());
        assert!(FEATURES.is_sorted_by_key(|feature| feature.group));
        let covered: Vec<usize> = GROUPS.into_iter().flat_map(columns).collect();
        assert_eq!(covered, (0..FEATURES.len()).collect::<Vec<_>>());
        assert!(GROUPS.into_iter().all(|group| !columns(group).is_empty()));
    }

    #[test]
    fn every_feature_is_described() {
        for feature in FEATURES {
            assert!(feature.definition.ends_with('.') && !feature.unit.is_empty(), "{}", feature.name);
        }
        assert_eq!((column("la"), column("no such feature")), (Some(0), None));
        assert!(ACCUMULATING.iter().all(|name| column(name).is_some_and(accumulates)));
        assert!(!accumulates(0) && !accumulates(FEATURES.len()));
    }
}
