//! The languages whose syntax driftline can measure.
//!
//! All of them are in every build, and new ones stand at the end: a record must not mean another language where other
//! grammars are compiled in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A language; whether its grammar is there is for `driftline-syntax` to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Language {
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Java,
    C,
    Cpp,
    Go,
    Rust,
    CSharp,
    Php,
    Ruby,
    Kotlin,
    Swift,
    Scala,
    Bash,
}

impl Language {
    /// All languages, in the order of the enum.
    pub const ALL: [Self; 16] = [
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
        Self::Tsx,
        Self::Java,
        Self::C,
        Self::Cpp,
        Self::Go,
        Self::Rust,
        Self::CSharp,
        Self::Php,
        Self::Ruby,
        Self::Kotlin,
        Self::Swift,
        Self::Scala,
        Self::Bash,
    ];

    /// The language of a path by its extension; `.h` is C++ only by its content, so it counts as C until it is measured.
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (stem, extension) = name.rsplit_once('.')?;
        if stem.is_empty() {
            return None;
        }
        Some(match extension {
            "py" | "pyi" => Self::Python,
            "js" | "mjs" | "cjs" | "jsx" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "java" => Self::Java,
            "c" | "h" => Self::C,
            "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "h++" | "inl" => Self::Cpp,
            "go" => Self::Go,
            "rs" => Self::Rust,
            "cs" => Self::CSharp,
            "php" => Self::Php,
            "rb" => Self::Ruby,
            "kt" | "kts" => Self::Kotlin,
            "swift" => Self::Swift,
            "scala" => Self::Scala,
            "sh" | "bash" => Self::Bash,
            _ => return None,
        })
    }

    /// The lower-case name used in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Tsx => "tsx",
            Self::Java => "java",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::CSharp => "csharp",
            Self::Php => "php",
            Self::Ruby => "ruby",
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
            Self::Scala => "scala",
            Self::Bash => "bash",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_language_of_its_extension() {
        assert_eq!(Language::of_path("src/a.b/main.rs"), Some(Language::Rust));
        assert_eq!(Language::of_path("x.tsx"), Some(Language::Tsx));
        assert_eq!(Language::of_path("build.gradle.kts"), Some(Language::Kotlin));
        assert_eq!(Language::of_path("dir.py/readme"), None);
        assert_eq!(Language::of_path(".py"), None);
    }

    #[test]
    fn names_equal_the_serialised_form() {
        for language in Language::ALL {
            assert_eq!(serde_json::to_string(&language).expect("serialises"), format!("\"{language}\""));
        }
    }

    #[test]
    fn the_place_of_a_language_is_its_number() {
        assert!(Language::ALL.iter().enumerate().all(|(place, language)| *language as usize == place));
        assert_eq!(Language::ALL.map(|language| language.name())[8], "rust", "logs hold these numbers");
    }
}
