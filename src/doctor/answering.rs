//! What keeps bots from answering, as far as the journal tells.

use crate::shared::channel::finding::Finding;
use crate::shared::journal::Account;
use crate::shared::store::push::PushTrouble;

/// Receivers that do not take events, inboxes that answer by themselves, and threads of other apps.
pub fn findings(receivers: &[PushTrouble], automatic: &[Account], not_ours: &[(String, String, i64)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for PushTrouble { merchant, failing, set_aside } in receivers {
        if *failing > 0 {
            findings.push(Finding::error(
                "push_failing",
                merchant,
                format!("a receiver of events does not take {failing} of them"),
                "the bot behind it does not hear of new messages; they are posted again with growing pauses",
                "see that the bot runs and answers 2xx within 15 s; `GET /api/v1/push` says why the last post failed",
            ));
        }
        if *set_aside > 0 {
            findings.push(Finding::warning(
                "push_set_aside",
                merchant,
                format!("{set_aside} events were not taken for a day and are not posted any more"),
                "the bot never heard of them; they stand in the feed until its retention ends",
                "`PUT /api/v1/push` with `after` posts everything after that number again",
            ));
        }
    }
    for (channel, account) in automatic {
        findings.push(Finding::warning(
            "automatic_replies",
            format!("{channel} {account}"),
            "the platform's inbox answers people by itself: an instant reply or an away message",
            "people get that answer beside the bot's",
            "switch automated responses off in Meta Business Suite > Inbox > Automations, unless they are wanted",
        ));
    }
    for (channel, account, count) in not_ours {
        findings.push(Finding::warning(
            "thread_not_ours",
            format!("{channel} {account}"),
            format!("in {count} conversations another app answers"),
            "bots are silent there until it gives them back, or a day without the person has passed",
            "if that is not wanted: Page settings > Advanced messaging > Handover protocol, and make this app the default",
        ));
    }
    findings
}
