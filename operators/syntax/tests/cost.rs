//! What a text costs stays in proportion to its length, however it is made: CPU time, and memory of trees and of all else.
//!
//! Everything is in one test, so that nothing else is measured with it. Time is that of this thread; the bounds are far from what
//! is usual and from what a cost that grows with the square would be, so that a busy machine fails nothing.

mod hostile_texts;

use driftline_schema::{FileFacts, Language};
use driftline_syntax::smells::{Thresholds, duplicates, smells};
use driftline_syntax::{Measurer, SyntaxLimits, has_grammar, languages, measure, tree_bytes_asked};
use hostile_texts::{PIECES, Recipe, Shape, tokens};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is live and the most that was.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// CPU seconds of this thread.
fn cpu_s() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes a whole timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// What a text cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu_s: f64,
    /// Memory asked for by the parses, and the most of the facts and what they are made with.
    tree_bytes: usize,
    heap_bytes: usize,
}

/// Everything that is done with one text.
fn all_passes(language: Language, text: &str) -> FileFacts {
    let facts = measure(&mut Measurer::new(), language, text, &SyntaxLimits::default());
    for class in &facts.structure.classes {
        driftline_syntax::class_metrics(class, &facts.functions);
    }
    let thresholds = Thresholds::default();
    smells(&facts, &thresholds);
    duplicates(&[&facts], &thresholds);
    driftline_syntax::patterns::patterns(&facts);
    facts
}

fn cost(language: Language, text: &str) -> Cost {
    let (live, asked, start) = (LIVE.load(Ordering::Relaxed), tree_bytes_asked(), cpu_s());
    PEAK.store(live, Ordering::Relaxed);
    all_passes(language, text);
    let heap_bytes = PEAK.load(Ordering::Relaxed) - live;
    Cost { cpu_s: cpu_s() - start, tree_bytes: tree_bytes_asked() - asked, heap_bytes }
}

/// Sizes that are compared.
const SMALL: usize = 32 << 10;
const LARGE: usize = 4 * SMALL;
/// Four times the text may take so many times as long, and this much more: squares would take sixteen times.
const GROWTH_MAX: f64 = 9.0;
const CPU_S_FREE: f64 = 0.15;
/// CPU seconds a megabyte in a build that is not optimised; an optimised one stays below one.
const CPU_S_A_MEGABYTE_MAX: f64 = 12.0;
const TREE_BYTES_MAX: usize = 150 << 20;
const HEAP_BYTES_A_BYTE_MAX: usize = 400;
/// Recipes of a language tried besides those that are kept.
const RECIPES: usize = 2;

/// What is wrong with the cost of a recipe, if it is so twice: another process may have been in the way once.
fn check(language: Language, recipe: &Recipe) -> Option<String> {
    fault(language, recipe).and_then(|_| fault(language, recipe))
}

fn fault(language: Language, recipe: &Recipe) -> Option<String> {
    let (small, large) = (recipe.text(SMALL), recipe.text(LARGE));
    let (few, many) = (cost(language, &small), cost(language, &large));
    let grows = many.cpu_s > GROWTH_MAX * few.cpu_s + CPU_S_FREE;
    let takes = many.cpu_s > CPU_S_A_MEGABYTE_MAX * large.len() as f64 / 1e6 + CPU_S_FREE;
    let holds = many.tree_bytes > TREE_BYTES_MAX || many.heap_bytes > HEAP_BYTES_A_BYTE_MAX * large.len();
    let sizes = format!("{} and {} bytes", small.len(), large.len());
    (grows || takes || holds).then(|| format!("{language}: {few:?}, then {many:?} for {sizes} of {}", recipe.name()))
}

