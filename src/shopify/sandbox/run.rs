//! One operation of the simulated Admin API while it runs. What it does stands in `graphql`, `mutations` and `bulk`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::schema::Schema;
use super::state::ShopState;
use super::validate::Operation;

/// What a request concerns.
pub(super) struct Request<'a> {
    pub schema: &'a Schema,
    pub domain: &'a str,
    pub client_id: &'a str,
    /// The API version that answers.
    pub version: &'a str,
    pub now: DateTime<Utc>,
}

/// One operation while it runs.
pub(super) struct Run<'r> {
    pub operation: &'r Operation<'r>,
    pub request: &'r Request<'r>,
    pub shop: &'r mut ShopState,
    pub files: &'r mut HashMap<String, String>,
    pub base_url: &'r str,
    pub unknown_queries: &'r mut Vec<String>,
    pub page_limit: usize,
    pub errors: Vec<Value>,
    /// The actual cost so far.
    pub spent: u64,
    /// In a bulk operation: the result, one object a line.
    pub lines: Vec<Value>,
    /// In a bulk operation: global ids of the objects around the current one.
    pub parents: Vec<String>,
    pub root_lines: usize,
}
