//! Java: `else` is a word without a clause, methods call each other without naming the object, and overloads differ
//! by their parameters.

use crate::class::*;
use crate::table::{PLAIN, Table, Traits};

pub(crate) static TABLE: Table = Table {
    base: None,
    kinds: &[
        (IF | STRUCTURAL | DECISION, &["if_statement"]),
        (LOOP | STRUCTURAL | DECISION, &["for_statement", "enhanced_for_statement", "while_statement", "do_statement"]),
        (STRUCTURAL | DECISION, &["catch_clause", "ternary_expression"]),
        (STRUCTURAL, &["switch_expression"]),
        (ARM, &["switch_label"]),
        (DECISION, &["guard"]),
        (FUNCTION | METHOD, &["method_declaration"]),
        (FUNCTION | CONSTRUCTOR, &["constructor_declaration", "compact_constructor_declaration"]),
        (FUNCTION | INITIALIZER, &["static_initializer"]),
        (FUNCTION | CLOSURE, &["lambda_expression"]),
        (
            SCOPE | CLASS,
            &[
                "class_declaration",
                "interface_declaration",
                "enum_declaration",
                "record_declaration",
                "annotation_type_declaration",
            ],
        ),
        (NAMER, &["variable_declarator"]),
        (CALL, &["method_invocation"]),
        (JUMP, &["break_statement", "continue_statement"]),
        (LABEL, &["identifier"]),
        (BINARY, &["binary_expression"]),
        (PAREN, &["parenthesized_expression"]),
        (COMMENT, &["line_comment", "block_comment"]),
        (EXIT, &["return_statement", "throw_statement"]),
        (NOT_PARAM, &["receiver_parameter"]),
        (
            STATEMENT,
            &[
                "assert_statement",
                "break_statement",
                "continue_statement",
                "do_statement",
                "enhanced_for_statement",
                "explicit_constructor_invocation",
                "expression_statement",
                "for_statement",
                "if_statement",
                "local_variable_declaration",
                "return_statement",
                "synchronized_statement",
                "throw_statement",
                "try_statement",
                "try_with_resources_statement",
                "while_statement",
                "yield_statement",
            ],
        ),
    ],
    tokens: &[(AND, &["&&"]), (OR, &["||"]), (ELSE_TOKEN, &["else"]), (DEFAULT, &["default"])],
    header_fields: &["condition", "init", "update", "value"],
    namer_fields: &["name"],
    scope_fields: &["name"],
    traits: Traits { self_prefixes: &["this."], implicit_self: true, overloads: true, callee_first: false, ..PLAIN },
};
