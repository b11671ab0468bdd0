//! The simulated Admin GraphQL API: reads a request, checks and weighs it, and runs it over the shop's state.
//!
//! The schema is in `schema`, the checks and costs in `validate`, the objects in `nodes`, bulk operations in `bulk`.
//! Source: <https://shopify.dev/docs/api/admin-graphql>.

use std::collections::BTreeSet;

use async_graphql_parser::parse_query;
use async_graphql_parser::types::{Field, Selection, SelectionSet};
use async_graphql_parser::{Error as ParseError, Positioned};
use serde_json::{Map, Value, json};

use super::nodes::{self, Node};
use super::run::{Request, Run};
use super::schema::{FieldDef, Kind, base_name, connection_node};
use super::state::{ShopState, World, gid, parse_gid};
use super::validate::{Operation, location};
use super::versions;

/// One query may not cost more than this, whatever the shop's plan.
const MAX_QUERY_COST: u64 = 1000;

/// What one request is answered with.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    /// For `X-Shopify-API-Deprecated-Reason`.
    pub deprecated: Option<String>,
}

/// A field was null that may not be: its parent becomes null as well.
pub(super) struct Nulled;

/// Answers one GraphQL request of a caller whose token was accepted.
pub(super) fn answer(world: &mut World, request: &Request<'_>, body: &[u8]) -> Answer {
    let plain = |status: u16, body: Value| Answer { status, body, deprecated: None };
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let Some(text) = parsed.as_ref().and_then(|body| body["query"].as_str()) else {
        return plain(400, json!({"errors": {"query": "Required parameter missing or invalid"}}));
    };
    let given = parsed.as_ref().and_then(|body| body["variables"].as_object()).cloned().unwrap_or_default();
    let wanted = parsed.as_ref().and_then(|body| body["operationName"].as_str());
    let document = match parse_query(text) {
        Ok(document) => document,
        Err(error) => {
            world.unknown_queries.push(format!("syntax error: {error}"));
            return plain(200, json!({"errors": [syntax_error(&error)]}));
        }
    };
    let operation = match Operation::prepare(request.schema, &document, wanted, &given) {
        Ok(operation) => operation,
        Err(errors) => {
            note(&mut world.unknown_queries, &errors);
            return plain(200, json!({"errors": errors}));
        }
    };
    let checked = operation.check();
    let deprecated =
        (!checked.deprecated.is_empty()).then(|| checked.deprecated.into_iter().collect::<Vec<_>>().join("; "));
    if !checked.errors.is_empty() {
        note(&mut world.unknown_queries, &checked.errors);
        return Answer { status: 200, body: json!({"errors": checked.errors}), deprecated };
    }
    let requested = operation.cost();
    world.dearest_query = world.dearest_query.max(requested);
    let page_limit = world.page_limit.unwrap_or(usize::MAX);
    let World { shops, files, base_url, unknown_queries, points_spent, throttled, .. } = world;
    let Some(shop) = shops.get_mut(request.domain) else {
        return plain(404, json!({"errors": "Not Found"}));
    };
    shop.bucket.restore(request.now);
    if requested > MAX_QUERY_COST {
        let message =
            format!("Query cost is {requested}, which exceeds the single query max cost limit ({MAX_QUERY_COST}).");
        let extensions = json!({"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": MAX_QUERY_COST,
            "documentation": "https://shopify.dev/api/usage/rate-limits"});
        let body = json!({"errors": [{"message": message, "extensions": extensions}], "extensions": cost(shop, requested, None)});
        return Answer { status: 200, body, deprecated };
    }
    #[allow(clippy::cast_precision_loss)]
    if requested as f64 > shop.bucket.available {
        *throttled += 1;
        let error = json!({"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}});
        let body = json!({"errors": [error], "extensions": cost(shop, requested, None)});
        return Answer { status: 200, body, deprecated };
    }
    let mut run = Run {
        operation: &operation,
        request,
        shop,
        files,
        base_url,
        unknown_queries,
        page_limit,
        errors: Vec::new(),
        spent: 0,
        lines: Vec::new(),
        parents: Vec::new(),
        root_lines: 0,
    };
    let data = run.root();
    let Run { errors, spent, shop, .. } = run;
    let spent = spent.min(requested);
    *points_spent += spent;
    #[allow(clippy::cast_precision_loss)]
    {
        shop.bucket.available -= spent as f64;
    }
    let mut body = json!({"data": data, "extensions": cost(shop, requested, Some(spent))});
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    Answer { status: 200, body, deprecated }
}

fn cost(shop: &ShopState, requested: u64, actual: Option<u64>) -> Value {
    let bucket = &shop.bucket;
    json!({"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": {
        "maximumAvailable": bucket.maximum, "currentlyAvailable": whole_points(bucket.available), "restoreRate": bucket.restore_rate}}})
}

/// The API writes the bucket's size and rate as decimals (`2000.0`), but what is left as a whole number.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole_points(available: f64) -> u64 {
    available.max(0.0) as u64
}

