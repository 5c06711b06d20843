//! Contents for tests, described by names: what they import, define, call and repeat, and the facts that follow.

use super::names::name_hash;
use driftline_schema::{
    BlobKey, Call, ClassFacts, ClassKind, FieldFacts, FileFacts, FunctionFacts, FunctionKind, Import, Language,
    LineClasses, MethodFacts, SpaceMetrics, Structure, Window,
};

/// One content in names.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) imports: Vec<(&'static str, Vec<&'static str>)>,
    /// (name, text).
    pub(super) functions: Vec<(&'static str, u64)>,
    /// (caller, name, receiver); `None` for the file's own code.
    pub(super) calls: Vec<(Option<usize>, &'static str, &'static str)>,
    pub(super) classes: Vec<Class>,
    /// (first line, last line, which), lines from 1.
    pub(super) windows: Vec<(u32, u32, u64)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) bases: Vec<&'static str>,
    pub(super) kinds: Vec<&'static str>,
    /// Indices of functions.
    pub(super) methods: Vec<usize>,
}

impl Content {
    /// The qualified name of a function, unique by its place among those of its name.
    pub(super) fn qualified(&self, at: usize) -> String {
        let name = self.functions[at].0;
        let before = self.functions[..at].iter().filter(|(other, _)| *other == name).count();
        if before == 0 { name.to_owned() } else { format!("{name}#{}", before + 1) }
    }

    pub(super) fn facts(&self, language: Language) -> FileFacts {
        let function = |(at, (name, text)): (usize, &(&'static str, u64))| FunctionFacts {
            name: (*name).into(),
            qualified_name: self.qualified(at).into(),
            kind: FunctionKind::Function,
            start_line: at as u32 + 1,
            end_line: at as u32 + 1,
            metrics: SpaceMetrics::default(),
            text_hash: *text,
        };
        let mut structure = Structure::default();
        structure.imports.extend(self.imports.iter().map(|(module, names)| {
            let mut names: Vec<u64> = names.iter().map(|name| name_hash(name)).collect();
            names.sort_unstable();
            Import { module: (*module).into(), names }
        }));
        structure.calls.extend(self.calls.iter().map(|(caller, name, receiver)| Call {
            caller: caller.map_or(u32::MAX, |caller| caller as u32),
            callee: name_hash(name),
            receiver: if receiver.is_empty() { 0 } else { name_hash(receiver) },
            times: 1,
        }));
        structure.calls.sort();
        structure.classes.extend(self.classes.iter().map(Class::facts));
        structure.windows.extend(self.windows.iter().map(|(start_line, end_line, which)| Window {
            start_line: *start_line,
            end_line: *end_line,
            hash: which / 2,
            check: *which,
        }));
        FileFacts {
            language,
            bytes: 100,
            error_bytes: 0,
            truncated: false,
            metrics: SpaceMetrics::default(),
            functions: self.functions.iter().enumerate().map(function).collect(),
            lines: LineClasses::default(),
            structure,
        }
    }
}

impl Class {
    fn facts(&self) -> ClassFacts {
        let field = |kind: &&str| FieldFacts { name: "x".into(), public: true, shared: false, kind: (*kind).into() };
        let method = |function: &usize| MethodFacts {
            function: *function as u32,
            public: true,
            shared: false,
            accessor: false,
            own_fields: vec![],
            own_calls: vec![],
            foreign_fields: vec![],
        };
        ClassFacts {
            name: self.name.into(),
            qualified_name: self.name.into(),
            kind: ClassKind::Class,
            start_line: 1,
            end_line: 9,
            bases: self.bases.iter().map(|base| (*base).into()).collect(),
            fields: self.kinds.iter().map(field).collect(),
            methods: self.methods.iter().map(method).collect(),
        }
    }
}

/// A fixed stream of choices.
struct Choices(u64);

impl Choices {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % count
    }
    fn some<T: Copy>(&mut self, pool: &[T], count_max: usize) -> Vec<T> {
        let count = self.below(count_max + 1);
        (0..count).map(|_| pool[self.below(pool.len())]).collect()
    }
}

fn imports_of(language: Language) -> Vec<(&'static str, Vec<&'static str>)> {
    match language {
        Language::Python => vec![
            ("pkg.b", vec![]),
            ("pkg", vec!["b", "f"]),
            ("a", vec![]),
            (".b", vec!["C"]),
            (".", vec!["b"]),
            ("..a", vec![]),
            ("requests", vec![]),
            ("json", vec![]),
        ],
        Language::Go => vec![("example.org/r/go/p", vec![]), ("example.org/r", vec![]), ("fmt", vec![])],
        Language::Kotlin => {
            let names = ["p.A", "p.f", "p.C", "p.D.of", "p", "src.p.A", "p.J", "kotlin.A", "other.B", "p.gone"];
            names.map(|name| (name, vec![])).into()
        }
        Language::Java => ["p.A", "p.C", "p.E.Inner", "p.BKt", "q.J"].map(|name| (name, vec![])).into(),
        _ => vec![("./c", vec![]), ("./d", vec![]), ("../web/c", vec![]), ("../c", vec![]), ("react", vec![])],
    }
}

/// The content of a blob in a language, drawn once and for all.
pub(super) fn content(key: BlobKey) -> Content {
    const NAMES: [&str; 9] = ["f", "g", "h", "i", "j", "k", "l", "<anonymous>", "missing"];
    const TYPES: [&str; 5] = ["C", "D", "m.E", "E", "Missing"];
    let mut choices = Choices(u64::from(key.blob.as_bytes()[0]) * 97 + key.language as u64);
    // The first numbers of neighbouring seeds are alike.
    choices.below(2);
    let mut imports: Vec<_> = imports_of(key.language);
    imports.retain(|_| choices.below(2) == 0);
    let names = choices.some(&NAMES[..8], 4);
    let functions: Vec<_> = names.into_iter().map(|name| (name, choices.below(2) as u64)).collect();
    let caller = |choices: &mut Choices| Some(choices.below(functions.len() + 1)).filter(|at| *at < functions.len());
    let mut calls = Vec::new();
    for _ in 0..choices.below(12) {
        let receiver = ["", "C", "E", "x"][choices.below(4)];
        calls.push((caller(&mut choices), NAMES[choices.below(9)], receiver));
    }
    if choices.below(2) == 0 {
        calls.push((caller(&mut choices), "D", ""));
    }
    let class = |choices: &mut Choices| Class {
        name: ["C", "D", "E"][choices.below(3)],
        bases: choices.some(&TYPES, 2),
        kinds: choices.some(&TYPES, 2),
        methods: (0..functions.len()).filter(|_| choices.below(2) == 0).collect(),
    };
    let count = choices.below(3);
    let classes = (0..count).map(|_| class(&mut choices)).collect();
    let mut windows = Vec::new();
    for _ in 0..choices.below(4) {
        let start = 1 + choices.below(12) as u32;
        windows.push((start, start + choices.below(5) as u32, choices.below(6) as u64));
    }
    Content { imports, functions, calls, classes, windows }
}
