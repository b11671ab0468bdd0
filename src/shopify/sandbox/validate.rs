//! What the simulated server checks before it runs a query: that it fits the schema, and what it would cost.
//!
//! Sources: <https://shopify.dev/docs/api/admin-graphql> (status and error codes),
//! <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits> (cost).

use std::collections::{BTreeSet, HashMap};

use async_graphql_parser::types::{
    BaseType, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet, Type,
};
use async_graphql_parser::{Pos, Positioned};
use async_graphql_value::{ConstValue, Name, Value as Literal};
use serde_json::{Map, Value, json};

use super::schema::{FieldDef, Kind, Schema, base_name, connection_node};

/// A page never holds more than 250 items.
pub(super) const MAX_PAGE: u64 = 250;
const MUTATION_COST: u64 = 10;
const CONNECTION_COST: u64 = 2;

/// One operation of a document with its variables filled in.
pub(super) struct Operation<'a> {
    pub schema: &'a Schema,
    pub document: &'a ExecutableDocument,
    pub definition: &'a OperationDefinition,
    pub name: Option<String>,
    pub variables: HashMap<String, ConstValue>,
    /// Inside a bulk operation connections are read whole: `first` may be absent, and costs do not count.
    pub bulk: bool,
}

/// What the check of an operation found out.
#[derive(Default)]
pub(super) struct Checked {
    pub errors: Vec<Value>,
    /// Reasons of deprecated fields that are used.
    pub deprecated: BTreeSet<String>,
    used_variables: BTreeSet<String>,
    used_fragments: BTreeSet<String>,
}

impl<'a> Operation<'a> {
    /// Picks the operation to run and fills in its variables.
    ///
    /// # Errors
    /// The `errors` of the answer: no such operation, a variable is missing or of the wrong type.
    pub fn prepare(
        schema: &'a Schema,
        document: &'a ExecutableDocument,
        wanted: Option<&str>,
        given: &Map<String, Value>,
    ) -> Result<Self, Vec<Value>> {
        let (name, definition) = match (&document.operations, wanted) {
            (DocumentOperations::Single(operation), _) => (None, &operation.node),
            (DocumentOperations::Multiple(operations), Some(wanted)) => {
                let found = operations.iter().find(|(name, _)| name.as_str() == wanted);
                let (name, operation) =
                    found.ok_or_else(|| vec![json!({"message": format!("No operation named \"{wanted}\"")})])?;
                (Some(name.to_string()), &operation.node)
            }
            (DocumentOperations::Multiple(operations), None) => match operations.iter().next() {
                Some((name, operation)) if operations.len() == 1 => (Some(name.to_string()), &operation.node),
                _ => return Err(vec![json!({"message": "An operation name is required"})]),
            },
        };
        let mut variables = HashMap::new();
        let mut errors = Vec::new();
        for variable in &definition.variable_definitions {
            let (pos, variable) = (variable.pos, &variable.node);
            let key = variable.name.node.to_string();
            let value = given.get(&key).map(|value| ConstValue::from_json(value.clone()).unwrap_or_default());
            let value = value.or_else(|| variable.default_value.as_ref().map(|default| default.node.clone()));
            let mut problem = None;
            match &value {
                None if !variable.var_type.node.nullable => problem = Some("Expected value to not be null".to_owned()),
                None => {}
                Some(value) => {
                    if let Ok(json) = value.clone().into_json() {
                        problem = value_problem(schema, &variable.var_type.node, &json).err();
                    }
                }
            }
            if let Some(problem) = problem {
                errors.push(json!({
                    "message": format!("Variable ${key} of type {} was provided invalid value", variable.var_type.node),
                    "locations": [location(pos)],
                    "extensions": {"value": given.get(&key), "problems": [{"path": [], "explanation": problem}], "code": "INVALID_VARIABLE"},
                }));
            }
            if let Some(value) = value {
                variables.insert(key, value);
            }
        }
        if errors.is_empty() {
            Ok(Self { schema, document, definition, name, variables, bulk: false })
        } else {
            Err(errors)
        }
    }

