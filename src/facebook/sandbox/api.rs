//! The Graph API as HTTP: its routes, what a call carries, who may make it, and how it is answered.
//!
//! Every route exists with and without the version in front. What the nodes and edges contain is in `graph.rs`, and
//! the dialog and the tokens are in `login.rs`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::call::{Call, Caller, DEFAULT_VERSION, reply};
use super::deliver;
use super::graph;
use super::login;
use super::paging::{Row, Window, with_paging};
use super::send::{echo, endpoint, routing};
use super::state::{APP_NAME, AppSubscription, Content, Core, GraphError, PageRecord, Platform};

/// Messaging fields of `subscribed_fields`: they also need the permission and the task for messages.
const MESSAGING_FIELDS: &str = "messages message_echoes message_deliveries message_reads message_reactions \
    message_edits message_context message_mention message_template_status_update messaging_postbacks messaging_optins \
    messaging_optouts messaging_referrals messaging_handovers messaging_account_linking \
    messaging_fblogin_account_linking messaging_policy_enforcement messaging_integrity messaging_feedback \
    messaging_customer_information messaging_appointments messaging_direct_sends messaging_in_thread_lead_form_submit \
    messaging_game_plays messaging_payments messaging_pre_checkouts messaging_checkout_updates response_feedback \
    send_cart standby inbox_labels conversations call_permission_reply call_settings_update calls";

/// Fields of the object `instagram`.
const INSTAGRAM_FIELDS: &str = "comments live_comments mentions message_reactions messages messaging_handover \
    messaging_optins messaging_postbacks messaging_referral messaging_seen standby story_insights";

/// The other valid fields.
const PAGE_FIELDS: &str = "affiliation attire awards bio birthday checkins company_overview culinary_team \
    current_location description email founded general_info general_manager hometown hours location members mission \
    name category parking payment_options personal_info personal_interests phone picture price_range products \
    public_transit website page_about_story page_change_proposal page_upcoming_change business_integrity feed mention \
    ratings follow videos live_videos leadgen leadgen_update product_review merchant_review local_delivery registration";

/// What a route does once it is known who calls.
type Run = fn(&Core, &mut Platform, &Call) -> Result<Value, GraphError>;

/// All routes.
pub(super) fn router(core: Arc<Core>) -> Router {
    let routes: [(&str, MethodRouter<Arc<Core>>); 15] = [
        ("/dialog/oauth", get(login::dialog).post(login::dialog)),
        ("/oauth/access_token", get(login::token).post(login::token)),
        (
            "/debug_token",
            graph(MethodFilter::GET, login::debug_token).merge(graph(MethodFilter::POST, login::debug_token)),
        ),
        ("/{object}", graph(MethodFilter::GET, graph::node)),
        (
            "/{object}/permissions",
            graph(MethodFilter::GET, graph::permissions).merge(graph(MethodFilter::DELETE, graph::remove_app)),
        ),
        ("/{object}/accounts", graph(MethodFilter::GET, graph::accounts)),
        (
            "/{object}/subscribed_apps",
            graph(MethodFilter::GET, subscribed_apps)
                .merge(graph(MethodFilter::POST, subscribe_page))
                .merge(graph(MethodFilter::DELETE, unsubscribe_page)),
        ),
        (
            "/{object}/subscriptions",
            graph(MethodFilter::GET, app_subscriptions)
                .merge(graph(MethodFilter::DELETE, unsubscribe_app))
                .post(subscribe_app),
        ),
        ("/{object}/conversations", graph(MethodFilter::GET, graph::conversations)),
        ("/{object}/messages", graph(MethodFilter::GET, graph::messages).post(endpoint::post)),
        ("/{object}/pass_thread_control", graph(MethodFilter::POST, routing::pass)),
        ("/{object}/take_thread_control", graph(MethodFilter::POST, routing::take)),
        ("/{object}/request_thread_control", graph(MethodFilter::POST, routing::request)),
        ("/{object}/attachments", graph(MethodFilter::GET, graph::parts_of_message)),
        ("/{object}/shares", graph(MethodFilter::GET, graph::parts_of_message)),
    ];
    let mut router = Router::new();
    for (path, methods) in routes {
        router = router.route(path, methods.clone()).route(&format!("/{{version}}{path}"), methods);
    }
    let sent = get(async |State(core): State<Arc<Core>>| axum::Json(echo::sent_list(&core)));
    router.route("/cdn/{name}", get(content)).route("/control/sent", sent).with_state(core)
}

