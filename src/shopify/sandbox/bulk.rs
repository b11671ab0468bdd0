//! Simulated bulk operations: a query that runs to its end on the server and leaves a file of JSON lines.
//! Source: <https://shopify.dev/docs/api/usage/bulk-operations/queries>.

use async_graphql_parser::parse_query;
use async_graphql_parser::types::{Selection, SelectionSet};
use serde_json::{Map, Value, json};

use super::nodes;
use super::run::Run;
use super::schema::{base_name, connection_node};
use super::state::BulkState;
use super::validate::Operation;

/// Query operations that one app may run in one shop at the same time (from API version 2026-01).
const MAX_ACTIVE: usize = 5;
const MAX_CONNECTIONS: usize = 5;
const MAX_DEPTH: usize = 2;

/// `bulkOperationRunQuery`: checks the query and puts the operation in line.
pub(super) fn start(run: &mut Run<'_>, query: &str, grouped: bool) -> Value {
    let refuse = |message: String, code: &str| json!({"bulkOperation": null, "userErrors": [{"field": ["query"], "message": message, "code": code}]});
    let document = match parse_query(query) {
        Ok(document) => document,
        Err(error) => return refuse(format!("Invalid bulk query: {error}"), "INVALID"),
    };
    let mut operation = match Operation::prepare(run.request.schema, &document, None, &Map::new()) {
        Ok(operation) => operation,
        Err(errors) => return refuse(format!("Invalid bulk query: {}", Value::Array(errors)), "INVALID"),
    };
    operation.bulk = true;
    let checked = operation.check();
    if let Some(error) = checked.errors.first() {
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        run.unknown_queries.push(format!("bulk: {message}"));
        return refuse(format!("Invalid bulk query: {message}"), "INVALID");
    }
    let (connections, depth) = connections(&operation, operation.root(), &operation.definition.selection_set.node, 0);
    if operation.root() != "QueryRoot" || connections == 0 {
        return refuse("Bulk queries must contain at least one connection.".to_owned(), "INVALID");
    }
    if connections > MAX_CONNECTIONS || depth > MAX_DEPTH {
        let message = format!(
            "Bulk queries cannot contain more than {MAX_CONNECTIONS} connections or a nesting depth greater than {MAX_DEPTH}."
        );
        return refuse(message, "INVALID");
    }
    if run.shop.bulks.iter().filter(|bulk| bulk.is_active()).count() >= MAX_ACTIVE {
        return refuse(
            "A bulk query operation for this app and shop is already in progress.".to_owned(),
            "LIMIT_REACHED",
        );
    }
    let id = run.shop.next_id("BulkOperation");
    run.shop.bulks.push(BulkState {
        id,
        query: query.to_owned(),
        grouped,
        status: "CREATED",
        error_code: None,
        objects: 0,
        root_objects: 0,
        file_size: 0,
        url: None,
        created_at: run.request.now,
        completed_at: None,
    });
    let node = nodes::node(run.shop, "BulkOperation", id, 0);
    json!({"bulkOperation": node.map(|node| node.value), "userErrors": []})
}

/// Runs the query of the operation at `index` and keeps its result as a file.
pub(super) fn finish(run: &mut Run<'_>, index: usize) {
    let query = run.shop.bulks[index].query.clone();
    let outcome = match run.shop.failing_bulk.take() {
        Some(code) => Err(code),
        None => execute(run, &query),
    };
    let ending = run.shop.ending_bulk.take();
    let spoil = run.shop.spoiling_bulk.take();
    let bulk = &mut run.shop.bulks[index];
    bulk.completed_at = Some(run.request.now);
    if let Some(status) = ending {
        bulk.status = status;
        return;
    }
    match outcome {
        Ok((mut lines, roots)) => {
            if !bulk.grouped {
                // No order is promised, so here is the worst one: children first.
                lines.reverse();
            }
            bulk.status = "COMPLETED";
            bulk.objects = lines.len();
            bulk.root_objects = roots;
            if !lines.is_empty() {
                let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                let name = Run::file_name();
                bulk.file_size = text.len();
                if let Some(spoil) = spoil {
                    text = spoil(&text);
                }
                bulk.url = Some(format!("{}/bulk/{name}", run.base_url));
                run.files.insert(name, text);
            }
        }
        Err(code) => {
            bulk.status = "FAILED";
            bulk.error_code = Some(code);
        }
    }
}

fn execute(run: &mut Run<'_>, query: &str) -> Result<(Vec<Value>, usize), &'static str> {
    let document = parse_query(query).map_err(|_| "INTERNAL_SERVER_ERROR")?;
    let mut operation =
        Operation::prepare(run.request.schema, &document, None, &Map::new()).map_err(|_| "INTERNAL_SERVER_ERROR")?;
    operation.bulk = true;
    let mut inner = Run {
        operation: &operation,
        request: run.request,
        shop: run.shop,
        files: run.files,
        base_url: run.base_url,
        unknown_queries: run.unknown_queries,
        page_limit: usize::MAX,
        errors: Vec::new(),
        spent: 0,
        lines: Vec::new(),
        parents: Vec::new(),
        root_lines: 0,
    };
    inner.root();
    match inner.errors.first() {
        None => Ok((inner.lines, inner.root_lines)),
        Some(error) if error["extensions"]["code"] == "ACCESS_DENIED" => Err("ACCESS_DENIED"),
        Some(_) => Err("INTERNAL_SERVER_ERROR"),
    }
}

/// How many connections a selection holds, and how deep they are nested.
fn connections(operation: &Operation<'_>, ty: &str, set: &SelectionSet, depth: usize) -> (usize, usize) {
    let mut total = 0;
    let mut deepest = depth;
    for item in &set.items {
        let (count, reached) = match &item.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                let Some(def) = operation.schema.field(ty, name) else { continue };
                let own = usize::from(connection_node(&def.ty).is_some());
                let inner = &field.node.selection_set.node;
                let (count, reached) = connections(operation, base_name(&def.ty), inner, depth + own);
                (count + own, reached)
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
                connections(operation, condition.unwrap_or(ty), &fragment.node.selection_set.node, depth)
            }
            Selection::FragmentSpread(spread) => match operation.fragment(&spread.node.fragment_name.node) {
                Some(fragment) => connections(
                    operation,
                    fragment.type_condition.node.on.node.as_str(),
                    &fragment.selection_set.node,
                    depth,
                ),
                None => (0, depth),
            },
        };
        total += count;
        deepest = deepest.max(reached);
    }
    (total, deepest)
}
