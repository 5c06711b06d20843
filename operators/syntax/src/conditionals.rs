//! Conditionals of C's preprocessor whose arms are not whole by themselves, and which of their arms to read.
//!
//! A grammar reads every arm, so each must close the brackets that it opens. Where one does not, one arm is kept and the
//! directives and the other arms are to be blanked: what is left can be read as any other text. Conditionals whose arms are
//! whole stay as they are. So that one parse is enough, macros in the heads of classes are blanked with them.

use super::class_heads::ClassHead;
use super::gaps::Gaps;
use super::pass::Found;
use super::pieces::{Kind, Piece, pieces};
use driftline_schema::Language;
use std::collections::BTreeMap;
use std::ops::Range;

/// What is blanked of a text, and what it held that no tree will show.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Blanked {
    /// Where (bytes), in order, apart from each other.
    pub(super) ranges: Vec<Range<usize>>,
    /// Comments there (bytes), in order.
    pub(super) comments: Vec<(u32, u32)>,
    /// Starts of the conditions there (bytes), in order.
    pub(super) branches: Vec<u32>,
    /// Starts of the jumps there (bytes), in order.
    pub(super) jumps: Vec<u32>,
}

impl Blanked {
    /// `text` with spaces for what is blanked, every line and every other byte in its place.
    pub(super) fn blank(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for range in &self.ranges {
            for byte in bytes[range.clone()].iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
                *byte = b' ';
            }
        }
        String::from_utf8(bytes).expect("ranges begin and end between characters")
    }

    /// Adds the comments that are blanked to those of the tree.
    pub(super) fn add_comments(&self, comments: &mut Vec<(u32, u32)>) {
        comments.extend(&self.comments);
        comments.sort_unstable();
        // Where the tree has an error, what is a comment may be more than the scan saw.
        let mut end = 0;
        comments.retain(|comment| {
            let is_apart = end <= comment.0;
            end = end.max(comment.1);
            is_apart
        });
    }

    /// Counts the conditions that are blanked in the file and in the functions around them; lines start at `starts`.
    pub(super) fn add_branches(&self, found: &mut Found, starts: &[u32]) {
        let lines = |start: &u32| starts.partition_point(|line| line <= start) as u32;
        let lines: Vec<u32> = self.branches.iter().map(lines).collect();
        // A directive has its line for itself, so lines tell what a function holds.
        for function in &mut found.functions {
            let until = |line: u32| lines.partition_point(|branch| *branch <= line) as u32;
            function.metrics.preproc_branches += until(function.end_line) - until(function.start_line);
        }
        found.file.preproc_branches += lines.len() as u32;
    }
}

/// What is to be blanked of `text`, in which a tree has `faults` (bytes, in order); `None` if nothing is.
pub(super) fn torn(text: &str, language: Language, faults: &[Range<usize>]) -> Option<Blanked> {
    let is_cpp = language == Language::Cpp;
    let mut scan = Scan { decided: decided(language), faults, is_cpp, ..Scan::default() };
    let mut directive: Option<Directive<'_>> = None;
    for piece in pieces(text) {
        let word = &text[piece.start..piece.end];
        match (piece.kind, &mut directive) {
            (Kind::Comment, _) => scan.blanked.comments.push((piece.start as u32, piece.end as u32)),
            (Kind::Directive, _) => directive = Some(Directive::new(piece, word)),
            (Kind::DirectiveEnd, _) => directive.take().into_iter().for_each(|read| scan.directive(read, piece.end)),
            (_, Some(directive)) => directive.words.push(word),
            (_, None) => scan.code(piece, word),
        }
    }
    scan.finish()
}

/// A condition without the signs that turn it round.
type Condition<'a> = Vec<&'a str>;

/// Conditions of which the language knows whether they hold.
fn decided<'a>(language: Language) -> BTreeMap<Condition<'a>, bool> {
    let is_cpp = language == Language::Cpp;
    BTreeMap::from([
        (vec!["0"], false),
        (vec!["1"], true),
        (vec!["defined", "__cplusplus"], is_cpp),
        (vec!["__cplusplus"], is_cpp),
    ])
}

/// A directive that is being read.
struct Directive<'a> {
    start: usize,
    name: &'a str,
    /// What follows the name, comments apart.
    words: Vec<&'a str>,
}

impl<'a> Directive<'a> {
    fn new(piece: Piece, text: &'a str) -> Self {
        Self { start: piece.start, name: text[1..].trim_start(), words: Vec::new() }
    }

