//! `GET /api/v1/products` and `GET /api/v1/products/{id}`: what a merchant's shops sell, found by words or told by id.

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{InPath, Within, read_query, refuse_query};
use super::caller::Caller;
use super::problem::ApiProblem;
use super::state::Api;
use crate::shared::journal::Account;
use crate::shared::products::WholeProduct;
use crate::shared::store::api_keys::Scope;
use crate::shared::store::search::{Price, Query};

/// How many products a list has where nobody says it, and at most.
const LIMIT: usize = 10;
const MOST: u32 = 100;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/products", get(list)).route("/products/{id}", get(one))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    q: Option<String>,
    shop: Option<String>,
    available: Option<bool>,
    max_price: Option<String>,
    limit: Option<Within<1, MOST>>,
}

impl Asked {
    /// What is looked for.
    fn query(self) -> Result<Query, ApiProblem> {
        let limit = self.limit.map_or(LIMIT, Within::count);
        // As in a form that was left empty.
        let max_price = self.max_price.filter(|price| !price.is_empty());
        let max_price = max_price.map(|price| {
            let wrong = || ApiProblem::invalid("/max_price", "must be a decimal number such as 649.00");
            Price::parse(&price).ok_or_else(wrong)
        });
        Ok(Query { q: self.q.unwrap_or_default(), available: self.available, max_price: max_price.transpose()?, limit })
    }
}

async fn list(State(api): State<Api>, caller: Caller, RawQuery(asked): RawQuery) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Read)?;
    let mut asked: Asked = read_query(asked.as_deref())?;
    let mut shops = shops(&api, &caller).await?;
    // A form that was left empty names no shop.
    if let Some(wanted) = asked.shop.take().filter(|shop| !shop.is_empty()) {
        shops.retain(|(_, shop)| *shop == wanted);
        if shops.is_empty() {
            return Err(ApiProblem::NotFound);
        }
    }
    // Words that are none find nothing; without any, as in a form that was left empty, everything is listed.
    let is_blank = asked.q.as_ref().is_some_and(|q| !q.is_empty() && q.trim().is_empty());
    let query = asked.query()?;
    let products = if is_blank { Vec::new() } else { api.shared.products.find(&shops, &query).await? };
    Ok(Json(json!({ "products": products })))
}

async fn one(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<String>,
    RawQuery(asked): RawQuery,
) -> Result<Json<WholeProduct>, ApiProblem> {
    caller.require(Scope::Read)?;
    refuse_query(asked.as_deref())?;
    let shops = shops(&api, &caller).await?;
    let product = api.shared.products.product(&shops, &id).await?;
    product.map(Json).ok_or(ApiProblem::NotFound)
}

/// The shops whose products a key may see: those of its merchant that it names. A key that names no shop, only accounts in
/// which people write, sees all of them: it is to answer there with what the merchant sells.
async fn shops(api: &Api, caller: &Caller) -> Result<Vec<Account>, ApiProblem> {
    let connections = api.shared.connections.list_of(caller.merchant()).await?;
    let sells = |channel: &str| api.shared.products.source_of(channel).is_some();
    let all = connections
        .into_iter()
        .filter(|one| sells(&one.channel) && api.channel(&one.channel).is_some_and(|channel| channel.is_on));
    let names_a_shop = names_a_shop(api, caller);
    let seen = all.filter(|one| !names_a_shop || caller.sees(&one.channel, &one.account));
    Ok(seen.map(|one| (one.channel, one.account)).collect())
}

/// Whether a key names shops, so that it sees the products of these only.
pub(super) fn names_a_shop(api: &Api, caller: &Caller) -> bool {
    let sells = |channel: &str| api.shared.products.source_of(channel).is_some();
    caller.key().accounts.iter().any(|(channel, _)| sells(channel))
}
