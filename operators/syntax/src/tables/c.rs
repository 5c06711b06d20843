//! C: names stand at the end of declarators; conditions of the preprocessor are not code, and both arms are read.

use crate::class::*;
use crate::table::{PLAIN, Table};

/// What this grammar and C++'s share.
pub(super) static COMMON: Table = Table {
    base: None,
    kinds: &[
        (IF | STRUCTURAL | DECISION, &["if_statement"]),
        (ELSE, &["else_clause"]),
        (LOOP | STRUCTURAL | DECISION, &["for_statement", "while_statement", "do_statement"]),
        (STRUCTURAL | DECISION, &["conditional_expression", "seh_except_clause"]),
        (STRUCTURAL, &["switch_statement"]),
        (ARM, &["case_statement"]),
        (FUNCTION, &["function_definition"]),
        (CALL, &["call_expression"]),
        (GOTO, &["goto_statement"]),
        (BINARY, &["binary_expression"]),
        (PAREN, &["parenthesized_expression"]),
        (COMMENT, &["comment"]),
        (OPAQUE, &["string_literal", "char_literal", "system_lib_string"]),
        (EXIT, &["return_statement"]),
        (PREPROC, &["preproc_if", "preproc_elif"]),
        (
            DECLARATOR,
            &[
                "abstract_function_declarator",
                "array_declarator",
                "attributed_declarator",
                "function_declarator",
                "parenthesized_declarator",
                "pointer_declarator",
            ],
        ),
        (
            STATEMENT,
            &[
                "break_statement",
                "continue_statement",
                "declaration",
                "do_statement",
                "expression_statement",
                "for_statement",
                "goto_statement",
                "if_statement",
                "return_statement",
                "seh_leave_statement",
                "seh_try_statement",
                "switch_statement",
                "while_statement",
            ],
        ),
    ],
    tokens: &[(AND, &["&&"]), (OR, &["||"]), (DEFAULT, &["default"])],
    header_fields: &["condition", "initializer", "update"],
    namer_fields: &[],
    scope_fields: &["name"],
    traits: PLAIN,
};

pub(crate) static TABLE: Table = Table {
    base: Some(&COMMON),
    kinds: &[(NOT_PARAM, &["variadic_parameter"])],
    tokens: &[],
    header_fields: COMMON.header_fields,
    namer_fields: COMMON.namer_fields,
    scope_fields: COMMON.scope_fields,
    traits: PLAIN,
};
