//! What is no answer but something of the machine that a model wrote as text: calls of tools, empty values, instructions.

/// Words of the calls of tools, and of the signs with which models mark them.
const MACHINE: [&str; 19] = [
    "search_products",
    "show_products",
    "hand_over",
    "[tool_call",
    "<tool_call",
    "tool_calls",
    "function_call",
    "<|",
    "|>",
    "[inst]",
    "[/inst]",
    "\"arguments\":",
    "\"parameters\":",
    "{\"name\"",
    "<function",
    "[object object]",
    "<think",
    "</s>",
    "{{",
];

/// Values that stand for nothing.
const NOTHING: [&str; 8] = ["null", "undefined", "none", "nan", "nil", "true", "false", "n/a"];

/// How long a line of the instructions is at least, in bytes, so that it is nobody's sentence by chance.
const LONG: usize = 40;

/// The instructions that stand for those of a file, too.
const BUILT_IN: &str = include_str!("../prompt.txt");

/// Whether a text in lower case is, or holds, something of the machine.
#[must_use]
pub fn is_unfinished(lower: &str) -> bool {
    let bare = lower.trim().trim_matches(['"', '\'', '`', '.']);
    let is_json = bare.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(lower.trim()).is_ok();
    let close: String = lower.chars().filter(|sign| !sign.is_whitespace()).collect();
    is_json || NOTHING.contains(&bare) || MACHINE.iter().any(|words| lower.contains(words) || close.contains(words))
}

/// The lines by which a model's instructions are known: how they begin, and all of those that are built in. A shop's own
/// instructions also hold what customers may read, as its policies.
#[must_use]
pub fn secrets(instructions: &str) -> Vec<String> {
    let first = instructions.lines().map(words_of).find(|line| line.len() >= LONG);
    let built_in = BUILT_IN.lines().flat_map(|line| line.split(". ")).filter(|line| !line.contains('{')).map(words_of);
    built_in.filter(|line| line.len() >= LONG).chain(first).collect()
}

/// Letters and digits in lower case, with one blank between words.
#[must_use]
pub fn words_of(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
