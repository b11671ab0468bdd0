//! Calls about numbers, accounts, tokens and subscriptions.
//!
//! Sources: <https://developers.facebook.com/documentation/business-messaging/whatsapp/solution-providers/manage-webhooks>,
//! `…/webhooks/override` and `…/webhooks/create-webhook-endpoint` (2026).

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::call::{Call, reply};
use super::deliver;
use super::error::ApiError;
use super::media;
use super::state::{AppSubscription, Core, NumberRecord, Shared, Subscribed, World};

/// The permission that calls of this file need.
const MANAGEMENT: &str = "whatsapp_business_management";

/// `GET /{version}/debug_token`.
pub(super) async fn debug_token(State(core): State<Shared>, request: Request) -> Response {
    let read = async {
        let call = Call::read(&core, request).await?;
        let input =
            call.param("input_token").ok_or_else(|| ApiError::parameter("The parameter input_token is required."))?;
        // The app asks, or the token asks about itself.
        call.authorise_app(&core).or_else(|_| call.authorise(&core, MANAGEMENT))?;
        Ok(inspected(&core, &input))
    };
    reply(read.await)
}

fn inspected(core: &Core, input: &str) -> Value {
    let world = core.world();
    let Some(token) = world.tokens.get(input) else {
        let error = json!({"code": 190, "message": "Malformed access token"});
        return json!({"data": {"error": error, "is_valid": false, "scopes": []}});
    };
    let mut data = json!({
        "app_id": core.app_id,
        "type": "SYSTEM_USER",
        "application": "Demo Shop Bot",
        "expires_at": token.expires_at.map_or(0, |end| end.timestamp()),
        "data_access_expires_at": 0,
        "issued_at": token.issued_at.timestamp(),
        "is_valid": world.live_token(input, core.now()).is_ok(),
        "scopes": token.scopes,
    });
    if let Err(error) = world.live_token(input, core.now()) {
        data["error"] = json!({"code": 190, "subcode": error.subcode, "message": error.details});
    }
    json!({ "data": data })
}

/// `GET /{version}/{phone-number-id}` or `GET /{version}/{media-id}`.
pub(super) async fn object(State(core): State<Shared>, request: Request) -> Response {
    let read = async {
        let call = Call::read(&core, request).await?;
        if core.world().media.contains_key(&call.object) {
            call.authorise(&core, "whatsapp_business_messaging")?;
            return media::shown(&core, &mut core.world(), &call.object);
        }
        call.authorise(&core, MANAGEMENT)?;
        let fields =
            call.param("fields").unwrap_or_else(|| "verified_name,display_phone_number,quality_rating".to_owned());
        let world = core.world();
        let record = world.number(&call.object)?;
        let mut body = json!({ "id": call.object });
        for field in fields.split(',').map(str::trim).filter(|field| *field != "id") {
            body[field] = number_field(&world, record, field)?;
        }
        Ok(body)
    };
    reply(read.await)
}

fn number_field(world: &World, record: &NumberRecord, field: &str) -> Result<Value, ApiError> {
    Ok(match field {
        "display_phone_number" => format!("+{}", record.display).into(),
        "verified_name" => record.name.as_str().into(),
        "quality_rating" => "GREEN".into(),
        "code_verification_status" => "VERIFIED".into(),
        "name_status" => "APPROVED".into(),
        "status" => "CONNECTED".into(),
        "platform_type" => "CLOUD_API".into(),
        "throughput" => json!({"level": "STANDARD"}),
        "whatsapp_business_manager_messaging_limit" => "TIER_2K".into(),
        "webhook_configuration" => {
            let mut shown = json!({});
            let account = world.subscribed.get(&record.waba).and_then(|subscribed| subscribed.override_url.clone());
            let app = world.app_subscription.as_ref().map(|app| app.callback_url.clone());
            let all = [
                ("phone_number", record.override_url.clone()),
                ("whatsapp_business_account", account),
                ("application", app),
            ];
            for (name, url) in all {
                if let Some(url) = url {
                    shown[name] = url.into();
                }
            }
            shown
        }
        _ => return Err(ApiError::parameter(format!("Tried accessing nonexisting field ({field})"))),
    })
}

/// `POST /{version}/{phone-number-id}`: another address for the webhooks of this number; an empty one takes it back.
pub(super) async fn configure(State(core): State<Shared>, request: Request) -> Response {
    let change = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, MANAGEMENT)?;
        core.world().number(&call.object)?;
        let wanted = &call.body["webhook_configuration"];
        let Some(url) = wanted["override_callback_uri"].as_str() else {
            return Err(ApiError::parameter("webhook_configuration.override_callback_uri is required."));
        };
        let url = Some(url.to_owned()).filter(|url| !url.is_empty());
        if let Some(url) = &url {
            deliver::challenge(&core, url, wanted["verify_token"].as_str().unwrap_or_default()).await?;
        }
        if let Some(record) = core.world().numbers.get_mut(&call.object) {
            record.override_url = url;
        }
        Ok(json!({"success": true}))
    };
    reply(change.await)
}

