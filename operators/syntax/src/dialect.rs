//! Whether a text that is called C is C++: what its lines begin with, where no grammar has read it yet.
//!
//! `.h` is a file name of both. Errors alone do not tell them apart, as a namespace is a function to C's grammar.

use super::pieces::{Kind, pieces};
use driftline_schema::Language;

/// The language to read a text in at first: C++ for one that is called C and has a line of C++.
pub(super) fn first_language(language: Language, text: &str) -> Language {
    // Most texts of C have no such word at the beginning of a line, and are not taken apart.
    let may_be_cpp = || {
        let mut start = 0;
        memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]).any(|end| {
            let line = &text[start..end];
            start = end + 1;
            is_cpp_word(first_word(line))
        })
    };
    if language == Language::C && may_be_cpp() && has_cpp_line(text) { Language::Cpp } else { language }
}

/// The word in small letters that a line begins with.
fn first_word(line: &str) -> &str {
    let line = line.trim_ascii_start();
    let length = line.bytes().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(line.len());
    &line[..length]
}

/// Whether a line of C++ may begin with this word, and one of C hardly.
fn is_cpp_word(word: &str) -> bool {
    matches!(
        word,
        "class"
            | "explicit"
            | "friend"
            | "namespace"
            | "private"
            | "protected"
            | "public"
            | "template"
            | "using"
            | "virtual"
    )
}

/// Whether a line that begins with `word` goes on as one of C++: each of these words may be a name in C.
fn goes_on(word: &str, kind: Kind) -> bool {
    match word {
        "class" | "explicit" | "friend" | "using" => kind == Kind::Word,
        "namespace" => matches!(kind, Kind::Word | Kind::Sign(b'{')),
        "template" => kind == Kind::Sign(b'<'),
        "virtual" => matches!(kind, Kind::Word | Kind::Sign(b'~')),
        "private" | "protected" | "public" => kind == Kind::Sign(b':'),
        _ => false,
    }
}

/// Whether a line is C++, outside of comments, literals, directives and conditionals that ask for C++: what these hold is
/// there for both languages.
fn has_cpp_line(text: &str) -> bool {
    let mut guards = Guards::default();
    let (mut directive, mut word) = ("", "");
    for piece in pieces(text).filter(|piece| piece.kind != Kind::Comment) {
        let token = &text[piece.start..piece.end];
        match piece.kind {
            Kind::Directive => {
                directive = token[1..].trim_ascii_start();
                guards.directive(directive);
            }
            Kind::DirectiveEnd => directive = "",
            _ if directive.is_empty() && goes_on(word, piece.kind) && guards.asking == 0 => return true,
            _ if token == "__cplusplus" && directive.contains("if") => guards.ask(),
            _ => {}
        }
        word = if directive.is_empty() && piece.first && is_cpp_word(token) { token } else { "" };
    }
    false
}

/// The conditionals around a place.
#[derive(Default)]
struct Guards {
    /// Of each, whether it asks for C++.
    asks: Vec<bool>,
    /// How many of them do.
    asking: usize,
}

impl Guards {
    fn directive(&mut self, name: &str) {
        match name {
            "if" | "ifdef" | "ifndef" => self.asks.push(false),
            "endif" => self.asking -= usize::from(self.asks.pop().unwrap_or(false)),
            _ => {}
        }
    }

    fn ask(&mut self) {
        if let Some(asks) = self.asks.last_mut() {
            self.asking += usize::from(!*asks);
            *asks = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cpp_makes_a_header_cpp() {
        for text in [
            "namespace a {\n}\n",
            "namespace {\n}\n",
            "#ifndef A_H\n#define A_H\n  using namespace a;\n#endif\n",
            "/*\n */\ntemplate<class A> struct B;\n",
            "struct A {\nprivate:\n  int a;\n};\n",
            "struct A {\n  virtual ~A();\n};\n",
            "class EXPORT A : public B {};\n",
            "#ifdef __cplusplus\nextern \"C\" {\n#endif\nclass A;\n",
        ] {
            assert_eq!(first_language(Language::C, text), Language::Cpp, "{text}");
        }
    }

    #[test]
    fn words_of_cpp_in_c_do_not() {
        for text in [
            "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif\n",
            "#if X\n#elif defined(__cplusplus)\nnamespace a {\n#if Y\nclass A;\n#endif\n#endif\nint b;\n",
            "/*\nclass A\n*/\nint a;\n",
            "char *a = \"\\\nclass A\";\n",
            "#define A \\\nclass A\n",
            "int f(int class) {\nclass = 1;\nusing(class);\nreturn template;\n}\n",
            "struct A { int namespace;\n};\nint a = b.\nnamespace;\nint classes;\n",
        ] {
            assert_eq!(first_language(Language::C, text), Language::C, "{text}");
        }
        assert_eq!(first_language(Language::Rust, "class A {}\n"), Language::Rust);
    }

    #[test]
    fn a_guard_ends_with_its_conditional() {
        let guarded = "#if A\n#ifdef __cplusplus\n#ifdef B\n#endif\nclass A;\n#endif\n";
        assert_eq!(first_language(Language::C, guarded), Language::C);
        assert_eq!(first_language(Language::C, &format!("#endif\n{guarded}class B;\n")), Language::Cpp);
    }
}
