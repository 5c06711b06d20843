//! Rust: control flow is an expression, arms are patterns with guards, and macro bodies are words whose keywords and
//! logical operators count for cyclomatic complexity alone.

use crate::class::*;
use crate::table::{PLAIN, Table, Traits};

pub(crate) static TABLE: Table = Table {
    base: None,
    kinds: &[
        (IF | STRUCTURAL | DECISION, &["if_expression"]),
        (ELSE, &["else_clause"]),
        (LOOP | STRUCTURAL | DECISION, &["for_expression", "while_expression", "loop_expression"]),
        (STRUCTURAL, &["match_expression"]),
        (ARM, &["match_arm"]),
        (PATTERN, &["match_pattern"]),
        (DECISION | EXIT, &["try_expression"]),
        (LET | NAMER, &["let_declaration"]),
        (FUNCTION, &["function_item"]),
        (FUNCTION | CLOSURE, &["closure_expression"]),
        (SCOPE | CLASS, &["impl_item", "trait_item"]),
        (SCOPE, &["mod_item"]),
        (CALL, &["call_expression"]),
        (JUMP, &["break_expression", "continue_expression"]),
        (LABEL, &["label"]),
        (BINARY, &["binary_expression", "let_chain"]),
        (PAREN, &["parenthesized_expression"]),
        (MACRO, &["token_tree"]),
        (COMMENT, &["line_comment", "block_comment"]),
        (OPAQUE, &["string_literal", "raw_string_literal"]),
        (EXIT, &["return_expression"]),
        (NOT_PARAM, &["self_parameter", "attribute_item", "variadic_parameter"]),
        (STATEMENT, &["expression_statement", "let_declaration"]),
    ],
    tokens: &[
        (AND, &["&&"]),
        (OR, &["||"]),
        (ELSE_TOKEN, &["else"]),
        (DEFAULT, &["_"]),
        (KEYWORD, &["if", "for", "while", "loop"]),
    ],
    header_fields: &["condition", "value"],
    namer_fields: &["pattern"],
    scope_fields: &["name", "type"],
    traits: Traits { self_prefixes: &["self.", "Self::"], arm_patterns: true, ..PLAIN },
};
