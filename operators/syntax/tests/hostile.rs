//! Any text whatever: no panic, no stall, the same facts every time, and what a limit cuts says so.

#![expect(clippy::disallowed_methods, reason = "it measures time and answers nothing")]

use driftline_schema::facts::LineClass;
use driftline_schema::{FileFacts, Language};
use driftline_syntax::{Measurer, SyntaxLimits, has_grammar, languages, measure, tree_bytes_asked};
use proptest::prelude::*;

fn facts(language: Language, text: &str) -> FileFacts {
    measure(&mut Measurer::new(), language, text, &SyntaxLimits::default())
}

#[test]
fn an_empty_file_has_no_line_and_one_path() {
    for language in languages() {
        let facts = facts(language, "");
        assert_eq!((facts.bytes, facts.error_bytes, facts.truncated), (0, 0, false));
        assert_eq!((facts.metrics.cyclomatic, facts.metrics.sloc, facts.lines.len()), (1, 0, 0));
    }
}

#[test]
fn a_header_with_macros_before_each_function_is_read_to_its_end() {
    // As numpy's list of functions has them; the grammar knows no macro there, so each is an error, or several.
    let one = |n: u32| format!("NPY_NO_EXPORT NPY_STEALS_REF_TO_ARG(2) int F{n} \\\n       (PyArrayObject *, int);\n");
    let list: String = (0..300).map(one).collect();
    let facts = facts(Language::C, &format!("#if defined(X)\n{list}#else\nint last(void) {{ return 1; }}\n#endif\n"));
    assert!(!facts.truncated && facts.error_bytes > 0);
}

#[test]
fn line_ends_change_no_count() {
    let text = "def f(a):\n    # why\n\n    if a:\n        return 1\n";
    let unix = facts(Language::Python, text);
    for other in [text.replace('\n', "\r\n"), text.trim_end().to_owned(), text.trim_end().replace('\n', "\r\n")] {
        let other = facts(Language::Python, &other);
        assert_eq!(other.metrics, unix.metrics);
        assert_eq!(other.lines, unix.lines);
        assert_eq!(other.functions[0].metrics, unix.functions[0].metrics);
        assert_eq!((other.functions[0].start_line, other.functions[0].end_line), (1, 5));
    }
    assert_eq!((unix.metrics.ploc, unix.metrics.cloc, unix.metrics.blank, unix.metrics.sloc), (3, 1, 1, 5));
    assert_eq!(unix.lines.class(1), Some(LineClass::Comment));
}

#[test]
fn a_million_deep_nest_is_measured_within_the_limit_of_frames() {
    let depth = 500_000;
    for language in [Language::JavaScript, Language::Rust, Language::C] {
        let text = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        let facts = facts(language, &text);
        assert!(facts.truncated, "{language}: parentheses are frames");
        assert_eq!(facts.bytes as usize, 2 * depth + 1);
    }
    // What is never closed is cut; a little of it is not.
    assert!(facts(Language::JavaScript, &"(".repeat(1_000_000)).truncated);
    assert!(!facts(Language::JavaScript, &"(".repeat(5_000)).lines.is_empty());
}

#[test]
fn constructs_beyond_the_deepest_frame_still_count() {
    let deep = |count: usize| format!("function f(a) {{ {} {} }}", "if (a) {".repeat(count), "}".repeat(count));
    let limits = SyntaxLimits { frames_max: 100, ..SyntaxLimits::default() };
    let measured = measure(&mut Measurer::new(), Language::JavaScript, &deep(300), &limits);
    assert!(measured.truncated);
    assert_eq!((measured.functions.len(), measured.functions[0].metrics.cyclomatic), (1, 301));
    assert!(measured.functions[0].metrics.nesting <= 100);
    let within = measure(&mut Measurer::new(), Language::JavaScript, &deep(40), &limits);
    assert_eq!((within.truncated, within.functions[0].metrics.nesting), (false, 40));
}

#[test]
fn deeply_nested_functions_keep_their_names_short() {
    let count = 1_500;
    let text = format!("{}{}", "function inner(){".repeat(count), "}".repeat(count));
    let facts = facts(Language::JavaScript, &text);
    assert_eq!(facts.functions.len(), count);
    assert!(facts.functions.iter().all(|function| function.qualified_name.len() < 600));
    assert_eq!(facts.functions[0].metrics.functions as usize, count - 1);
}

