//! TypeScript and TSX: JavaScript with parameters that carry their default values themselves. Signatures have no body
//! and are no function spaces; conditional types are no decisions.

use super::javascript::{COMMON, TRAITS};
use crate::class::*;
use crate::table::Table;

pub(crate) static TABLE: Table = Table {
    base: Some(&COMMON),
    kinds: &[
        (SCOPE | CLASS, &["abstract_class_declaration"]),
        (SCOPE, &["internal_module", "module"]),
        (NAMER, &["public_field_definition"]),
        (PARAM, &["required_parameter", "optional_parameter"]),
        (STATEMENT, &["import_alias"]),
    ],
    // An optional call has the sign alone, without the kind that other optional chains wrap it in.
    tokens: &[(ASSIGN, &["="]), (DECISION, &["?."])],
    header_fields: COMMON.header_fields,
    namer_fields: &["name", "left", "key"],
    scope_fields: COMMON.scope_fields,
    traits: TRAITS,
};