    /// The condition, and whether it is to hold or not to hold.
    fn condition(self) -> Option<(Condition<'a>, bool)> {
        let defined = |words: &[&'a str]| vec!["defined", words.first().copied().unwrap_or_default()];
        match self.name {
            "ifdef" | "elifdef" => Some((defined(&self.words), true)),
            "ifndef" | "elifndef" => Some((defined(&self.words), false)),
            "if" | "elif" => {
                let turns = self.words.iter().take_while(|word| **word == "!").count();
                // `!a && b` is not the contrary of `a && b`.
                let is_one = matches!(self.words[turns..], [_] | ["defined", _] | ["defined", "(", _, ")"]);
                let (words, holds) =
                    if is_one { (&self.words[turns..], turns % 2 == 0) } else { (&self.words[..], true) };
                let condition = match words {
                    ["defined", "(", name, ")"] => defined(&[name]),
                    words => words.to_vec(),
                };
                Some((condition, holds))
            }
            _ => None,
        }
    }
}

/// How many brackets a stretch of text leaves open and the least it had open; braces, then parentheses.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Brackets {
    open: [i32; 2],
    least: [i32; 2],
}

impl Brackets {
    fn add(&mut self, other: Self) {
        for kind in 0..2 {
            self.least[kind] = self.least[kind].min(self.open[kind] + other.least[kind]);
            self.open[kind] += other.open[kind];
        }
    }
}

/// What stands between two directives of a conditional.
struct Arm<'a> {
    /// Where its directive stands (bytes).
    directive: Range<usize>,
    /// `None` for an `#else`.
    condition: Option<(Condition<'a>, bool)>,
    brackets: Brackets,
}

/// A conditional so far.
struct Conditional<'a> {
    arms: Vec<Arm<'a>>,
    /// Whether one of its directives stands within a statement.
    cuts: bool,
    /// Whether an `else` follows one of its directives, whose `if` is elsewhere.
    parts: bool,
    /// Where its last directive stands (bytes), once it is closed.
    end: Range<usize>,
}

/// A scan of a text.
#[derive(Default)]
struct Scan<'a> {
    /// The conditionals around.
    open: Vec<Conditional<'a>>,
    /// The conditional that was closed last, until it is known what follows.
    closed: Option<Conditional<'a>>,
    /// Whether a conditional's directive was the last piece.
    after_directive: bool,
    /// Whether a statement has begun and not ended, as far as its last sign says.
    in_statement: bool,
    /// Conditions that were taken to hold or not: what opens a bracket and what closes it often stand apart.
    decided: BTreeMap<Condition<'a>, bool>,
    faults: &'a [Range<usize>],
    head: ClassHead,
    gaps: Gaps,
    is_cpp: bool,
    /// What is blanked so far, in any order; comments and branches of the whole text.
    blanked: Blanked,
}

impl<'a> Scan<'a> {
    /// Takes a piece that belongs to no directive.
    fn code(&mut self, piece: Piece, word: &str) {
        let kind = piece.kind;
        self.blanked.ranges.extend(self.head.next(piece, word));
        self.gaps.next(piece, word, self.is_cpp);
        let parts = self.after_directive && word == "else";
        self.after_directive = false;
        if let Some(conditional) = self.closed.as_mut().or(self.open.last_mut()) {
            conditional.parts |= parts;
        }
        self.settle();
        self.in_statement = !matches!(kind, Kind::Sign(b';' | b'{' | b'}' | b':'));
        let (bracket, change) = match kind {
            Kind::Sign(b'{') => (0, 1),
            Kind::Sign(b'}') => (0, -1),
            Kind::Sign(b'(') => (1, 1),
            Kind::Sign(b')') => (1, -1),
            _ => return,
        };
        let mut brackets = Brackets::default();
        (brackets.open[bracket], brackets.least[bracket]) = (change, change.min(0));
        self.add(brackets);
    }

    /// Adds brackets to the innermost arm.
    fn add(&mut self, brackets: Brackets) {
        if let Some(arm) = self.open.last_mut().and_then(|conditional| conditional.arms.last_mut()) {
            arm.brackets.add(brackets);
        }
    }

    fn directive(&mut self, read: Directive<'a>, end: usize) {
        let place = read.start..end;
        let name = read.name;
        let opens = matches!(name, "if" | "ifdef" | "ifndef");
        let has_condition = opens || matches!(name, "elif" | "elifdef" | "elifndef");
        if !has_condition && !matches!(name, "else" | "endif") {
            return;
        }
        self.settle();
        self.after_directive = true;
        if has_condition {
            self.blanked.branches.push(read.start as u32);
        }
        if opens {
            self.open.push(Conditional { arms: Vec::new(), cuts: false, parts: false, end: 0..0 });
        }
        let Some(conditional) = self.open.last_mut() else { return };
        conditional.cuts |= self.in_statement;
        if name == "endif" {
            conditional.end = place;
            self.closed = self.open.pop();
        } else {
            let (condition, brackets) = (read.condition(), Brackets::default());
            conditional.arms.push(Arm { directive: place, condition, brackets });
        }
    }