fn note(unknown: &mut Vec<String>, errors: &[Value]) {
    unknown.extend(errors.iter().map(|error| error["message"].as_str().unwrap_or_default().to_owned()));
}

fn syntax_error(error: &ParseError) -> Value {
    let locations: Vec<_> = error.positions().map(location).collect();
    json!({"message": format!("syntax error, unexpected input: {error}"), "locations": locations})
}

/// The fields of one response key.
type Merged<'r> = Vec<(String, Vec<&'r Positioned<Field>>)>;

impl<'r> Run<'r> {
    /// Runs the operation and returns `data`.
    pub fn root(&mut self) -> Value {
        let ty = self.operation.root();
        let scopes: Vec<_> = self
            .shop
            .scopes
            .iter()
            .map(|scope| json!({"handle": scope, "description": scope.replace('_', " ")}))
            .collect();
        let app = json!({"id": gid("App", 1), "title": "Shoptalk", "apiKey": self.request.client_id});
        let mut value = json!({
            "currentAppInstallation": {"id": gid("AppInstallation", self.shop.id), "accessScopes": scopes, "app": app},
            "publicApiVersions": versions::public(self.request.now),
        });
        for (field, count) in nodes::root_counts(self.shop) {
            value[field] = count;
        }
        let root = Node { ty: ty.to_owned(), id: 0, owner: 0, value };
        let selections = [&self.operation.definition.selection_set.node];
        self.object(&root, &selections, &mut Vec::new()).unwrap_or(Value::Null)
    }

