//! The lists of the simulated API while they are read: page by page, or into the lines of a bulk operation; and what is wrong
//! with them on purpose.

use async_graphql_parser::types::SelectionSet;
use serde_json::{Map, Value, json};

use super::graphql::Nulled;
use super::lists::{self, Stub};
use super::nodes::Node;
use super::run::Run;
use super::state::{ListLie, Unservable, random_hex};
use super::{bulk, search};

impl<'r> Run<'r> {
    pub(super) fn connection(
        &mut self,
        parent: &Node,
        name: &str,
        item: &str,
        args: &Map<String, Value>,
        sets: &[&'r SelectionSet],
        path: &mut Vec<Value>,
    ) -> Result<Result<Value, String>, Nulled> {
        self.spent += 2;
        let lie = self.lie(parent, name);
        self.shop.lies.turns += usize::from(lie == Some(ListLie::Moves));
        let page = match self.stubs(parent, name, args) {
            Ok(stubs) => lists::page(self.shop, stubs, args, self.page_limit, lie),
            Err(problem) => Err(problem),
        };
        let mut page = match page {
            Ok(page) => page,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut end_cursor = page.nodes.last().map(|(_, cursor)| cursor.clone());
        match (lie, args.get("after").and_then(Value::as_str)) {
            (Some(ListLie::NoCursor), _) if page.has_next => end_cursor = None,
            (Some(ListLie::SameCursor), Some(after)) => {
                page.has_next = true;
                end_cursor = Some(after.to_owned());
            }
            _ => {}
        }
        let mut answer = Map::new();
        for (key, fields) in self.merge(&format!("{item}Connection"), sets) {
            let sets: Vec<_> = fields.iter().map(|field| &field.node.selection_set.node).collect();
            path.push(json!(key));
            let value = match fields[0].node.name.node.as_str() {
                "pageInfo" => {
                    let info = json!({
                        "hasNextPage": page.has_next, "hasPreviousPage": page.has_previous,
                        "startCursor": page.nodes.first().map(|(_, cursor)| cursor),
                        "endCursor": end_cursor,
                    });
                    self.object(&Node::inline("PageInfo", parent, info), &sets, path)
                }
                "nodes" => {
                    let is_alone = page.nodes.len() == 1;
                    self.items(&page.nodes, path, |run, node, _, path| {
                        run.can_serve(node, &sets, is_alone, path)?;
                        run.object(node, &sets, path)
                    })
                }
                "edges" => {
                    let chosen = self.merge(&format!("{item}Edge"), &sets);
                    self.items(&page.nodes, path, |run, node, cursor, path| {
                        let mut edge = Map::new();
                        for (key, fields) in &chosen {
                            let value = match fields[0].node.name.node.as_str() {
                                "cursor" => json!(cursor),
                                "node" => {
                                    let sets: Vec<_> = fields.iter().map(|f| &f.node.selection_set.node).collect();
                                    path.push(json!(key));
                                    let value = run.object(node, &sets, path);
                                    path.pop();
                                    value?
                                }
                                _ => json!(format!("{item}Edge")),
                            };
                            edge.insert(key.clone(), value);
                        }
                        Ok(Value::Object(edge))
                    })
                }
                _ => Ok(json!(format!("{item}Connection"))),
            };
            path.pop();
            answer.insert(key, value?);
        }
        Ok(Ok(Value::Object(answer)))
    }

    /// What is wrong with this list on purpose.
    fn lie(&self, parent: &Node, name: &str) -> Option<ListLie> {
        let lists = &self.shop.lies.lists;
        lists.get(&format!("{}.{name}", parent.ty)).or_else(|| lists.get(name)).copied()
    }

    /// Fails for an object that the shop cannot show as far as it is asked for.
    pub(super) fn can_serve(
        &mut self,
        node: &Node,
        sets: &[&'r SelectionSet],
        is_alone: bool,
        path: &[Value],
    ) -> Result<(), Nulled> {
        let gid = node.value["id"].as_str().unwrap_or_default();
        let Some(how) = self.shop.lies.unservable.get(gid) else { return Ok(()) };
        let asks_for_little = self
            .merge(&node.ty, sets)
            .iter()
            .all(|(key, _)| ["id", "title", "updatedAt", "product"].contains(&key.as_str()));
        if asks_for_little || (is_alone && *how == Unservable::AmongOthers) {
            return Ok(());
        }
        self.errors
            .push(json!({"message": "Internal error. Looks like something went wrong on our end.", "path": path,
            "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "simulated"}}));
        Err(Nulled)
    }

    /// The list behind a connection, filtered by its `query` argument.
    pub fn stubs(&mut self, parent: &Node, name: &str, args: &Map<String, Value>) -> Result<Vec<Stub>, String> {
        let mut stubs = self.stubs_as_they_are(parent, name, args)?;
        if let Some(ListLie::Ends(after)) = self.lie(parent, name) {
            stubs.truncate(after);
        }
        Ok(stubs)
    }

    pub(super) fn stubs_as_they_are(
        &mut self,
        parent: &Node,
        name: &str,
        args: &Map<String, Value>,
    ) -> Result<Vec<Stub>, String> {
        let stubs = lists::list(self.shop, parent, name, args);
        match args.get("query").and_then(Value::as_str) {
            None => Ok(stubs),
            Some(query) => search::filter(self.shop, stubs, query).inspect_err(|problem| {
                self.unknown_queries.push(format!("query: {query}: {problem}"));
            }),
        }
    }

    fn items(
        &mut self,
        nodes: &[(Node, String)],
        path: &mut Vec<Value>,
        mut read: impl FnMut(&mut Self, &Node, &str, &mut Vec<Value>) -> Result<Value, Nulled>,
    ) -> Result<Value, Nulled> {
        let mut items = Vec::with_capacity(nodes.len());
        for (index, (node, cursor)) in nodes.iter().enumerate() {
            self.spent += 1;
            path.push(json!(index));
            let value = read(self, node, cursor, path);
            path.pop();
            items.push(value?);
        }
        Ok(Value::Array(items))
    }

    /// In a bulk operation: reads a whole list into lines, children after their parent.
    pub(super) fn bulk_list(
        &mut self,
        parent: &Node,
        name: &str,
        item: &str,
        args: &Map<String, Value>,
        sets: &[&'r SelectionSet],
        path: &mut Vec<Value>,
    ) -> Result<(), Nulled> {
        let stubs = self.stubs(parent, name, args).map_err(|problem| {
            self.errors.push(json!({"message": problem, "extensions": {"code": "BAD_REQUEST"}}));
            Nulled
        })?;
        let mut chosen: Vec<&'r SelectionSet> = Vec::new();
        for (_, fields) in self.merge(&format!("{item}Connection"), sets) {
            for field in fields {
                let set = &field.node.selection_set.node;
                match field.node.name.node.as_str() {
                    "nodes" => chosen.push(set),
                    "edges" => {
                        let node_fields = self.merge(&format!("{item}Edge"), &[set]);
                        let node_fields = node_fields.into_iter().flat_map(|(_, fields)| fields);
                        chosen.extend(
                            node_fields.filter(|f| f.node.name.node == "node").map(|f| &f.node.selection_set.node),
                        );
                    }
                    _ => {}
                }
            }
        }
        for stub in stubs {
            let Some(node) = lists::open(self.shop, &stub) else { continue };
            self.can_serve(&node, &chosen, false, path)?;
            let index = self.lines.len();
            self.lines.push(Value::Null);
            self.parents.push(node.value["id"].as_str().unwrap_or_default().to_owned());
            let value = self.object(&node, &chosen, path);
            self.parents.pop();
            let mut value = value?;
            match self.parents.last() {
                Some(parent) => value["__parentId"] = json!(parent),
                None => self.root_lines += 1,
            }
            self.lines[index] = value;
        }
        Ok(())
    }

    /// Every look at a bulk operation, or at all of them, moves it on: CREATED, RUNNING, COMPLETED.
    pub(super) fn advance_bulk(&mut self, only: Option<u64>) {
        for index in 0..self.shop.bulks.len() {
            if only.is_some_and(|only| only != self.shop.bulks[index].id) {
                continue;
            }
            match self.shop.bulks[index].status {
                "CREATED" if !self.shop.stalling_bulk => self.shop.bulks[index].status = "RUNNING",
                "RUNNING" if !self.shop.holding_bulk => bulk::finish(self, index),
                "RUNNING" if self.shop.releasing_bulk > 0 => {
                    self.shop.releasing_bulk -= 1;
                    bulk::finish(self, index);
                }
                _ => {}
            }
        }
    }

    /// A name for a file that nobody can guess.
    pub fn file_name() -> String {
        format!("{}.jsonl", random_hex().unwrap_or_else(|_| "bulk".to_owned()))
    }
}
