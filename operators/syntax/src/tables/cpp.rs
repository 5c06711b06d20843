//! C++: C with classes, lambdas and exceptions. `&&` is an operator only within a binary expression; elsewhere it is
//! part of a type.

use super::c::COMMON;
use crate::class::*;
use crate::table::{PLAIN, Table, Traits};

pub(crate) static TABLE: Table = Table {
    base: Some(&COMMON),
    kinds: &[
        (LOOP | STRUCTURAL | DECISION, &["for_range_loop"]),
        (STRUCTURAL | DECISION, &["catch_clause"]),
        (TRY, &["try_statement"]),
        (FUNCTION | CLOSURE, &["lambda_expression"]),
        (SCOPE | CLASS, &["class_specifier", "struct_specifier", "union_specifier"]),
        (SCOPE, &["namespace_definition"]),
        (NAMER, &["init_declarator"]),
        (EXIT, &["throw_statement", "co_return_statement"]),
        (PAREN, &["condition_clause"]),
        (OPAQUE, &["raw_string_literal"]),
        (DECLARATOR, &["operator_cast", "reference_declarator"]),
        (
            STATEMENT,
            &["co_return_statement", "co_yield_statement", "for_range_loop", "throw_statement", "try_statement"],
        ),
    ],
    tokens: &[(AND, &["and"]), (OR, &["or"])],
    header_fields: &["condition", "initializer", "update", "right"],
    namer_fields: &["declarator"],
    scope_fields: COMMON.scope_fields,
    traits: Traits { self_prefixes: &["this->"], implicit_self: true, overloads: true, ..PLAIN },
};
