//! What is stored about the accounts: their state, their tokens, and how far the journal's consumers have come.

use super::answering;
use crate::app::channels;
use crate::app::config::{Config, Server};
use crate::shared::channel::about::About;
use crate::shared::channel::dialogue::Fault;
use crate::shared::channel::finding::{Finding, SOON_MS};
use crate::shared::database::db::Db;
use crate::shared::store::{
    self, ApiKeys, Connection, Connections, Inspection, SendingBlock, Status, TokenKind, blocked_alert,
};
use crate::workers::configured_accounts::find_owner;

/// A poll runs daily; an account that was not read for two days is not polled.
const READ_WITHIN_MS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Subscriptions are looked at every hour.
const WATCHED_WITHIN_MS: i64 = 3 * 60 * 60 * 1000;

/// A consumer that is this far behind does not keep up, or does not work.
const LAG_MS: i64 = 10 * 60 * 1000;

/// A key that nobody has used for so long is probably forgotten.
const KEY_UNUSED_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// Why the table of connections cannot be looked at.
pub enum Closed {
    /// There is no key, or none that can be used.
    NoKey,
    /// The key opens nothing, or the table cannot be read.
    WrongKey,
}

/// The table of connections, to look at; `None`: there is none yet.
pub async fn open(server: &Server) -> Result<Option<Connections>, Closed> {
    if !std::fs::metadata(&server.tokens_db).is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(None);
    }
    let Some(vault) = super::machine::vault(server) else { return Err(Closed::NoKey) };
    let db = Db::open_to_look(&server.tokens_db).map_err(|_| Closed::WrongKey)?;
    Connections::open(db, vault, crate::shared::clock::Clock::system()).await.map(Some).map_err(|_| Closed::WrongKey)
}

/// Accounts of the settings of which nobody knows to whom they belong.
fn without_owner(config: &Config, list: &[Connection]) -> Option<Finding> {
    let is_named =
        |channel: &str| channels::ALL.iter().any(|about| about.name == channel && about.is_named_by_settings);
    let named: Vec<&str> = channels::configured(config)
        .flat_map(|(_, section)| section.channels())
        .filter(|about| about.is_named_by_settings)
        .map(|about| about.name)
        .collect();
    let owner = find_owner(config.server.channels_owner.as_ref(), list, is_named);
    (!named.is_empty() && owner.is_none()).then(|| {
        Finding::warning(
            "channel_without_owner",
            named.join(", "),
            "it is not known to which merchant these channels belong",
            "their events are stored and set apart, and no file is written",
            "connect a shop on the start page; with several merchants, set CHANNELS_OWNER to the shop's domain",
        )
    })
}

/// The state of every account and of its tokens, and the alerts of the running service that are told with it.
pub async fn accounts(connections: &Connections, config: &Config, now_ms: i64) -> (Vec<Finding>, Vec<String>) {
    let Ok(list) = connections.list().await else { return (Vec::new(), Vec::new()) };
    let mut findings = Vec::new();
    if list.is_empty() {
        findings.push(Finding::warning(
            "nothing_connected",
            "",
            "no account is connected",
            "events are stored and set apart, and no file is written",
            "open the start page in a browser and connect a shop and a Page",
        ));
    }
    findings.extend(without_owner(config, &list));
    for connection in &list {
        let name = &connection.account;
        let about = about(config, &connection.channel);
        if about.is_none() {
            findings.push(Finding::warning(
                "account_without_platform",
                name,
                format!("an account of {} is connected, but this platform is not configured", connection.channel),
                "its deliveries are not taken in, and it is not polled",
                "set the platform's variables again",
            ));
        }
        let is_polled = about.is_none_or(|about| about.is_polled);
        state(connection, is_polled, now_ms, &mut findings);
        if connection.status != Status::NeedsReconnect
            && about.is_none_or(|about| about.has_account_tokens)
            && !matches!(connections.find_token(&connection.channel, name, TokenKind::Access).await, Ok(Some(_)))
        {
            findings.push(Finding::error(
                "token_missing",
                name,
                "the stored token is missing or does not open with this key",
                "the account cannot be read; its deliveries are still taken in",
                "its merchant connects the account again on the start page",
            ));
        }
    }
    let blocked = list.iter().filter(|connection| connection.block.is_some());
    let told = blocked.map(|connection| blocked_alert(&connection.channel, &connection.account).name().to_owned());
    (findings, told.collect())
}

