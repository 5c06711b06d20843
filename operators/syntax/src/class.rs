//! What a node kind may mean to the pass: one bit a meaning, so that one table look-up answers all questions.
//!
//! A kind has no bit when the pass has nothing to do at it; most kinds have none, which is what makes the pass cheap.

/// A set of meanings.
pub(super) type Classes = u64;

/// Adds one to cyclomatic complexity.
pub(super) const DECISION: Classes = 1;
/// Adds one and the nesting to cognitive complexity, and nests what it holds.
pub(super) const STRUCTURAL: Classes = 1 << 1;
/// An `if`; directly below an `else` it is an `else if`.
pub(super) const IF: Classes = 1 << 2;
/// A loop, which in Python may have an `else`.
pub(super) const LOOP: Classes = 1 << 3;
/// A `try`, which in Python may have an `else`.
pub(super) const TRY: Classes = 1 << 4;
/// The clause that an `else` opens.
pub(super) const ELSE: Classes = 1 << 5;
/// Python's `elif` clause.
pub(super) const ELIF: Classes = 1 << 6;
/// The word `else` where the grammar has no clause for it.
pub(super) const ELSE_TOKEN: Classes = 1 << 7;
/// A function space, if it has a body.
pub(super) const FUNCTION: Classes = 1 << 8;
/// A function space without a name of its own.
pub(super) const CLOSURE: Classes = 1 << 9;
/// A static initialiser.
pub(super) const INITIALIZER: Classes = 1 << 10;
/// A constructor by its kind.
pub(super) const CONSTRUCTOR: Classes = 1 << 11;
/// A method by its kind.
pub(super) const METHOD: Classes = 1 << 12;
/// Gives its name to the qualified names of what it holds.
pub(super) const SCOPE: Classes = 1 << 13;
/// A scope whose functions are methods.
pub(super) const CLASS: Classes = 1 << 14;
/// Gives its name to the closure it holds directly.
pub(super) const NAMER: Classes = 1 << 15;
/// A call.
pub(super) const CALL: Classes = 1 << 16;
/// A jump that always counts.
pub(super) const GOTO: Classes = 1 << 17;
/// A jump that counts if it names a label.
pub(super) const JUMP: Classes = 1 << 18;
/// A label as a jump names it.
pub(super) const LABEL: Classes = 1 << 19;
/// An expression of two operands; logical if its operator is.
pub(super) const BINARY: Classes = 1 << 20;
/// Parentheses, which do not end a run of like operators.
pub(super) const PAREN: Classes = 1 << 21;
/// The operator `and`.
pub(super) const AND: Classes = 1 << 22;
/// The operator `or`.
pub(super) const OR: Classes = 1 << 23;
/// A word that decides where the grammar sees words only (Rust macros).
pub(super) const KEYWORD: Classes = 1 << 24;
/// What holds such words.
pub(super) const MACRO: Classes = 1 << 25;
/// The pattern of an arm.
pub(super) const PATTERN: Classes = 1 << 26;
/// An arm of a switch or match, a decision unless it takes everything.
pub(super) const ARM: Classes = 1 << 27;
/// What makes an arm take everything: `default` or `_`.
pub(super) const DEFAULT: Classes = 1 << 28;
/// A comment.
pub(super) const COMMENT: Classes = 1 << 29;
/// A statement.
pub(super) const STATEMENT: Classes = 1 << 30;
/// Leaves the function.
pub(super) const EXIT: Classes = 1 << 31;
/// Holds neither code nor comments worth a visit.
pub(super) const OPAQUE: Classes = 1 << 32;
/// Stands among parameters without being one.
pub(super) const NOT_PARAM: Classes = 1 << 33;
/// A preprocessor branch: its condition is not code.
pub(super) const PREPROC: Classes = 1 << 34;
/// A declaration that may have an `else` (Rust).
pub(super) const LET: Classes = 1 << 35;
/// A parameter whose default value is a decision (TypeScript).
pub(super) const PARAM: Classes = 1 << 36;
/// The sign before a default value.
pub(super) const ASSIGN: Classes = 1 << 37;
/// Part of a loop that its own nesting does not reach.
pub(super) const HEADER: Classes = 1 << 38;
/// Wraps a declared name (C and C++).
pub(super) const DECLARATOR: Classes = 1 << 39;
/// A definition behind decorators (Python).
pub(super) const DECORATED: Classes = 1 << 40;
/// A `return` (Python's decorator shape ends with one).
pub(super) const RETURN: Classes = 1 << 41;
/// What the grammar could not read.
pub(super) const ERROR: Classes = 1 << 42;

/// Kinds that stand alone: they are counted and their children are not visited.
pub(super) const TOKEN: Classes = AND | OR | ELSE_TOKEN | KEYWORD | ASSIGN;
/// Kinds the pass asks for at another node only.
const PASSIVE: Classes = LABEL | DEFAULT | NOT_PARAM | DECLARATOR | DECORATED | RETURN | CLOSURE | CLASS | METHOD;
/// Kinds the pass acts on.
pub(super) const ACTIVE: Classes = !PASSIVE;
/// Kinds whose children the pass sees in their light.
pub(super) const FRAMED: Classes = STRUCTURAL
    | TRY
    | ELSE
    | ELIF
    | FUNCTION
    | SCOPE
    | NAMER
    | BINARY
    | PAREN
    | MACRO
    | PATTERN
    | PREPROC
    | LET
    | PARAM
    | HEADER;
