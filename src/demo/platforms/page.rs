//! The control page: a form for every verb, made from the one list of them, and what happened.

use std::collections::BTreeMap;

use clap::{Arg, Command};
use maud::{DOCTYPE, Markup, html};

use super::verb::Verb;
use super::{NAME, Platforms};
use crate::shared::channel::simulator::lock;

/// The field of a form that carries the word.
pub(super) const WORD: &str = "word";

const STYLE: &str = "
:root { color-scheme: light dark; color: CanvasText; background: Canvas; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; padding: .6rem 0; border-top: 1px solid #8886; }
form > p { flex: 1 0 100%; margin: 0; }
label { display: grid; font-size: .85rem; flex: 0 1 auto; }
label.wide { flex: 1 1 14rem; }
input, select, button { font: inherit; padding: .3rem .5rem; max-width: 100%; box-sizing: border-box; }
li { overflow-wrap: anywhere; }
";

/// The words of a verb as its form sent them.
pub(super) fn words(verb: &str, fields: &BTreeMap<String, String>) -> Vec<String> {
    let described = Verb::described();
    let mut words = vec![verb.to_owned()];
    let Some(command) = described.find_subcommand(verb) else { return words };
    let value =
        |arg: &Arg| fields.get(arg.get_id().as_str()).map(|value| value.trim()).filter(|value| !value.is_empty());
    for arg in command.get_opts() {
        if let (Some(name), Some(value)) = (arg.get_long(), value(arg)) {
            words.push(format!("--{name}={value}"));
        }
    }
    words.push("--".to_owned());
    words.extend(command.get_positionals().filter_map(value).map(str::to_owned));
    words
}

/// The page.
pub(super) fn page(platforms: &Platforms, word: &str) -> Markup {
    let service = lock(&platforms.address).to_string();
    let has_service = platforms.service.get().is_some();
    let happened: Vec<String> = lock(&platforms.happened).iter().rev().cloned().collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href="data:,";
                title { "Behind the stage" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Behind the stage" }
                    p {
                        "Here you are everybody else: the customers of “" (NAME) "”, its people, the platforms. The service is at "
                        a href=(service) { (service) } ". Everything that can be made to happen stands on this page."
                    }
                    section aria-labelledby="happened" {
                        h2 id="happened" { "What happened" }
                        p { a href="/" { "Look again" } }
                        @if happened.is_empty() { p { "Nothing yet." } }
                        @else { ol reversed { @for line in &happened { li dir="auto" { (line) } } } }
                    }
                    section aria-labelledby="verbs" {
                        h2 id="verbs" { "What can happen" }
                        @for verb in Verb::described().get_subcommands() {
                            @if has_service || !is_of_service(verb) { (form(verb, word)) }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a verb is about the demo's own service.
fn is_of_service(verb: &Command) -> bool {
    matches!(verb.get_name(), "kill-service" | "start-service" | "customers")
}

fn form(verb: &Command, word: &str) -> Markup {
    let name = verb.get_name();
    html! {
        form method="post" action={ "/verbs/" (name) } id=(name) {
            p { (about(verb)) }
            input type="hidden" name=(WORD) value=(word);
            @for arg in verb.get_arguments() { (field(name, arg)) }
            button { (name) }
        }
    }
}

fn about(verb: &Command) -> String {
    verb.get_about().map(ToString::to_string).unwrap_or_default()
}

fn field(verb: &str, arg: &Arg) -> Markup {
    let name = arg.get_id().as_str();
    let id = format!("{verb}-{name}");
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices = arg.get_possible_values();
    let is_needed = arg.is_positional() && arg.get_default_values().is_empty();
    html! {
        label for=(id) class=[is_needed.then_some("wide").filter(|_| choices.is_empty())] {
            (help)
            @if choices.is_empty() { input id=(id) name=(name) required[is_needed] autocomplete="off"; }
            @else {
                select id=(id) name=(name) {
                    @for choice in &choices { option { (choice.get_name()) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::platforms::Platform;

    #[test]
    fn a_form_becomes_the_verb_that_its_fields_say() {
        let fields = [("word", "x"), ("platform", "viber"), ("text", "--person is --mine"), ("person", " Ana Moreno ")];
        let fields: BTreeMap<String, String> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let said = Verb::Say {
            platform: Platform::Viber,
            text: vec!["--person is --mine".to_owned()],
            person: Some("Ana Moreno".to_owned()),
        };
        assert_eq!(Verb::read(words("say", &fields)), Ok(said));
        assert_eq!(Verb::read(words("kill-service", &fields)), Ok(Verb::KillService));
        assert!(Verb::read(words("dance", &fields)).is_err());
    }
}
