//! Every file that a test leaves is of the shape that `docs/schemas/` promises. A crate for JSON Schema brings some forty
//! others and changes the features of ours, so this checks the part of it that those files use, and knows no other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::test_app::TestApp;

/// Larger files hold more of the same, and reading them as trees takes long in a debug build.
const LARGEST: u64 = 512 * 1024;

/// The keywords that say nothing about what a document must be.
const NOTES: [&str; 5] = ["$schema", "$defs", "title", "description", "examples"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

fn schema(name: &str) -> Value {
    let path = folder().join(format!("{name}.schema.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The schema of a file below the output folder; `None`: it holds no JSON of ours.
fn name_for(path: &str) -> Option<&'static str> {
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
        let checked = Checker { root: &schema }.check(&schema, &document, "");
        if let Err(problem) = checked {
            panic!("{path} does not fit docs/schemas/{name}.schema.json: {problem}");
        }
    }
}

/// The JSON files that are neither half-written nor moved aside nor very large, by their path below the folder.
fn files(folder: &Path, below: &str, seen: &mut Vec<String>) {
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

/// Checks documents against one schema, and knows the keywords that `docs/schemas/` uses.
struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().ok_or_else(|| format!("{at}: a schema that is no object"))? {
            match keyword.as_str() {
                known if NOTES.contains(&known) => {}
                "$ref" => self.check(self.definition(rule), value, at)?,
                "type" => is_of(rule, value).then_some(()).ok_or_else(|| format!("{at} must be {rule}: {value}"))?,
                "const" => (rule == value).then_some(()).ok_or_else(|| format!("{at} must be {rule}: {value}"))?,
                "anyOf" => self.any_of(rule, value, at)?,
                "required" => self.required(rule, value, at)?,
                "properties" => self.properties(rule, value, at)?,
                "additionalProperties" => self.others(schema, rule, value, at)?,
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{index}"))?;
                    }
                }
                unknown => return Err(format!("the schema says {unknown:?}, which this check does not know")),
            }
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

#[test]
fn every_schema_fits_its_own_example_and_is_described() {
    let reading = std::fs::read_to_string(folder().parent().unwrap().join("reading.md")).unwrap();
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".schema.json").unwrap_or_else(|| panic!("{file} is no schema")).to_owned();
        let schema = schema(&name);
        let examples = schema["examples"].as_array().unwrap_or_else(|| panic!("{name} has no example"));
        for example in examples {
            Checker { root: &schema }.check(&schema, example, "").unwrap_or_else(|problem| panic!("{name}: {problem}"));
        }
        assert!(reading.contains(&format!("schemas/{file}")), "docs/reading.md does not name {file}");
        names.insert(name);
    }
    assert!(names.len() >= 12, "{names:?}");
}

#[test]
fn what_does_not_fit_is_found() {
    let found = |name: &str, document: Value| {
        let schema = schema(name);
        Checker { root: &schema }.check(&schema, &document, "").expect_err("it does not fit")
    };
    assert!(found("messenger-conversation", json!({})).contains("must be"));
    assert!(found("messenger-conversation", json!([{"timestamp":[]}])).starts_with("/0/timestamp must be"));
    assert!(found("shop-metadata", json!({"data":{}})).contains("lacks \"shop\""));
    assert!(found("facebook-page-metadata", json!({"id":"1","access_token":"x"})).contains("not described"));
    assert!(found("media-index", json!({"m_1":[{"position":0.5,"type":"image","state":"kept"}]})).contains("integer"));
    let other = json!({"id":"1","inventoryItem":7});
    let variant = schema("shop-products")["$defs"]["variant"].clone();
    let root = schema("shop-products");
    assert!(Checker { root: &root }.check(&variant, &other, "").expect_err("no stock").contains("nothing of what"));
}

#[tokio::test]
async fn the_files_of_a_connected_merchant_fit_their_schemas() {
    let app = TestApp::start().await;
    let sam = app.facebook.person("7000000000000001", "Sam Doe");
    app.page().message_from(&sam, "Is the blue one in stock?");
    let browser = app.connect().await;
    let mut seen = Vec::new();
    files(&app.path(""), "", &mut seen);
    let names: BTreeSet<&str> = seen.iter().filter_map(|path| name_for(path)).collect();
    let expected = ["facebook-page-metadata", "messenger-conversation", "shop-metadata", "shop-products"];
    assert_eq!(names, BTreeSet::from(expected), "{seen:?}");
    let export = browser.get("/export").await;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&export.body)).unwrap();
    let about: Value = serde_json::from_reader(archive.by_name("connections.json").unwrap()).unwrap();
    let schema = schema("export-connections");
    Checker { root: &schema }.check(&schema, &about, "").unwrap();
    assert_eq!(about.as_array().unwrap().len(), 2, "{about}");
    app.finish().await;
}
