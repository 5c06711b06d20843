//! What a node kind may mean to the pass: one bit a meaning, so that one table look-up answers all questions.
//!
//! A kind has no bit when the pass has nothing to do at it; most kinds have none, which is what makes the pass cheap.

/// A set of meanings.
pub(super) type Classes = u128;

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
/// Stands among parameters, or before the body of a handler, without being one.
pub(super) const NOT_PARAM: Classes = 1 << 33;
/// A preprocessor branch: its condition is not code.
pub(super) const PREPROC: Classes = 1 << 34;
/// A declaration that may have an `else` (Rust).
pub(super) const LET: Classes = 1 << 35;
/// A parameter whose default value is a decision (TypeScript).
pub(super) const PARAM: Classes = 1 << 36;
/// The sign before a value that is assigned or a default.
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

/// An operand of Halstead's without children worth a visit.
pub(super) const OPERAND: Classes = 1 << 43;
/// An operator of Halstead's: any other leaf.
pub(super) const OPERATOR: Classes = 1 << 44;
/// A leaf that is part of a token counted elsewhere: closing brackets, pieces of strings, line ends.
pub(super) const SILENT: Classes = 1 << 45;
/// A string that may hold code; one operand, and its code counts as code.
pub(super) const STRING: Classes = 1 << 46;
/// Declares fields of the class it stands in.
pub(super) const FIELD: Classes = 1 << 47;
/// Names another module.
pub(super) const IMPORT: Classes = 1 << 48;
/// The arguments of a call.
pub(super) const ARGS: Classes = 1 << 49;
/// Arguments that are types.
pub(super) const TYPE_ARGS: Classes = 1 << 50;
/// Assigns, whatever it holds.
pub(super) const ASSIGNS: Classes = 1 << 51;
/// A condition of Fitzpatrick's.
pub(super) const CONDITION: Classes = 1 << 52;
/// Makes an object.
pub(super) const CREATES: Classes = 1 << 53;
/// Yields a value.
pub(super) const YIELD: Classes = 1 << 54;
/// A handler of exceptions.
pub(super) const CATCH: Classes = 1 << 55;
/// Where a number needs no name: constants, enums, annotations, defaults.
pub(super) const CONSTANT: Classes = 1 << 56;
/// A switch, which modified cyclomatic complexity counts instead of its arms.
pub(super) const SWITCH: Classes = 1 << 57;
/// A decision that is an arm of a switch.
pub(super) const CASE: Classes = 1 << 58;
/// A sign that compares.
pub(super) const COMPARE: Classes = 1 << 59;
/// A numeric literal.
pub(super) const NUMBER: Classes = 1 << 60;
/// What follows it in its block is never reached.
pub(super) const ENDS: Classes = 1 << 61;
/// Sets who may touch the members that follow (C++).
pub(super) const ACCESS: Classes = 1 << 62;
/// Holds the names of base classes.
pub(super) const BASES: Classes = 1 << 63;
/// An interface.
pub(super) const INTERFACE: Classes = 1 << 64;
/// A struct.
pub(super) const STRUCT: Classes = 1 << 65;
/// An enum.
pub(super) const ENUM: Classes = 1 << 66;
/// A trait.
pub(super) const TRAIT: Classes = 1 << 67;
/// A branch of the preprocessor.
pub(super) const BRANCH: Classes = 1 << 68;
/// Holds methods of a class that is declared elsewhere (Rust).
pub(super) const IMPL: Classes = 1 << 69;
/// A declaration of constants if it says so.
pub(super) const MAY_BE_CONSTANT: Classes = 1 << 70;
/// May be jumped to.
pub(super) const LABELLED: Classes = 1 << 71;
/// A leaf that is a name.
pub(super) const NAME: Classes = 1 << 72;
/// A leaf that names a type.
pub(super) const TYPE: Classes = 1 << 73;
/// The object itself.
pub(super) const SELF: Classes = 1 << 74;
/// Stands between an object and its member.
pub(super) const DOT: Classes = 1 << 75;
/// Stands between a module or type and its member.
pub(super) const PATH: Classes = 1 << 76;
/// The parameter that is the object itself.
pub(super) const RECEIVER: Classes = 1 << 77;
/// The sign before a type (Python).
pub(super) const TYPED: Classes = 1 << 78;
/// Says that a module follows.
pub(super) const FROM: Classes = 1 << 79;