#[test]
fn a_text_beyond_the_size_limit_is_counted_and_not_parsed() {
    let text = "let answer = 42;\n\n".repeat(50_000_000 / 18);
    let facts = facts(Language::JavaScript, &text);
    assert!(facts.truncated && facts.lines.is_empty() && facts.functions.is_empty());
    assert_eq!((facts.bytes as usize, facts.error_bytes as usize), (text.len(), text.len()));
    assert_eq!((facts.metrics.sloc, facts.metrics.ploc, facts.metrics.blank), (5_555_554, 2_777_777, 2_777_777));
}

#[test]
fn a_dense_list_of_two_megabytes_is_refused() {
    let text = format!("x=[{}1]", "1,".repeat(1 << 20));
    for language in languages() {
        let facts = facts(language, &text);
        assert!(facts.truncated && facts.functions.is_empty(), "{language}");
        assert_eq!((facts.structure, facts.metrics.operands), (Default::default(), 0), "{language}");
    }
}

/// What is opened and never closed: at each of them the lexer looks to the end of the text.
#[test]
fn what_is_never_closed_is_cut_when_it_has_been_read_often_enough() {
    let many = 100_000;
    let texts = [Language::C, Language::Cpp, Language::JavaScript, Language::TypeScript, Language::Java, Language::Go]
        .map(|language| (language, "/* ".repeat(many)));
    for (language, text) in texts {
        let facts = facts(language, &text);
        assert!(facts.truncated && facts.functions.is_empty(), "{language}");
        assert_eq!((facts.bytes, facts.error_bytes), (text.len() as u32, text.len() as u32), "{language}");
        // The next text is read from its beginning.
        let mut measurer = Measurer::new();
        measure(&mut measurer, language, &text, &SyntaxLimits::default());
        let next = measure(&mut measurer, language, "f(a);\n", &SyntaxLimits::default());
        assert!(!next.truncated, "{language}");
    }
}

/// Constructs whose texts hold each other, whose names repeat each other, or of which there are very many: what is done
/// for each must not grow with what is around it.
#[test]
fn what_nests_or_repeats_costs_no_more_than_its_bytes() {
    let many = 8_000;
    let texts = [
        (Language::JavaScript, format!("{}a{}", "`${".repeat(many), "}`".repeat(many))),
        (Language::JavaScript, format!("a{}", ".b()".repeat(many))),
        (Language::JavaScript, format!("class A {{ f() {{ {} }} }}", "this.a.b = 7; return; ".repeat(many))),
        (Language::Python, format!("x = {}", "f'{a}' + ".repeat(many) + "1")),
        (Language::Python, format!("class A:\n{}", "    x = 1\n".repeat(many))),
        (Language::Rust, format!("use {}a{};", "a::{".repeat(many), "}".repeat(many))),
        (Language::Rust, format!("{}{}", "mod a {".repeat(many), "}".repeat(many))),
        (Language::Java, format!("class A {{ {} }}", "int a; int f(int a) { return f(a); } ".repeat(many))),
        (
            Language::Java,
            format!("{}{}", "class A { void f() { new B() { ".repeat(many / 4), "}; } }".repeat(many / 4)),
        ),
        (Language::TypeScript, format!("let a: {}b{};", "A<".repeat(many / 8), ">".repeat(many / 8))),
        (Language::Cpp, format!("{}{}", "struct A { int x; ".repeat(many / 4), "};".repeat(many / 4))),
        (
            Language::CSharp,
            format!("class A {{ {} }}", "int A { get; } int F(int a) { return F(a); } ".repeat(many / 2)),
        ),
        (
            Language::CSharp,
            format!("{}{}", "class A { void F() { G(x => { ".repeat(many / 8), "}); } }".repeat(many / 8)),
        ),
        (Language::Php, format!("<?php {}1{};", "f(function() { return ".repeat(many / 8), "; })".repeat(many / 8))),
        (Language::Php, format!("<?php class A {{ {} }}", "private $a; ".repeat(many))),
        (Language::Ruby, format!("{}{}", "a { |x| \"#{".repeat(many / 8), "}\" } ".repeat(many / 8))),
        (Language::Ruby, format!("class A\n{}end", "  private\n  def f; @a = 1; end\n".repeat(many / 4))),
        (Language::Kotlin, format!("fun f() {{ {}{} }}", "a { ".repeat(many / 8), "}".repeat(many / 8))),
        (Language::Kotlin, format!("class A {{\n{}}}", "val a: Int get() = 1\n".repeat(many / 4))),
        (Language::Swift, format!("func f() {{ {}{} }}", "a { ".repeat(many / 8), "}".repeat(many / 8))),
        (Language::Scala, format!("object A {{ {}{} }}", "def f(a: Int) = { ".repeat(many / 8), "}".repeat(many / 8))),
        (Language::Bash, format!("{}a{}", "$(".repeat(many / 8), ")".repeat(many / 8))),
        (Language::Bash, "f() { return 1; f a; }\n".repeat(many / 2)),
    ];
    for (language, text) in texts.into_iter().filter(|(language, _)| has_grammar(*language)) {
        let start = std::time::Instant::now();
        let facts = facts(language, &text);
        for class in &facts.structure.classes {
            driftline_syntax::class_metrics(class, &facts.functions);
        }
        let elapsed_s = start.elapsed().as_secs_f64();
        assert!(
            elapsed_s < 10.0,
            "{language} took {elapsed_s} s for {} bytes: {}",
            text.len(),
            text.chars().take(40).collect::<String>()
        );
        let windows = facts.structure.windows.len();
        assert!(12 * windows <= text.len() + 600, "{language}: {windows} windows in {} bytes", text.len());
    }
}

