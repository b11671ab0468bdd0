//! All settings: the server's section here, one per channel beside its code. Read once; every problem in one message.

mod env_file;
mod unknown;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroizing;

use crate::answering::responder::settings::ResponderSettings;
use crate::answering::settings::AnsweringSettings;
use crate::shared::database::lock::folder_of;
use crate::shared::files::readers::Readers;
use crate::shared::objects::ObjectSettings;
use crate::shared::outgoing::http::Timeouts;
use crate::shared::secrets::vault::{Vault, parse_key};
use crate::shared::server::limits::Limits;
use crate::shared::settings::{Problem, ProblemKind, Problems, Settings};
use crate::shared::telemetry::logging::{self, LogFormat};
use crate::workers::alert_webhook::Receiver;
use crate::workers::configured_accounts::ChannelsOwner;
use crate::workers::push::BotReceiver;
use crate::{facebook, linkedin, shopify, viber, web, whatsapp};

pub use self::unknown::Unknown;

/// Read from the working directory, where it is there.
const ENV_FILE: &str = ".env";

/// Where the demo leaves the settings of its service, for whoever looks at it: below its folder.
pub const DEMO_ENV_FILE: &str = "data/demo.env";

/// The file of the master key.
pub const MASTER_KEY_FILE: &str = "master.key";

/// Everything the service is told from outside.
#[derive(Debug)]
pub struct Config {
    /// The server's own section.
    pub server: Server,
    /// Facebook; `None`: the channel is off.
    pub facebook: Option<facebook::Config>,
    /// Shopify; `None`: the channel is off.
    pub shopify: Option<shopify::Config>,
    /// WhatsApp; `None`: the channel is off.
    pub whatsapp: Option<whatsapp::Config>,
    /// Viber; `None`: the channel is off.
    pub viber: Option<viber::Config>,
    /// LinkedIn; `None`: the channel is off.
    pub linkedin: Option<linkedin::Config>,
}

/// The server's own section.
#[derive(Debug)]
pub struct Server {
    /// Where to listen. Port 0: any free one.
    pub address: SocketAddr,
    /// How the world reaches us, if it does.
    pub public_url: Option<Url>,
    /// `tokens.db`; the key file lies beside it.
    pub tokens_db: PathBuf,
    /// `sessions.db`.
    pub sessions_db: PathBuf,
    /// `journal.db`.
    pub journal_db: PathBuf,
    /// `search.db`, which is made again from the journal when it is lost.
    pub search_db: PathBuf,
    /// After how many days events are deleted from the journal; `None`: never. Files keep what they say.
    pub retention_days: Option<u32>,
    /// Below this folder the JSON files appear.
    pub output_dir: PathBuf,
    /// Who may read them beside the service's user.
    pub output_readers: Readers,
    /// The master key; `None`: it is in the key file.
    pub master_key: Option<MasterKey>,
    /// The master key before it, while what it sealed is sealed anew.
    pub previous_master_key: Option<MasterKey>,
    /// The key under which OAuth states are hashed; `None`: derived from the master key.
    pub state_secret: Option<SecretString>,
    /// What operators show; `None`: their routes are off.
    pub operator_token: Option<SecretString>,
    /// To whom accounts belong that the settings name; `None`: to the only merchant there is.
    pub channels_owner: Option<ChannelsOwner>,
    /// Who is told of alerts; `None`: they are only shown and logged.
    pub alert_receiver: Option<Receiver>,
    /// Who is told of the events of all merchants; `None`: nobody.
    pub bot_receiver: Option<BotReceiver>,
    /// Where merchants' receivers may be although it is not public. Not a setting: tests listen on this machine.
    pub push_addresses: Vec<Url>,
    /// The bucket that files are copied to; `None`: they are not.
    pub objects: Option<Arc<ObjectSettings>>,
    /// How people are answered.
    pub answering: AnsweringSettings,
    /// The built-in responder; `None`: it is off.
    pub responder: Option<ResponderSettings>,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// What is logged, in the words of `RUST_LOG`.
    pub log_filter: String,
    /// How long outgoing calls may take. Not a setting: tests shorten it.
    pub timeouts: Timeouts,
    /// What connections and requests may take. Three of them are settings: tests change the others.
    pub limits: Limits,
}

fn master_key(settings: &mut Settings<'_>, name: &str) -> Option<MasterKey> {
    // As a secret, so that it is compared with the others; its length is checked by its own rule.
    match parse_key(settings.secret_of(name, 1)?.expose_secret()) {
        Ok(key) => Some(MasterKey(key)),
        Err(error) => {
            settings.problem(name, format!("must be 32 random bytes in base64: {error}"));
            None
        }
    }
}

