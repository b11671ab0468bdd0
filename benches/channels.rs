//! `cargo bench --bench channels [-- short]`: what taking in deliveries of each channel costs beside Facebook's.
//!
//! One service, as a process of its own, has all channels on. Each channel's load is what its platform sends: one message in a
//! delivery, signed. The loads take turns, so that a change of the machine's mood meets all of them.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::load::{Load, load, median, meta_delivery, post};
use common::stage::{self, SECRET};
use common::{Process, Table};
use shoptalk::shared::secrets::signature::{sign_sha256, to_hex};

const TOKEN: &str = "a viber token for the benchmark";
const NUMBER: &str = "310000000000001";
const LINKEDIN_SECRET: &str = "a linkedin secret for the benchmark";
const ORGANIZATION: &str = "90001";

/// How many connections deliver at once.
const AT_ONCE: usize = 16;

/// A channel, and how one of its deliveries is made.
struct Channel {
    name: &'static str,
    delivery: fn(&str, usize) -> Vec<u8>,
}

const TEXT: &str = "Is the blue one still in stock? I need it by Friday, in size L.";
const NOW_MS: usize = 1_790_000_000_000;

/// Facebook is the first: the others are measured by it.
const CHANNELS: [Channel; 5] = [
    Channel { name: "facebook", delivery: |prefix, number| of_meta("page", "100000000009999", prefix, number) },
    Channel { name: "instagram", delivery: |prefix, number| of_meta("instagram", "17840000000009999", prefix, number) },
    Channel { name: "whatsapp", delivery: of_whatsapp },
    Channel { name: "viber", delivery: of_viber },
    Channel { name: "linkedin", delivery: of_linkedin },
];

fn of_meta(object: &str, account: &str, prefix: &str, number: usize) -> Vec<u8> {
    let person = 7_000_000_000_000_000 + number % 1000;
    let body = format!(
        r#"{{"object":"{object}","entry":[{{"id":"{account}","time":{NOW_MS},"messaging":[{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{account}"}},"timestamp":{},"message":{{"mid":"m_{object}-{prefix}-{number}","text":"{TEXT}"}}}}]}}]}}"#,
        NOW_MS + number
    );
    meta_delivery("/facebook/webhook", SECRET, &body)
}

fn of_whatsapp(prefix: &str, number: usize) -> Vec<u8> {
    let (person, digits) = (900_000_000_000_000_000 + number % 1000, 15_550_100_000 + number % 1000);
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"210000000000001","time":1790000000,"changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550100001","phone_number_id":"{NUMBER}"}},"contacts":[{{"profile":{{"name":"Ada Perera"}},"wa_id":"{digits}","user_id":"US.{person}"}}],"messages":[{{"from":"{digits}","from_user_id":"US.{person}","id":"wamid.{prefix}-{number}","timestamp":"1790000000","type":"text","text":{{"body":"{TEXT}"}}}}]}}}}]}}]}}"#
    );
    meta_delivery("/whatsapp/webhook", SECRET, &body)
}

fn of_viber(prefix: &str, number: usize) -> Vec<u8> {
    // Tokens are numbers: each round has its own thousands.
    let round = prefix.bytes().fold(0_usize, |sum, byte| sum * 31 % 9_000 + usize::from(byte));
    let token = 5_912_000_000_000_000_000 + round * 1_000_000 + number;
    let body = format!(
        r#"{{"event":"message","timestamp":{},"chat_hostname":"SN-CHAT-05_","message_token":{token},"sender":{{"id":"dGVzdC11c2VyLTA{:03}A==","name":"Dilan K"}},"message":{{"type":"text","text":"{TEXT}"}},"silent":false}}"#,
        NOW_MS + number,
        number % 1000
    );
    let signature = to_hex(&sign_sha256(TOKEN.as_bytes(), body.as_bytes()));
    post("/viber/webhook", &format!("x-viber-content-signature: {signature}\r\n"), &body)
}

fn of_linkedin(prefix: &str, number: usize) -> Vec<u8> {
    // Ids are numbers here, too, and those of a round are its own.
    let round = prefix.bytes().fold(0_usize, |sum, byte| sum * 31 % 9_000 + usize::from(byte));
    let id = round * 1_000_000 + number;
    let share = format!("urn:li:share:{}", number % 1000);
    let comment = format!("urn:li:comment:({share},{id})");
    let body = format!(
        r#"{{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[{{"notificationId":{id},"organizationalEntity":"urn:li:organization:{ORGANIZATION}","action":"COMMENT","sourcePost":"{share}","generatedActivity":"{comment}","lastModifiedAt":{},"decoratedGeneratedActivity":{{"comment":{{"entity":"{comment}","owner":"urn:li:person:TESTmember1","object":"{share}","message":{{"text":"{TEXT}"}}}}}}}}]}}"#,
        NOW_MS + number
    );
    let signed = [b"hmacsha256=", body.as_bytes()].concat();
    let signature = to_hex(&sign_sha256(LINKEDIN_SECRET.as_bytes(), &signed));
    post("/linkedin/webhook", &format!("x-li-signature: {signature}\r\n"), &body)
}

fn main() {
    common::start(async |is_short| {
        let (time, rounds) = if is_short { (Duration::from_secs(1), 3) } else { (Duration::from_secs(3), 7) };
        run(time, rounds).await;
    });
}

async fn run(time: Duration, rounds: usize) {
    let mut table = Table::default();
    let folder = common::folder();
    let nowhere = "http://127.0.0.1:9";
    let mut settings = stage::settings(nowhere);
    settings.extend(
        [
            ("FACEBOOK_INSTAGRAM", "on"),
            ("WHATSAPP_PHONE_NUMBER_ID", NUMBER),
            ("WHATSAPP_ACCESS_TOKEN", "a whatsapp token for the benchmark"),
            ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "a verify token of whatsapp's for the benchmark"),
            ("WHATSAPP_GRAPH_URL", nowhere),
            ("VIBER_BOT_TOKEN", TOKEN),
            ("VIBER_API_URL", nowhere),
            ("LINKEDIN_CLIENT_ID", "a-linkedin-client"),
            ("LINKEDIN_CLIENT_SECRET", LINKEDIN_SECRET),
            ("LINKEDIN_ACCESS_TOKEN", "a linkedin token for the benchmark"),
            ("LINKEDIN_ORGANIZATION_ID", ORGANIZATION),
            ("LINKEDIN_API_URL", nowhere),
            ("LINKEDIN_OAUTH_URL", nowhere),
        ]
        .map(|(name, value)| (name, value.to_owned())),
    );
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = Process::service(folder.path(), &settings).await;
    let mut results: Vec<Vec<f64>> = CHANNELS.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for (channel, result) in CHANNELS.iter().zip(&mut results) {
            let make = |number: usize| (channel.delivery)(&format!("r{round}"), number);
            let requests = Arc::new((0..60_000).map(make).collect::<Vec<_>>());
            let Load { per_second, .. } = load(service.address, AT_ONCE, time, &requests).await;
            result.push(per_second);
        }
    }
    let rates: Vec<f64> = results.iter_mut().map(|result| median(result)).collect();
    for (channel, rate) in CHANNELS.iter().zip(&rates).skip(1) {
        table.row(
            &format!("deliveries/s of {}, {AT_ONCE} connections", channel.name),
            format!("{rate:.0}"),
            format!("facebook {:.0}", rates[0]),
            rate / rates[0],
            ">= 0.9",
            rate / rates[0] >= 0.9,
        );
    }
    table.print();
}
