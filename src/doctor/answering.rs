//! What keeps bots from answering, as far as the journal tells.

use crate::shared::channel::finding::Finding;
use crate::shared::store::Inspection;
use crate::shared::store::push::PushTrouble;

/// Messages that are not sent, receivers that do not take events, inboxes that answer by themselves, and threads of other
/// apps.
pub fn findings(inspection: &Inspection) -> Vec<Finding> {
    let mut findings = of_messages(inspection);
    for PushTrouble { merchant, failing, set_aside } in &inspection.receivers {
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
    for (channel, account) in &inspection.automatic {
        findings.push(Finding::warning(
            "automatic_replies",
            format!("{channel} {account}"),
            "the platform's inbox answers people by itself: an instant reply or an away message",
            "people get that answer beside the bot's",
            "switch automated responses off in Meta Business Suite > Inbox > Automations, unless they are wanted",
        ));
    }
    for (channel, account, count) in &inspection.not_ours {
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

fn of_messages(inspection: &Inspection) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (channel, account, count) in &inspection.replies_blocked {
        findings.push(Finding::error(
            "replies_blocked",
            format!("{channel} {account}"),
            format!("{count} messages have waited for more than two minutes to be sent"),
            "people wait for their answers; each is given up when its time (`ttl_seconds`) is over",
            "see that the service runs; its alert of the account says what the platform refuses: most often the account is to \
             be connected again on the start page",
        ));
    }
    for (channel, account, count) in &inspection.replies_unknown {
        findings.push(Finding::warning(
            "replies_unknown",
            format!("{channel} {account}"),
            format!("of {count} messages nobody knows whether they were sent: their calls were lost"),
            "they are not sent again, because the person may have them; what comes after them waits for some minutes",
            "nothing within 15 minutes: the service looks for them. Then look into the conversation, and say with \
             `POST /api/v1/messages/{id}/resolve` what became of them",
        ));
    }
    findings
}