fn master_key_before(settings: &mut Settings<'_>, has_key: bool) -> Option<MasterKey> {
    const NAME: &str = "TOKEN_ENCRYPTION_KEY_PREVIOUS";
    let key = master_key(settings, NAME)?;
    if !has_key {
        settings.problem(NAME, "needs TOKEN_ENCRYPTION_KEY beside it: the key that seals from now on");
    }
    Some(key)
}

/// How the world reaches us. A path is the part of it that a proxy gives us; our own paths follow.
fn public_url(settings: &mut Settings<'_>) -> Option<Url> {
    const NAME: &str = "PUBLIC_URL";
    settings.routes(&web::ROUTES);
    settings.routes(&facebook::ROUTES);
    settings.routes(&shopify::ROUTES);
    settings.routes(&whatsapp::ROUTES);
    settings.routes(&viber::ROUTES);
    settings.routes(&linkedin::ROUTES);
    let url = settings.base_url(NAME)?;
    let path = url.path().trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
    if !path.bytes().all(is_plain) || path.contains("//") {
        settings.problem(NAME, "must have a path of letters, digits and -_.~ between single slashes, or none");
    } else if let Some(route) = settings.route_below(path) {
        settings
            .problem(NAME, format!("must not have a path that begins as the service's own {route}; leave that out"));
    } else {
        return Some(url);
    }
    None
}

/// Who reads the files. A group may not look into a folder in which more lies than those: the settings, or the data.
fn output_readers(settings: &mut Settings<'_>, output: &Path, databases: &[&Path]) -> Readers {
    const NAME: &str = "OUTPUT_GROUP";
    let readers = settings.checked_or(ProblemKind::Wrong, NAME, Readers::default(), Readers::parse);
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let output = whole(output);
    let holds = |path: &Path| whole(path).starts_with(&output);
    if readers.group_id().is_some() && (holds(Path::new(ENV_FILE)) || databases.iter().any(|path| holds(path))) {
        settings.problem(NAME, "needs an OUTPUT_DIR of its own, in which neither the data folder nor .env lies");
    }
    readers
}

/// The databases, each a file of its own.
fn databases(settings: &mut Settings<'_>) -> [PathBuf; 4] {
    let names = ["TOKEN_DB_PATH", "SESSION_DB_PATH", "JOURNAL_DB_PATH", "SEARCH_DB_PATH"];
    let defaults = ["./data/tokens.db", "./data/sessions.db", "./data/journal.db", "./data/search.db"];
    let paths: [PathBuf; 4] = std::array::from_fn(|index| settings.path_or(names[index], defaults[index]));
    for (index, path) in paths.iter().enumerate() {
        // Compared by their parts, so that `data/x.db` and `./data//x.db` are the same.
        let plain = |path: &Path| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
        let same = |other: &&PathBuf| plain(other) == plain(path);
        if paths[..index].iter().any(|other| same(&other)) {
            settings.problem(names[index], "must be a file of its own");
        }
    }
    paths
}

fn limits(settings: &mut Settings<'_>) -> Limits {
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    let default = Limits::default();
    Limits {
        connections: settings.parsed_or("MAX_CONNECTIONS", default.connections, "a number above 0", number),
        requests: settings.parsed_or("MAX_REQUESTS", default.requests, "a number above 0", number),
        proxies: settings.parsed_or(
            "TRUSTED_PROXIES",
            default.proxies.clone(),
            "none, or IP addresses and networks such as 10.0.0.0/8, with commas between them",
            |text| text.parse().ok(),
        ),
        ..default
    }
}

fn alert_receiver(settings: &mut Settings<'_>) -> Option<Receiver> {
    const SECRET: &str = "ALERT_WEBHOOK_SECRET";
    let (url, secret) = (settings.url("ALERT_WEBHOOK_URL"), settings.secret_of(SECRET, 24));
    let url = url?;
    match secret {
        Some(secret) => match Receiver::key(&secret) {
            Ok(_) => return Some(Receiver { url, secret }),
            Err(problem) => settings.problem(SECRET, problem),
        },
        // A secret that was refused has its own line.
        None if settings.is_set(SECRET) => {}
        None => settings.problem(SECRET, "is needed with ALERT_WEBHOOK_URL: posts are signed with it"),
    }
    None
}

