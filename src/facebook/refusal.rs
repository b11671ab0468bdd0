//! What a refusal of the Graph API means in words for the merchant.

use crate::meta::app::Denial;
use crate::meta::refusal::{NOT_VISIBLE, TOO_MUCH};
use crate::shared::outgoing::http::ApiError;

/// Why a call is not allowed, and what to do, for the merchant.
#[must_use]
pub fn denial_reason(denial: Denial) -> String {
    match denial {
        Denial::Blocked => {
            "Facebook has blocked this app or Page for a while, for breaking its rules (code 368). Facebook names the rule \
             in the Page's Support Inbox; reading goes on by itself when the block ends."
                .to_owned()
        }
        Denial::Restricted => {
            "Facebook has restricted the Page from sending messages for a while (code 10). See the Page's Support Inbox."
                .to_owned()
        }
        Denial::NotAllowed { code, permission } => {
            let what = permission.map_or_else(
                || format!("does not allow the Page to be read (code {code})"),
                |name| format!("does not allow it without the permission {name} (code {code})"),
            );
            format!("Facebook {what}. Choose “Continue with Facebook” again and leave all permissions ticked.")
        }
    }
}

/// Why a token is dead, and what to do, for the merchant.
/// Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling> (subcodes of 190).
#[must_use]
pub fn token_reason(subcode: i64) -> &'static str {
    match subcode {
        458 => "The app was removed from the Facebook account. Please connect the Page again.",
        459 => "Facebook wants you to log in there and confirm your identity. Then connect the Page again.",
        460 => "The password of the Facebook account was changed. Please connect the Page again.",
        463 => "The Facebook login has expired. Please connect the Page again.",
        464 => "The Facebook account is not confirmed. Confirm it there, then connect the Page again.",
        492 => {
            "The person who connected the Page has no role there any more. Someone with a role must connect it again."
        }
        _ => "Facebook refuses the stored login. Please connect the Page again.",
    }
}

/// What a merchant reads about an error that lasts; reading goes on by itself when it is over.
#[must_use]
pub fn explain(error: &ApiError) -> String {
    match error {
        ApiError::RateLimited { .. } => {
            "Facebook limits how often it may be asked. Reading goes on by itself after a pause.".to_owned()
        }
        ApiError::Unavailable(_) => {
            "Facebook does not answer properly at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::Unreadable(_) => {
            "Facebook's answers cannot be read at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::TokenRejected { reason } => (*reason).to_owned(),
        ApiError::PermissionMissing { reason, .. } => reason.clone(),
        ApiError::Paused { reason, .. } => reason.clone().into_owned(),
        ApiError::Refused { code } => match code.as_str() {
            "104" | "101" | "190" | "191" | "803" | "2500" => {
                format!("This service is not set up properly at Facebook (code {code}). Its operator has to mend that.")
            }
            "551" => "Facebook says that a person cannot be reached (code 551).".to_owned(),
            NOT_VISIBLE => "Facebook does not show something that was there before (code 100/33).".to_owned(),
            TOO_MUCH => "Facebook finds the Page's conversations too large to be read at once.".to_owned(),
            code => format!("Facebook refuses what is asked (code {code})."),
        },
    }
}
