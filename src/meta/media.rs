//! Copies of what customers attach: the platform's links to it expire.
//!
//! Content goes to `<channel>/<account>/media/<sha256>.<ext>`, one file however often it was sent; which message brought
//! which file stands in `<channel>/<account>/media/index/<person>.json`, so that `conversations/` holds conversations only.
//! Both have rows in the journal's table `media`, by person: that is where an erasure looks.
//!
//! Links come from outside. Only hosts of a list are asked, by https, without leaving the host; what comes is bounded,
//! written piece by piece, and taken for what its bytes say, whatever the headers claim. Intake knows nothing of all
//! this: a job reads events from a cursor of its own, and wishes are rows, tried again until the link expires.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use url::Url;

use crate::shared::channel::context::Shared;
use crate::shared::channel::job::{BoxFuture, Job};
use crate::shared::files::incoming::Incoming;
use crate::shared::files::kinds::{SNIFFED, sniff};
use crate::shared::files::output::{Output, RelativePath};
use crate::shared::outgoing::http::{ApiError, Download, Http};
use crate::shared::secrets::signature::to_hex;
use crate::shared::settings::{Settings, is_loopback};
use crate::shared::store::{Attached, Attachment, Copied, WantedMedia};

/// The hosts of Meta's content network.
const HOSTS: &str = ".fbcdn.net,.fbsbx.com";

/// How many copies are made at once.
const AT_ONCE: usize = 4;

/// How many copies one run makes, and for how long it begins new ones: other jobs wait for it.
const AT_MOST: i64 = 200;
const LONGEST_RUN: Duration = Duration::from_secs(20);

/// How many batches of events one run reads.
const BATCHES: usize = 100;

/// How often one link is tried: over about a day.
const ATTEMPTS: i64 = 12;

/// How often a link may lead on, on its own host.
const HOPS: usize = 3;

/// From where attachments are copied, and how large they may be.
#[derive(Debug, Clone)]
pub struct Media {
    /// Hosts; one that begins with a dot stands for all below it, too.
    pub hosts: Vec<String>,
    /// The largest file.
    pub max_bytes: u64,
}

impl Media {
    /// Reads the three settings of a channel; `None`: attachments are not copied. `names`: whether, from which hosts, and up to
    /// how many bytes each.
    pub fn from_settings(settings: &mut Settings<'_>, names: [&'static str; 3], max_bytes: u64) -> Option<Self> {
        let copy = settings.parsed_or(names[0], false, "copy or off", |text| match text {
            "copy" => Some(true),
            "off" => Some(false),
            _ => None,
        });
        let hosts = settings.parsed_or(
            names[1],
            parse_hosts(HOSTS).unwrap_or_default(),
            "names of hosts, separated by commas",
            parse_hosts,
        );
        let max_bytes = settings
            .parsed_or(names[2], max_bytes, "a number of bytes", |text| text.parse().ok().filter(|bytes| *bytes > 0));
        copy.then_some(Self { hosts, max_bytes })
    }
}

fn parse_hosts(text: &str) -> Option<Vec<String>> {
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    };
    let hosts: Vec<String> = text.split(',').map(|host| host.trim().to_ascii_lowercase()).collect();
    let good = hosts.iter().all(|host| host.trim_matches('.').contains(['.', ':']) && host.bytes().all(is_plain));
    good.then_some(hosts)
}

/// Where an attachment is at this moment.
pub struct Located {
    /// The address.
    pub url: String,
    /// The token that is shown there, where not everybody may have it.
    pub bearer: Option<SecretString>,
}

/// A channel whose attachments are copied.
pub trait Attachments: Send + Sync {
    /// The channel.
    fn channel(&self) -> &'static str;

    /// What every channel is given.
    fn shared(&self) -> &Shared;

    /// From where is copied.
    fn media(&self) -> &Media;

    /// The setting that names the hosts.
    fn hosts_setting(&self) -> &'static str;

    /// What a message says of attachments.
    fn read(&self) -> fn(&[u8]) -> Option<Attached>;

    /// Where an attachment is at this moment: what its message says of that is `link`.
    fn locate<'a>(&'a self, link: &'a str) -> BoxFuture<'a, Result<Located, ApiError>>;
}

/// The job that copies, once a minute.
pub fn job(of: Arc<dyn Attachments>) -> Job {
    Job {
        name: format!("media {}", of.channel()),
        cron: "* * * * *".to_owned(),
        run: Arc::new(move || {
            let of = Arc::clone(&of);
            Box::pin(async move { run(&of).await })
        }),
    }
}

