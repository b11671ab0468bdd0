//! `POST /{page-id}/messages`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use super::super::call::{Call, reply};
use super::super::state::Core;
use super::accept::carry_out;
use super::order::{Content, Order};
use super::{echo, failures};

/// Sends a message or a sender action, unless something else is planned.
pub(in super::super) async fn post(State(core): State<Arc<Core>>, request: Request) -> Response {
    let mut call = match Call::read(&core, request).await {
        Ok(call) => call,
        Err(error) => return reply(&core, "", Err(error)),
    };
    let read = {
        let platform = core.platform();
        call.authorise(&core, &platform).and_then(|()| Order::read(&platform, &call))
    };
    let order = match read {
        Ok(order) => order,
        Err(error) => return reply(&core, &call.version, Err(error)),
    };
    let is_action = matches!(order.content, Content::Action(_));
    let planned = failures::take(&mut core.platform().sending, &order.account, &order.person, is_action);
    if let Some(failure) = planned.as_ref().filter(|failure| !failure.takes()) {
        return failure.answer(&core, &call.version, &order.account).await;
    }
    let taken = match carry_out(&core, &order).await {
        Ok(taken) => taken,
        Err(error) => return reply(&core, &call.version, Err(error)),
    };
    if let Some(item) = taken.echo {
        echo::follow(&core, &order.account, &order.person, item).await;
    }
    match planned {
        Some(failure) => failure.answer(&core, &call.version, &order.account).await,
        None => reply(&core, &call.version, Ok(taken.answer)),
    }
}