    pub fn root(&self) -> &'static str {
        if self.definition.ty == OperationType::Mutation { "Mutation" } else { "QueryRoot" }
    }

    /// The arguments of a field with variables filled in; an argument whose variable is absent is absent itself.
    pub fn args(&self, field: &Field) -> Map<String, Value> {
        let mut args = Map::new();
        for (name, value) in &field.arguments {
            if let Some(value) = self.value(&value.node) {
                args.insert(name.node.to_string(), value);
            }
        }
        args
    }

    fn value(&self, literal: &Literal) -> Option<Value> {
        if let Literal::Variable(name) = literal {
            return self.variables.get(name.as_str()).cloned().and_then(|value| value.into_json().ok());
        }
        let filled = literal.clone().into_const_with(|name| {
            Ok::<_, std::convert::Infallible>(self.variables.get(name.as_str()).cloned().unwrap_or_default())
        });
        match filled {
            Ok(value) => value.into_json().ok(),
            Err(never) => match never {},
        }
    }

    /// Whether `@skip` and `@include` leave this selection in.
    pub fn included(&self, selection: &Selection) -> bool {
        selection.directives().iter().all(|directive| {
            let condition = directive.node.get_argument("if").and_then(|value| self.value(&value.node));
            !matches!(
                (directive.node.name.node.as_str(), condition),
                ("skip", Some(Value::Bool(true))) | ("include", Some(Value::Bool(false)))
            )
        })
    }

    /// Checks the whole operation against the schema.
    pub fn check(&self) -> Checked {
        let mut checked = Checked::default();
        let mut path = vec![match &self.name {
            Some(name) => format!("{} {name}", self.definition.ty),
            None => self.definition.ty.to_string(),
        }];
        self.check_selections(self.root(), &self.definition.selection_set.node, &mut path, &mut checked, 0);
        for variable in &self.definition.variable_definitions {
            let name = variable.node.name.node.as_str();
            if !checked.used_variables.contains(name) {
                let message = format!("Variable ${name} is declared by {} but not used", path.join(" "));
                checked.errors.push(validation(
                    &message,
                    variable.pos,
                    &path,
                    "variableNotUsed",
                    json!({"variableName": name}),
                ));
            }
        }
        for (name, fragment) in &self.document.fragments {
            if !checked.used_fragments.contains(name.as_str()) {
                let message = format!("Fragment {name} was defined, but not used");
                let more = json!({"fragmentName": name.as_str()});
                checked.errors.push(validation(&message, fragment.pos, &path, "useAndDefineFragment", more));
            }
        }
        checked
    }

    fn check_selections(
        &self,
        ty: &str,
        selections: &SelectionSet,
        path: &mut Vec<String>,
        checked: &mut Checked,
        depth: usize,
    ) {
        if depth > 40 {
            checked.errors.push(json!({"message": "Query is nested too deeply"}));
            return;
        }
        for item in &selections.items {
            for directive in item.node.directives() {
                for (_, value) in &directive.node.arguments {
                    note_variables(&value.node, &mut checked.used_variables);
                }
            }
            match &item.node {
                Selection::Field(field) => self.check_field(ty, field, path, checked, depth),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
                    let condition = condition.unwrap_or(ty);
                    self.check_condition(condition, ty, item.pos, path, checked);
                    path.push(format!("... on {condition}"));
                    self.check_selections(condition, &fragment.node.selection_set.node, path, checked, depth + 1);
                    path.pop();
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    checked.used_fragments.insert(name.to_owned());
                    let Some(fragment) = self.fragment(name) else {
                        let message = format!("Fragment {name} was used, but not defined");
                        let more = json!({"fragmentName": name});
                        checked.errors.push(validation(&message, item.pos, path, "useAndDefineFragment", more));
                        continue;
                    };
                    let condition = fragment.type_condition.node.on.node.as_str();
                    self.check_condition(condition, ty, item.pos, path, checked);
                    path.push(format!("... {name}"));
                    self.check_selections(condition, &fragment.selection_set.node, path, checked, depth + 1);
                    path.pop();
                }
            }
        }
    }

    fn check_condition(&self, condition: &str, ty: &str, pos: Pos, path: &[String], checked: &mut Checked) {
        if self.schema.kind(condition) == Kind::Leaf {
            let message = format!("No such type {condition}, so it can't be a fragment condition");
            checked.errors.push(validation(&message, pos, path, "undefinedType", json!({"typeName": condition})));
        } else if !self.schema.concrete_types(ty).iter().any(|concrete| self.schema.applies(condition, concrete))
            && !self.schema.concrete_types(condition).iter().any(|concrete| self.schema.applies(ty, concrete))
        {
            let message = format!("Fragment on {condition} can't be spread inside {ty}");
            let more = json!({"typeName": condition, "parentName": ty});
            checked.errors.push(validation(&message, pos, path, "cannotSpreadFragment", more));
        }
    }

    fn check_field(
        &self,
        ty: &str,
        field: &Positioned<Field>,
        path: &mut Vec<String>,
        checked: &mut Checked,
        depth: usize,
    ) {
        let (pos, field) = (field.pos, &field.node);
        let name = field.name.node.as_str();
        if name == "__typename" {
            return;
        }
        path.push(field.response_key().node.to_string());
        let Some(def) = self.schema.field(ty, name) else {
            let message = format!("Field '{name}' doesn't exist on type '{ty}'");
            let more = json!({"typeName": ty, "fieldName": name});
            checked.errors.push(validation(&message, pos, path, "undefinedField", more));
            path.pop();
            return;
        };
        if let Some(reason) = &def.deprecated {
            checked.deprecated.insert(format!("{ty}.{name}: {reason}"));
        }
        self.check_arguments(ty, field, pos, def, path, checked);
        let base = base_name(&def.ty);
        let selects = !field.selection_set.node.items.is_empty();
        if (self.schema.kind(base) == Kind::Leaf) == selects {
            let message = if selects {
                format!("Selections can't be made on scalars (field '{name}' returns {base} but has selections)")
            } else {
                format!("Field must have selections (field '{name}' returns {base} but has no selections)")
            };
            checked.errors.push(validation(
                &message,
                pos,
                path,
                "selectionMismatch",
                json!({"nodeName": format!("field '{name}'")}),
            ));
        } else if selects {
            self.check_selections(base, &field.selection_set.node, path, checked, depth + 1);
        }
        path.pop();
    }

    fn check_arguments(
        &self,
        ty: &str,
        field: &Field,
        pos: Pos,
        def: &FieldDef,
        path: &[String],
        checked: &mut Checked,
    ) {
        let name = field.name.node.as_str();
        for (argument, value) in &field.arguments {
            note_variables(&value.node, &mut checked.used_variables);
            let key = argument.node.as_str();
            let Some(wanted) = def.args.get(key) else {
                let message = format!("Field '{name}' doesn't accept argument '{key}'");
                let more = json!({"name": name, "typeName": "Field", "argumentName": key});
                checked.errors.push(validation(&message, argument.pos, path, "argumentNotAccepted", more));
                continue;
            };
            if let Literal::Variable(variable) = &value.node {
                self.check_variable(variable, key, wanted, value.pos, path, checked);
            } else if let Some(json) = self.value(&value.node)
                && let Err(problem) = value_problem(self.schema, wanted, &json)
            {
                let message = format!(
                    "Argument '{key}' on Field '{name}' has an invalid value. Expected type '{wanted}'. {problem}"
                );
                let more = json!({"typeName": "Field", "argumentName": key});
                checked.errors.push(validation(&message, value.pos, path, "argumentLiteralsIncompatible", more));
            }
        }
        let missing: Vec<_> = def
            .args
            .iter()
            .filter(|(key, wanted)| !wanted.nullable && field.get_argument(key).is_none())
            .map(|(key, _)| key.as_str())
            .collect();
        if !missing.is_empty() {
            let message = format!("Field '{name}' is missing required arguments: {}", missing.join(", "));
            let more = json!({"className": "Field", "name": name, "arguments": missing.join(", ")});
            checked.errors.push(validation(&message, pos, path, "missingRequiredArguments", more));
        }
        if connection_node(&def.ty).is_some() {
            let args = self.args(field);
            let sizes: Vec<_> = ["first", "last"].into_iter().filter_map(|key| args.get(key)?.as_i64()).collect();
            if sizes.is_empty() && !self.bulk {
                let more = json!({"typeName": ty, "fieldName": name});
                checked.errors.push(validation(
                    "you must provide one of first or last",
                    pos,
                    path,
                    "BAD_REQUEST",
                    more,
                ));
            }
            for size in sizes {
                if size < 0 || size.unsigned_abs() > MAX_PAGE {
                    let message = format!("first cannot exceed {MAX_PAGE}. Received: {size}");
                    checked.errors.push(validation(&message, pos, path, "BAD_REQUEST", json!({"fieldName": name})));
                }
            }
        }
    }

    fn check_variable(
        &self,
        variable: &Name,
        argument: &str,
        wanted: &Type,
        pos: Pos,
        path: &[String],
        checked: &mut Checked,
    ) {
        let definition =
            self.definition.variable_definitions.iter().find(|definition| definition.node.name.node == *variable);
        let Some(definition) = definition else {
            let message = format!("Variable ${variable} is used by {} but not declared", path[0]);
            let more = json!({"variableName": variable.as_str()});
            checked.errors.push(validation(&message, pos, path, "variableNotDefined", more));
            return;
        };
        let given = &definition.node.var_type.node;
        let has_default = definition.node.default_value.is_some();
        if !fits(given, wanted, has_default) {
            let word = if base_name(given) == base_name(wanted) { "Nullability" } else { "Type" };
            let message =
                format!("{word} mismatch on variable ${variable} and argument {argument} ({given} / {wanted})");
            let more = json!({"variableName": variable.as_str(), "argumentName": argument});
            checked.errors.push(validation(&message, pos, path, "variableMismatch", more));
        }
    }

    /// The fragment of this name.
    pub fn fragment(&self, name: &str) -> Option<&'a async_graphql_parser::types::FragmentDefinition> {
        self.document.fragments.get(name).map(|fragment| &fragment.node)
    }

    /// The requested cost: an object 1, a mutation 10, a union its dearest branch, a connection 2 and its page size
    /// times one node; scalars, enums and `pageInfo` nothing.
    pub fn cost(&self) -> u64 {
        let set = &self.definition.selection_set.node;
        if self.root() == "Mutation" {
            let fields = set.items.iter().filter(|item| matches!(item.node, Selection::Field(_))).count();
            return MUTATION_COST * fields as u64;
        }
        self.selection_cost(self.root(), set, 1)
    }

    /// The cost of the fields chosen on a type. `size` is the page size while inside a connection's own fields.
    fn selection_cost(&self, ty: &str, selections: &SelectionSet, size: u64) -> u64 {
        self.schema
            .concrete_types(ty)
            .iter()
            .map(|concrete| self.concrete_cost(concrete, selections, size))
            .max()
            .unwrap_or(0)
    }

    fn concrete_cost(&self, concrete: &str, selections: &SelectionSet, size: u64) -> u64 {
        let mut cost = 0_u64;
        for item in selections.items.iter().filter(|item| self.included(&item.node)) {
            let part = match &item.node {
                Selection::Field(field) => self.field_cost(concrete, &field.node, size),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
                    if self.schema.applies(condition.unwrap_or(concrete), concrete) {
                        self.concrete_cost(concrete, &fragment.node.selection_set.node, size)
                    } else {
                        0
                    }
                }
                Selection::FragmentSpread(spread) => match self.fragment(&spread.node.fragment_name.node) {
                    Some(fragment) if self.schema.applies(&fragment.type_condition.node.on.node, concrete) => {
                        self.concrete_cost(concrete, &fragment.selection_set.node, size)
                    }
                    _ => 0,
                },
            };
            cost = cost.saturating_add(part);
        }
        cost
    }

    fn field_cost(&self, ty: &str, field: &Field, size: u64) -> u64 {
        let name = field.name.node.as_str();
        let Some(def) = self.schema.field(ty, name) else { return 0 };
        let base = base_name(&def.ty);
        let set = &field.selection_set.node;
        if self.schema.kind(base) == Kind::Leaf || base == "PageInfo" {
            return 0;
        }
        if connection_node(&def.ty).is_some() {
            let args = self.args(field);
            let size = ["first", "last"].into_iter().find_map(|key| args.get(key)?.as_u64()).unwrap_or(0);
            return CONNECTION_COST.saturating_add(self.selection_cost(base, set, size));
        }
        if ty.ends_with("Connection") && name == "edges" {
            // An edge is free; its node is not.
            return self.selection_cost(base, set, size);
        }
        let one = 1 + self.selection_cost(base, set, 1);
        let times = if ty.ends_with("Connection") || ty.ends_with("Edge") { size } else { 1 };
        one.saturating_mul(times)
    }
}

