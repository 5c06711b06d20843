//! One table a language: what each construct counts as, and nothing else.
//!
//! A table holds no code, so that a construct cannot mean one thing in one language and another in its sibling.

pub(super) mod c;
pub(super) mod cpp;
pub(super) mod go;
pub(super) mod java;
pub(super) mod javascript;
pub(super) mod python;
pub(super) mod rust;
pub(super) mod typescript;