/// What is known of a channel that the settings switch on.
fn about(config: &Config, channel: &str) -> Option<&'static About> {
    channels::configured(config).flat_map(|(_, section)| section.channels()).find(|about| about.name == channel)
}

fn state(connection: &Connection, is_polled: bool, now_ms: i64, findings: &mut Vec<Finding>) {
    let about = &connection.account;
    let reason = connection.status_reason().map(|reason| reason.to_string()).unwrap_or_default();
    match connection.status {
        Status::NeedsReconnect => findings.push(Finding::error(
            "needs_reconnect",
            about,
            format!("the platform refuses the login: {reason}"),
            "the account is not polled any more; its deliveries are still taken in",
            "its merchant logs in again on the start page",
        )),
        Status::Incomplete => findings.push(Finding::warning(
            "incomplete",
            about,
            format!("the connection works in part: {reason}"),
            "what the missing part would bring is not in the files",
            "its merchant does what the sentence says, on the start page",
        )),
        Status::Connected => {}
    }
    findings.extend(connection.block.as_ref().map(|block| blocked(about, block)));
    let since = connection.last_read_at.unwrap_or(connection.connected_at);
    if is_polled && connection.status != Status::NeedsReconnect && now_ms - since > READ_WITHIN_MS {
        findings.push(Finding::warning(
            if connection.last_read_at.is_some() { "poll_overdue" } else { "never_read" },
            about,
            format!("the account was last read completely {} hours ago", (now_ms - since) / 3_600_000),
            "what no webhook told is missing from its files",
            "run `shoptalk sync`, and read what it says; see that the service runs at the time of its polls",
        ));
    }
}

/// That an account cannot send, as the platform answered to a message.
fn blocked(about: &str, block: &SendingBlock) -> Finding {
    let code = match block.fault {
        Fault::Incomplete => "send_permission_missing",
        Fault::NeedsReconnect | Fault::Blocked => "replies_blocked",
    };
    Finding::error(
        code,
        about,
        format!("the platform refused a message: {}", block.sentence),
        "nobody is answered there: messages are refused with `account-unavailable`, and those that wait are given up when their \
         time is over",
        "do what the sentence says; it is tried again every hour, and at once after a new login",
    )
}

/// The keys of the API for bots that end soon, and those that nobody uses.
pub async fn api_keys(server: &Server, now_ms: i64) -> Vec<Finding> {
    // A database that is not there, or that no start has brought up to date yet, has no keys.
    let Ok(db) = Db::open_to_look(&server.tokens_db) else { return Vec::new() };
    let Ok(keys) = ApiKeys::open(db).await else { return Vec::new() };
    let mut findings = Vec::new();
    for key in keys.list().into_iter().filter(|key| key.is_alive(now_ms)) {
        let about = format!("{} ({})", key.id, key.name);
        if let Some(at) = key.expires_at.filter(|at| at - now_ms < SOON_MS) {
            findings.push(Finding::warning(
                "key_expires",
                &about,
                format!("a key of the API for bots ends in {} hours", (at - now_ms) / 3_600_000),
                "what uses it is refused from then on",
                "make a new key on the page /keys or with `shoptalk keys new`, give it to the program, and revoke this one",
            ));
        }
        if now_ms - key.last_used_at.unwrap_or(key.created_at) >= KEY_UNUSED_MS {
            findings.push(Finding::note(
                "key_unused",
                about,
                "a key of the API for bots was not used for 90 days",
                "whoever finds it can do what it may do",
                format!("`shoptalk keys revoke {}`, if nothing needs it any more", key.id),
            ));
        }
    }
    findings
}