/// The receiver of bots' events. A secret is as Standard Webhooks have it, so that every library of theirs takes it.
fn bot_receiver(settings: &mut Settings<'_>) -> Option<BotReceiver> {
    const NAMES: [&str; 2] = ["BOT_WEBHOOK_SECRET", "BOT_WEBHOOK_SECRET_PREVIOUS"];
    let url = settings.url("BOT_WEBHOOK_URL");
    let mut secrets = Vec::new();
    for name in NAMES {
        let Some(secret) = settings.secret_of(name, 24) else { continue };
        let is_whole = secret.expose_secret().starts_with("whsec_")
            && Receiver::key(&secret).is_ok_and(|key| (24..=64).contains(&key.len()));
        if !is_whole {
            settings.problem(name, "must be whsec_ and the base64 of 24 to 64 random bytes");
        }
        secrets.push(secret);
    }
    let url = url?;
    if !settings.is_set(NAMES[0]) {
        settings.problem(NAMES[0], "is needed with BOT_WEBHOOK_URL: posts are signed with it");
    }
    Some(BotReceiver { url, secrets })
}

/// A master key that prints as `[hidden]`.
pub struct MasterKey(pub Zeroizing<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[hidden]")
    }
}

impl Server {
    /// The defaults, with everything below one folder: for the demo and for tests.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            tokens_db: folder.join("data/tokens.db"),
            sessions_db: folder.join("data/sessions.db"),
            journal_db: folder.join("data/journal.db"),
            search_db: folder.join("data/search.db"),
            retention_days: None,
            output_dir: folder.to_owned(),
            output_readers: Readers::default(),
            master_key: None,
            previous_master_key: None,
            state_secret: None,
            operator_token: None,
            channels_owner: None,
            alert_receiver: None,
            bot_receiver: None,
            push_addresses: Vec::new(),
            objects: None,
            answering: AnsweringSettings::default(),
            responder: None,
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
        }
    }

    /// The paths of all databases.
    #[must_use]
    pub fn databases(&self) -> [&Path; 4] {
        [&self.tokens_db, &self.sessions_db, &self.journal_db, &self.search_db]
    }

    /// Where the master key is kept unless it is given by the settings: beside the tokens it opens.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        folder_of(&self.tokens_db).join(MASTER_KEY_FILE)
    }

    fn from_settings(settings: &mut Settings<'_>) -> Self {
        let host = settings.parsed_or("HOST", IpAddr::V4(Ipv4Addr::LOCALHOST), "an IP address", |text| match text {
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            _ => text.parse().ok(),
        });
        let port = settings.parsed_or("PORT", 5000, "a port number", |text| text.parse().ok());
        let [tokens_db, sessions_db, journal_db, search_db] = databases(settings);
        let output_dir = settings.path_or("OUTPUT_DIR", ".");
        let output_readers = output_readers(settings, &output_dir, &[&tokens_db, &sessions_db, &journal_db]);
        let master_key = master_key(settings, "TOKEN_ENCRYPTION_KEY");
        let previous_master_key = master_key_before(settings, master_key.is_some());
        Self {
            address: SocketAddr::new(host, port),
            public_url: public_url(settings),
            tokens_db,
            sessions_db,
            journal_db,
            search_db,
            retention_days: settings.parsed_or("JOURNAL_RETENTION_DAYS", None, "keep, or a number of days", |text| {
                match text {
                    "keep" => Some(None),
                    _ => text.parse().ok().filter(|days| *days > 0).map(Some),
                }
            }),
            output_dir,
            output_readers,
            master_key,
            previous_master_key,
            state_secret: settings.secret("STATE_TOKEN_SECRET"),
            operator_token: settings.secret_of("OPERATOR_TOKEN", 32),
            channels_owner: settings.parsed_or(
                "CHANNELS_OWNER",
                None,
                "a shop's domain such as my-shop.myshopify.com, or a merchant's UUID",
                |text| ChannelsOwner::parse(text).map(Some),
            ),
            alert_receiver: alert_receiver(settings),
            bot_receiver: bot_receiver(settings),
            push_addresses: Vec::new(),
            objects: ObjectSettings::from_settings(settings).map(Arc::new),
            answering: AnsweringSettings::from_settings(settings),
            responder: ResponderSettings::from_settings(settings),
            log_format: settings.parsed_or("LOG_FORMAT", LogFormat::Text, "text or json", |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            }),
            log_filter: settings.checked_or(ProblemKind::Wrong, "RUST_LOG", "info".to_owned(), logging::check_filter),
            timeouts: Timeouts::default(),
            limits: limits(settings),
        }
    }

    /// The vault of the keys in the environment; `None`: the key is in the key file.
    #[must_use]
    pub fn given_vault(&self) -> Option<Vault> {
        let key = self.master_key.as_ref()?;
        let older = self.previous_master_key.iter().map(|key| key.0.clone()).collect();
        Some(Vault::with_older(key.0.clone(), older))
    }

    /// Whether our pages are reached by https.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

