//! Whether the service runs, and whether the world reaches it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::mpsc;
use url::Url;

use crate::app::channels;
use crate::app::config::{Config, Server};
use crate::commands::{Command, Line, StatusWanted, socket};
use crate::shared::channel::finding::Finding;
use crate::shared::database::lock::folder_of;
use crate::shared::outgoing::http::Http;
use crate::shared::settings::is_loopback;

/// How long the running service may take to tell its alerts.
const TELLS_WITHIN: Duration = Duration::from_secs(5);

/// An alert that is open in the running service.
#[derive(Debug, Clone, Deserialize)]
pub struct OpenAlert {
    /// What tells it from others.
    pub cause: String,
    /// What is wrong and what to do.
    pub sentence: String,
}

impl OpenAlert {
    fn finding(&self, code: &'static str, about: &str, effect: &str) -> Finding {
        Finding::error(
            code,
            about,
            format!("the running service says: {}", self.sentence),
            effect,
            "mend what it says; it is tried again by itself, and `shoptalk status` shows when it is over",
        )
    }
}

/// Adds what the service has met, unless the doctor has met it, too. `code_of`: what the doctor calls an alert with this
/// cause; `None`: it is about something else.
pub fn add_met(
    findings: &mut Vec<Finding>,
    alerts: &[OpenAlert],
    (about, effect): (&str, &str),
    code_of: impl Fn(&str) -> Option<&'static str>,
) {
    for alert in alerts {
        let Some(code) = code_of(&alert.cause) else { continue };
        if findings.iter().all(|finding| finding.code != code) {
            findings.push(alert.finding(code, about, effect));
        }
    }
}

/// Whatever is open in the running service and no finding has told yet. `told`: the causes that have findings of their own.
pub fn still_open(alerts: &[OpenAlert], told: &[String]) -> Vec<Finding> {
    let untold = alerts.iter().filter(|alert| !told.contains(&alert.cause));
    untold
        .map(|OpenAlert { cause, sentence }| {
            Finding::warning(
                "alert_open",
                cause,
                format!("the running service says: {sentence}"),
                "what the sentence says; the service goes on with everything else",
                "do what the sentence says; `shoptalk status` shows when it is over",
            )
        })
        .collect()
}

/// What the running service knows and nobody else can see: its open alerts. None where it does not run or does not tell.
pub async fn open_alerts(server: &Server, running: bool) -> Vec<OpenAlert> {
    #[derive(Deserialize)]
    struct Status {
        alerts: Vec<OpenAlert>,
    }
    if !running {
        return Vec::new();
    }
    let (sender, mut lines) = mpsc::channel(64);
    let socket = socket::path_in(folder_of(&server.tokens_db));
    let wanted = Command::Status(StatusWanted { is_json: true, watches: false, clears: false });
    let asking = async move { socket::ask(&socket, &wanted, &sender).await };
    let listening = async {
        let mut told = None;
        while let Some(line) = lines.recv().await {
            if let Line::Said { text } = line {
                told = serde_json::from_str(&text).ok();
            }
        }
        told
    };
    let told = tokio::time::timeout(TELLS_WITHIN, async { tokio::join!(asking, listening).1 }).await;
    told.ok().flatten().map_or_else(Vec::new, |status: Status| status.alerts)
}

/// Whether a process answers on the local socket of the data folder.
pub fn is_running(server: &Server) -> bool {
    std::os::unix::net::UnixStream::connect(socket::path_in(folder_of(&server.tokens_db))).is_ok()
}

/// Where the service answers on this machine.
pub fn url(server: &Server, path: &str) -> Option<Url> {
    Url::parse(&format!("http://{}{path}", local_address(server.address))).ok()
}

