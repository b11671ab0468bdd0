//! Posts, their comments, and what happened on them.
//!
//! Sources: learn.microsoft.com, `linkedin/marketing/community-management/shares/comments-api`, `…/posts-api` and
//! `…/organizations/organization-social-action-notifications` (2026).

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use super::call::{ApiError, check, created, millis, reply};
use super::deliver;
use super::people::notification;
use super::state::{CommentRecord, Core, PostRecord, SentComment, Shared, World};

/// The longest comment.
const MAX_COMMENT_CHARACTERS: usize = 1250;

const READ: [&str; 2] = ["r_organization_social", "w_organization_social"];

/// A part of a list, as `start` and `count` ask for it.
fn part(rows: Vec<Value>, query: &HashMap<String, String>) -> Value {
    let number = |name: &str, otherwise: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (start, count) = (number("start", 0), number("count", 10).min(100));
    let total = rows.len();
    let elements: Vec<Value> = rows.into_iter().skip(start).take(count).collect();
    json!({"elements": elements, "paging": {"start": start, "count": count, "total": total, "links": []}})
}

fn shown_post(core: &Core, share: u64, record: &PostRecord) -> Value {
    json!({"id": format!("urn:li:share:{share}"), "author": core.organization_urn(), "commentary": record.text,
        "visibility": if record.is_public { "PUBLIC" } else { "LOGGED_IN" }, "lifecycleState": "PUBLISHED",
        "createdAt": millis(record.at), "publishedAt": millis(record.at), "lastModifiedAt": millis(record.at)})
}

pub(super) async fn posts(
    State(core): State<Shared>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let list = check(&core, &headers, &READ).and_then(|()| {
        if query.get("q").map(String::as_str) != Some("author") || query.get("author") != Some(&core.organization_urn())
        {
            return Err(ApiError::bad("The finder is author, and the author the organization"));
        }
        let world = core.world();
        let rows = world.posts.iter().rev().map(|(share, record)| shown_post(&core, *share, record)).collect();
        Ok(part(rows, &query))
    });
    reply(list)
}

pub(super) async fn post(State(core): State<Shared>, headers: HeaderMap, Path(urn): Path<String>) -> Response {
    let found = check(&core, &headers, &READ).and_then(|()| {
        let world = core.world();
        let (share, _) = world.find(&urn).ok_or_else(|| ApiError::not_found(format!("No post {urn}")))?;
        Ok(shown_post(&core, share, &world.posts[&share]))
    });
    reply(found)
}

pub(super) fn shown_comment(world: &World, share: u64, comment: &CommentRecord) -> Value {
    let activity = world.posts.get(&share).map_or(share, |post| post.activity);
    let stamp = json!({"actor": comment.actor, "time": millis(comment.at)});
    let mut shown = json!({"actor": comment.actor, "commentUrn": world.comment_urn(share, comment.id), "created": stamp,
        "id": comment.id.to_string(), "lastModified": stamp, "message": {"attributes": [], "text": comment.text},
        "object": format!("urn:li:activity:{activity}")});
    if let Some(parent) = comment.parent {
        shown["parentComment"] = world.comment_urn(share, parent).into();
    }
    shown
}

/// The comments of a post that are no replies, or the replies to a comment; the newest first.
pub(super) async fn comments(
    State(core): State<Shared>,
    headers: HeaderMap,
    Path(urn): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let list = check(&core, &headers, &READ).and_then(|()| {
        let world = core.world();
        let (share, parent) = world.find(&urn).ok_or_else(|| ApiError::not_found(format!("No post {urn}")))?;
        let of_level = world.posts[&share].comments.iter().rev().filter(|comment| comment.parent == parent);
        Ok(part(of_level.map(|comment| shown_comment(&world, share, comment)).collect(), &query))
    });
    reply(list)
}

pub(super) async fn one_comment(
    State(core): State<Shared>,
    headers: HeaderMap,
    Path((urn, id)): Path<(String, String)>,
) -> Response {
    let found = check(&core, &headers, &READ).and_then(|()| {
        let world = core.world();
        let (share, _) = world.find(&urn).ok_or_else(|| ApiError::not_found(format!("No post {urn}")))?;
        let comment = world.posts[&share].comments.iter().find(|comment| comment.id.to_string() == id);
        Ok(shown_comment(&world, share, comment.ok_or_else(|| ApiError::not_found(format!("No comment {id}")))?))
    });
    reply(found)
}

