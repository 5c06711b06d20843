//! JavaScript: optional chains, `??`, logical assignments and default values decide (ESLint's rule); cognitive
//! complexity leaves them free.

use crate::class::*;
use crate::table::{PLAIN, Table, Traits};

/// How calls and constructors look, here and in TypeScript.
pub(super) const TRAITS: Traits =
    Traits { self_prefixes: &["this."], self_params: &["this"], constructor: Some("constructor"), ..PLAIN };

/// What this grammar and TypeScript's share.
pub(super) static COMMON: Table = Table {
    base: None,
    kinds: &[
        (IF | STRUCTURAL | DECISION, &["if_statement"]),
        (ELSE, &["else_clause"]),
        (LOOP | STRUCTURAL | DECISION, &["for_statement", "for_in_statement", "while_statement", "do_statement"]),
        (STRUCTURAL | DECISION, &["catch_clause", "ternary_expression"]),
        (STRUCTURAL, &["switch_statement"]),
        (DECISION, &["switch_case", "assignment_pattern", "object_assignment_pattern"]),
        (FUNCTION, &["function_declaration", "generator_function_declaration"]),
        (FUNCTION | CLOSURE, &["function_expression", "generator_function", "arrow_function"]),
        (FUNCTION | METHOD, &["method_definition"]),
        (FUNCTION | INITIALIZER, &["class_static_block"]),
        (SCOPE | CLASS, &["class_declaration", "class"]),
        (NAMER, &["variable_declarator", "assignment_expression", "pair"]),
        (CALL, &["call_expression"]),
        (JUMP, &["break_statement", "continue_statement"]),
        (LABEL, &["statement_identifier"]),
        (BINARY, &["binary_expression"]),
        (PAREN, &["parenthesized_expression"]),
        (COMMENT, &["comment", "html_comment", "hash_bang_line"]),
        (OPAQUE, &["string", "regex"]),
        (EXIT, &["return_statement", "throw_statement"]),
        (
            STATEMENT,
            &[
                "break_statement",
                "continue_statement",
                "debugger_statement",
                "do_statement",
                "export_statement",
                "expression_statement",
                "for_in_statement",
                "for_statement",
                "if_statement",
                "import_statement",
                "lexical_declaration",
                "return_statement",
                "switch_statement",
                "throw_statement",
                "try_statement",
                "variable_declaration",
                "while_statement",
                "with_statement",
            ],
        ),
    ],
    tokens: &[(AND, &["&&"]), (OR, &["||"]), (DECISION, &["??", "??=", "&&=", "||="])],
    header_fields: &["condition", "initializer", "increment", "left", "right", "value"],
    namer_fields: &[],
    scope_fields: &["name"],
    traits: TRAITS,
};

pub(crate) static TABLE: Table = Table {
    base: Some(&COMMON),
    kinds: &[(DECISION, &["optional_chain"]), (NAMER, &["field_definition"]), (STATEMENT, &["using_declaration"])],
    tokens: &[],
    header_fields: COMMON.header_fields,
    namer_fields: &["name", "left", "key", "property"],
    scope_fields: COMMON.scope_fields,
    traits: TRAITS,
};