/// The content network: links carry their own signature and need no token.
async fn content(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Response {
    let platform = core.platform();
    match platform.content.get(&name) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(content) if content.expired => (StatusCode::FORBIDDEN, "URL signature expired").into_response(),
        Some(Content { leads_to: Some(target), .. }) => {
            (StatusCode::FOUND, [(header::LOCATION, target.clone())]).into_response()
        }
        Some(content) => {
            ([(header::CONTENT_TYPE, content.content_type.clone())], content.bytes.clone()).into_response()
        }
    }
}

fn graph(method: MethodFilter, run: Run) -> MethodRouter<Arc<Core>> {
    on(method, move |State(core): State<Arc<Core>>, request: Request| async move {
        let mut call = match Call::read(&core, request).await {
            Ok(call) => call,
            Err(error) => return reply(&core, "", Err(error)),
        };
        let result = {
            let mut platform = core.platform();
            call.authorise(&core, &platform).and_then(|()| run(&core, &mut platform, &call))
        };
        reply(&core, &call.version, result)
    })
}

fn may_manage_subscription(platform: &Platform, page: &PageRecord) -> Result<(), GraphError> {
    for permission in ["pages_manage_metadata", "pages_show_list"] {
        if !platform.granted(permission, Some(page)) {
            let message = format!("(#200) Requires {permission} permission to manage the object");
            return Err(GraphError::new(200, message));
        }
    }
    if !page.may(&["MODERATE", "CREATE_CONTENT", "MANAGE"]) {
        let message = "(#200) The user must have the MODERATE, CREATE_CONTENT or MANAGE task on the Page";
        return Err(GraphError::new(200, message));
    }
    Ok(())
}

fn subscribed_apps(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let page = call.page_by_its_token(platform)?;
    may_manage_subscription(platform, page)?;
    let ours = page.subscribed.as_ref().map(|fields| {
        json!({"category": "Business", "link": "https://bot.example/", "name": APP_NAME, "id": core.app_id,
            "subscribed_fields": fields})
    });
    let rows = page.other_apps.iter().cloned().chain(ours).collect();
    Ok(part_of(rows, Window::of_call(core, platform, call, "subscribed_apps")?))
}

/// A part of a list that has no order but its own.
fn part_of(items: Vec<Value>, window: Window) -> Value {
    let rows = (0_i64..).zip(items).map(|(index, item)| Row { key: -index, id: index.to_string(), item });
    let (rows, paging) = window.cut(rows.collect());
    with_paging(rows.into_iter().map(|row| row.item).collect(), paging)
}

fn subscribe_page(_core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let page = call.page_by_its_token(platform)?;
    let fields = call.list("subscribed_fields");
    if fields.is_empty() {
        return Err(GraphError::parameter("The parameter subscribed_fields is required"));
    }
    check_names("subscribed_fields", &fields)?;
    may_manage_subscription(platform, page)?;
    if let Some(field) = fields.iter().find(|field| is_in(MESSAGING_FIELDS, field)) {
        if !platform.granted("pages_messaging", Some(page)) {
            let message = format!(
                "(#200) To subscribe to the {field} field, one of these permissions is needed: pages_messaging"
            );
            return Err(GraphError::new(200, message));
        }
        if !page.may(&["MESSAGING"]) {
            return Err(GraphError::new(200, "(#200) The user must have the MESSAGING task on the Page"));
        }
    }
    let id = page.id.clone();
    if let Some(page) = platform.page_mut(&id) {
        page.subscribed = Some(fields);
    }
    Ok(json!({"success": true}))
}

fn unsubscribe_page(_core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    let page = call.page_by_its_token(platform)?;
    may_manage_subscription(platform, page)?;
    let id = page.id.clone();
    if let Some(page) = platform.page_mut(&id).filter(|page| !page.clings) {
        page.subscribed = None;
    }
    Ok(json!({"success": true}))
}

fn is_in(names: &str, name: &str) -> bool {
    names.split_whitespace().any(|known| known == name)
}

