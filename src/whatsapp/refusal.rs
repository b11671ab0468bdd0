//! What codes of WhatsApp mean, in words and for what we do next.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes> (2026).

use crate::meta::app::Denial;
use crate::meta::send;
use crate::shared::channel::dialogue::Reason;
use crate::shared::outgoing::http::ApiError;

/// Codes that stop all sending: the token, permissions, and what is wrong with the business account or the number. That
/// it may not write to people of one country (130497) is none of them: others wait for nothing then.
const STOPPING: [i64; 7] = [0, 3, 10, 131_005, 131_045, 131_063, 133_010];

/// Whether a refusal with this code stops all sending, beside those with which it is so everywhere at Meta.
#[must_use]
pub fn stops_sending(code: i64) -> bool {
    STOPPING.contains(&code)
}

/// Why a message did not reach somebody, as its status tells late. The codes are those of refused calls.
#[must_use]
pub fn reason_of(code: i64) -> Reason {
    match code {
        code if stops_sending(code) => Reason::AccountUnavailable,
        190 | 200..=299 | 368 | 131_031 | 131_042 => Reason::AccountUnavailable,
        4 | 80_007 | 130_429 | 131_048 | 131_056 | 131_064 | 133_016 => Reason::Rate,
        code => send::reason_of(code, 0),
    }
}

/// Why a call is not allowed, and what to do, for the merchant.
#[must_use]
pub fn denial_reason(denial: Denial) -> String {
    match denial {
        Denial::Blocked => {
            "WhatsApp has blocked the business account for breaking its rules. WhatsApp Manager names the rule; sending goes \
             on by itself when the block ends."
                .to_owned()
        }
        Denial::Restricted => {
            "WhatsApp has restricted the number from sending for a while. See WhatsApp Manager.".to_owned()
        }
        Denial::NotAllowed { code: 131_042, .. } => {
            "WhatsApp cannot charge the business account (code 131042): a payment method is missing or was refused. See \
             WhatsApp Manager, Billing."
                .to_owned()
        }
        Denial::NotAllowed { code: code @ (131_045 | 131_063 | 133_010), .. } => {
            format!("The number is not registered to send at WhatsApp (code {code}). See WhatsApp Manager.")
        }
        Denial::NotAllowed { code, permission } => {
            let what = permission.unwrap_or("whatsapp_business_messaging and whatsapp_business_management");
            format!(
                "WhatsApp does not allow it to the token of the settings (code {code}). Its system user needs the number and \
                 the permissions {what}."
            )
        }
    }
}

/// Why the token is dead, and what to do. Only who runs the service can mend that.
#[must_use]
pub fn token_reason(subcode: i64) -> &'static str {
    match subcode {
        463 => "The access token for WhatsApp has expired. Set WHATSAPP_ACCESS_TOKEN anew.",
        _ => "WhatsApp refuses the access token of the settings. Set WHATSAPP_ACCESS_TOKEN anew.",
    }
}

/// What a merchant reads about an error that lasts.
#[must_use]
pub fn explain(error: &ApiError) -> String {
    match error {
        ApiError::RateLimited { .. } => "WhatsApp limits how often it may be asked. It goes on by itself.".to_owned(),
        ApiError::Unavailable(_) => {
            "WhatsApp does not answer properly at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::Unreadable(_) => {
            "WhatsApp's answers cannot be read at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::TokenRejected { reason } => (*reason).to_owned(),
        ApiError::PermissionMissing { reason, .. } => reason.clone(),
        ApiError::Paused { reason, .. } => reason.clone().into_owned(),
        ApiError::Refused { code } => format!("WhatsApp refuses what is asked (code {code})."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_failures_have_the_reasons_of_refused_calls() {
        for (code, reason) in [
            (131_047, Reason::WindowClosed),
            (131_026, Reason::CannotReceive),
            (131_030, Reason::CannotReceive),
            (132_001, Reason::TemplateUnusable),
            (131_053, Reason::MediaUnusable),
            (131_042, Reason::AccountUnavailable),
            (190, Reason::AccountUnavailable),
            (131_056, Reason::Rate),
            (131_049, Reason::CannotReceive),
            (131_050, Reason::CannotReceive),
            (130_472, Reason::CannotReceive),
            (130_497, Reason::CannotReceive),
            (131_052, Reason::MediaUnusable),
            (133_016, Reason::Rate),
            (4, Reason::Rate),
            (0, Reason::AccountUnavailable),
            (3, Reason::AccountUnavailable),
            (10, Reason::AccountUnavailable),
            (131_005, Reason::AccountUnavailable),
            (131_045, Reason::AccountUnavailable),
            (131_063, Reason::AccountUnavailable),
            (133_010, Reason::AccountUnavailable),
            (131_057, Reason::Refused),
            (999_999, Reason::Refused),
        ] {
            assert_eq!(reason_of(code), reason, "{code}");
        }
    }
}
