//! Go: `else` is a word without a clause, a receiver names its method's type, one declaration may name several
//! parameters.

use crate::class::*;
use crate::table::{PLAIN, Table, Traits};

pub(crate) static TABLE: Table = Table {
    base: None,
    kinds: &[
        (IF | STRUCTURAL | DECISION, &["if_statement"]),
        (LOOP | STRUCTURAL | DECISION, &["for_statement"]),
        (HEADER, &["for_clause", "range_clause"]),
        (STRUCTURAL, &["expression_switch_statement", "type_switch_statement", "select_statement"]),
        (DECISION, &["expression_case", "type_case", "communication_case"]),
        (FUNCTION, &["function_declaration"]),
        (FUNCTION | METHOD, &["method_declaration"]),
        (FUNCTION | CLOSURE, &["func_literal"]),
        (CALL, &["call_expression"]),
        (JUMP, &["break_statement", "continue_statement"]),
        (LABEL, &["label_name"]),
        (GOTO, &["goto_statement"]),
        (BINARY, &["binary_expression"]),
        (PAREN, &["parenthesized_expression"]),
        (COMMENT, &["comment"]),
        (OPAQUE, &["interpreted_string_literal", "raw_string_literal"]),
        (EXIT, &["return_statement"]),
        (
            STATEMENT,
            &[
                "assignment_statement",
                "break_statement",
                "const_declaration",
                "continue_statement",
                "dec_statement",
                "defer_statement",
                "expression_statement",
                "expression_switch_statement",
                "fallthrough_statement",
                "for_statement",
                "go_statement",
                "goto_statement",
                "if_statement",
                "inc_statement",
                "return_statement",
                "select_statement",
                "send_statement",
                "short_var_declaration",
                "type_switch_statement",
                "var_declaration",
            ],
        ),
    ],
    tokens: &[(AND, &["&&"]), (OR, &["||"]), (ELSE_TOKEN, &["else"])],
    header_fields: &["condition", "initializer", "value"],
    namer_fields: &[],
    scope_fields: &[],
    traits: Traits { grouped_params: true, ..PLAIN },
};
