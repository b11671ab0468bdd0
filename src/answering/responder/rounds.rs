//! The rounds between the model and its tools, until there is something that may leave.

use serde_json::{Value, json};

use super::completion::{Said, ToolCall};
use super::guard::{Objection, Told, candidates, holds_name, parts};
use super::model::ModelError;
use super::pictures::Shown;
use super::prompt::{Opening, instructions};
use super::tools::{Tool, described};
use super::{Asked, Because, Found, PRODUCTS, Payer, Question, Responder, Verdict};
use crate::answering::products::ShopOf;
use crate::shared::languages::{Sentence, say};
use crate::shared::store::responder::Tokens;
use crate::shared::text_fold::{fold, fold_name, is_blank};

/// How often the model may use its tools before a human is to answer.
const MOST_ROUNDS: usize = 4;

/// What the model may speak of: it grows with each search.
struct Known {
    told: Told,
    products: Vec<Found>,
}

impl Known {
    fn add_products(&mut self, products: &Value) {
        self.told.add_products(products);
        for product in products.as_array().into_iter().flatten() {
            let (Some(id), title) = (product["id"].as_str(), product["title"].as_str().unwrap_or_default()) else {
                continue;
            };
            if !self.products.iter().any(|known| known.id == id) {
                self.products.push(Found { id: id.to_owned(), title: title.to_owned() });
            }
        }
    }
}

/// What a round led to.
enum Round {
    /// It is over.
    Over(Verdict),
    /// The model is told these results.
    GoesOn(Vec<Value>),
}

fn trouble(why: Sentence) -> Verdict {
    Verdict::HandOver { why, because: Because::Trouble }
}

impl Responder {
    /// Asks the model until there is something that may leave. Sends nothing.
    ///
    /// # Errors
    /// When the databases cannot be read. A model that does not answer is no error here: see [`Asked::verdict`].
    pub async fn ask(&self, question: &Question<'_>) -> anyhow::Result<Asked> {
        let pictures = self.show_pictures(question).await;
        let asked = self.ask_with(question, &pictures).await;
        self.hide_pictures(pictures).await;
        asked
    }

    async fn ask_with(&self, question: &Question<'_>, pictures: &[Shown]) -> anyhow::Result<Asked> {
        let mut tokens = Tokens::default();
        let mut known = Known { told: Told::default(), products: Vec::new() };
        let verdict = match self.ask_until_over(question, pictures, &mut known, &mut tokens).await? {
            Ok(verdict) => Ok(self.without_other_people(question, &known, verdict).await?),
            Err(ModelError::Unreadable) => Ok(trouble(say::bot_hand_unreadable())),
            Err(ModelError::Declined(_)) => Ok(trouble(say::bot_hand_declined())),
            Err(error) => Err(error),
        };
        Ok(Asked { verdict, tokens, found: known.products })
    }

    async fn ask_until_over(
        &self,
        question: &Question<'_>,
        pictures: &[Shown],
        known: &mut Known,
        tokens: &mut Tokens,
    ) -> anyhow::Result<Result<Verdict, ModelError>> {
        let settings = self.settings();
        let instructions = match instructions(settings.prompt_file.as_deref()) {
            Ok(instructions) => instructions,
            Err(error) => {
                tracing::warn!(%error, "the bot's instructions cannot be read");
                return Ok(Ok(trouble(say::bot_hand_prompt())));
            }
        };
        let links: Vec<String> = pictures.iter().map(|shown| shown.address.clone()).collect();
        let Opening { mut messages, by_shop, by_person } = Opening::new(&instructions, question.event, &links);
        known.told.add_instructions(&instructions);
        by_shop.iter().for_each(|text| known.told.add(text));
        by_person.iter().for_each(|text| known.told.add_of_person(text));
        known.add_products(&question.event["products"]);
        let tools = described();
        for round in 1..=MOST_ROUNDS {
            if round > 1 && question.payer == Payer::Merchant && self.is_over_budget(question.merchant).await? {
                return Ok(Ok(Verdict::HandOver { why: say::bot_hand_over_budget(), because: Because::Budget }));
            }
            let reply = self.model().ask(&messages, &tools).await;
            self.note(&reply.said);
            *tokens = tokens.and(reply.tokens);
            self.count(question, reply.tokens).await;
            let said = match reply.said {
                Ok(said) => said,
                Err(error) => return Ok(Err(error)),
            };
            match self.take_round(question, known, &said, round == MOST_ROUNDS).await? {
                Round::Over(verdict) => return Ok(Ok(verdict)),
                Round::GoesOn(results) => {
                    messages.push(said.message());
                    messages.extend(results);
                }
            }
        }
        Ok(Ok(trouble(say::bot_hand_endless())))
    }