    /// Judges the conditional that was closed. One that is never closed stays as it is: where its last arm ends is not
    /// known.
    fn settle(&mut self) {
        let Some(Conditional { arms, cuts, parts, end }) = self.closed.take() else { return };
        let (start, is_whole) = (arms[0].directive.start, arms.iter().all(|arm| arm.brackets == Brackets::default()));
        if is_whole && !parts && !(cuts && self.has_fault(start, end.end)) {
            return;
        }
        let kept = arms.iter().position(|arm| self.may_hold(arm));
        let ends = arms[1..].iter().map(|arm| arm.directive.start).chain([end.start]);
        for (at, (arm, end)) in arms.iter().zip(ends).enumerate() {
            let until = if Some(at) == kept { arm.directive.end } else { end };
            self.blanked.ranges.push(arm.directive.start..until);
        }
        self.blanked.ranges.push(end);
        if let Some(kept) = kept {
            self.add(arms[kept].brackets);
        }
    }

    /// Whether one of the faults reaches into a stretch of the text.
    fn has_fault(&self, start: usize, end: usize) -> bool {
        let next = self.faults.partition_point(|fault| fault.end < start);
        self.faults.get(next).is_some_and(|fault| fault.start < end)
    }

    /// Whether an arm can be the one that is compiled, by what was decided; decides it if nothing was.
    fn may_hold(&mut self, arm: &Arm<'a>) -> bool {
        let Some((condition, holds)) = &arm.condition else { return true };
        if let Some(decided) = self.decided.get(condition) {
            return decided == holds;
        }
        self.decided.insert(condition.clone(), *holds);
        true
    }

    fn finish(mut self) -> Option<Blanked> {
        self.settle();
        let Blanked { ranges, mut comments, mut branches, .. } = self.blanked;
        let arms = joined(ranges);
        let inside = |place: u32| {
            let next = arms.partition_point(|range| range.end <= place as usize);
            arms.get(next).is_some_and(|range| range.start <= place as usize)
        };
        comments.retain(|(start, _)| inside(*start));
        branches.retain(|start| inside(*start));
        // A jump in an arm that is not read is none.
        let jumps = self.gaps.jumps.into_iter().filter(|start| !inside(*start)).collect();
        let ranges = joined(arms.into_iter().chain(self.gaps.ranges).collect());
        (!ranges.is_empty()).then_some(Blanked { ranges, comments, branches, jumps })
    }
}