async fn run(of: &Arc<dyn Attachments>) -> anyhow::Result<()> {
    let (shared, channel) = (of.shared(), of.channel());
    let mut changed = BTreeSet::new();
    for _ in 0..BATCHES {
        let (more, taken_back) = shared.journal.collect_media(channel, of.read()).await?;
        for (account, person, files) in taken_back {
            for file in files {
                let path = RelativePath::new(&[channel, &account, "media", &file])?;
                shared.output.remove_in_background(path).await?;
            }
            changed.insert((account, person));
        }
        if !more {
            break;
        }
    }
    let connected = shared
        .connections
        .list()
        .await?
        .into_iter()
        .filter(|connection| connection.channel == channel)
        .map(|connection| connection.account)
        .collect();
    let begun = shared.clock.now();
    let mut due = shared.journal.list_due_media(channel, connected, AT_MOST).await?.into_iter();
    let mut copies: JoinSet<anyhow::Result<(String, String)>> = JoinSet::new();
    loop {
        let late = (shared.clock.now() - begun).to_std().is_ok_and(|elapsed| elapsed > LONGEST_RUN);
        while copies.len() < AT_ONCE
            && !late
            && let Some(wanted) = due.next()
        {
            copies.spawn(copy(Arc::clone(of), wanted));
        }
        let Some(copied) = copies.join_next().await else { break };
        // A panic is a copy that failed like another.
        match copied.map_err(anyhow::Error::from).flatten() {
            Ok(conversation) => drop(changed.insert(conversation)),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "an attachment could not be kept"),
        }
    }
    for (account, person) in changed {
        write_index(shared, channel, &account, &person).await?;
    }
    Ok(())
}

/// Makes one copy and notes what became of it. Gives back whose it is: account and person.
async fn copy(of: Arc<dyn Attachments>, wanted: WantedMedia) -> anyhow::Result<(String, String)> {
    let (shared, channel) = (of.shared(), of.channel());
    let folder = RelativePath::new(&[channel, &wanted.account, "media"])?;
    let http = shared.http.of(&wanted.account);
    let copied = match fetch(&http, &shared.output, &*of, &wanted.attachment, &folder).await {
        Ok((incoming, name, bytes, content_type)) => {
            incoming.finish(&RelativePath::new(&[&name])?).await?;
            Copied::Kept { file: name, bytes, content_type }
        }
        Err(Failure::Expired(reason)) => Copied::Expired(reason),
        Err(Failure::Refused(reason)) => Copied::Refused(reason),
        Err(Failure::Later(reason)) if wanted.attempts + 1 >= ATTEMPTS => Copied::Expired(reason),
        Err(Failure::Later(reason)) => {
            let pause_ms = 60_000 << wanted.attempts.min(7);
            Copied::Later(shared.clock.now_ms() + pause_ms, reason)
        }
        Err(Failure::Disk(error)) => return Err(error.into()),
    };
    if let Copied::Refused(reason) | Copied::Expired(reason) | Copied::Later(_, reason) = &copied {
        tracing::info!(reason, channel, account = wanted.account, "an attachment was not copied");
    }
    let file = if let Copied::Kept { file, .. } = &copied { Some(file.clone()) } else { None };
    let is_noted = shared.journal.note_media(channel, &wanted, copied).await?;
    if let Some(file) = file.filter(|_| !is_noted)
        && !shared.journal.is_media_known(channel, &wanted.account, &file).await?
    {
        // Its person was erased, or its message taken back, while it was under way.
        let path = RelativePath::new(&[channel, &wanted.account, "media", &file])?;
        shared.output.remove_in_background(path).await?;
    }
    Ok((wanted.account, wanted.conversation))
}

/// Why there is no copy.
enum Failure {
    Expired(String),
    Refused(String),
    Later(String),
    Disk(std::io::Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused { code } => Self::Refused(code),
            error => Self::Later(error.to_string()),
        }
    }
}

