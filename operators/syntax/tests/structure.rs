//! What a file defines and uses: one class written in eight languages, imports, calls, findings, windows.

use driftline_schema::{ClassFacts, ClassKind, FileFacts, FindingKind, Language};
use driftline_syntax::{ClassMetrics, Measurer, SyntaxLimits, class_metrics, measure, method_metrics, name_hash};

fn facts(language: Language, text: &str) -> FileFacts {
    let facts = measure(&mut Measurer::new(), language, text, &SyntaxLimits::default());
    assert_eq!(facts.error_bytes, 0, "{language}: the probe is read in full");
    facts
}

/// An account with a constructor, a public `owner`, a private `balance`, and three methods: `deposit` uses the balance and
/// calls `log`, `log` uses the balance, `rename` uses the owner and that of another account. What a type holds, as
/// `System.out`, is no field of an object.
const ACCOUNTS: [(Language, &str); 8] = [
    (
        Language::Python,
        "class Account(Base, metaclass=Meta):
    def __init__(self, owner):
        self.owner = owner
        self._balance = 0
    def deposit(self, amount):
        self._balance += amount
        self.log()
    def log(self):
        print(self._balance)
    def rename(self, other):
        self.owner = other.owner
",
    ),
    (
        Language::JavaScript,
        "class Account extends Base {
  constructor(owner) { super(); this.owner = owner; this.#balance = 0; }
  deposit(amount) { this.#balance += amount; this.log(); }
  log() { console.log(this.#balance); }
  rename(other) { this.owner = other.owner; }
}
",
    ),
    (
        Language::TypeScript,
        "class Account<T> extends Base<T> {
  private balance: number;
  constructor(public owner: string) { super(); this.balance = 0; }
  deposit(amount: number): void { this.balance += amount; this.log(); }
  log(): void { print(this.balance); }
  rename(other: Account<T>): void { this.owner = other.owner; }
}
",
    ),
    (
        Language::Java,
        "public class Account extends Base {
  public String owner;
  private int balance = 0;
  public Account(String owner) { this.owner = owner; balance = 0; }
  public void deposit(int amount) { balance += amount; log(); }
  public void log() { System.out.println(balance); }
  public void rename(Account other) { owner = other.owner; }
}
",
    ),
    (
        Language::Cpp,
        "class Account : public Base {
 public:
  explicit Account(std::string owner) : owner(owner), balance(0) {}
  void deposit(int amount) { balance += amount; this->log(); }
  void log();
  void rename(const Account &other) { owner = other.owner; }
  std::string owner;
 private:
  int balance;
};
void Account::log() { print(balance); }
",
    ),
    (
        Language::Go,
        "package p

type Account struct {
	Base
	Owner   string
	balance int
}

func (a *Account) Deposit(amount int) {
	a.balance += amount
	a.Log()
}

func (a *Account) Log() { print(a.balance) }

func (a *Account) Rename(other *Account) { a.Owner = other.Owner }
",
    ),
    (
        Language::Rust,
        "impl Account {
    pub fn new(owner: String) -> Self { Self { owner, balance: 0 } }
    pub fn deposit(&mut self, amount: u32) { self.balance += amount; self.log(); }
    pub fn rename(&mut self, other: &Account) { self.owner = other.owner.clone(); }
}
pub struct Account {
    pub owner: String,
    balance: u32,
}
impl Base for Account {
    fn log(&self) { print(self.balance); }
}
",
    ),
    (
        Language::Tsx,
        "class Account extends Base {
  owner = '';
  #balance = 0;
  constructor(owner: string) { super(); this.owner = owner; }
  deposit(amount: number) { this.#balance += amount; this.log(); }
  log() { print(this.#balance); }
  rename(other: Account) { this.owner = other.owner; }
}
",
    ),
];

fn only_class(facts: &FileFacts) -> &ClassFacts {
    assert_eq!(facts.structure.classes.len(), 1, "{:?}", facts.structure.classes);
    &facts.structure.classes[0]
}

#[test]
fn the_same_class_has_the_same_metrics_in_every_language() {
    for (language, text) in ACCOUNTS {
        let facts = facts(language, text);
        let class = only_class(&facts);
        assert_eq!((&*class.name, &*class.bases[0]), ("Account", "Base"), "{language}");
        assert_eq!(class.bases.len(), 1, "{language}: {:?}", class.bases);
        // Go has no constructors.
        let methods = if language == Language::Go { 3 } else { 4 };
        let expected = ClassMetrics {
            wmc: methods,
            methods,
            public_methods: methods,
            fields: 2,
            public_fields: 1,
            lcom4: Some(2),
            tcc: Some((1, 3)),
            atfd: 1,
            // Rust's `new` is a method as any other.
            woc: if language == Language::Rust { Some((4, 5)) } else { Some((3, 4)) },
        };
        assert_eq!(class_metrics(class, &facts.functions), expected, "{language}: {class:#?}");
    }
}

#[test]
fn a_methods_own_and_foreign_fields_are_told_apart() {
    for (language, text) in ACCOUNTS {
        let facts = facts(language, text);
        let methods = &only_class(&facts).methods;
        let rename = methods.iter().find(|m| facts.functions[m.function as usize].name.eq_ignore_ascii_case("rename"));
        let metrics = method_metrics(rename.expect("a method `rename`"));
        assert_eq!((metrics.atfd, metrics.laa, metrics.fdp), (1, Some((1, 2)), 1), "{language}");
        let other = rename.expect("a method `rename`").foreign_fields[0].0;
        assert_eq!(other, name_hash("other"), "{language}");
    }
}

#[test]
fn a_class_of_accessors_has_no_weight_and_no_cohesion() {
    let text =
        "class P { private int x; private int y; public int getX() { return x; } public int getY() { return y; } }";
    let facts = facts(Language::Java, text);
    let class = only_class(&facts);
    assert!(class.methods.iter().all(|method| method.accessor));
    let metrics = class_metrics(class, &facts.functions);
    assert_eq!((metrics.woc, metrics.lcom4, metrics.tcc), (Some((0, 2)), Some(2), Some((0, 1))));
    assert_eq!((metrics.cda(), metrics.coa()), (Some((0, 2)), Some((2, 2))));
}

#[test]
fn a_parameter_hides_a_field_of_its_name() {
    let text = "class P { int x; int y; int f(int x) { return x; } int g() { return y; } }";
    let facts = facts(Language::Java, text);
    let fields: Vec<usize> = only_class(&facts).methods.iter().map(|method| method.own_fields.len()).collect();
    assert_eq!(fields, [0, 1]);
}

#[test]
fn what_is_like_a_class_has_its_kind() {
    let kinds = |language, text: &str| -> Vec<(String, ClassKind, usize)> {
        let classes = facts(language, text).structure.classes;
        classes.iter().map(|class| (class.name.to_string(), class.kind, class.fields.len())).collect()
    };
    use ClassKind::*;
    let row = |name: &str, kind, fields| (name.to_owned(), kind, fields);
    assert_eq!(
        kinds(
            Language::C,
            "struct a { int x, *y; int (*f)(int); };\ntypedef struct { int z; } b;\nstruct a *p;\nenum c { D };"
        ),
        [row("a", Struct, 3), row("b", Struct, 1), row("c", Enum, 0)]
    );
    assert_eq!(
        kinds(Language::Java, "interface A { int X = 1; void f(); }\nenum B { C; int y; }\nrecord D(int a, int b) { }"),
        [row("A", Interface, 1), row("B", Enum, 1), row("D", Class, 2)]
    );
    assert_eq!(
        kinds(
            Language::Go,
            "package p\ntype A interface { F() }\ntype B struct { x, y int }\ntype C int\nfunc (c C) f() {}\n"
        ),
        [row("A", Interface, 0), row("B", Struct, 2), row("C", Struct, 0)]
    );
    assert_eq!(
        kinds(Language::Rust, "trait A { fn f(&self); }\nenum B { C { x: u8 } }\nstruct D { y: u8 }"),
        [row("A", Trait, 0), row("B", Enum, 0), row("D", Struct, 1)]
    );
    assert_eq!(
        kinds(Language::TypeScript, "interface A { x: number; f(): void }\nenum B { C }\nconst D = class { y = 1 };"),
        [row("A", Interface, 1), row("B", Enum, 0), row("D", Class, 1)]
    );
}

#[test]
fn imports_are_read_in_every_language() {
    let modules = |language, text: &str| -> Vec<(String, usize)> {
        let imports = facts(language, text).structure.imports;
        imports.iter().map(|import| (import.module.to_string(), import.names.len())).collect()
    };
    let row = |module: &str, names| (module.to_owned(), names);
    let python = "import a.b as c\nfrom .d import (e, # why\n    f as g)\n";
    assert_eq!(modules(Language::Python, python), [row(".d", 2), row("a.b", 0)]);
    let script = "import a, { b as c } from './d';\nexport * from './e';\nconst f = require('g');\nimport 'h';\n";
    assert_eq!(modules(Language::JavaScript, script), [row("./d", 2), row("./e", 0), row("g", 0), row("h", 0)]);
    assert_eq!(
        modules(Language::TypeScript, "import type { A } from 'a';\nimport b = require('b');"),
        [row("a", 1), row("b", 0)]
    );
    let java = "import a.b.C;\nimport a.d.*;\nimport static a.E.f;\nclass G { }";
    assert_eq!(modules(Language::Java, java), [row("a.E", 1), row("a.b.C", 0), row("a.d", 0)]);
    assert_eq!(modules(Language::C, "#include <a.h>\n#include \"b/c.h\"\n"), [row("a.h", 0), row("b/c.h", 0)]);
    assert_eq!(modules(Language::Go, "package p\nimport (\n\t\"a/b\"\n\tc \"d\"\n)\n"), [row("a/b", 0), row("d", 0)]);
    let rust = "use crate::a::{b, c::D};\npub(crate) use std::fmt;\nmod e;\nmod f { use g::*; }\n";
    let expected = [row("crate::a", 1), row("crate::a::c", 1), row("g", 0), row("self::e", 0), row("std", 1)];
    assert_eq!(modules(Language::Rust, rust), expected);
}

#[test]
fn calls_name_what_is_called_and_on_what() {
    let cases = [
        (Language::Python, "def f():\n    g()\n    a.h()\n    a.h()\n"),
        (Language::JavaScript, "function f() { g(); a.h(); a.h(); }"),
        (Language::TypeScript, "function f() { g<T>(); a.h<Map<T, U>>(); a.h(); }"),
        (Language::Java, "class C { void f() { g(); a.h(); a.<T>h(); } }"),
        (Language::C, "void f(void) { g(); a->h(); a.h(); }"),
        (Language::Cpp, "void f() { g<T>(); a::h(); a.h(); }"),
        (Language::Go, "package p\nfunc f() { g(); a.h(); a.h() }"),
        (Language::Rust, "fn f() { g::<T>(); a.h(); a::h(); }"),
    ];
    for (language, text) in cases {
        let calls = facts(language, text).structure.calls;
        let mut found: Vec<_> =
            calls.iter().map(|call| (call.caller, call.callee, call.receiver, call.times)).collect();
        found.sort_by_key(|call| call.3);
        let expected = [(0, name_hash("g"), 0, 1), (0, name_hash("h"), name_hash("a"), 2)];
        assert_eq!(found, expected, "{language}");
    }
    let made = facts(Language::Java, "class C { Object o = new a.B(); }").structure.calls;
    assert_eq!((made[0].caller, made[0].callee, made[0].receiver), (u32::MAX, name_hash("B"), name_hash("a")));
}

#[test]
fn findings_stand_on_their_lines() {
    use FindingKind::*;
    let found = |language, text: &str| -> Vec<(u32, FindingKind)> {
        facts(language, text).structure.findings.iter().map(|finding| (finding.line, finding.kind)).collect()
    };
    let python = "LIMIT = 7\ndef f(a=7):\n    try:\n        a(7)\n    except E:\n        pass\n    return 1\n    a()\n";
    assert_eq!(found(Language::Python, python), [(4, MagicNumber), (5, EmptyCatch), (8, DeadCode)]);
    let script = "const limit = 7;\nfunction f(a = 7) {\n try { a(7); } catch (e) {\n // why\n }\n return;\n a();\n}\n";
    assert_eq!(found(Language::JavaScript, script), [(3, MagicNumber), (3, EmptyCatch), (7, DeadCode)]);
    assert_eq!(found(Language::TypeScript, script), [(3, MagicNumber), (3, EmptyCatch), (7, DeadCode)]);
    let java = "class C {\n static final int A = 7;\n @B(7) int c = 7;\n void f() {\n try { } catch (E e) { }\n throw x;\n g();\n }\n}";
    assert_eq!(found(Language::Java, java), [(3, MagicNumber), (5, EmptyCatch), (7, DeadCode)]);
    let c = "#define A 7\nconst int b = 7;\nenum { C = 7 };\nint f(int a) {\n if (a) goto out;\n return a;\n a++;\nout:\n return a + 7;\n}";
    assert_eq!(found(Language::C, c), [(7, DeadCode), (9, MagicNumber)]);
    let cpp = "void f(int a = 7) {\n try { } catch (...) { }\n switch (a) {\n case 1: return;\n break;\n case 2: throw a;\n a = 1;\n }\n}";
    assert_eq!(found(Language::Cpp, cpp), [(2, EmptyCatch), (7, DeadCode)]);
    let go = "package p\nconst a = 7\nfunc f() int {\n\tfor {\n\t\tbreak\n\t\tg()\n\t}\n\treturn 7\n}\n";
    assert_eq!(found(Language::Go, go), [(6, DeadCode), (8, MagicNumber)]);
    let rust = "const A: u8 = 7;\nfn f(a: u8) -> u8 {\n if a > 1 { return 1; }\n return 7u8;\n g();\n}\n";
    assert_eq!(found(Language::Rust, rust), [(4, MagicNumber), (5, DeadCode)]);
}

#[test]
fn a_copy_with_other_names_shares_windows_with_its_original() {
    let body = |name: &str, value: u32| {
        let line = |n: usize| format!("  {name}.push({}{value});\n", format!("{name}_{n} * ").repeat(n));
        let lines: Vec<String> = (0..12).map(line).collect();
        format!("function {name}(a) {{\n{}  return a;\n}}\n", lines.concat())
    };
    let hashes = |text: &str| -> std::collections::BTreeSet<(u64, u64)> {
        facts(Language::JavaScript, text).structure.windows.iter().map(|window| (window.hash, window.check)).collect()
    };
    let original = hashes(&body("first", 10));
    let copy = hashes(&format!("const before = [1, 2, 3];\n{}", body("second", 20)));
    assert!(original.intersection(&copy).count() >= 3);
    let other = hashes(&body("third", 10).replace(" * ", " / "));
    assert_eq!(original.intersection(&other).count(), 0);
}

#[test]
fn an_empty_line_within_a_string_is_code_in_every_language() {
    let cases = [
        (Language::Python, "a = f'''x\n\n{b}\n \n'''\n\n"),
        (Language::JavaScript, "a = `x\n\n${b}\n \n`;\n\n"),
        (Language::TypeScript, "a = `x\n\n${b}\n \n`;\n\n"),
        (Language::Java, "class C { String a = \"\"\"\nx\n\ny\n \n\"\"\"; }\n\n"),
        (Language::Cpp, "auto a = R\"(x\n\ny\n \n)\";\n\n"),
        (Language::Go, "package p\n\nvar a = `x\n\ny\n \n`\n\n"),
        (Language::Rust, "const A: &str = \"x\n\ny\n \n\";\n\n"),
        (Language::Rust, "const A: &str = r#\"x\n\ny\n \n\"#;\n\n"),
    ];
    for (language, text) in cases {
        let metrics = facts(language, text).metrics;
        let blank = 1 + u32::from(language == Language::Go);
        assert_eq!((metrics.blank, metrics.ploc + metrics.blank), (blank, metrics.sloc), "{language}");
    }
    // Text of markup is no string.
    assert_eq!(facts(Language::JavaScript, "a = <p>\n\nb</p>;\n").metrics.blank, 1);
}

#[test]
fn a_methods_object_is_what_its_first_parameter_is_called_in_python() {
    let text = "class A:
    def m(this, other):
        this.a = other.b
    @classmethod
    def c(klass):
        return klass.d
    @staticmethod
    def s(self):
        return self.e
";
    let facts = facts(Language::Python, text);
    let class = &facts.structure.classes[0];
    let shared: Vec<bool> = class.methods.iter().map(|method| method.shared).collect();
    assert_eq!(shared, [false, true, true]);
    let own: Vec<_> = class.methods.iter().map(|method| method.own_fields.clone()).collect();
    assert_eq!(own, [vec![name_hash("a")], vec![name_hash("d")], vec![]]);
}