/// The body of a function, where the grammar has no field for it, or a function that always has one.
pub(super) const BODY: Classes = 1 << 80;
/// The parameters of a function or class, where the grammar has no field for them.
pub(super) const PARAMS: Classes = 1 << 81;
/// A property: a function if it has a body, otherwise the name of its accessors, whose class is the one around it.
pub(super) const PROPERTY: Classes = 1 << 82;
/// Holds the names and the type that a declaration of fields declares.
pub(super) const DECLARES: Classes = 1 << 83;
/// Holds the accessors of a property, which is no field if one of them has a body.
pub(super) const ACCESSORS: Classes = 1 << 84;
/// A function that is called by its first word: `get`, `init`.
pub(super) const WORDED: Classes = 1 << 85;
/// A parameter of a constructor that is a field.
pub(super) const PROMOTED: Classes = 1 << 86;
/// Begins with the name that it declares.
pub(super) const DECLARED: Classes = 1 << 87;
/// A word before a name that is declared.
pub(super) const DECLARER: Classes = 1 << 88;
/// A leaf that names a field of the object itself.
pub(super) const OWN: Classes = 1 << 89;
/// A closure whose body is one by its kind as well: they are one function.
pub(super) const SHELL: Classes = 1 << 90;
/// Holds statements, whatever kinds they are.
pub(super) const BLOCK: Classes = 1 << 91;
/// An operator that its text tells from others of its kind.
pub(super) const SPELLED: Classes = 1 << 92;
/// A call by a word that may be one of the language's own, as `return` of a shell.
pub(super) const COMMAND: Classes = 1 << 93;

/// The body of a class: what stands directly in it are its members.
pub(super) const MEMBERS: Classes = 1 << 94;
/// Declares a member in such a body, or is the part of a declaration that does: its first value is a function by itself.
pub(super) const MEMBER: Classes = 1 << 95;
/// Runs when an object is made, where it stands in the body of a class.
pub(super) const BARE: Classes = 1 << 96;
/// A string literal, whose empty lines are part of it.
pub(super) const TEXT: Classes = 1 << 97;
/// A pattern of patterns that takes everything if one of them does.
pub(super) const EITHER: Classes = 1 << 98;
/// A loop with a head, which is nested as all that it holds.
pub(super) const HEADED: Classes = 1 << 99;

/// Kinds without children worth a visit.
pub(super) const LEAF: Classes = OPERAND | OPERATOR | SILENT;
/// Words and signs whose meaning depends on what holds them.
pub(super) const TOKEN: Classes = AND | OR | ELSE_TOKEN | KEYWORD | ASSIGN | COMPARE | TYPED;
/// Leaves the pass acts on beyond counting them as tokens.
pub(super) const ACTIVE_LEAF: Classes =
    TOKEN | DECISION | NUMBER | ENDS | STRING | TEXT | FROM | ASSIGNS | EXIT | BRANCH | SPELLED;
/// Kinds in a block that are no statements of it.
pub(super) const NO_STATEMENT: Classes = COMMENT | ELSE | CATCH | NOT_PARAM | FUNCTION | SCOPE | STATEMENT | ERROR;
/// Kinds the pass asks for at another node only.
const PASSIVE: Classes = LABEL
    | DEFAULT
    | NOT_PARAM
    | DECLARATOR
    | RETURN
    | CLOSURE
    | INITIALIZER
    | CLASS
    | METHOD
    | BASES
    | INTERFACE
    | STRUCT
    | ENUM
    | TRAIT
    | IMPL
    | NAME
    | TYPE
    | SELF
    | RECEIVER
    | BODY
    | PARAMS
    | PROPERTY
    | DECLARES
    | ACCESSORS
    | WORDED
    | PROMOTED
    | DECLARER
    | OWN
    | SHELL
    | BLOCK
    | COMMAND
    | BARE
    | TEXT
    | EITHER
    | HEADED;
/// Kinds the pass acts on.
pub(super) const ACTIVE: Classes = !(PASSIVE | LEAF);
/// Kinds that are rare or need a look at their children or their text.
pub(super) const SINGLE: Classes = GOTO
    | JUMP
    | ARM
    | CALL
    | ERROR
    | CREATES
    | FIELD
    | IMPORT
    | ARGS
    | TYPE_ARGS
    | CATCH
    | CONSTANT
    | ACCESS
    | MAY_BE_CONSTANT
    | LABELLED
    | ENDS
    | STRING
    | DECLARED;
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
    | HEADER
    | DECORATED
    | MEMBERS
    | MEMBER;
