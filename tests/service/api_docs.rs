//! `openapi.json` of the API for bots describes every route that the source joins. That it declares every answer that a test
//! gets is checked where a test gets it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::test_app::api_check::DOCUMENT;

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

/// What every route can give, whatever it does: what HTTP refuses, a flood, and a service that cannot be used now.
const OF_EVERY_ROUTE: [&str; 9] = ["400", "405", "408", "413", "414", "415", "429", "500", "503"];

#[test]
fn every_route_declares_what_every_route_can_give() {
    let mut operations = 0;
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter(|method| item[**method].is_object()) {
            let declared = item[*method]["responses"].as_object().unwrap();
            // With a key, and with strict parameters.
            let with_key: &[&str] = if path == "/openapi.json" { &[] } else { &["401", "422"] };
            for status in OF_EVERY_ROUTE.iter().chain(with_key) {
                assert!(declared.contains_key(*status), "{method} {path} does not declare {status}");
            }
            assert!(declared.keys().any(|status| status.starts_with('2')), "{method} {path} declares no success");
            operations += 1;
        }
    }
    assert!(operations > 20, "{operations}");
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
