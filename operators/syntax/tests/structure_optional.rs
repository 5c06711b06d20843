//! What a file of an optional language defines and uses: the class of `structure.rs`, imports, calls, findings.

use driftline_schema::{ClassKind, FileFacts, FindingKind, Language};
use driftline_syntax::{
    ClassMetrics, Measurer, SyntaxLimits, class_metrics, has_grammar, measure, method_metrics, name_hash,
};

fn facts(language: Language, text: &str) -> FileFacts {
    let facts = measure(&mut Measurer::new(), language, text, &SyntaxLimits::default());
    assert_eq!(facts.error_bytes, 0, "{language}: the probe is read in full");
    facts
}

/// The cases of the languages that are compiled in.
fn compiled<T>(cases: impl IntoIterator<Item = (Language, T)>) -> impl Iterator<Item = (Language, T)> {
    cases.into_iter().filter(|(language, _)| has_grammar(*language))
}

/// The account of `structure.rs`: a constructor, a public `owner`, a private `balance`, and three methods.
const ACCOUNTS: [(Language, &str); 6] = [
    (
        Language::CSharp,
        "public class Account : Base {
  public string owner { get; set; }
  private int balance = 0, unit;
  public Account(string owner) { this.owner = owner; balance = 0; unit = 1; }
  public void deposit(int amount) { balance += amount; log(); }
  public void log() { Console.Out.WriteLine(balance); }
  public void rename(Account other) { owner = other.owner; }
}
",
    ),
    (
        Language::Php,
        "<?php
class Account extends Base {
  public string $owner;
  private int $balance = 0, $unit;
  public function __construct(string $owner) { $this->owner = $owner; $this->balance = 0; $this->unit = 1; }
  public function deposit(int $amount) { $this->balance += $amount; $this->log(); }
  public function log() { show($this->balance); }
  public function rename(Account $other) { $this->owner = $other->owner; }
}
",
    ),
    (
        Language::Ruby,
        "class Account < Base
  def initialize(owner)
    @owner = owner
    @balance = 0
    @unit = 1
  end
  def deposit(amount)
    @balance += amount
    log
  end
  def log
    puts @balance
  end
  def rename(other)
    @owner = other.owner
  end
end
",
    ),
    (
        Language::Kotlin,
        "class Account(var owner: String) : Base() {
  private var balance: Int = 0
  private var unit: Int = 1
  constructor(other: Int) : this(\"\") { this.owner = \"\"; this.balance = 0; this.unit = 1 }
  fun deposit(amount: Int) { balance += amount; log() }
  fun log() { print(balance) }
  fun rename(other: Account) { owner = other.owner }
}
",
    ),
    (
        Language::Swift,
        "class Account: Base {
  var owner: String
  private var balance: Int = 0, unit = 1
  init(owner: String) { self.owner = owner; self.balance = 0; self.unit = 1 }
  func deposit(amount: Int) { balance += amount; log() }
  func log() { print(balance) }
  func rename(other: Account) { owner = other.owner }
}
",
    ),
    (
        Language::Scala,
        "class Account(var owner: String) extends Base {
  private var balance: Int = 0
  private[this] var unit = 1
  def this(other: Int) = { this(\"\"); this.owner = \"\"; this.balance = 0; this.unit = 1 }
  def deposit(amount: Int): Unit = { balance += amount; log() }
  def log(): Unit = { println(balance) }
  def rename(other: Account): Unit = { owner = other.owner }
}
",
    ),
];

#[test]
fn the_same_class_has_the_same_metrics_in_every_language() {
    for (language, text) in compiled(ACCOUNTS) {
        let facts = facts(language, text);
        let classes = &facts.structure.classes;
        assert_eq!(classes.len(), 1, "{language}: {classes:?}");
        let class = &classes[0];
        assert_eq!((&*class.name, class.bases.len()), ("Account", 1), "{language}: {:?}", class.bases);
        assert_eq!(&*class.bases[0], "Base", "{language}");
        // Ruby's variables are of the object alone.
        let public_fields = if language == Language::Ruby { 0 } else { 1 };
        let expected = ClassMetrics {
            wmc: 4,
            methods: 4,
            public_methods: 4,
            fields: 3,
            public_fields,
            lcom4: Some(2),
            tcc: Some((1, 3)),
            atfd: 1,
            woc: Some((3, 3 + public_fields)),
        };
        assert_eq!(class_metrics(class, &facts.functions), expected, "{language}: {class:#?}");
        let rename = class.methods.iter().find(|method| &*facts.functions[method.function as usize].name == "rename");
        let rename = rename.expect("a method `rename`");
        let metrics = method_metrics(rename);
        assert_eq!((metrics.atfd, metrics.laa, metrics.fdp), (1, Some((1, 2)), 1), "{language}");
        assert_eq!(rename.foreign_fields[0].0, name_hash(if language == Language::Php { "$other" } else { "other" }));
    }
}