/// Each `<` may be a comparison or begin arguments that are types, and every reading is kept.
#[test]
fn what_may_be_read_in_many_ways_is_cut_when_it_takes_too_much_memory() {
    let asked = tree_bytes_asked();
    let measured = facts(Language::Cpp, &"a<b".repeat(300_000));
    assert!(measured.truncated && measured.functions.is_empty());
    assert!(tree_bytes_asked() - asked < 160 << 20, "{} bytes", tree_bytes_asked() - asked);
}

/// Tree-sitter lets go of the readings it kept by recursion, one level for each piece of them.
#[test]
fn readings_that_are_kept_need_no_stack_of_the_thread() {
    let text = format!("{}{}", "(a, b) => ".repeat(70_000), "\n*\n".repeat(70_000));
    let work = move || facts(Language::C, &text);
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(work).expect("a thread starts");
    assert!(thread.join().expect("it does not end the process").truncated);
}

/// Half a brace in each arm: the text is one error, and all its directives are blanked for another reading.
#[test]
fn torn_conditionals_cost_no_more_than_their_bytes() {
    let text = "#if A\n{\n#else\n{\n#endif\n".repeat(12_000);
    let start = std::time::Instant::now();
    assert_eq!(facts(Language::C, &text).metrics.sloc, 60_000);
    assert!(start.elapsed().as_secs() < 60, "{} s for {} bytes", start.elapsed().as_secs(), text.len());
}

#[test]
fn a_parse_that_is_cut_short_leaves_no_trace_in_the_next() {
    let text = "int f(int a) { return a ? 1 : 2; }\n".repeat(200);
    let limits = SyntaxLimits { parse_reports_max: 3, ..SyntaxLimits::default() };
    let mut measurer = Measurer::new();
    let cut = measure(&mut measurer, Language::C, &text, &limits);
    assert!(cut.truncated && cut.functions.is_empty());
    let next = measure(&mut measurer, Language::C, &text, &SyntaxLimits::default());
    assert_eq!(next, facts(Language::C, &text));
    assert_eq!((next.truncated, next.functions.len()), (false, 200));
}

