//! One table a language: what each construct counts as, and nothing else.
//!
//! A table holds no code, so that a construct cannot mean one thing in one language and another in its sibling.

#[cfg(feature = "bash")]
pub(super) mod bash;
pub(super) mod c;
pub(super) mod cpp;
#[cfg(feature = "csharp")]
pub(super) mod csharp;
pub(super) mod go;
pub(super) mod java;
pub(super) mod javascript;
#[cfg(feature = "kotlin")]
pub(super) mod kotlin;
#[cfg(feature = "php")]
pub(super) mod php;
pub(super) mod python;
#[cfg(feature = "ruby")]
pub(super) mod ruby;
pub(super) mod rust;
#[cfg(feature = "scala")]
pub(super) mod scala;
#[cfg(feature = "swift")]
pub(super) mod swift;
pub(super) mod typescript;
