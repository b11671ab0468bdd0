//! What is written for operators is true: the dashboard, the list of metrics, the examples of every command.

use std::collections::BTreeSet;
use std::process::Command;

use http::Method;
use serde_json::Value;
use shoptalk::shared::store::PollReport;

use crate::replies::Scene;
use crate::test_app::{OPERATOR_TOKEN, PAGE, TestApp};

const DASHBOARD: &str = include_str!("../../docs/grafana.json");
const LIST: &str = include_str!("../../docs/metrics.md");

/// The names of metrics in a text. What a histogram is counted in belongs to the histogram.
fn names(text: &str) -> BTreeSet<String> {
    text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
        .filter(|word| word.starts_with("shoptalk_") || word.starts_with("process_"))
        .map(|word| {
            ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
        })
        .collect()
}

/// What `/metrics` declares, as Prometheus names it.
async fn declared(app: &TestApp) -> BTreeSet<String> {
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let text = app.browser().send(Method::GET, "/metrics", &[("authorization", &bearer)], b"").await.text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() }).collect()
}

#[tokio::test]
async fn the_dashboard_and_the_list_name_the_metrics_that_there_are() {
    // Everything that is counted has happened once.
    let scene = Scene::start().await;
    scene.say("Yes.").await;
    scene.work().await;
    let place = scene.bot.send(Method::PUT, "/api/v1/cursors/a-bot", &[], br#"{"n":1}"#).await;
    assert_eq!(place.status, 200, "{place:?}");
    let app = scene.app;
    let human = app.page().reply_to(&scene.sam, "It is me, Eva.");
    assert_eq!(app.page().deliver(&[human]).await.unwrap(), Some(200));
    app.settle().await;
    app.shared().journal.note_poll("facebook", PAGE, PollReport::default()).await.unwrap();
    app.browser().get("/api/v1/openapi.json").await;
    let bot = &app.shared().metrics.bot;
    bot.count_answer("answered", std::time::Duration::ZERO);
    bot.count_tokens(1, 1);
    app.shared().metrics.replies.count_unknown_code("facebook", "7");
    let there = declared(&app).await;
    assert_eq!(names(LIST), there, "docs/metrics.md");
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let named = names(target["expr"].as_str().unwrap());
            assert!(!named.is_empty() && named.is_subset(&there), "{}: {named:?}", panel["title"]);
        }
    }
    app.finish().await;
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_shoptalk")).args(arguments).arg("--help").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn every_command_has_examples_that_it_understands() {
    let listed = help(&[]);
    let commands = listed.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A long explanation goes on in lines that begin further in.
    let commands: Vec<&str> = commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        let arguments = match command {
            "keys" => vec![command, "rotate"],
            "bot" => vec![command, "eval"],
            "cloud" => vec![command, "backfill"],
            _ => vec![command],
        };
        let said = help(&arguments);
        let examples: Vec<&str> = said
            .lines()
            .skip_while(|line| !matches!(*line, "Examples:" | "Example:"))
            .skip(1)
            .take_while(|line| line.starts_with("  "))
            .collect();
        assert!(!examples.is_empty(), "{command} has no example:\n{said}");
        for example in examples {
            let (_, example) = example.split_once("shoptalk").unwrap();
            let words = example.split(" | ").next().unwrap().replace("$(date +%F)", "today");
            let words = words.split("   ").next().unwrap().trim();
            help(&words.split_whitespace().collect::<Vec<_>>());
        }
    }
}