/// Why this value does not fit this type.
fn value_problem(schema: &Schema, ty: &Type, value: &Value) -> Result<(), String> {
    if value.is_null() {
        return if ty.nullable { Ok(()) } else { Err("Expected value to not be null".to_owned()) };
    }
    let name = match &ty.base {
        BaseType::List(inner) => {
            return match value {
                Value::Array(items) if items.len() > 250 => {
                    Err("The input array size is greater than the maximum allowed of 250".to_owned())
                }
                Value::Array(items) => items.iter().try_for_each(|item| value_problem(schema, inner, item)),
                one => value_problem(schema, inner, one),
            };
        }
        BaseType::Named(name) => name.as_str(),
    };
    if let Some(fields) = schema.input(name) {
        let Value::Object(given) = value else { return Err(format!("Expected \"{value}\" to be a key-value object")) };
        for (key, value) in given {
            let field = fields.get(key).ok_or_else(|| format!("Field is not defined on {name}: {key}"))?;
            value_problem(schema, field, value)?;
        }
        return Ok(());
    }
    let fits = match name {
        "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Float" => value.is_number(),
        "Boolean" => value.is_boolean(),
        "ID" => value.as_str().is_some_and(|text| text.starts_with("gid://shopify/")),
        _ => match (schema.enum_has(name, value.as_str().unwrap_or_default()), value) {
            (Some(known), _) => known,
            (None, Value::String(_)) => true,
            (None, _) => false,
        },
    };
    match (fits, name) {
        (true, _) => Ok(()),
        (false, "ID") => Err(format!("Invalid global id {value}")),
        (false, _) => Err(format!("Could not coerce value {value} to {name}")),
    }
}

