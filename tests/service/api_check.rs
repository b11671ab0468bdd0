//! Every answer of the API for bots that a test gets is one that `openapi.json` declares: its status, its type, and the
//! members of its body, no more and no fewer.

use std::path::Path;
use std::sync::LazyLock;

use http::Method;
use serde_json::Value;

use super::Answer;
use super::schema_check::Checker;

/// The description.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/api/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

/// What a reference leads to, or the value itself.
fn followed(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(to) => DOCUMENT.pointer(to.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{to} leads nowhere")),
        None => value,
    }
}

/// Panics unless an answer is as the document describes it. What no route answered is described nowhere. What another method
/// than those of the route gets is described at each of them.
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
    // What HEAD gets is what GET does, without a body.
    let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_ascii_lowercase() };
    let operation = item.get(&method).or_else(|| {
        assert!(!status.to_string().starts_with('2'), "{method} {route}: {status}, and there is no such method");
        item.as_object().unwrap().iter().find(|(name, _)| *name != "parameters").map(|(_, operation)| operation)
    });
    let described = followed(&operation.unwrap()["responses"][status.to_string()]);
    assert!(described.is_object(), "{method} {route}: {status} is not declared: {}", answer.text());
    let kind = answer.header("content-type").split(';').next().unwrap();
    let content = &described["content"][kind];
    assert!(
        content.is_object() || answer.body.is_empty(),
        "{method} {route}, {status}: an answer of {kind:?} is not declared"
    );
    if content["schema"].is_object() && kind.ends_with("json") && !answer.body.is_empty() {
        let checker = Checker { root: &DOCUMENT, is_closed: true };
        let checked = checker.check(&content["schema"], &answer.json(), "");
        checked.unwrap_or_else(|problem| panic!("{method} {route}, {status}: {problem}"));
    }
}