/// Ranges in order, those that meet as one.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines that are left of a text, in which all is at fault; all of them if nothing is blanked.
    fn left(language: Language, text: &str) -> String {
        let faults = Range { start: 0, end: text.len() };
        let blanked = torn(text, language, &[faults]).map_or(text.to_owned(), |blanked| blanked.blank(text));
        let lines = blanked.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
    }

    fn is_whole(text: &str) -> bool {
        torn(text, Language::C, &[]).is_none()
    }

    #[test]
    fn of_arms_that_share_a_bracket_the_first_is_kept() {
        let both = |text| [Language::C, Language::Cpp].map(|language| left(language, text));
        let cases = [
            ("#ifdef X\n while (a) {\n#else\n while (b) {\n#endif\n c();\n}", "while (a) {|c();|}"),
            ("#if A\n{\n#elif B\n{{\n#elif C\n#else\n{{{\n#endif\n}", "{|}"),
            ("#if A\nf(a,\n#else\ng(b,\n#endif\nc);", "f(a,|c);"),
            ("#if A\n} else {\n#endif\n", "} else {"),
            ("a;\n#if A\n#if B\n{\n#else\n{{\n#endif\nb;\n#else\n{\n#endif\n}", "a;|{|b;|}"),
            ("#if A\n{\n#if B\nb;\n#else\nc;\n#endif\n#else\n{\n#endif\n}", "{|#if B|b;|#else|c;|#endif|}"),
        ];
        for (text, kept) in cases {
            assert_eq!(both(text), [kept, kept], "{text}");
        }
    }

    #[test]
    fn an_arm_is_not_kept_that_cannot_be_compiled_with_those_before() {
        for (text, kept) in [
            ("#if 0\nwhile (\n#else\nfor (\n#endif\n;;);", "for (|;;);"),
            ("#if 0\nthis isn't {\n#endif\na;", "a;"),
            ("#if !1\n{\n#elif !!1\n{{\n#endif\n}}", "{{|}}"),
            ("#ifdef X\n{\n#endif\n#if !defined( X )\n}\n#elif X\n}}\n#endif", "{|}}"),
            ("#if X\n{\n#endif\na;\n#if X /* again */\n}\n#else\n}}\n#endif", "{|a;|}"),
            ("#if !A && B\n{\n#endif\n#if A && B\n}\n#endif", "{|}"),
            ("#ifdef __cplusplus\nextern \"C\" {\n#endif\nint a;", "int a;"),
        ] {
            assert_eq!(left(Language::C, text), kept, "{text}");
        }
        let text = "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint a;\n#if defined __cplusplus\n}\n#endif";
        assert_eq!(left(Language::Cpp, text), "extern \"C\" {|int a;|}");
    }

    #[test]
    fn arms_that_are_whole_stay_as_they_are() {
        for text in [
            "#ifdef X\nint f() { return (1); }\n#else\nint f() { return 2; }\n#endif\n",
            "#if A\n// {\nf(\"{\", '{', '\\'', \"\\\"{\"); /* {\n{ */\n#endif\n",
            "#if A\n#define B { \\\n {\n#else\n#define B {\n#endif\n",
            "#if A\n#error don't {\n#endif\n",
            "int a;\n#else\n}\n#endif\n{\n#if A\n{\n",
            "#if A\n{\n#else\n}\n",
        ] {
            assert!(is_whole(text), "{text}");
        }
    }

    #[test]
    fn within_a_statement_a_conditional_is_blanked_where_the_tree_has_a_fault() {
        let text = "a = b +\n#if A\n c;\n#else\n d;\n#endif\nint e;\n";
        assert_eq!(left(Language::C, text), "a = b +|c;|int e;");
        let at = |place: usize| torn(text, Language::C, std::slice::from_ref(&(place..place + 1))).is_some();
        assert_eq!([at(0), at(9), at(text.len() - 2)], [false, true, false]);
        assert!(is_whole("f();\n#if A\n b;\n#endif\nx: \n#if A\n b;\n#endif\n"));
    }

    #[test]
    fn an_else_after_a_directive_belongs_to_an_if_elsewhere() {
        for (text, kept) in [
            ("if (a) b;\n#if A\nelse c;\n#endif\n", "if (a) b;|else c;"),
            ("#if A\nif (a) b;\n#else\nif (c) d;\n#endif\n// or\nelse e;\n", "if (a) b;|// or|else e;"),
        ] {
            assert!(!is_whole(text));
            assert_eq!(left(Language::C, text), kept);
        }
        assert!(is_whole("#if A\nif (a) b;\nelse c;\n#endif\n"));
    }

    #[test]
    fn what_is_blanked_is_remembered() {
        let text =
            "// a\n#if A // b\n{ // c\n#elif B /* d\n */\n#ifdef C\n/* e */ {\n#endif\n#else\n{\n#endif // f\n} // g\n";
        let blanked = torn(text, Language::C, &[]).expect("the arms share a brace");
        let comments: Vec<&str> =
            blanked.comments.iter().map(|(start, end)| &text[*start as usize..*end as usize]).collect();
        assert_eq!(comments, ["// b", "/* d\n */", "/* e */", "// f"]);
        let branches: Vec<&str> = blanked.branches.iter().map(|start| &text[*start as usize..][..4]).collect();
        assert_eq!(branches, ["#if ", "#eli", "#ifd"]);
    }

    #[test]
    fn conditionals_in_each_other_cost_no_more_than_their_bytes() {
        let many = 20_000;
        let text = format!("{}{}", "#if A\n{\n#else\n{\n".repeat(many), "#endif\n".repeat(many));
        let blanked = torn(&text, Language::C, &[]).expect("the arms share braces");
        assert_eq!(blanked.branches.len(), many);
        assert_eq!(blanked.blank(&text).matches('{').count(), 1);
    }

    const PIECES: [&str; 19] = [
        "\n#if A\n",
        "\n#if 0\n",
        "\n#ifdef A\n",
        "\n#ifndef A\n",
        "\n#elif B\n",
        "\n#else\n",
        "\n#endif\n",
        "{",
        "}",
        "(",
        ")",
        ";",
        "\"",
        "'",
        "/*",
        "*/",
        "//",
        "\\\r\n",
        "\u{e9}",
    ];

    proptest! {
        #[test]
        fn every_line_and_what_is_kept_stays_in_place(words in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
            let text = words.concat();
            let Some(blanked) = torn(&text, Language::C, &[]) else { return Ok(()) };
            let blank = blanked.blank(&text);
            prop_assert_eq!(blank.len(), text.len());
            prop_assert!(blanked.ranges.windows(2).all(|two| two[0].end < two[1].start));
            let is_blanked = |at: usize| blanked.ranges.iter().any(|range| range.contains(&at));
            for (at, (new, old)) in blank.bytes().zip(text.bytes()).enumerate() {
                let is_end = matches!(old, b'\n' | b'\r');
                prop_assert_eq!(new, if is_blanked(at) && !is_end { b' ' } else { old });
            }
            prop_assert!(is_whole(&blank), "{blank}");
        }
    }
}