/// One unknown name fails the whole call.
fn check_names(parameter: &str, names: &[String]) -> Result<(), GraphError> {
    for (index, name) in names.iter().enumerate() {
        if !is_in(MESSAGING_FIELDS, name) && !is_in(PAGE_FIELDS, name) {
            let message = format!("Param {parameter}[{index}] must be one of the known fields - got \"{name}\"");
            return Err(GraphError::parameter(&message));
        }
    }
    Ok(())
}

fn by_the_app(core: &Core, call: &Call) -> Result<(), GraphError> {
    if call.caller != Caller::App {
        return Err(GraphError::new(15, "(#15) This method must be called with an app access_token."));
    }
    if call.object == core.app_id { Ok(()) } else { Err(GraphError::missing_object(&call.object)) }
}

fn app_subscriptions(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    by_the_app(core, call)?;
    let both = [("page", &platform.app_subscription), ("instagram", &platform.instagram_subscription)];
    let rows: Vec<Value> = both
        .into_iter()
        .filter_map(|(object, app)| Some((object, app.as_ref()?)))
        .map(|(object, app)| {
            let fields: Vec<Value> =
                app.fields.iter().map(|name| json!({"name": name, "version": DEFAULT_VERSION})).collect();
            json!({"object": object, "callback_url": app.callback_url, "active": true, "fields": fields})
        })
        .collect();
    Ok(part_of(rows, Window::of_call(core, platform, call, "subscriptions")?))
}

fn unsubscribe_app(core: &Core, platform: &mut Platform, call: &Call) -> Result<Value, GraphError> {
    by_the_app(core, call)?;
    if call.param("object").is_some_and(|object| object != "page") {
        return Ok(json!({"success": true}));
    }
    let gone = call.list("fields");
    let left: Vec<String> = platform
        .app_subscription
        .iter()
        .flat_map(|app| app.fields.iter().filter(|name| !gone.contains(name)).cloned())
        .collect();
    if gone.is_empty() || left.is_empty() {
        platform.app_subscription = None;
    } else if let Some(app) = &mut platform.app_subscription {
        app.fields = left;
    }
    Ok(json!({"success": true}))
}

/// `POST /{app-id}/subscriptions`: nothing is stored before the callback address gave the challenge back.
async fn subscribe_app(State(core): State<Arc<Core>>, request: Request) -> Response {
    let mut call = match Call::read(&core, request).await {
        Ok(call) => call,
        Err(error) => return reply(&core, "", Err(error)),
    };
    let checked = call.authorise(&core, &core.platform()).and_then(|()| wanted_subscription(&core, &call));
    let result = match checked {
        Ok(wanted) => deliver::challenge(&core.http, &wanted).await.map(|()| {
            match call.param("object") {
                Some("instagram") => core.platform().instagram_subscription = Some(wanted),
                _ => core.platform().app_subscription = Some(wanted),
            }
            json!({"success": true})
        }),
        Err(error) => Err(error),
    };
    reply(&core, &call.version, result)
}

fn wanted_subscription(core: &Core, call: &Call) -> Result<AppSubscription, GraphError> {
    by_the_app(core, call)?;
    let is_instagram = call.param("object") == Some("instagram");
    if !is_instagram && call.param("object") != Some("page") {
        return Err(GraphError::parameter("Param object must be one of {page, instagram} here"));
    }
    let required = |name: &str| {
        let value = call.param(name).filter(|value| !value.is_empty()).map(str::to_owned);
        value.ok_or_else(|| GraphError::parameter(&format!("The parameter {name} is required")))
    };
    let fields = call.list("fields");
    if fields.is_empty() {
        return Err(GraphError::parameter("The parameter fields is required"));
    }
    if !is_instagram {
        check_names("fields", &fields)?;
    } else if let Some(field) = fields.iter().find(|field| !is_in(INSTAGRAM_FIELDS, field)) {
        let message = format!("Param fields must be one of the known fields - got \"{field}\"");
        return Err(GraphError::parameter(&message));
    }
    Ok(AppSubscription {
        callback_url: required("callback_url")?,
        verify_token: required("verify_token")?,
        fields,
        include_values: matches!(call.param("include_values"), Some("true" | "1")),
    })
}