/// `GET /{version}/{waba-id}/phone_numbers`.
pub(super) async fn phone_numbers(State(core): State<Shared>, request: Request) -> Response {
    let read = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, MANAGEMENT)?;
        let world = core.world();
        check_account(&world, &call.object)?;
        let of_account = world.numbers.iter().filter(|(_, record)| record.waba == call.object);
        let rows: Vec<Value> = of_account
            .map(|(id, record)| {
                json!({"verified_name": record.name, "display_phone_number": format!("+{}", record.display),
                    "quality_rating": "GREEN", "id": id})
            })
            .collect();
        Ok(json!({ "data": rows }))
    };
    reply(read.await)
}

pub(super) fn check_account(world: &World, waba: &str) -> Result<(), ApiError> {
    if world.numbers.values().any(|record| record.waba == waba) {
        return Ok(());
    }
    Err(ApiError::missing_object(waba))
}

/// `GET /{version}/{waba-id}/subscribed_apps`.
pub(super) async fn subscribed_apps(State(core): State<Shared>, request: Request) -> Response {
    let read = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, MANAGEMENT)?;
        let world = core.world();
        check_account(&world, &call.object)?;
        let row = world.subscribed.get(&call.object).map(|subscribed| {
            let app =
                json!({"id": core.app_id, "name": "Demo Shop Bot", "link": "https://www.facebook.com/games/?app_id=0"});
            let mut row = json!({ "whatsapp_business_api_data": app });
            if let Some(url) = &subscribed.override_url {
                row["override_callback_uri"] = url.as_str().into();
            }
            row
        });
        Ok(json!({"data": row.into_iter().collect::<Vec<_>>()}))
    };
    reply(read.await)
}

/// `POST /{version}/{waba-id}/subscribed_apps`: with another address or without. Without, an earlier one is taken back.
pub(super) async fn subscribe(State(core): State<Shared>, request: Request) -> Response {
    let change = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, MANAGEMENT)?;
        check_account(&core.world(), &call.object)?;
        let override_url = call.param("override_callback_uri");
        if let Some(url) = &override_url {
            deliver::challenge(&core, url, &call.param("verify_token").unwrap_or_default()).await?;
        }
        core.world().subscribed.insert(call.object, Subscribed { override_url });
        Ok(json!({"success": true}))
    };
    reply(change.await)
}

/// `DELETE /{version}/{waba-id}/subscribed_apps`.
pub(super) async fn unsubscribe(State(core): State<Shared>, request: Request) -> Response {
    let change = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, MANAGEMENT)?;
        core.world().subscribed.remove(&call.object);
        Ok(json!({"success": true}))
    };
    reply(change.await)
}

/// `GET /{version}/{app-id}/subscriptions`.
pub(super) async fn subscriptions(State(core): State<Shared>, request: Request) -> Response {
    let read = async {
        let call = Call::read(&core, request).await?;
        call.authorise_app(&core)?;
        let world = core.world();
        let row = world.app_subscription.as_ref().map(|app| {
            let fields: Vec<Value> = app.fields.iter().map(|name| json!({"name": name, "version": "v26.0"})).collect();
            json!({"object": "whatsapp_business_account", "callback_url": app.callback_url, "active": true, "fields": fields})
        });
        Ok(json!({"data": row.into_iter().collect::<Vec<_>>()}))
    };
    reply(read.await)
}

/// `POST /{version}/{app-id}/subscriptions`, as the dashboard does it.
pub(super) async fn save_subscription(State(core): State<Shared>, request: Request) -> Response {
    let change = async {
        let call = Call::read(&core, request).await?;
        call.authorise_app(&core)?;
        if call.param("object").as_deref() != Some("whatsapp_business_account") {
            return Err(ApiError::parameter("Param object must be whatsapp_business_account."));
        }
        let wanted = |name: &str| {
            call.param(name).ok_or_else(|| ApiError::parameter(format!("The parameter {name} is required.")))
        };
        let callback_url = wanted("callback_url")?;
        deliver::challenge(&core, &callback_url, &wanted("verify_token")?).await?;
        let fields = call.param("fields").unwrap_or_default();
        let fields = fields.split(',').map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect();
        core.world().app_subscription = Some(AppSubscription { callback_url, fields });
        Ok(json!({"success": true}))
    };
    reply(change.await)
}
