//! Two things of a build: the functions of the sentences that merchants read (see `src/shared/languages`), and which commit a
//! release was built from, for `shoptalk --version`. It is asked of git, or told in `SHOPTALK_COMMIT` where the
//! source is no git checkout; without both a build says its version alone.
//!
//! Only builds with optimisation ask: a debug build would be made anew after every commit.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    sentences::write();
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SHOPTALK_COMMIT");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = told().or_else(|| if is_release { asked() } else { None });
    let text = match commit {
        Some(commit) => format!("{version} ({commit})"),
        None if is_release => version,
        None => format!("{version} (debug build)"),
    };
    println!("cargo:rustc-env=SHOPTALK_VERSION={text}");
}

/// What whoever builds says.
fn told() -> Option<String> {
    shortened(&env::var("SHOPTALK_COMMIT").ok()?)
}

/// What git says.
fn asked() -> Option<String> {
    let folder = git(&["rev-parse", "--absolute-git-dir"])?;
    // It changes with every commit and every checkout.
    let log = Path::new(&folder).join("logs/HEAD");
    if log.exists() {
        println!("cargo:rerun-if-changed={}", log.display());
    }
    shortened(&git(&["rev-parse", "HEAD"])?)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The first twelve digits of a commit; `None`: it is none.
fn shortened(commit: &str) -> Option<String> {
    let digits: String = commit.trim().chars().take(12).collect();
    let is_commit = digits.len() >= 7 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then_some(digits)
}

/// The sentences of `en.ftl` as functions: `keys-made = {$name} is made` becomes `keys_made(name)`.
mod sentences {
    use std::collections::BTreeSet;
    use std::fmt::Write;
    use std::{env, fs};

    use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
    use fluent_syntax::parser;

    const ENGLISH: &str = "src/shared/languages/en.ftl";

    /// Writes `say.rs`.
    pub fn write() {
        println!("cargo:rerun-if-changed={ENGLISH}");
        let text = fs::read_to_string(ENGLISH).expect("en.ftl is there");
        let file = parser::parse(text.as_str()).unwrap_or_else(|(_, errors)| panic!("{ENGLISH}: {errors:?}"));
        let mut code = String::new();
        let mut names = BTreeSet::new();
        for entry in &file.body {
            let Entry::Message(message) = entry else { continue };
            let pattern = message.value.as_ref().expect("a message has a text");
            assert!(names.insert(message.id.name.to_owned()), "{ENGLISH} has {} twice", message.id.name);
            function(&mut code, message.id.name, pattern);
        }
        let known: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        let _ = write!(
            code,
            "impl super::Sentence {{\n    /// Whether there is a message of this name.\n    pub(super) fn is_known(name: &str) -> bool {{\n        \
             [{}].binary_search(&name).is_ok()\n    }}\n}}\n",
            known.join(", ")
        );
        let folder = env::var("OUT_DIR").expect("cargo tells the folder");
        fs::write(format!("{folder}/say.rs"), code).expect("say.rs can be written");
    }

    fn function(code: &mut String, name: &str, pattern: &Pattern<&str>) {
        let (mut variables, mut english) = (Vec::new(), String::new());
        read(pattern, &mut variables, &mut english);
        let of = |write: &dyn Fn(&String) -> String| variables.iter().map(write).collect::<Vec<_>>().join(", ");
        let parameters = of(&|one| format!("{one}: impl Into<super::Value>"));
        let with = of(&|one| format!("({one:?}, {one}.into())"));
        let _ = write!(
            code,
            "/// {}\n#[must_use]\npub fn {}({parameters}) -> super::Sentence {{\n    super::sentence::message({name:?}, vec![{with}])\n}}\n",
            english.replace('\n', " "),
            name.replace('-', "_"),
        );
    }

    /// The variables in the order in which they come, and the text with what stands for most values.
    fn read(pattern: &Pattern<&str>, variables: &mut Vec<String>, english: &mut String) {
        for element in &pattern.elements {
            match element {
                PatternElement::TextElement { value } => english.push_str(value),
                PatternElement::Placeable { expression: Expression::Inline(one) } => {
                    inline(one, variables, Some(english))
                }
                PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                    inline(selector, variables, None);
                    for variant in variants {
                        let mut other = String::new();
                        read(&variant.value, variables, if variant.default { english } else { &mut other });
                    }
                }
            }
        }
    }

    fn inline(expression: &InlineExpression<&str>, variables: &mut Vec<String>, english: Option<&mut String>) {
        match expression {
            InlineExpression::VariableReference { id } => {
                if !variables.iter().any(|known| known == id.name) {
                    variables.push(id.name.to_owned());
                }
                if let Some(english) = english {
                    let _ = write!(english, "`{}`", id.name);
                }
            }
            InlineExpression::StringLiteral { value } => {
                if let Some(english) = english {
                    english.push_str(value);
                }
            }
            _ => panic!("{ENGLISH}: sentences hold variables, texts and choices alone"),
        }
    }
}