    async fn take_round(
        &self,
        question: &Question<'_>,
        known: &mut Known,
        said: &Said,
        is_last: bool,
    ) -> anyhow::Result<Round> {
        if said.is_cut {
            return Ok(Round::Over(trouble(say::bot_hand_cut())));
        }
        if said.calls.is_empty() {
            let text = said.text.clone().unwrap_or_default();
            return Ok(Round::Over(judged(known, text, Vec::new())));
        }
        let mut results = Vec::new();
        for call in &said.calls {
            match Tool::read(call) {
                Tool::HandOver(reason) => {
                    let why = if reason.trim().is_empty() { say::bot_hand_wanted() } else { reason.into() };
                    return Ok(Round::Over(Verdict::HandOver { why, because: Because::Model }));
                }
                // Nobody would read what it finds.
                Tool::Search(_) if is_last => return Ok(Round::Over(trouble(say::bot_hand_endless()))),
                Tool::Search(query) => {
                    let offer = self.answering().products.find(question.merchant, &query, PRODUCTS).await?;
                    let products = Value::Array(offer.products);
                    known.add_products(&products);
                    results.push(result(call, &products));
                }
                Tool::Show(text, ids) => match self.refuse_ids(question, known, &ids).await? {
                    Some(why) => results.push(result(call, &json!({ "error": why }))),
                    None => return Ok(Round::Over(judged(known, text, ids))),
                },
                Tool::Unknown(why) => results.push(result(call, &json!({ "error": why }))),
            }
        }
        Ok(Round::GoesOn(results))
    }

    /// Why these products are not shown: no search of this conversation gave them, or they are not for sale any more.
    async fn refuse_ids(
        &self,
        question: &Question<'_>,
        known: &Known,
        ids: &[String],
    ) -> anyhow::Result<Option<&'static str>> {
        if !ids.iter().all(|id| known.products.iter().any(|product| product.id == *id)) {
            return Ok(Some("no search gave these ids"));
        }
        Ok(match self.answering().products.shop_of(question.merchant, ids).await? {
            ShopOf::One(_) => None,
            ShopOf::Unavailable(_) => Some("some of these are not for sale any more"),
            ShopOf::Several => Some("these are of several shops"),
        })
    }

    /// No answer names another customer.
    async fn without_other_people(
        &self,
        question: &Question<'_>,
        known: &Known,
        verdict: Verdict,
    ) -> anyhow::Result<Verdict> {
        let Verdict::Answer { text, .. } = &verdict else { return Ok(verdict) };
        let told = fold(&known.told.all());
        let own = fold_name(question.event["person"]["name"].as_str().unwrap_or_default());
        let is_foreign = |name: &String| !holds_name(&told, name) && !holds_name(&own, name);
        let names: Vec<String> = candidates(text).into_iter().filter(is_foreign).collect();
        let parts: Vec<String> = parts(text).into_iter().filter(is_foreign).collect();
        if names.is_empty() && parts.is_empty() {
            return Ok(verdict);
        }
        let shared = &self.answering().shared;
        let accounts = shared.connections.list_of(question.merchant).await?;
        let accounts = accounts.into_iter().map(|one| (one.channel, one.account)).collect();
        match shared.journal.knows_another_person(names, parts, accounts, question.person).await? {
            true => Ok(objected(Objection::Person)),
            false => Ok(verdict),
        }
    }
}

/// Words that may leave, or why a human is to answer.
fn judged(known: &Known, text: String, products: Vec<String>) -> Verdict {
    let is_alone = is_blank(&text) && !products.is_empty();
    match known.told.objection(&text) {
        Some(objection) if !is_alone => objected(objection),
        _ => Verdict::Answer { text, products },
    }
}

fn objected(objection: Objection) -> Verdict {
    Verdict::HandOver { why: objection.sentence(), because: Because::Objection }
}

fn result(call: &ToolCall, content: &Value) -> Value {
    json!({ "role": "tool", "tool_call_id": call.id, "content": content.to_string() })
}