/// Whether a variable of type `given` may stand where `wanted` is asked for.
fn fits(given: &Type, wanted: &Type, has_default: bool) -> bool {
    if given.nullable && !wanted.nullable && !has_default {
        return false;
    }
    match (&given.base, &wanted.base) {
        (BaseType::Named(given), BaseType::Named(wanted)) => given == wanted,
        (BaseType::List(given), BaseType::List(wanted)) => fits(given, wanted, false),
        _ => false,
    }
}

fn note_variables(literal: &Literal, used: &mut BTreeSet<String>) {
    match literal {
        Literal::Variable(name) => {
            used.insert(name.to_string());
        }
        Literal::List(items) => items.iter().for_each(|item| note_variables(item, used)),
        Literal::Object(fields) => fields.values().for_each(|value| note_variables(value, used)),
        _ => {}
    }
}

/// A position as answers give it.
pub(super) fn location(pos: Pos) -> Value {
    json!({"line": pos.line, "column": pos.column})
}

fn validation(message: &str, pos: Pos, path: &[String], code: &str, more: Value) -> Value {
    let mut extensions = json!({"code": code});
    if let (Value::Object(extensions), Value::Object(more)) = (&mut extensions, more) {
        extensions.extend(more);
    }
    json!({"message": message, "locations": [location(pos)], "path": path, "extensions": extensions})
}