type Fetched = (Incoming, String, i64, &'static str);

/// Fetches an attachment into a file that has no name yet: that, its name, its length and what it is.
async fn fetch(
    http: &Http,
    output: &Output,
    of: &dyn Attachments,
    attachment: &Attachment,
    folder: &RelativePath,
) -> Result<Fetched, Failure> {
    let mut download = open(http, of, &attachment.url).await?;
    let (output, path) = (output.clone(), folder.clone());
    let begun = tokio::task::spawn_blocking(move || output.begin(&path)).await.map_err(std::io::Error::other)?;
    let mut incoming = begun?;
    let (mut digest, mut bytes, mut head) = (Sha256::new(), 0_u64, Vec::with_capacity(SNIFFED));
    loop {
        let Some(chunk) = download.chunk().await? else { break };
        bytes += chunk.len() as u64;
        if bytes > of.media().max_bytes {
            return Err(Failure::Refused("it is too large".to_owned()));
        }
        head.extend_from_slice(&chunk[..chunk.len().min(SNIFFED - head.len())]);
        digest.update(&chunk);
        incoming.file.write_all(&chunk).await?;
    }
    let (content_type, extension) = sniff(&head);
    let family = content_type.split('/').next().unwrap_or_default();
    let fits = match attachment.kind.as_str() {
        "image" | "sticker" => family == "image",
        // The same container holds either.
        "audio" | "video" => matches!(family, "audio" | "video"),
        "file" => true,
        _ => matches!(family, "image" | "audio" | "video"),
    };
    if !fits || bytes == 0 {
        return Err(Failure::Refused(format!("its bytes are no {}", attachment.kind)));
    }
    let name = format!("{}.{extension}", to_hex(&digest.finalize()));
    Ok((incoming, name, i64::try_from(bytes).unwrap_or(i64::MAX), content_type))
}

/// Asks for a link, and follows it on its own host.
async fn open(http: &Http, of: &dyn Attachments, link: &str) -> Result<Download, Failure> {
    let refused = |reason: &str| Failure::Refused(reason.to_owned());
    let media = of.media();
    let Located { url, bearer } = of.locate(link).await?;
    let mut url = Url::parse(&url).map_err(|_| refused("its link is no address"))?;
    for _ in 0..=HOPS {
        if !media.allows(&url) {
            return Err(refused(&format!("its host is not in {}, or not asked by https", of.hosts_setting())));
        }
        let mut request = http.request(Method::GET, url.clone()).header(header::ACCEPT, "*/*");
        if let Some(bearer) = &bearer {
            request = request.bearer_auth(bearer.expose_secret());
        }
        let download = http.open(request).await?;
        let status = download.status;
        if status.is_redirection() {
            let target = download.headers.get(header::LOCATION).and_then(|target| target.to_str().ok());
            let next = target.and_then(|target| url.join(target).ok());
            let next = next.ok_or_else(|| refused("its link leads nowhere"))?;
            if next.origin() != url.origin() {
                return Err(refused("its link leads to another host"));
            }
            url = next;
            continue;
        }
        return match status {
            StatusCode::OK if download.length().is_some_and(|length| length > media.max_bytes) => {
                Err(refused("it is too large"))
            }
            StatusCode::OK => Ok(download),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(Failure::Later(status.to_string())),
            status if status.is_server_error() => Err(Failure::Later(status.to_string())),
            status => Err(Failure::Expired(format!("the link no longer works: {status}"))),
        };
    }
    Err(refused("its link leads in circles"))
}

impl Media {
    /// Whether a link may be asked: https to a host of the list, or http to a loopback address that is named there.
    fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let is_listed = self.hosts.iter().any(|listed| match listed.strip_prefix('.') {
            Some(domain) => host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.')),
            None => host == listed,
        });
        let is_safe = match url.scheme() {
            "https" => url.port().is_none() || is_loopback(host),
            "http" => is_loopback(host),
            _ => false,
        };
        is_listed && is_safe && url.username().is_empty() && url.password().is_none()
    }
}

/// Writes which message of a person brought which file.
async fn write_index(shared: &Shared, channel: &'static str, account: &str, person: &str) -> anyhow::Result<()> {
    let path = RelativePath::new(&[channel, account, "media", "index", &format!("{person}.json")])?;
    let mut index: Map<String, Value> = Map::new();
    for media in shared.journal.list_media(channel, account, person).await? {
        let mut entry = json!({ "position": media.position, "type": media.kind, "state": media.state });
        if let Some((file, bytes, content_type)) = media.file {
            entry["file"] = file.into();
            entry["bytes"] = bytes.into();
            entry["content_type"] = content_type.into();
        }
        if let Some(list) = index.entry(media.mid).or_insert_with(|| Value::Array(Vec::new())).as_array_mut() {
            list.push(entry);
        }
    }
    if index.is_empty() {
        shared.output.remove_in_background(path).await?;
        return Ok(());
    }
    let document = serde_json::to_string_pretty(&index)? + "\n";
    shared.output.write_in_background(path, document).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_asked_and_only_by_https() {
        let hosts = [".fbcdn.net", ".fbsbx.com", "127.0.0.1"].map(str::to_owned).to_vec();
        let media = Media { hosts, max_bytes: 1 };
        let allows = |url: &str| media.allows(&Url::parse(url).expect("an address"));
        for good in [
            "https://scontent.xx.fbcdn.net/v/a.jpg?oh=1",
            "https://cdn.fbsbx.com/a",
            "https://fbcdn.net/a",
            "http://127.0.0.1:4000/a",
        ] {
            assert!(allows(good), "{good}");
        }
        for bad in [
            "http://scontent.xx.fbcdn.net/a",
            "https://evilfbcdn.net/a",
            "https://fbcdn.net.evil.example/a",
            "https://evil.example/?fbcdn.net",
            "https://u:p@a.fbcdn.net/a",
            "https://a.fbcdn.net@evil.example/a",
            "https://a.fbcdn.net:8443/a",
            "https://169.254.169.254/a",
            "http://localhost/a",
            "http://[::1]/a",
            "file:///etc/passwd",
            "data:text/html,x",
        ] {
            assert!(!allows(bad), "{bad}");
        }
    }
}
