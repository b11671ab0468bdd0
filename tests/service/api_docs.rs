//! `openapi.json` of the API for bots describes every route that the source joins, and every answer that a test gets.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use http::Method;
use serde_json::Value;

use crate::test_app::Answer;
use crate::test_app::schema_check::Checker;

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// The path of a person's conversation.
const OF: &str = "/{channel}/{account}/conversations/{person}";

/// The routes in the source of a folder: `(path, method)`, by the calls of `route("…", …)`.
fn routes_in(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            routes_in(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            // Paths of a person have one beginning, which has a name.
            let source = source.replace("&format!(\"{OF}", &format!("\"{OF}")).replace("\")", "\"");
            for call in source.split(".route(").skip(1) {
                let Some((route, rest)) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'))
                else {
                    continue;
                };
                // Up to the end of the call.
                let mut depth = 1;
                let ends = |letter: char| {
                    depth += i32::from(letter == '(') - i32::from(letter == ')');
                    depth == 0
                };
                let handlers = &rest[..rest.find(ends).unwrap()];
                for method in METHODS {
                    let word = format!("{method}(");
                    let is_whole =
                        |at: usize| !handlers[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
                    if handlers.match_indices(&word).any(|(at, _)| is_whole(at)) {
                        found.insert((route.to_owned(), method.to_owned()));
                    }
                }
            }
        }
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/api/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

/// Panics unless an answer is as the document describes it. What no route answered is described nowhere.
#[track_caller]
pub fn check_answer(method: &Method, path: &str, answer: &Answer) {
    let Some(path) = path.strip_prefix("/api/v1").and_then(|rest| rest.split('?').next()) else { return };
    let status = answer.status.as_u16();
    let is_of = |route: &str| {
        let (route, path) = (route.split('/'), path.split('/'));
        route.clone().count() == path.clone().count()
            && route.zip(path).all(|(name, given)| name == given || name.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let routes = || paths.iter().filter(|(route, _)| is_of(route));
    // `/products/{id}` also fits what another route of the same length names in full.
    let Some((route, item)) = routes().min_by_key(|(route, _)| route.matches('{').count()) else { return };
    let method = method.as_str().to_ascii_lowercase();
    let described = &item[&method]["responses"][status.to_string()];
    assert!(described.is_object() || status >= 300, "{method} {route}: {status} is not described");
    let kind = answer.header("content-type").split(';').next().unwrap();
    let content = &described["content"][kind];
    assert!(
        content.is_object() || answer.body.is_empty() || !described.is_object(),
        "{method} {route}, {status}: an answer of {kind:?} is not described"
    );
    if content["schema"].is_object() && kind.ends_with("json") {
        let checked = Checker::of(&DOCUMENT).check(&content["schema"], &answer.json(), "");
        checked.unwrap_or_else(|problem| panic!("{method} {route}, {status}: {problem}"));
    }
}

#[test]
fn every_route_of_the_api_is_described() {
    let mut routes = BTreeSet::new();
    routes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/api"), &mut routes);
    assert!(routes.contains(&("/me".to_owned(), "get".to_owned())), "{routes:?}");
    let document = &*DOCUMENT;
    for (route, method) in &routes {
        assert!(document["paths"][route][method].is_object(), "{method} {route} is not described");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter(|method| !item[**method].is_null()) {
            assert!(
                routes.contains(&(path.clone(), (*method).to_owned())),
                "{method} {path} is described and not there"
            );
        }
    }
}

#[test]
fn the_guide_names_only_routes_that_are_described() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bots.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let document = &*DOCUMENT;
    let mut count = 0;
    for code in guide.split('`').skip(1).step_by(2) {
        let Some((method, path)) = code.split_once(' ') else { continue };
        let path = path.split(['?', ' ']).next().unwrap();
        let path = match path.strip_prefix("/api/v1") {
            Some(path) => path.to_owned(),
            None if path == "C" || path.starts_with("C/") => path.replacen('C', OF, 1),
            None => continue,
        };
        if METHODS.contains(&method.to_ascii_lowercase().as_str()) {
            count += 1;
            assert!(document["paths"][&path][method.to_ascii_lowercase()].is_object(), "{code}");
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn every_reference_in_the_description_leads_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(to) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = to.strip_prefix('#').unwrap_or_else(|| panic!("{to} leads outside"));
                    assert!(document.pointer(pointer).is_some(), "{to} leads nowhere");
                }
                members.values().for_each(|value| check(document, value));
            }
            Value::Array(items) => items.iter().for_each(|value| check(document, value)),
            _ => {}
        }
    }
    let document = &*DOCUMENT;
    check(document, document);
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let operation = &item[method];
            if operation.is_null() {
                continue;
            }
            for member in ["operationId", "summary", "responses"] {
                assert!(!operation[member].is_null(), "{method} {path} has no {member}");
            }
            let named: Vec<&str> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
            let given: BTreeSet<String> = [&item["parameters"], &operation["parameters"]]
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
                .map(|one| one["$ref"].as_str().and_then(|to| document.pointer(&to[1..])).unwrap_or(one))
                .filter(|one| one["in"] == "path")
                .map(|one| one["name"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(given, named.into_iter().map(str::to_owned).collect(), "{method} {path}");
        }
    }
}