/// What the journal says about itself.
pub fn journal(server: &Server, running: bool, now_ms: i64) -> Vec<Finding> {
    if !std::fs::metadata(&server.journal_db).is_ok_and(|metadata| metadata.len() > 0) {
        return Vec::new();
    }
    // A journal that cannot be read is the business of the check of databases.
    let Ok(inspection) = store::inspect(&server.journal_db, now_ms) else { return Vec::new() };
    let mut findings = answering::findings(&inspection);
    let Inspection {
        given_up_files, given_up_reads, set_aside, oldest_waiting, subscriptions, remarks, unread, ..
    } = inspection;
    findings.extend((given_up_files > 0).then(|| parked_conversations(given_up_files)));
    findings.extend(given_up_reads.iter().map(|(channel, account, reason)| parked_read(channel, account, reason)));
    findings.extend(unread.iter().map(|(channel, account, count)| unread_conversations(channel, account, *count)));
    findings.extend(set_aside.into_iter().map(|(channel, account, count)| kept_apart(&channel, account, count)));
    if running && oldest_waiting.is_some_and(|at| now_ms - at > LAG_MS) {
        findings.push(consumer_behind());
    }
    findings.extend(remarks.into_iter().map(|(_, account, remark)| read_by_detour(account, remark)));
    for state in subscriptions {
        let about = if state.account.is_empty() { state.channel.clone() } else { state.account.clone() };
        if !state.missing.is_empty() {
            findings.push(subscription_missing(&about, &state.missing.join(", ")));
        }
        let unwatched_ms = now_ms - state.checked_at;
        if running && unwatched_ms > WATCHED_WITHIN_MS {
            findings.push(watch_overdue(about, unwatched_ms / 3_600_000));
        }
    }
    findings
}

fn parked_conversations(count: i64) -> Finding {
    Finding::error(
        "parked_conversations",
        "",
        format!("{count} conversations were given up after several tries"),
        "their files are not up to date; nothing is lost",
        "mend what the log says of them, then run `shoptalk replay --failed`",
    )
}

fn parked_read(channel: &str, account: &str, reason: &str) -> Finding {
    Finding::error(
        "parked_read",
        format!("{channel} {account}"),
        format!("a read was given up after several tries: {reason}"),
        "a part of the account's files is not up to date",
        "run `shoptalk replay --failed`; if it fails again, the reason says why",
    )
}

fn unread_conversations(channel: &str, account: &str, count: i64) -> Finding {
    Finding::warning(
        "conversations_unread",
        format!("{channel} {account}"),
        format!("{count} conversations could not be read, or not whole"),
        "what was said there before is not in their files; what webhooks bring is",
        "nothing: they are asked for again by every poll; `GET /api/connections` names them and the reason",
    )
}

fn kept_apart(channel: &str, account: String, count: i64) -> Finding {
    let (code, cause, fix) = if account.is_empty() {
        (
            "apart_unreadable",
            format!("{count} events of {channel} could not be assigned to an account"),
            "look at them in the operator's view: a new kind of event, or a test from the platform's dashboard",
        )
    } else {
        (
            "apart_account",
            format!(
                "{count} events of {channel} are set apart for {account}: it is not connected, or they are of an unknown kind"
            ),
            "connect the account, if it is yours: they flow in then",
        )
    };
    Finding::warning(code, account, cause, "they are kept, but stand in no file", fix)
}

fn consumer_behind() -> Finding {
    Finding::error(
        "consumer_behind",
        "",
        "events have been waiting for more than ten minutes to be written into files",
        "the files are not up to date; nothing is lost",
        "read the log of the service: a full disk, a folder without permission, or a machine that is too busy",
    )
}

fn read_by_detour(account: String, remark: String) -> Finding {
    Finding::warning(
        "read_by_detour",
        account,
        remark,
        "reading takes longer; the files are as complete, and this goes with the next read that goes well",
        "nothing; if it stays for weeks, read what the log of the service says of the account",
    )
}

fn subscription_missing(about: &str, fields: &str) -> Finding {
    Finding::error(
        "subscription_missing",
        about,
        format!("the platform refuses to deliver: {fields}"),
        "these changes are noticed only by the daily poll",
        "give the app the permission or the access level that these webhooks need, then connect again",
    )
}

fn watch_overdue(about: String, hours: i64) -> Finding {
    Finding::warning(
        "watch_overdue",
        about,
        format!("its webhook subscriptions were last looked at {hours} hours ago"),
        "if the platform ended them, nobody has noticed",
        "run `shoptalk sync`; if the account cannot be reached, its state says why",
    )
}
