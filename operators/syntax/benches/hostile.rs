//! A search for texts that cost more than their bytes: fragments of each grammar, put together in any way.
//!
//! `cargo bench -p driftline-syntax --bench hostile -- SECONDS [LANGUAGE...]` tries recipes for so many seconds a language
//! and prints those that cost most: CPU seconds and bytes of memory for a short text and for a long one, as a
//! megabyte would cost. What is found is mended and kept as a case in `tests/cost.rs`. With `PARTS='Repeat|a<b'` one recipe is
//! measured at five sizes instead, with `FILES=LIST` the files that a list names as `LANGUAGE PATH`: those that are cut are named.

// The tests make recipes in more ways than the search does.
#[allow(dead_code)]
#[path = "../tests/hostile_texts/mod.rs"]
mod hostile_texts;

use driftline_schema::Language;
use driftline_syntax::smells::{Thresholds, duplicates, smells};
use driftline_syntax::{Measurer, SyntaxLimits, languages, measure};
use hostile_texts::{PIECES, Recipe, Shape, tokens};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn add(bytes: usize) {
    PEAK.fetch_max(LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes, Ordering::Relaxed);
}

// SAFETY: hands everything to the system's allocator and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
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

fn cpu_s() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes a whole timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// What measuring a text cost.
#[derive(Clone, Copy)]
struct Cost {
    cpu_s: f64,
    heap_bytes: usize,
    tree_bytes: usize,
    truncated: bool,
    bytes: usize,
}

impl Cost {
    fn cpu_a_megabyte(&self) -> f64 {
        self.cpu_s * (1 << 20) as f64 / self.bytes as f64
    }
    fn bytes_a_byte(&self) -> f64 {
        (self.heap_bytes + self.tree_bytes) as f64 / self.bytes as f64
    }
}

fn cost(language: Language, text: &str) -> Cost {
    let mut measurer = Measurer::new();
    let (live, start) = (LIVE.load(Ordering::Relaxed), cpu_s());
    PEAK.store(live, Ordering::Relaxed);
    let asked = driftline_syntax::tree_bytes_asked();
    let facts = measure(&mut measurer, language, text, &SyntaxLimits::default());
    let thresholds = Thresholds::default();
    for class in &facts.structure.classes {
        std::hint::black_box(driftline_syntax::class_metrics(class, &facts.functions));
    }
    std::hint::black_box((smells(&facts, &thresholds), duplicates(&[&facts], &thresholds)));
    std::hint::black_box(driftline_syntax::patterns::patterns(&facts));
    let cpu_s = cpu_s() - start;
    let heap_bytes = PEAK.load(Ordering::Relaxed) - live;
    Cost {
        cpu_s,
        heap_bytes,
        tree_bytes: driftline_syntax::tree_bytes_asked() - asked,
        truncated: facts.truncated,
        bytes: text.len(),
    }
}

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

fn recipe(random: &mut Random, tokens: &[String]) -> Recipe {
    let shape = Shape::ALL[random.below(Shape::ALL.len())];
    let least = if matches!(shape, Shape::Repeat | Shape::Numbered) { 1 } else { 2 };
    let count = least + random.below(4);
    let part = |random: &mut Random| {
        if random.below(5) < 2 {
            PIECES[random.below(PIECES.len())].to_owned()
        } else {
            tokens[random.below(tokens.len())].clone()
        }
    };
    Recipe { shape, parts: (0..count).map(|_| part(random)).collect(), between: ["", " ", "\n"][random.below(3)] }
}

const SMALL: usize = 6 << 10;
const LARGE: usize = 192 << 10;

fn search(language: Language, seconds: f64, seed: u64) {
    let (tokens, mut random) = (tokens(language), Random(seed));
    let mut found: Vec<(f64, String)> = Vec::new();
    let start = cpu_s();
    let mut tried = 0;
    while cpu_s() - start < seconds {
        let recipe = recipe(&mut random, &tokens);
        tried += 1;
        let small = cost(language, &recipe.text(SMALL));
        if small.cpu_a_megabyte() < 1.5 && small.bytes_a_byte() < 300.0 {
            continue;
        }
        let large = cost(language, &recipe.text(LARGE));
        found.push((
            large.cpu_a_megabyte().max(large.bytes_a_byte() / 200.0),
            format!(
                "{:7.2} -> {:7.2} s/MB  {:6.0} -> {:6.0} B/B {} {}",
                small.cpu_a_megabyte(),
                large.cpu_a_megabyte(),
                small.bytes_a_byte(),
                large.bytes_a_byte(),
                if large.truncated { "cut" } else { "   " },
                recipe.name()
            ),
        ));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("== {language}: {tried} tried, {} costly", found.len());
    for (_, line) in found.iter().take(25) {
        println!("{line}");
    }
}

/// Measures real files, listed as `LANGUAGE PATH`, and names those that a limit cuts.
fn cut_files(list: &str) {
    let mut count = 0;
    for line in std::fs::read_to_string(list).expect("a list of files").lines() {
        let (name, path) = line.split_once(' ').expect("a language and a path");
        let Some(language) = languages().find(|language| language.name() == name) else { continue };
        let limits = SyntaxLimits::default();
        let text = std::fs::read_to_string(path).ok().filter(|text| text.len() <= limits.file_bytes_max);
        let Some(text) = text else { continue };
        count += 1;
        if measure(&mut Measurer::new(), language, &text, &limits).truncated {
            println!("truncated: {language} {} bytes {path}", text.len());
        }
    }
    println!("{count} files");
}

/// Measures one recipe, its shape and then its parts with bars between them, at five sizes.
fn one_recipe(written: &str, chosen: &[Language]) {
    let mut words = written.split('|');
    let name = words.next().unwrap_or_default();
    let shape = Shape::ALL.into_iter().find(|shape| format!("{shape:?}") == name).expect("the name of a shape");
    let recipe = Recipe { shape, parts: words.map(|part| part.replace("\\n", "\n")).collect(), between: "" };
    for language in chosen {
        for bytes in [1 << 16, 1 << 17, 1 << 18, 1 << 19, 1_000_000] {
            let Cost { cpu_s, heap_bytes, tree_bytes, truncated, .. } = cost(*language, &recipe.text(bytes));
            let cut = if truncated { "cut" } else { "" };
            println!(
                "{language} {bytes}: {cpu_s:.3} s, heap {} MB, tree {} MB {cut}",
                heap_bytes >> 20,
                tree_bytes >> 20
            );
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(seconds) = arguments.first().and_then(|word| word.parse().ok()) else {
        println!("usage: hostile SECONDS [LANGUAGE...]; nothing searched");
        return;
    };
    let is_chosen =
        |language: &Language| arguments.len() == 1 || arguments[1..].iter().any(|name| name == language.name());
    let chosen: Vec<Language> = languages().filter(is_chosen).collect();
    if let Ok(list) = std::env::var("FILES") {
        return cut_files(&list);
    }
    if let Ok(written) = std::env::var("PARTS") {
        return one_recipe(&written, &chosen);
    }
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    chosen.into_iter().for_each(|language| search(language, seconds, seed));
}