/// Whether the service runs and answers.
pub async fn service(config: &Config, http: &Http, running: bool) -> Vec<Finding> {
    let about = config.server.address.to_string();
    let ask = async |path: &str| {
        let url = url(&config.server, path)?;
        http.send(http.request(Method::GET, url)).await.ok().map(|answer| answer.status.as_u16())
    };
    let health = if config.server.address.port() == 0 { None } else { ask("/health").await };
    match (running, health) {
        (true, Some(200)) => match ask("/ready").await {
            Some(200) => Vec::new(),
            _ => vec![Finding::error(
                "not_ready",
                about,
                "the service runs, but says that it is not ready",
                "deliveries are answered 503",
                "read its log: the disk may be full or read-only, or it is still starting",
            )],
        },
        (true, _) if config.server.address.port() == 0 => Vec::new(),
        (true, _) => vec![Finding::error(
            "not_answering",
            about,
            "the service runs, but does not answer at this address",
            "the tunnel or reverse proxy does not reach it",
            "run doctor with the same HOST and PORT as the service, or start the service again",
        )],
        (false, None) => vec![Finding::warning(
            "not_running",
            about,
            "no service runs on this data folder",
            "deliveries get no answer; Meta unsubscribes a Page after an hour, Shopify after eight failures",
            "start it: shoptalk serve",
        )],
        (false, Some(_)) => vec![Finding::error(
            "port_taken",
            about,
            "another program, or a shoptalk with another data folder, answers at this address",
            "the service does not start here",
            "stop the other program, or set PORT to a free one",
        )],
    }
}