#[test]
fn members_that_are_kept_from_others_are_not_public() {
    let cases = [
        (Language::CSharp, "class A { public void f() { } void g() { } private void h() { } }"),
        (Language::Php, "<?php class A { function f() { } protected function g() { } private function h() { } }"),
        (Language::Ruby, "class A\n def f; end\n private def g; end\n private\n def h; end\nend\n"),
        (Language::Kotlin, "class A { fun f() { }\n protected fun g() { }\n private fun h() { } }"),
        (Language::Swift, "class A { func f() { }\n fileprivate func g() { }\n private func h() { } }"),
        (Language::Scala, "class A { def f() = { }\n protected def g() = { }\n private[a] def h() = { } }"),
    ];
    for (language, text) in compiled(cases) {
        let facts = facts(language, text);
        let public: Vec<bool> = facts.structure.classes[0].methods.iter().map(|method| method.public).collect();
        assert_eq!(public, [true, false, false], "{language}");
    }
}

#[test]
fn what_is_like_a_class_has_its_kind() {
    use ClassKind::*;
    let cases = [
        (
            Language::CSharp,
            (
                "interface A { int X { get; } } struct B { int x; } enum C { D } record E(int A);",
                vec![Interface, Struct, Enum, Class],
            ),
        ),
        (Language::Php, ("<?php interface A { } trait B { } enum C { case D; }", vec![Interface, Trait, Enum])),
        (Language::Ruby, ("module A\nclass B\nend\nend\n", vec![Trait, Class])),
        (Language::Kotlin, ("interface A\nenum class B { C }\nobject D\n", vec![Interface, Enum, Class])),
        (Language::Swift, ("protocol A { }\nstruct B { }\nenum C { case d }\n", vec![Interface, Struct, Enum])),
        (Language::Scala, ("trait A\nobject B { }\nenum C { case D }\n", vec![Trait, Class, Enum])),
    ];
    for (language, (text, kinds)) in compiled(cases) {
        let found: Vec<ClassKind> = facts(language, text).structure.classes.iter().map(|class| class.kind).collect();
        assert_eq!(found, kinds, "{language}");
    }
}

#[test]
fn imports_name_what_the_text_names() {
    let cases = [
        (Language::CSharp, ("using a.b;\nusing static c.D;\nclass E { }", vec!["a.b", "c.D"])),
        (
            Language::Php,
            (
                "<?php\nuse A\\B;\nuse C\\{D, E as F};\nrequire __DIR__ . '/g.php';\ninclude $h;",
                vec!["./g.php", "A\\B", "C\\D", "C\\E"],
            ),
        ),
        (
            Language::Ruby,
            ("require 'a/b'\nrequire_relative(\"c\")\nrequire \"d#{e}\"\nrequire f\n", vec!["./c", "a/b"]),
        ),
        (Language::Kotlin, ("import a.b.C as D\nimport e.*\n", vec!["a.b.C", "e"])),
        (Language::Swift, ("import A\nimport struct B.C\n", vec!["A", "B.C"])),
        (Language::Scala, ("import a.b.{c, d => e}\nimport f._\n", vec!["a.b", "f"])),
        (Language::Bash, ("source a.sh\n. \"b.sh\"\n. \"$c/d.sh\"\n", vec!["a.sh", "b.sh"])),
    ];
    for (language, (text, modules)) in compiled(cases) {
        let imports = facts(language, text).structure.imports;
        let found: Vec<&str> = imports.iter().map(|import| &*import.module).collect();
        assert_eq!(found, modules, "{language}");
    }
}

#[test]
fn calls_name_what_is_called_and_on_what() {
    let cases = [
        (Language::CSharp, "class C { void f() { g<T>(); a.h<T>(); a.h(); } }"),
        (Language::Php, "<?php function f() { g(); $a->h(); $a->h(); }"),
        (Language::Ruby, "def f\n g()\n a.h(1)\n a.h 2\nend\n"),
        (Language::Kotlin, "fun f() { g<T>(); a.h(1) { }\n a.h { } }"),
        (Language::Swift, "func f() { g()\n a.h(1) { }\n a.h { } }"),
        (Language::Scala, "object O { def f() = { g[T](); a.h(1); a.h(2) } }"),
    ];
    for (language, text) in compiled(cases) {
        let calls = facts(language, text).structure.calls;
        let mut found: Vec<_> =
            calls.iter().map(|call| (call.caller, call.callee, call.receiver, call.times)).collect();
        found.sort_by_key(|call| call.3);
        let object = name_hash(if language == Language::Php { "$a" } else { "a" });
        assert_eq!(found, [(0, name_hash("g"), 0, 1), (0, name_hash("h"), object, 2)], "{language}");
    }
    for (language, text) in compiled([(Language::Bash, "f() { g; h a; h \"$b\"; \"$c\" d; }")]) {
        let calls = facts(language, text).structure.calls;
        let mut found: Vec<_> = calls.iter().map(|call| (call.caller, call.callee, call.times)).collect();
        found.sort_by_key(|call| call.2);
        assert_eq!(found, [(0, name_hash("g"), 1), (0, name_hash("h"), 2)], "{language}");
    }
}