/// Texts that once cost the square of their length, or gigabytes, and their siblings.
#[rustfmt::skip]
fn kept() -> Vec<(Language, Recipe)> {
    use Language::*;
    let repeat = |parts: &[&str]| Recipe::new(Shape::Repeat, parts);
    let nest = |parts: &[&str]| Recipe::new(Shape::Nest, parts);
    let prefix = |parts: &[&str]| Recipe::new(Shape::Prefix, parts);
    let numbered = |parts: &[&str]| Recipe::new(Shape::Numbered, parts);
    let mut kept = vec![
        // Each directive was an edit of a flat tree of errors.
        (C, repeat(&["#if A\n{\n#else\n{\n#endif\n"])),
        (Cpp, repeat(&["#if A\n(\n#elif B\n{\n#endif\n"])),
        (C, nest(&["#if A\n{\n#else\n{\n", "#endif\n"])),
        (C, repeat(&["#ifdef A\nif (a) {\n#endif\nb;\n"])),
        // Errors, of which each costs thousands of steps, and more where the stack is deep.
        (JavaScript, repeat(&["case 1:"])), (Rust, repeat(&["if(a)"])), (TypeScript, repeat(&["'a' /* a */ "])), (Cpp, repeat(&["]] /* a */ é "])),
        // All readings are kept at once.
        (Cpp, repeat(&["a<b"])), (Cpp, repeat(&["a<b>(c)"])), (Cpp, repeat(&["a(b)*c;"])), (C, repeat(&["a(b)*"])),
        (C, repeat(&["(a)-b"])), (C, repeat(&["(a)(b)*c;"])), (Cpp, nest(&["a<", ">"])), (Cpp, prefix(&["a", "<b,c"])),
        (TypeScript, repeat(&["a<b"])), (TypeScript, repeat(&["a<b>(c)"])), (Tsx, repeat(&["<a,>(b)=>"])),
        (JavaScript, repeat(&["a/b/c"])), (JavaScript, repeat(&["(a,b)=>"])), (JavaScript, nest(&["`${", "}`"])),
        (Java, repeat(&["(a)-b"])), (Java, repeat(&["A<B<C,"])), (Java, prefix(&["%", "provides", "<"])), (Go, repeat(&["a[b]("])), (Rust, repeat(&["a<b>::"])),
        (Python, nest(&["f\"{", "}\""])), (Python, prefix(&["\"a\"", "a(b)`"])), (Python, repeat(&["1@]"])),
        // Every `<` was looked at to the end of its line.
        (C, prefix(&["#include ", "<"])), (Cpp, prefix(&["] ) } ", "<"])), (Rust, repeat(&["r#\""])), (Cpp, repeat(&["R\"("])),
        // Classes whose methods are declared apart, of one name, or call each other.
        (Cpp, numbered(&["struct S { void a(); }; void S::a() {} "])), (Java, prefix(&["class A {", "void f(int a) { f(a); } "])),
        (Java, prefix(&["class A {", "int a; void add(int a) { f(); } void notify() { g(); } "])),
        (Rust, numbered(&["impl A { fn a(&self) { self.b(); } } "])),
        (Java, numbered(&["class Ca { Ca g; void m() { g.m(); } } "])), (Java, nest(&["class A { A g; void m() { g.m(); ", "} }"])),
        (Java, numbered(&["class Ca extends B { B make() { new B(); return new Ca(); } } "])),
        (JavaScript, prefix(&["class A {", "f(){}"])), (JavaScript, nest(&["function f(){", "}"])),
        (Go, numbered(&["type A struct{}; func (s A) a() {}; "])), (Python, prefix(&["class A:", "\n def f(self): self.a=1"])),
        (Bash, repeat(&["<<A "])), (Ruby, repeat(&["<<A "])), (Ruby, nest(&["\"#{", "}\""])), (Php, repeat(&["<?php <<<A\n"])),
        (CSharp, repeat(&["a<b"])), (Kotlin, repeat(&["a<b"])), (Swift, repeat(&["a<b"])), (Scala, repeat(&["a[b]("])),
    ];
    for language in languages() {
        kept.extend(["/* ", "(", "x ) "].map(|part| (language, repeat(&[part]))));
    }
    kept.retain(|(language, _)| has_grammar(*language));
    kept
}

/// Any recipe of a language's own tokens.
fn recipe(seed: &mut u64, tokens: &[String]) -> Recipe {
    let mut below = |bound: usize| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize % bound
    };
    let shape = Shape::ALL[below(Shape::ALL.len())];
    let least = if matches!(shape, Shape::Repeat | Shape::Numbered) { 1 } else { 2 };
    let count = least + below(3);
    let mut part =
        || if below(5) < 2 { PIECES[below(PIECES.len())].to_owned() } else { tokens[below(tokens.len())].clone() };
    let parts = (0..count).map(|_| part()).collect();
    Recipe { shape, parts, between: ["", " ", "\n"][below(3)] }
}

/// Chains are trees as deep as the text is long, all of which the passes once held at a time.
fn check_chains() {
    const BYTES_MAX: usize = 200_000_000;
    for (language, part) in [(Language::Rust, "1."), (Language::JavaScript, "`")] {
        let text = part.repeat(1_000_000 / part.len());
        let Cost { heap_bytes, tree_bytes, .. } = cost(language, &text);
        assert!(heap_bytes + tree_bytes < BYTES_MAX, "{language}: {heap_bytes} and {tree_bytes} bytes");
        assert!(all_passes(language, &text).truncated, "{language}: what lies too deep is said to be cut");
    }
}

#[test]
fn what_a_text_costs_grows_as_its_length() {
    check_chains();
    let mut faults = Vec::new();
    for (language, recipe) in kept() {
        faults.extend(check(language, &recipe));
    }
    // Other recipes in every run of another version; the same in every run of one.
    let mut seed = u64::from(driftline_syntax::TABLE_VERSION);
    for language in languages() {
        let tokens = tokens(language);
        for _ in 0..RECIPES {
            faults.extend(check(language, &recipe(&mut seed, &tokens)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