#[test]
fn the_densest_file_of_the_largest_size_stays_below_the_limit_of_reports() {
    for language in languages() {
        let line = match language {
            Language::Python | Language::JavaScript | Language::TypeScript | Language::Tsx => "x=[1,1,1,1,1,1,1,1];\n",
            Language::Java | Language::C | Language::Cpp => "int x[]={1,1,1,1,1,1,1,1};\n",
            Language::Go => "var x=[]int{1,1,1,1,1,1,1,1};\n",
            Language::Rust => "const X:A=[1,1,1,1,1,1,1,1];\n",
            Language::CSharp => "int[] x={1,1,1,1,1,1,1,1};\n",
            Language::Php => "<?php $x=[1,1,1,1,1,1,1,1];?>\n",
            Language::Ruby | Language::Swift => "x=[1,1,1,1,1,1,1,1];\n",
            Language::Kotlin => "val x=f(1,1,1,1,1,1,1,1);\n",
            Language::Scala => "val x=f(1,1,1,1,1,1,1,1);\n",
            Language::Bash => "x=(1 1 1 1 1 1 1 1);\n",
        };
        // Ruby's parser takes half as many operations again for such a list: its largest file is cut if it holds no
        // other thing, and two thirds of it are not.
        let text = line.repeat(if language == Language::Ruby { 666 } else { 1_000 });
        let whole = SyntaxLimits::default();
        let share = whole.parse_reports_max as usize * 1_000 * line.len() / whole.file_bytes_max;
        let limits = SyntaxLimits { parse_reports_max: share as u32, ..whole };
        assert!(!measure(&mut Measurer::new(), language, &text, &limits).truncated, "{language}");
    }
}

#[test]
fn error_bytes_are_those_inside_of_errors_and_counted_once() {
    let facts = facts(Language::Java, "class A { void f() { int x = ; } } ))) ((( @@@");
    assert!(facts.error_bytes > 0 && facts.error_bytes <= facts.bytes);
    assert_eq!(facts.functions.len(), 1);
}

#[test]
fn the_hash_of_a_function_follows_its_text_alone() {
    let hashes = |text: &str| -> Vec<u64> {
        facts(Language::JavaScript, text).functions.iter().map(|function| function.text_hash).collect()
    };
    let (outer, other) = ("function f(a) { return a.map(x => x + 1); }", "function g() { return 2; }");
    let before = hashes(&format!("{outer}\n{other}\n"));
    let moved = hashes(&format!("// moved\n\n{other}\n{outer}\n"));
    assert_eq!((before[0], before[1], before[2]), (moved[1], moved[2], moved[0]));
    let changed = hashes(&format!("{}\n{other}\n", outer.replace("x + 1", "x + 2")));
    assert!(before[0] != changed[0] && before[1] != changed[1] && before[2] == changed[2]);
}

/// Words and signs that grammars care about.
#[rustfmt::skip]
const PIECES: [&str; 81] = [
    "if", "else", "for", "while", "{", "}", "(", ")", "fn", "def f():", "class A", "=>", "&&", "||", "and", "\n",
    "\r\n", "    ", "\t", "\"", "'", "`", "/*", "*/", "//", "#", "#if", "#endif", "match x", "case _:", "switch",
    "return", "::", "<", ">", ";", ",", "\0", "\u{feff}", "\u{e9}", "\u{1f600}", "lambda x:", "try:", "except:",
    "f(x)", "let", "=", "?", "??", "?.", "!", "m!", "const f = ", "function ", "goto l", "break l", "template<",
    "<?php", "$x->", "elseif", "end", "do |x|", "unless", "rescue", "#{", "<<EOT", "fun f()", "when", "val x",
    "func f()", "guard", "\\(", "object A", "using", "delegate", "get", "then", "fi", "esac", "$(", "[[",
];

/// Pieces in any order, and a few characters of any kind.
fn noise() -> impl Strategy<Value = String> {
    let piece = prop_oneof![prop::sample::select(&PIECES[..]).prop_map(str::to_owned), "\\PC{0,4}"];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_text_gives_the_same_facts_from_any_measurer(texts in prop::collection::vec(noise(), 1..4)) {
        let mut reused = Measurer::new();
        for text in &texts {
            for language in languages() {
                let limits = SyntaxLimits { frames_max: 20, ..SyntaxLimits::default() };
                let measured = measure(&mut reused, language, text, &limits);
                prop_assert_eq!(&measured, &measure(&mut Measurer::new(), language, text, &limits));
                prop_assert_eq!(measured.bytes as usize, text.len());
                prop_assert!(measured.error_bytes <= measured.bytes);
                prop_assert_eq!(measured.lines.len(), measured.metrics.sloc);
                prop_assert_eq!(measured.metrics.ploc + measured.metrics.blank <= measured.metrics.sloc, true);
                for function in &measured.functions {
                    prop_assert!(1 <= function.start_line && function.start_line <= function.end_line);
                    prop_assert!(function.end_line <= measured.metrics.sloc, "{:?}", function);
                }
            }
        }
    }
}
