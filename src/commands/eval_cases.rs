//! A file of questions for the responder, with what is expected of their answers.

use serde::{Deserialize, Serialize};

/// A file of cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// The cases.
    pub cases: Vec<Case>,
}

/// How many cases one file may have.
const MOST_CASES: usize = 1_000;

impl Cases {
    /// Whether there are as many as one file may have.
    ///
    /// # Errors
    /// When there are not, in words.
    pub fn check(&self) -> Result<(), String> {
        match self.cases.len() {
            1..=MOST_CASES => Ok(()),
            count => Err(format!("a file holds 1 to {MOST_CASES} cases; this one has {count}")),
        }
    }
}

/// A question, and what is expected of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name in the table.
    pub name: String,
    /// What the customer writes; of several messages the last one is answered.
    pub customer: Vec<String>,
    /// What is expected.
    pub expect: Expectation,
}

/// What is expected of an answer. What is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expectation {
    /// One of these words stands in the text or in a shown product's title, whatever the case of letters.
    pub mentions: Vec<String>,
    /// None of these words does.
    pub never: Vec<String>,
    /// A product with one of these words in its title is shown as a card.
    pub shows: Vec<String>,
    /// Whether it hands over.
    pub hands_over: Option<bool>,
}