    pub(super) fn merge(&self, concrete: &str, sets: &[&'r SelectionSet]) -> Merged<'r> {
        let mut merged = Merged::new();
        for set in sets {
            self.merge_into(concrete, set, &mut merged, &mut BTreeSet::new());
        }
        merged
    }

    fn merge_into(&self, concrete: &str, set: &'r SelectionSet, merged: &mut Merged<'r>, seen: &mut BTreeSet<&'r str>) {
        let operation = self.operation;
        for item in set.items.iter().filter(|item| operation.included(&item.node)) {
            match &item.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    match merged.iter_mut().find(|(known, _)| known == key) {
                        Some((_, fields)) => fields.push(field),
                        None => merged.push((key.to_owned(), vec![field])),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
                    if operation.schema.applies(condition.unwrap_or(concrete), concrete) {
                        self.merge_into(concrete, &fragment.node.selection_set.node, merged, seen);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = operation.fragment(name)
                        && operation.schema.applies(&fragment.type_condition.node.on.node, concrete)
                        && seen.insert(name)
                    {
                        self.merge_into(concrete, &fragment.selection_set.node, merged, seen);
                        seen.remove(name);
                    }
                }
            }
        }
    }

    /// Reads the chosen fields of one object.
    pub(super) fn object(
        &mut self,
        node: &Node,
        sets: &[&'r SelectionSet],
        path: &mut Vec<Value>,
    ) -> Result<Value, Nulled> {
        let mut answer = Map::new();
        for (key, fields) in self.merge(&node.ty, sets) {
            path.push(json!(key));
            let value = self.field(node, &fields, path);
            path.pop();
            if let Some(value) = value? {
                answer.insert(key, value);
            }
        }
        Ok(Value::Object(answer))
    }

    /// Reads one field; `None` for a list that went into the lines of a bulk operation.
    fn field(
        &mut self,
        node: &Node,
        fields: &[&'r Positioned<Field>],
        path: &mut Vec<Value>,
    ) -> Result<Option<Value>, Nulled> {
        let first = fields[0];
        let name = first.node.name.node.as_str();
        if name == "__typename" {
            return Ok(Some(json!(node.ty)));
        }
        let schema = self.operation.schema;
        let Some(def) = schema.field(&node.ty, name) else { return Ok(Some(Value::Null)) };
        if let Some(scope) = &def.scope
            && !self.shop.has_scope(scope)
        {
            let required = format!("`{scope}` access scope.");
            let error = json!({
                "message": format!("Access denied for {name} field. Required access: {required}"),
                "locations": [location(first.pos)], "path": path,
                "extensions": {"code": "ACCESS_DENIED", "documentation": "https://shopify.dev/api/usage/access-scopes", "requiredAccess": required},
            });
            return self.fail(def, error);
        }
        let args = self.operation.args(&first.node);
        if node.ty == "QueryRoot" && name.to_ascii_lowercase().contains("bulkoperation") {
            self.advance_bulk(args.get("id").and_then(Value::as_str).and_then(parse_gid).map(|(_, id)| id));
        }
        let sets: Vec<_> = fields.iter().map(|field| &field.node.selection_set.node).collect();
        if let Some(item) = connection_node(&def.ty) {
            if self.operation.bulk {
                self.bulk_list(node, name, &item, &args, &sets, path)?;
                return Ok(None);
            }
            return match self.connection(node, name, &item, &args, &sets, path) {
                Ok(Ok(value)) => Ok(Some(value)),
                Ok(Err(problem)) => {
                    let error = json!({"message": problem, "locations": [location(first.pos)], "path": path,
                        "extensions": {"code": "BAD_REQUEST"}});
                    self.fail(def, error)
                }
                Err(Nulled) if def.ty.nullable => Ok(Some(Value::Null)),
                Err(Nulled) => Err(Nulled),
            };
        }
        if (node.ty.as_str(), name) == ("QueryRoot", "productsCount") && args.get("query").is_some_and(Value::is_string)
        {
            let mut wanted = args.clone();
            wanted.remove("limit");
            let found = self.stubs_as_they_are(node, "products", &wanted).map_or(0, |stubs| stubs.len());
            self.spent += 1;
            return self.or_null(def, &Node::inline("Count", node, nodes::count(found)), &sets, path);
        }
        let base = base_name(&def.ty);
        if schema.kind(base) == Kind::Leaf {
            return self.leaf(node, def, name, &args, path);
        }
        let value = if node.ty == "Mutation" {
            self.spent += 10;
            self.mutate(name, &args)
        } else if (node.ty.as_str(), name) == ("InventoryLevel", "quantities") {
            nodes::quantities(self.shop, node, &args)
        } else if let Some(linked) = nodes::linked(self.shop, node, name, &args) {
            return match linked {
                Some(child) => {
                    self.spent += 1;
                    match self.can_serve(&child, &sets, true, path) {
                        Ok(()) => self.or_null(def, &child, &sets, path),
                        Err(Nulled) if def.ty.nullable => Ok(Some(Value::Null)),
                        Err(Nulled) => Err(Nulled),
                    }
                }
                None if def.ty.nullable => Ok(Some(Value::Null)),
                None => Err(Nulled),
            };
        } else {
            node.value.get(name).cloned().unwrap_or(Value::Null)
        };
        self.whole(node, def, value, &sets, path)
    }

    /// A field without fields of its own.
    fn leaf(
        &mut self,
        node: &Node,
        def: &FieldDef,
        name: &str,
        args: &Map<String, Value>,
        path: &[Value],
    ) -> Result<Option<Value>, Nulled> {
        let value = match (node.ty.as_str(), name) {
            ("Collection", "hasProduct") => {
                let product = args.get("id").and_then(Value::as_str).and_then(parse_gid).map_or(0, |(_, id)| id);
                json!(self.shop.collections.get(&node.id).is_some_and(|one| one.products.contains(&product)))
            }
            _ => node.value.get(name).cloned().unwrap_or(Value::Null),
        };
        if value.is_null() && !def.ty.nullable {
            let error = json!({"message": "Internal error", "path": path,
                "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "simulated"}});
            return self.fail(def, error);
        }
        Ok(Some(value))
    }

    /// An object, or a list of objects, that is written out in its parent.
    fn whole(
        &mut self,
        node: &Node,
        def: &FieldDef,
        value: Value,
        sets: &[&'r SelectionSet],
        path: &mut Vec<Value>,
    ) -> Result<Option<Value>, Nulled> {
        let base = base_name(&def.ty);
        match value {
            Value::Null if def.ty.nullable => Ok(Some(Value::Null)),
            Value::Null => Err(Nulled),
            Value::Array(items) => {
                self.spent += 1;
                let mut read = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    path.push(json!(index));
                    let value = self.object(&Node::inline(base, node, item), sets, path);
                    path.pop();
                    read.push(value?);
                }
                Ok(Some(Value::Array(read)))
            }
            value => {
                self.spent += 1;
                self.or_null(def, &Node::inline(base, node, value), sets, path)
            }
        }
    }

    fn or_null(
        &mut self,
        def: &FieldDef,
        child: &Node,
        sets: &[&'r SelectionSet],
        path: &mut Vec<Value>,
    ) -> Result<Option<Value>, Nulled> {
        match self.object(child, sets, path) {
            Ok(value) => Ok(Some(value)),
            Err(Nulled) if def.ty.nullable => Ok(Some(Value::Null)),
            Err(Nulled) => Err(Nulled),
        }
    }

    fn fail(&mut self, def: &FieldDef, error: Value) -> Result<Option<Value>, Nulled> {
        self.errors.push(error);
        if def.ty.nullable { Ok(Some(Value::Null)) } else { Err(Nulled) }
    }
}
