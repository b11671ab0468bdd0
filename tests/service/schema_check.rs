//! Every file that a test leaves is of the shape that `docs/schemas/` promises. A crate for JSON Schema brings some forty
//! others and changes the features of ours, so this checks the part of it that those files use, and knows no other.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Larger files hold more of the same, and reading them as trees takes long in a debug build.
const LARGEST: u64 = 512 * 1024;

/// The keywords that say nothing about what a document must be.
const NOTES: [&str; 7] = ["$schema", "$defs", "title", "description", "examples", "default", "format"];

/// Where the schemas are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

/// A schema by its name.
pub fn schema(name: &str) -> Value {
    let path = folder().join(format!("{name}.schema.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The schema of a file below the output folder; `None`: it holds no JSON of ours.
pub fn name_for(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    Some(match parts[..] {
        ["facebook" | "instagram", _, "conversations", _] => "messenger-conversation",
        ["whatsapp", _, "conversations", _] => "whatsapp-conversation",
        ["viber", _, "conversations", _] => "viber-conversation",
        ["linkedin", _, "conversations", _] => "linkedin-conversation",
        [_, _, "media", "index", _] => "media-index",
        ["facebook", _, "page_metadata.json"] => "facebook-page-metadata",
        ["whatsapp", _, "account_metadata.json"] => "whatsapp-account-metadata",
        ["whatsapp", _, "templates.json"] => "whatsapp-templates",
        ["viber", _, "account_metadata.json"] => "viber-account-metadata",
        ["linkedin", _, "account_metadata.json"] => "linkedin-account-metadata",
        [shop, "shop_metadata.json"] if shop.contains('.') => "shop-metadata",
        [shop, "shop_products.json"] if shop.contains('.') => "shop-products",
        _ => return None,
    })
}

/// Panics unless every JSON file below the folders of accounts is of its shape.
pub fn check_files(output: &Path) {
    let mut seen = Vec::new();
    files(output, "", &mut seen);
    for path in seen {
        let Some(name) = name_for(&path) else { continue };
        let bytes = std::fs::read(output.join(&path)).unwrap();
        let Some(document) = parse(&String::from_utf8(bytes).unwrap()) else { continue };
        let schema = schema(name);
        let checked = Checker::of(&schema).check(&schema, &document, "");
        if let Err(problem) = checked {
            panic!("{path} does not fit docs/schemas/{name}.schema.json: {problem}");
        }
    }
}

/// The JSON files that are neither half-written nor moved aside nor very large, by their path below the folder.
pub fn files(folder: &Path, below: &str, seen: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let (path, kind) = (format!("{below}{name}"), entry.file_type().unwrap());
        if kind.is_dir() {
            files(&entry.path(), &format!("{path}/"), seen);
        } else if kind.is_file() && name.ends_with(".json") && entry.metadata().unwrap().len() <= LARGEST {
            seen.push(path);
        }
    }
}

/// A document; halves of surrogate pairs, which texts may hold as the platform sent them, are read as something else. `None`:
/// it is JSON that no tree can hold, because a platform sent a number beyond all bounds.
fn parse(text: &str) -> Option<Value> {
    let whole = text.replace("\\ud", "\\u0d").replace("\\uD", "\\u0d");
    let problem = match serde_json::from_str(text).or_else(|_| serde_json::from_str(&whole)) {
        Ok(document) => return Some(document),
        Err(problem) => problem,
    };
    let is_json = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    assert!(is_json, "{problem}: {text}");
    None
}

/// Checks documents against one schema, and knows the keywords that `docs/schemas/` and the API's description use.
pub struct Checker<'a> {
    pub root: &'a Value,
    /// Whether an object may have described members only, though its schema does not say so.
    pub is_closed: bool,
}

impl<'a> Checker<'a> {
    /// For a schema that says itself which objects have described members only.
    pub fn of(root: &'a Value) -> Self {
        Self { root, is_closed: false }
    }

    /// Says what does not fit, and where.
    pub fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().ok_or_else(|| format!("{at}: a schema that is no object"))? {
            match keyword.as_str() {
                known if NOTES.contains(&known) => {}
                "$ref" => self.check(self.definition(rule), value, at)?,
                "type" => is_of(rule, value).then_some(()).ok_or_else(|| format!("{at} must be {rule}: {value}"))?,
                "const" => (rule == value).then_some(()).ok_or_else(|| format!("{at} must be {rule}: {value}"))?,
                "enum" => {
                    let is_one = rule.as_array().is_some_and(|all| all.contains(value));
                    is_one.then_some(()).ok_or_else(|| format!("{at} must be one of {rule}: {value}"))?;
                }
                "minimum" | "maximum" => {
                    within(keyword, rule, value.as_f64()).ok_or_else(|| format!("{at}: {value}"))?
                }
                "minLength" | "maxLength" => {
                    let length = value.as_str().map(|text| text.chars().count() as f64);
                    within(keyword, rule, length).ok_or_else(|| format!("{at}: {value}"))?;
                }
                "minItems" | "maxItems" => {
                    let length = value.as_array().map(|items| items.len() as f64);
                    within(keyword, rule, length).ok_or_else(|| format!("{at}: {value}"))?;
                }
                "anyOf" => self.any_of(rule, value, at)?,
                "required" => self.required(rule, value, at)?,
                "properties" => self.properties(rule, value, at)?,
                "additionalProperties" => self.others(schema, rule, value, at)?,
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{index}"))?;
                    }
                }
                "oneOf" => self.one_of(rule, value, at)?,
                unknown => return Err(format!("the schema says {unknown:?}, which this check does not know")),
            }
        }
        if self.is_closed && schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            self.others(schema, &Value::Bool(false), value, at)?;
        }
        Ok(())
    }

    fn definition(&self, reference: &Value) -> &Value {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference into this schema");
        self.root.pointer(pointer).unwrap_or_else(|| panic!("{reference} is nowhere"))
    }

    fn any_of(&self, rules: &Value, value: &Value, at: &str) -> Result<(), String> {
        let rules = rules.as_array().expect("a list of schemas");
        let fits = rules.iter().any(|rule| self.check(rule, value, at).is_ok());
        fits.then_some(()).ok_or_else(|| format!("{at} is nothing of what it may be: {value}"))
    }

    fn one_of(&self, rules: &Value, value: &Value, at: &str) -> Result<(), String> {
        let rules = rules.as_array().expect("a list of schemas");
        match rules.iter().filter(|rule| self.check(rule, value, at).is_ok()).count() {
            1 => Ok(()),
            count => Err(format!("{at} is {count} of what it may be one of: {value}")),
        }
    }

    fn required(&self, names: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(object) = value.as_object() else { return Ok(()) };
        let missing = names.as_array().expect("a list of names").iter().filter_map(Value::as_str);
        match missing.into_iter().find(|name| !object.contains_key(*name)) {
            Some(name) => Err(format!("{at} lacks {name:?}: {value}")),
            None => Ok(()),
        }
    }

    fn properties(&self, rules: &Value, value: &Value, at: &str) -> Result<(), String> {
        for (name, rule) in rules.as_object().expect("schemas by name") {
            if let Some(member) = value.get(name) {
                self.check(rule, member, &format!("{at}/{name}"))?;
            }
        }
        Ok(())
    }

    fn others(&self, schema: &Value, rule: &Value, value: &Value, at: &str) -> Result<(), String> {
        let named = |name: &str| schema["properties"].get(name).is_some();
        for (name, member) in value.as_object().into_iter().flatten().filter(|(name, _)| !named(name)) {
            match rule {
                Value::Bool(true) => {}
                Value::Bool(false) => return Err(format!("{at} has {name:?}, which is not described")),
                rule => self.check(rule, member, &format!("{at}/{name}"))?,
            }
        }
        Ok(())
    }
}

/// Whether a size keeps to a limit; what has no size does.
fn within(keyword: &str, limit: &Value, size: Option<f64>) -> Option<()> {
    let (limit, size) = (limit.as_f64().expect("a number"), size.unwrap_or(f64::NAN));
    let is_beyond = if keyword.starts_with("min") { size < limit } else { size > limit };
    (!is_beyond).then_some(())
}

/// Whether a value is of one of these types.
fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "null" => value.is_null(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("no type is called {other:?}"),
    };
    match types {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        name => is(name.as_str().expect("the name of a type")),
    }
}