#[test]
fn findings_stand_on_their_lines() {
    use FindingKind::*;
    let cases = [
        (
            Language::CSharp,
            (
                "class A {\n const int B = 7;\n [C(7)] int d = 7;\n void f() {\n try { } catch { }\n throw x;\n g();\n }\n}",
                vec![(3, MagicNumber), (5, EmptyCatch), (7, DeadCode)],
            ),
        ),
        (
            Language::Php,
            (
                "<?php\nconst A = 7;\nfunction f($a = 7) {\n try { g(7); } catch (E $e) { }\n return;\n g();\n}",
                vec![(4, MagicNumber), (4, EmptyCatch), (6, DeadCode)],
            ),
        ),
        (
            Language::Ruby,
            (
                "LIMIT = 7\ndef f(a = 7)\n g(7)\n return 1 if a\n return 2\n g\nrescue\nend\n",
                vec![(3, MagicNumber), (6, DeadCode), (7, EmptyCatch)],
            ),
        ),
        (
            Language::Kotlin,
            (
                "const val A = 7\nfun f(a: Int = 7) {\n try { g(7) } catch (e: E) { }\n while (a) {\n break\n g()\n }\n}",
                vec![(3, MagicNumber), (3, EmptyCatch), (6, DeadCode)],
            ),
        ),
        (
            Language::Swift,
            (
                "let a = 7\nfunc f(a: Int) {\n do { try g(7) } catch { }\n if a { return }\n throw e\n g()\n}",
                vec![(3, MagicNumber), (3, EmptyCatch), (6, DeadCode)],
            ),
        ),
        (
            Language::Scala,
            (
                "object O {\n val A = 7\n def f(a: Int = 7) = {\n try { g(7) } catch { case e: E => }\n throw x\n g()\n }\n}",
                vec![(4, MagicNumber), (4, EmptyCatch), (6, DeadCode)],
            ),
        ),
        (
            Language::Bash,
            ("LIMIT=7\nf() {\n g 7\n a || return 1\n exit 1\n g\n}\n", vec![(3, MagicNumber), (6, DeadCode)]),
        ),
    ];
    for (language, (text, expected)) in compiled(cases) {
        let found: Vec<(u32, FindingKind)> =
            facts(language, text).structure.findings.iter().map(|finding| (finding.line, finding.kind)).collect();
        assert_eq!(found, expected, "{language}");
    }
}

#[test]
fn an_empty_line_within_a_string_is_code() {
    let cases = [
        (Language::CSharp, "class A { string a = @\"x\n\ny\n \n\"; }\n\n"),
        (Language::CSharp, "class A { string a = $@\"x\n\n{y}\n \n\"; }\n\n"),
        (Language::Php, "<?php\n$a = \"x\n\n$y\n \n\";\n\n"),
        (Language::Php, "<?php\n$a = <<<E\nx\n\ny\n \nE;\n\n"),
        (Language::Php, "<?php\n$a = <<<'E'\nx\n\ny\n \nE;\n\n"),
        (Language::Ruby, "a = \"x\n\n#{y}\n \n\"\n\n"),
        (Language::Ruby, "a = <<~E\n  x\n\n  y\n \nE\n\n"),
        (Language::Kotlin, "val a = \"\"\"x\n\n$y\n \n\"\"\"\n\n"),
        (Language::Swift, "let a = \"\"\"\nx\n\ny\n \n\"\"\"\n\n"),
        (Language::Scala, "object A { val a = \"\"\"x\n\ny\n \n\"\"\" }\n\n"),
        (Language::Scala, "object A { val a = s\"\"\"x\n\n$y\n \n\"\"\" }\n\n"),
        (Language::Bash, "a=\"x\n\n$y\n \n\"\n\n"),
        (Language::Bash, "a='x\n\ny\n \n'\n\n"),
        (Language::Bash, "cat <<E\nx\n\n$y\n \nE\n\n"),
    ];
    for (language, text) in compiled(cases) {
        let metrics = facts(language, text).metrics;
        assert_eq!((metrics.blank, metrics.ploc), (1, metrics.sloc - 1), "{language}: {text}");
    }
}
