//! A search for texts that cost more than their bytes: fragments of each grammar, put together in any way.
//!
//! `cargo bench -p driftline-syntax --bench hostile -- SECONDS [LANGUAGE...]` tries recipes for so many seconds a language
//! and prints those that cost most: CPU seconds and bytes of memory for a text of one size and of four times that, as a
//! megabyte would cost. What is found is mended and kept as a case in `tests/hostile.rs`.

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

fn cost(language: Language, text: &str, limits: &SyntaxLimits) -> Cost {
    let mut measurer = Measurer::new();
    let (live, start) = (LIVE.load(Ordering::Relaxed), cpu_s());
    PEAK.store(live, Ordering::Relaxed);
    let asked = driftline_syntax::tree_bytes_asked();
    let facts = measure(&mut measurer, language, text, limits);
    let measured = cpu_s() - start;
    let thresholds = Thresholds::default();
    for class in &facts.structure.classes {
        std::hint::black_box(driftline_syntax::class_metrics(class, &facts.functions));
    }
    std::hint::black_box((smells(&facts, &thresholds), duplicates(&[&facts], &thresholds)));
    std::hint::black_box(driftline_syntax::patterns::patterns(&facts));
    let cpu_s = cpu_s() - start;
    if std::env::var_os("SPLIT").is_some() {
        println!("   measure {measured:.3} rest {:.3}", cpu_s - measured);
    }
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
    let uncut = SyntaxLimits { parse_reports_max: u32::MAX, tree_bytes_max: usize::MAX, ..SyntaxLimits::default() };
    let (tokens, mut random) = (tokens(language), Random(seed));
    let mut found: Vec<(f64, String)> = Vec::new();
    let start = cpu_s();
    let mut tried = 0;
    while cpu_s() - start < seconds {
        let recipe = recipe(&mut random, &tokens);
        tried += 1;
        let small = cost(language, &recipe.text(SMALL), &uncut);
        if small.cpu_a_megabyte() < 1.5 && small.bytes_a_byte() < 300.0 {
            continue;
        }
        let large = cost(language, &recipe.text(LARGE), &SyntaxLimits::default());
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

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let uncut = SyntaxLimits { parse_reports_max: u32::MAX, tree_bytes_max: usize::MAX, ..SyntaxLimits::default() };
    let limits = if std::env::var_os("UNCUT").is_some() { uncut } else { SyntaxLimits::default() };
    let Some(seconds) = arguments.first().and_then(|word| word.parse().ok()) else {
        println!("usage: hostile SECONDS [LANGUAGE...]; nothing searched");
        return;
    };
    if let Ok(list) = std::env::var("FILES") {
        let mut count = 0;
        for line in std::fs::read_to_string(list).expect("a list").lines() {
            let (name, path) = line.split_once(' ').expect("language and path");
            let Some(language) = languages().find(|language| language.name() == name) else { continue };
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            if text.len() > 1 << 20 {
                continue;
            }
            eprintln!("FILE {path}");
            count += 1;
            let facts = measure(&mut Measurer::new(), language, &text, &limits);
            if facts.truncated {
                println!("TRUNCATED {language} {} {path}", text.len());
            }
        }
        println!("{count} files");
        return;
    }
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    if let Ok(parts) = std::env::var("PARTS") {
        // One recipe: its shape, then its parts, separated by a bar.
        let mut words = parts.split('|');
        let name = words.next().unwrap_or_default().to_owned();
        let shape = Shape::ALL.into_iter().find(|shape| format!("{shape:?}") == name).expect("the name of a shape");
        let parts: Vec<String> = words.map(|part| part.replace("\\n", "\n")).collect();
        let recipe = Recipe { shape, parts, between: "" };
        for language in languages().filter(|language| arguments[1..].iter().any(|name| name == language.name())) {
            for bytes in [1 << 16, 1 << 17, 1 << 18, 1 << 19, 1_000_000] {
                let cost = cost(language, &recipe.text(bytes), &limits);
                println!(
                    "{language} {bytes}: {:.3} s, heap {} MB, tree {} MB {}",
                    cost.cpu_s,
                    cost.heap_bytes >> 20,
                    cost.tree_bytes >> 20,
                    if cost.truncated { "cut" } else { "" }
                );
            }
        }
        return;
    }
    for language in languages() {
        if arguments.len() == 1 || arguments[1..].iter().any(|name| name == language.name()) {
            // As deep as a worker's thread.
            let work = move || search(language, seconds, seed);
            std::thread::Builder::new()
                .stack_size(2 << 20)
                .spawn(work)
                .expect("a thread starts")
                .join()
                .expect("no panic");
        }
    }
}
