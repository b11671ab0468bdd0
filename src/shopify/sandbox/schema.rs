//! The simulated shop's schema, read from `schema.graphql`: which fields a type has, what they return, and the scope
//! that each needs.
//! Source: <https://shopify.dev/docs/api/admin-graphql/2026-10>.

use std::collections::{BTreeMap, HashMap};

use async_graphql_parser::types::{BaseType, ConstDirective, Type, TypeKind, TypeSystemDefinition};
use async_graphql_parser::{Positioned, parse_schema};
use async_graphql_value::ConstValue;

/// A field of an object type.
#[derive(Debug, Clone)]
pub(super) struct FieldDef {
    pub ty: Type,
    /// Arguments and their types, by name.
    pub args: BTreeMap<String, Type>,
    /// The scope that this field needs beyond those of its parents.
    pub scope: Option<String>,
    pub deprecated: Option<String>,
}

#[derive(Debug, Clone)]
enum Def {
    Object(HashMap<String, FieldDef>),
    Union(Vec<String>),
    /// Values and the scope each needs.
    Enum(HashMap<String, Option<String>>),
    Input(BTreeMap<String, Type>),
}

/// All types by name. Scalars are those that are not in it.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    types: HashMap<String, Def>,
}

/// What a type name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Leaf,
    Object,
    Union,
}

