//! `shoptalk bot eval`: a file of questions with what is expected of their answers, put to the configured model.

use std::fmt::Write as _;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::eval_cases::{Cases, Expectation};
use super::{CommandRunner, Line, refuse, say};
use crate::answering::responder::{Asked, Because, Payer, Question, Responder, Verdict};
use crate::shared::store::responder::Tokens;

impl CommandRunner {
    /// Puts the cases to the model, and tells a table.
    pub(super) async fn eval_bot(
        &self,
        cases: Cases,
        merchant: Option<Uuid>,
        lines: &mpsc::Sender<Line>,
    ) -> anyhow::Result<bool> {
        let Some(responder) = &self.responder else {
            return refuse(lines, "no model is configured: set BOT_ENDPOINT and BOT_MODEL".to_owned()).await;
        };
        if let Err(problem) = cases.check() {
            return refuse(lines, problem).await;
        }
        let Some(merchant) = self.merchant_of(merchant).await? else {
            return refuse(lines, "there is not exactly one merchant: name one with --merchant".to_owned()).await;
        };
        let (mut failed, mut tokens) = (0, Tokens::default());
        for case in &cases.cases {
            if lines.is_closed() {
                // Whoever asked for it is gone, and each case costs.
                return Ok(false);
            }
            let asked = ask(responder, merchant, &case.customer).await?;
            tokens = tokens.and(asked.tokens);
            let faults = faults(&case.expect, &asked);
            failed += usize::from(!faults.is_empty());
            let mut line = format!("{}  {:<44}", if faults.is_empty() { "pass" } else { "FAIL" }, case.name);
            if !faults.is_empty() {
                let _ = write!(line, " {}; {}", faults.join("; "), in_words(&asked));
            }
            say(lines, line.trim_end().to_owned()).await;
        }
        let count = cases.cases.len();
        let Tokens { taken_in, given_out } = tokens;
        say(
            lines,
            format!("{} of {count} passed, {failed} failed; {taken_in} tokens in, {given_out} out", count - failed),
        )
        .await;
        Ok(failed == 0)
    }

    /// The merchant that is meant; without a name, the only one.
    async fn merchant_of(&self, named: Option<Uuid>) -> anyhow::Result<Option<Uuid>> {
        if named.is_some() {
            return Ok(named);
        }
        let mut merchants: Vec<Uuid> = self.connections.list().await?.into_iter().map(|one| one.merchant).collect();
        merchants.sort_unstable();
        merchants.dedup();
        Ok(<[Uuid; 1]>::try_from(merchants).ok().map(|[merchant]| merchant))
    }
}

async fn ask(responder: &Responder, merchant: Uuid, customer: &[String]) -> anyhow::Result<Asked> {
    let texts: Vec<&str> = customer.iter().map(String::as_str).collect();
    let event = responder.event_of(merchant, &texts).await?;
    responder.ask(&Question { merchant, event: &event, person: "", payer: Payer::Operator }).await
}

/// What an answer lacks.
fn faults(expect: &Expectation, asked: &Asked) -> Vec<String> {
    let (text, shown, is_handed_over) = match &asked.verdict {
        Ok(Verdict::Answer { text, products }) => (text.as_str(), products.as_slice(), false),
        // It leaves nothing, and is no answer that anybody wants either.
        Ok(Verdict::HandOver { because: Because::Objection | Because::Trouble | Because::Budget, why }) => {
            return vec![why.to_string()];
        }
        Ok(Verdict::HandOver { because: Because::Model, .. }) => ("", [].as_slice(), true),
        Err(_) => return vec!["the model does not answer".to_owned()],
    };
    let titles: Vec<String> = shown
        .iter()
        .filter_map(|id| asked.found.iter().find(|one| one.id == *id))
        .map(|one| one.title.to_lowercase())
        .collect();
    let words = format!("{}\n{}", text.to_lowercase(), titles.join("\n"));
    let holds = |word: &String| words.contains(&word.to_lowercase());
    let holds_word = |word: &String| holds_as_word(&words, &word.to_lowercase());
    let mut faults = Vec::new();
    if !expect.mentions.is_empty() && !expect.mentions.iter().any(holds) {
        faults.push(format!("mentions none of: {}", expect.mentions.join(", ")));
    }
    for word in expect.never.iter().filter(|word| holds_word(word)) {
        faults.push(format!("mentions {word}"));
    }
    let is_shown = |word: &String| titles.iter().any(|title| title.contains(&word.to_lowercase()));
    if !expect.shows.is_empty() && !expect.shows.iter().any(is_shown) {
        faults.push(format!("shows none of: {}", expect.shows.join(", ")));
    }
    match expect.hands_over {
        Some(true) if !is_handed_over => faults.push("does not hand over".to_owned()),
        Some(false) if is_handed_over => faults.push("hands over".to_owned()),
        _ => {}
    }
    faults
}

/// Whether these words stand in the text as words of their own: "arr" does not stand in "arrive".
fn holds_as_word(text: &str, words: &str) -> bool {
    let is_letter = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
    let begins = words.starts_with(char::is_alphanumeric);
    let ends = words.ends_with(char::is_alphanumeric);
    text.match_indices(words).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + words.len()..].chars().next());
        let goes_on = (begins && is_letter(before)) || (ends && is_letter(after));
        !goes_on
    })
}

/// What came instead, in short.
fn in_words(asked: &Asked) -> String {
    match &asked.verdict {
        Ok(Verdict::Answer { text, .. }) => format!("it says: {}", text.chars().take(120).collect::<String>()),
        Ok(Verdict::HandOver { why, .. }) => format!("it hands over: {why}"),
        Err(error) => format!("{error:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answering::responder::Found;

    fn asked(verdict: Verdict) -> Asked {
        let found = vec![Found { id: "1".to_owned(), title: "Snowboard Classic".to_owned() }];
        Asked { verdict: Ok(verdict), tokens: Tokens::default(), found }
    }

    fn handed_over(because: Because) -> Verdict {
        Verdict::HandOver { why: "A reason.".into(), because }
    }

    #[test]
    fn what_is_expected_is_looked_for_in_words_and_cards() {
        let answer = asked(Verdict::Answer { text: "Here it is.".to_owned(), products: vec!["1".to_owned()] });
        let words = |word: &str| vec![word.to_owned()];
        let good = Expectation {
            mentions: words("snowboard"),
            shows: words("classic"),
            hands_over: Some(false),
            ..Expectation::default()
        };
        assert!(faults(&good, &answer).is_empty());
        let bad =
            Expectation { mentions: words("wax"), never: words("HERE"), shows: words("wax"), hands_over: Some(true) };
        assert_eq!(faults(&bad, &answer).len(), 4);
        assert!(
            faults(
                &Expectation { hands_over: Some(true), ..Expectation::default() },
                &asked(handed_over(Because::Model))
            )
            .is_empty()
        );
        let nothing = Expectation { never: words("x"), ..Expectation::default() };
        assert_eq!(
            faults(&nothing, &asked(handed_over(Because::Objection))).len(),
            1,
            "a guard that works is no answer"
        );
        assert!(!holds_as_word("it will arrive", "arr") && holds_as_word("arr! 20 % off", "20 % off"));
    }

    #[test]
    fn the_cases_that_come_with_the_program_are_whole() {
        let cases: Cases = serde_json::from_str(include_str!("../../examples/bot/cases.json")).unwrap();
        assert_eq!(cases.cases.len(), 40);
        let mut names: Vec<&str> = cases.cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 40);
        assert!(cases.cases.iter().all(|case| !case.customer.is_empty() && case.expect != Expectation::default()));
    }
}