/// Previous app secrets that are still accepted, and whether they are needed. The running service knows it, and says it to
/// whoever has the operator's token.
pub async fn previous_secrets(config: &Config, http: &Http, running: bool) -> Vec<Finding> {
    let signing = channels::configured(config).map(|(_, section)| section.signing());
    let set: Vec<_> = signing.filter(|(_, _, secrets)| secrets.previous_uses().is_some()).collect();
    let metrics = if running && !set.is_empty() { metrics(&config.server, http).await } else { None };
    let finding = |(channel, name, _)| {
        let labels = format!(r#"{{channel="{channel}",what="previous_secret"}}"#);
        let series = format!("shoptalk_deliveries_outdated_total{labels} ");
        let uses = metrics.as_ref().map(|text| {
            let value = text.lines().find_map(|line| line.strip_prefix(&series)?.trim().parse::<u64>().ok());
            value.unwrap_or(0)
        });
        let effect = "whoever has the previous secret can still sign deliveries";
        match uses {
            Some(uses @ 1..) => Finding::warning(
                "previous_secret_used",
                name,
                format!("{uses} deliveries since the start of the service were signed with the previous secret"),
                effect,
                "see in the platform's portal that the new secret is the only one, and wait until this number stands still",
            ),
            Some(0) => Finding::warning(
                "previous_secret_unused",
                name,
                "a previous secret is accepted, and no delivery has needed it since the start of the service",
                effect,
                format!("if the service has run for a day, take {name} out and start it again"),
            ),
            None => Finding::warning(
                "previous_secret_set",
                name,
                "a previous secret is accepted; whether it is needed only the running service knows",
                effect,
                format!("start the service with OPERATOR_TOKEN and run doctor again; then take {name} out"),
            ),
        }
    };
    set.into_iter().map(finding).collect()
}

/// What the running service counts.
async fn metrics(server: &Server, http: &Http) -> Option<String> {
    let (url, token) = (url(server, "/metrics")?, server.operator_token.as_ref()?);
    let answer = http.send(http.request(Method::GET, url).bearer_auth(token.expose_secret())).await.ok()?;
    if !answer.status.is_success() {
        return None;
    }
    String::from_utf8(answer.body.to_vec()).ok()
}

/// Where a service that listens on `address` is reached from this machine.
fn local_address(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

/// One tunnel of the agent. Source: <https://ngrok.com/docs/agent/api>.
#[derive(Deserialize)]
struct Tunnel {
    #[serde(default)]
    public_url: String,
    #[serde(default)]
    config: TunnelConfig,
}

#[derive(Default, Deserialize)]
struct TunnelConfig {
    #[serde(default)]
    addr: String,
}

/// Whether the platforms can reach the service, and whether what they reach is this service.
pub async fn public_address(config: &Config, http: &Http, ngrok: &Url, running: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tunnels = tunnels(http, ngrok).await;
    let port = config.server.address.port();
    let to_us = tunnels.as_ref().and_then(|tunnels| {
        let ends = format!(":{port}");
        tunnels.iter().find(|tunnel| tunnel.config.addr.trim_end_matches('/').ends_with(&ends))
    });
    let configured = config.server.public_url.as_ref();
    let host = configured.and_then(Url::host_str).unwrap_or_default().to_owned();
    match (&tunnels, to_us) {
        (Some(_), Some(tunnel)) if !same_host(&tunnel.public_url, &host) => {
            let path = configured.map_or("", |url| url.path().trim_end_matches('/'));
            let base = tunnel.public_url.trim_end_matches('/').replacen("http://", "https://", 1) + path;
            findings.push(Finding::error(
                if host.is_empty() { "ngrok_not_configured" } else { "ngrok_address_changed" },
                &base,
                format!("ngrok forwards {base} to port {port}, but PUBLIC_URL is {}", shown(configured)),
                "logins come back to the wrong address, and deliveries do not arrive",
                keep_or_change(port, &host, &settings_for(&base, config)),
            ));
        }
        (Some(_), None) if host.is_empty() || host.contains("ngrok") => findings.push(Finding::error(
            "ngrok_other_port",
            port.to_string(),
            format!("ngrok runs, but no tunnel leads to port {port}"),
            "nothing from outside arrives",
            format!("start it with {}, or set PORT to the port it forwards to", ngrok_command(port, &host)),
        )),
        (None, _) if host.contains("ngrok") => findings.push(Finding::error(
            "ngrok_not_running",
            &host,
            "PUBLIC_URL is an address of ngrok, but no ngrok runs on this machine",
            "nothing from outside arrives",
            format!("start it with {}, so that it has this address again", ngrok_command(port, &host)),
        )),
        _ => {}
    }
    for (name, section) in channels::configured(config).filter(|(_, section)| !section.is_simulated()) {
        let address = section.webhook_address();
        if is_loopback(address.host_str().unwrap_or_default()) {
            let fix = if to_us.is_some() {
                "set PUBLIC_URL to the address of ngrok, see above".to_owned()
            } else {
                "set PUBLIC_URL to the https address under which the world reaches this machine: a reverse proxy, or \
                 `ngrok http PORT --url https://NAME.ngrok-free.dev`"
                    .to_owned()
            };
            findings.push(Finding::error(
                "not_public",
                name,
                format!("the webhook address {address} is on this machine"),
                format!("{name} cannot deliver anything and refuses such an address"),
                fix,
            ));
        }
    }
    if running {
        for (_, section) in channels::configured(config) {
            findings.extend(section.examine_address(http).await);
        }
    }
    findings
}

/// How ngrok is started so that it keeps this name. Every account has at least one for good, a free one
/// `<name>.ngrok-free.dev`. Source: <https://ngrok.com/docs/universal-gateway/domains> (2026).
fn ngrok_command(port: u16, host: &str) -> String {
    match host.contains("ngrok") {
        true => format!("`ngrok http {port} --url https://{host}`"),
        false => format!(
            "`ngrok http {port} --url https://NAME.ngrok-free.dev`, with the name that ngrok's dashboard shows under Domains"
        ),
    }
}

/// Where the name that is registered everywhere was ngrok's, keeping it is less work than changing it everywhere.
fn keep_or_change(port: u16, host: &str, steps: &str) -> String {
    match host.contains("ngrok") {
        true => format!("start ngrok with {} to keep the address; or {steps}", ngrok_command(port, host)),
        false => steps.to_owned(),
    }
}

async fn tunnels(http: &Http, ngrok: &Url) -> Option<Vec<Tunnel>> {
    #[derive(Deserialize)]
    struct Tunnels {
        #[serde(default)]
        tunnels: Vec<Tunnel>,
    }
    let url = ngrok.join("/api/tunnels").ok()?;
    let answer = http.send(http.request(Method::GET, url)).await.ok()?;
    Some(answer.json::<Tunnels>().ok()?.tunnels)
}

fn same_host(url: &str, host: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.host_str() == Some(host))
}

fn shown(url: Option<&Url>) -> String {
    url.map_or_else(|| "not set".to_owned(), Url::to_string)
}

/// What to paste where for this public address.
fn settings_for(base: &str, config: &Config) -> String {
    let mut steps = vec![format!("set PUBLIC_URL={base} in .env and start the service again")];
    steps.extend(channels::configured(config).map(|(_, section)| section.registration(base)));
    steps.join("; ")
}