impl Schema {
    /// Reads the schema that is compiled in.
    pub fn load() -> Result<Self, String> {
        let document = parse_schema(include_str!("schema.graphql")).map_err(|error| error.to_string())?;
        let mut types = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            let def = match definition.node.kind {
                TypeKind::Object(object) => Def::Object(
                    object
                        .fields
                        .into_iter()
                        .map(|field| {
                            let field = field.node;
                            let args = field
                                .arguments
                                .iter()
                                .map(|argument| (argument.node.name.node.to_string(), argument.node.ty.node.clone()))
                                .collect();
                            let def = FieldDef {
                                ty: field.ty.node,
                                args,
                                scope: directive(&field.directives, "access", "scope"),
                                deprecated: directive(&field.directives, "deprecated", "reason"),
                            };
                            (field.name.node.to_string(), def)
                        })
                        .collect(),
                ),
                TypeKind::Union(union) => {
                    Def::Union(union.members.iter().map(|member| member.node.to_string()).collect())
                }
                TypeKind::Enum(def) => Def::Enum(
                    def.values
                        .into_iter()
                        .map(|value| {
                            let scope = directive(&value.node.directives, "access", "scope");
                            (value.node.value.node.to_string(), scope)
                        })
                        .collect(),
                ),
                TypeKind::InputObject(input) => Def::Input(
                    input
                        .fields
                        .into_iter()
                        .map(|field| (field.node.name.node.to_string(), field.node.ty.node))
                        .collect(),
                ),
                TypeKind::Scalar | TypeKind::Interface(_) => continue,
            };
            types.insert(name, def);
        }
        let mut schema = Self { types };
        schema.add_connections();
        Ok(schema)
    }

    /// Writes out `FooConnection` and `FooEdge` for every `FooConnection` that a field returns.
    fn add_connections(&mut self) {
        let mut nodes: Vec<String> = Vec::new();
        for def in self.types.values() {
            let Def::Object(fields) = def else { continue };
            nodes.extend(fields.values().filter_map(|field| connection_node(&field.ty)));
        }
        for node in nodes {
            let field = |ty: &str| FieldDef {
                ty: Type::new(ty).unwrap_or(Type { base: BaseType::List(Box::new(scalar("String"))), nullable: true }),
                args: BTreeMap::new(),
                scope: None,
                deprecated: None,
            };
            let connection = HashMap::from([
                ("nodes".to_owned(), field(&format!("[{node}!]!"))),
                ("edges".to_owned(), field(&format!("[{node}Edge!]!"))),
                ("pageInfo".to_owned(), field("PageInfo!")),
            ]);
            let edge = HashMap::from([
                ("node".to_owned(), field(&format!("{node}!"))),
                ("cursor".to_owned(), field("String!")),
            ]);
            self.types.insert(format!("{node}Connection"), Def::Object(connection));
            self.types.insert(format!("{node}Edge"), Def::Object(edge));
        }
    }

    /// The field `name` of the object type `ty`.
    pub fn field(&self, ty: &str, name: &str) -> Option<&FieldDef> {
        match self.types.get(ty)? {
            Def::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// A selection of this field with everything below it, down to `depth` levels; `None` where an argument is
    /// needed that only a caller can know.
    #[cfg(test)]
    pub fn everything(&self, ty: &str, name: &str, depth: usize) -> Option<String> {
        let def = self.field(ty, name)?;
        let base = base_name(&def.ty);
        let arguments = match name {
            "quantities" => "(names: [\"available\"])",
            _ if connection_node(&def.ty).is_some() => "(first: 1)",
            _ if def.args.values().any(|argument| !argument.nullable) => return None,
            _ => "",
        };
        let below = |concrete: &str| -> String {
            let Some(Def::Object(fields)) = self.types.get(concrete) else { return String::new() };
            let fields = fields.keys().filter_map(|field| self.everything(concrete, field, depth.checked_sub(1)?));
            format!("__typename {}", fields.collect::<Vec<_>>().join(" "))
        };
        let selection = match self.kind(base) {
            Kind::Leaf => return Some(format!("{name}{arguments}")),
            _ if depth == 0 => return None,
            Kind::Object => below(base),
            Kind::Union => {
                let members = self.concrete_types(base).into_iter();
                members.map(|member| format!("... on {member} {{ {} }}", below(&member))).collect()
            }
        };
        Some(format!("{name}{arguments} {{ {selection} }}"))
    }

    /// What kind of type this name stands for.
    pub fn kind(&self, ty: &str) -> Kind {
        match self.types.get(ty) {
            Some(Def::Object(_)) => Kind::Object,
            Some(Def::Union(_)) => Kind::Union,
            _ => Kind::Leaf,
        }
    }

    /// Whether a fragment on `condition` can apply to an object of type `concrete`.
    pub fn applies(&self, condition: &str, concrete: &str) -> bool {
        condition == concrete
            || matches!(self.types.get(condition), Some(Def::Union(members)) if members.iter().any(|m| m == concrete))
    }

    /// The object types that a value of this type can have: itself, or the members of the union.
    pub fn concrete_types(&self, ty: &str) -> Vec<String> {
        match self.types.get(ty) {
            Some(Def::Union(members)) => members.clone(),
            _ => vec![ty.to_owned()],
        }
    }

    /// The values of an enum; `None` if this is not one.
    pub fn enum_has(&self, ty: &str, value: &str) -> Option<bool> {
        match self.types.get(ty) {
            Some(Def::Enum(values)) => Some(values.contains_key(value)),
            _ => None,
        }
    }

    /// The scope that an enum value needs.
    pub fn enum_scope(&self, ty: &str, value: &str) -> Option<String> {
        match self.types.get(ty) {
            Some(Def::Enum(values)) => values.get(value).cloned().flatten(),
            _ => None,
        }
    }

    /// The fields of an input object.
    pub fn input(&self, ty: &str) -> Option<&BTreeMap<String, Type>> {
        match self.types.get(ty) {
            Some(Def::Input(fields)) => Some(fields),
            _ => None,
        }
    }
}

fn scalar(name: &str) -> Type {
    Type { base: BaseType::Named(async_graphql_value::Name::new(name)), nullable: true }
}

fn directive(directives: &[Positioned<ConstDirective>], name: &str, argument: &str) -> Option<String> {
    let directive = directives.iter().find(|directive| directive.node.name.node == name)?;
    match &directive.node.get_argument(argument)?.node {
        ConstValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The name at the bottom of a type: `Product` for `[Product!]!`.
pub(super) fn base_name(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => base_name(inner),
    }
}

/// `Product` for the type `ProductConnection!`.
pub(super) fn connection_node(ty: &Type) -> Option<String> {
    match &ty.base {
        BaseType::Named(name) => name.strip_suffix("Connection").map(str::to_owned),
        BaseType::List(_) => None,
    }
}