/// `POST /rest/socialActions/{urn}/comments`: a comment of the page on its post, or a reply to a comment.
pub(super) async fn comment(
    State(core): State<Shared>,
    headers: HeaderMap,
    Path(urn): Path<String>,
    body: Bytes,
) -> Response {
    if let Err(error) = check(&core, &headers, &["w_organization_social"]) {
        return error.answer();
    }
    let planned = core.world().plans.take(&urn);
    let refuse = |status: &u16| ApiError::planned(*status).answer();
    if let Some(failure) = planned.as_ref().filter(|failure| !failure.takes()) {
        return failure.answer(refuse).await;
    }
    let (share, id, shown) = match take(&core, &urn, &body) {
        Ok(taken) => taken,
        Err(error) => return error.answer(),
    };
    tell(&core, share, id).await;
    match planned {
        Some(failure) => failure.answer(refuse).await,
        None => created(&id.to_string(), Some(&shown)),
    }
}

fn take(core: &Core, urn: &str, body: &[u8]) -> Result<(u64, u64, Value), ApiError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| ApiError::bad("The body is no JSON"))?;
    let text = body["message"]["text"].as_str().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| ApiError::bad("message.text is required"))?;
    if text.chars().count() > MAX_COMMENT_CHARACTERS {
        return Err(ApiError::bad("message.text is longer than 1250 characters"));
    }
    if body["actor"] != core.organization_urn().as_str() {
        return Err(ApiError::new(403, "ACCESS_DENIED", "The actor is not the organization of this caller"));
    }
    let mut world = core.world();
    let (share, parent) = world.find(urn).ok_or_else(|| ApiError::not_found(format!("No post {urn}")))?;
    let object = body["object"].as_str().ok_or_else(|| ApiError::bad("object is required"))?;
    if world.find(object).map(|(of, _)| of) != Some(share) {
        return Err(ApiError::bad("object does not name the post of the path"));
    }
    let parent = match body["parentComment"].as_str() {
        None => parent,
        Some(named) => {
            let found = world.find(named).filter(|(of, _)| *of == share).and_then(|(_, comment)| comment);
            Some(found.ok_or_else(|| ApiError::bad("parentComment is no comment of this post"))?)
        }
    };
    let (id, at) = (world.number(), core.now());
    let record = CommentRecord { id, actor: core.organization_urn(), text: text.to_owned(), parent, at, by_api: true };
    let mut shown = shown_comment(&world, share, &record);
    if world.answers_name_ugc_posts {
        let post = format!("urn:li:ugcPost:{share}");
        shown["commentUrn"] = format!("urn:li:comment:({post},{id})").into();
        shown["object"] = post.into();
    }
    if let Some(post) = world.posts.get_mut(&share) {
        post.comments.push(record);
    }
    world.sent.push(SentComment { target: urn.to_owned(), id, text: text.to_owned(), body: body.clone(), at });
    Ok((share, id, shown))
}

/// The page's own comment is told like everything else that happens on it: `ADMIN_COMMENT`.
async fn tell(core: &Shared, share: u64, id: u64) {
    let item = {
        let mut world = core.world();
        let comment = world.posts.get(&share).and_then(|post| post.comments.iter().find(|one| one.id == id)).cloned();
        comment.map(|comment| notification(core, &mut world, "ADMIN_COMMENT", Some(share), &comment))
    };
    let Some(item) = item else { return };
    let inner = Arc::clone(core);
    let work = async move {
        deliver::happen(&inner, item).await;
    };
    let is_first = core.world().notice_before_answer;
    if is_first {
        work.await;
    } else {
        core.tasks.spawn(work);
    }
}

/// `GET /rest/organizationalEntityNotifications?q=criteria`: what happened in the last 60 days, the newest first.
pub(super) async fn notifications(
    State(core): State<Shared>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let list = check(&core, &headers, &["rw_organization_admin"]).and_then(|()| {
        if query.get("q").map(String::as_str) != Some("criteria") {
            return Err(ApiError::bad("The finder is criteria"));
        }
        if query.get("organizationalEntity").is_some_and(|entity| *entity != core.organization_urn()) {
            return Err(ApiError::planned(403));
        }
        let from = millis(core.now() - chrono::TimeDelta::days(60));
        let wanted: Option<Vec<&str>> = query
            .get("actions")
            .map(|text| text.trim_start_matches("List(").trim_end_matches(')').split(',').collect());
        let world = core.world();
        let fits = |item: &&Value| {
            let action = item["action"].as_str().unwrap_or_default();
            item["lastModifiedAt"].as_i64().is_some_and(|at| at >= from)
                && wanted.as_ref().is_none_or(|wanted| wanted.contains(&action))
        };
        Ok(part(world.notices.iter().rev().filter(fits).cloned().collect(), &query))
    });
    reply(list)
}