impl Config {
    /// Reads all settings through this function.
    ///
    /// # Errors
    /// Every problem, by variable name.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        Self::read_with_names(lookup).map(|(config, _)| config)
    }

    /// As [`Config::read`], and gives the names of all variables that were asked for.
    ///
    /// # Errors
    /// Every problem, by variable name.
    pub fn read_with_names(lookup: &dyn Fn(&str) -> Option<String>) -> Result<(Self, Vec<String>), Problems> {
        let (config, names) = Self::read_all(lookup);
        Ok((config?, names))
    }

    /// No channel at all: for tests, and for who adds some.
    #[must_use]
    pub fn without_channels(server: Server) -> Self {
        Self { server, facebook: None, shopify: None, whatsapp: None, viber: None, linkedin: None }
    }

    fn read_all(lookup: &dyn Fn(&str) -> Option<String>) -> (Result<Self, Problems>, Vec<String>) {
        let mut settings = Settings::new(lookup);
        let server = Server::from_settings(&mut settings);
        let public_url = server.public_url.as_ref();
        let whatsapp_is_on = whatsapp::Config::is_on(&mut settings);
        let config = Self {
            facebook: facebook::Config::from_settings(&mut settings, public_url, whatsapp_is_on),
            shopify: shopify::Config::from_settings(&mut settings, public_url),
            whatsapp: whatsapp::Config::from_settings(&mut settings, public_url),
            viber: viber::Config::from_settings(&mut settings, public_url),
            linkedin: linkedin::Config::from_settings(&mut settings, public_url),
            server,
        };
        let names = settings.asked();
        (settings.finish().map(|_| config), names)
    }

    /// Reads the environment; a variable set there wins over one in `.env`.
    #[must_use]
    pub fn from_env() -> FromEnv {
        Self::from_env_and(Path::new(ENV_FILE))
    }

    /// The same with this file in place of `.env`.
    #[must_use]
    pub fn from_env_and(file: &Path) -> FromEnv {
        let file = match env_file::read(file) {
            Ok(file) => file,
            Err(problem) => {
                let problems = Problems(vec![Problem {
                    name: file.display().to_string(),
                    kind: ProblemKind::Unreadable,
                    words: problem,
                }]);
                return FromEnv { config: Err(problems), set: Vec::new(), unknown: Vec::new() };
            }
        };
        let lookup = |name: &str| {
            std::env::var_os(name)
                // Text that is no UTF-8 is shown to the checks, which refuse it, instead of being overlooked.
                .map(|value| value.to_string_lossy().into_owned())
                .or_else(|| file.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
        };
        let (config, known) = Self::read_all(&lookup);
        let in_file = file.iter().map(|(name, _)| name.clone());
        let in_environment = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let unknown = Unknown::among(&known, in_file, in_environment);
        let set = known.into_iter().filter(|name| lookup(name).is_some()).collect();
        FromEnv { config, set, unknown }
    }
}

/// What the environment and `.env` say.
#[derive(Debug)]
pub struct FromEnv {
    /// The settings.
    pub config: Result<Config, Problems>,
    /// The names of the variables that are set: they may be logged, their values may not.
    pub set: Vec<String>,
    /// Variables that look like settings and are none.
    pub unknown: Vec<Unknown>,
}

/// Warns when others can read `.env`. Apart from [`Config::from_env`], because logging starts after it.
pub fn warn_of_open_env_file() {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata(ENV_FILE).is_ok_and(|metadata| metadata.mode() & 0o044 != 0) {
        tracing::warn!("the file .env can be read by others; make it yours alone: chmod 600 .env");
    }
}

/// The key under which OAuth states are hashed, as bytes.
#[must_use]
pub fn state_key(server: &Server, vault: &Vault) -> Zeroizing<Vec<u8>> {
    match &server.state_secret {
        Some(secret) => Zeroizing::new(secret.expose_secret().as_bytes().to_vec()),
        None => Zeroizing::new(vault.derive(crate::shared::secrets::vault::Purpose::LoginStates).to_vec()),
    }
}
