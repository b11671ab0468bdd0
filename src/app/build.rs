//! Opens what is shared, makes the channels and the workers, and joins the routes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::Router;

use super::channels::{self, Sections};
use super::config::{Config, Server, state_key};
use super::scheduler::Scheduler;
use super::workers::{Readers, Workers};
use super::{App, StartError, jobs};
use crate::answering::Answering;
use crate::answering::catalogue::Catalogue;
use crate::answering::push::Receivers;
use crate::answering::responder::Responder;
use crate::answering::sending::Sending;
use crate::answering::uploads::Uploads;
use crate::commands::CommandRunner;
use crate::commands::rotate_keys::Rotation;
use crate::shared::channel::Channel;
use crate::shared::channel::about::About;
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::Job;
use crate::shared::clock::Clock;
use crate::shared::database::db::Db;
use crate::shared::database::lock::{DataLock, ensure_no_restore_broke_off, folder_of};
use crate::shared::database::sqlite::keep_temporary_files_in;
use crate::shared::erasure::Erasure;
use crate::shared::files::output::{Output, RelativePath};
use crate::shared::journal::{Journal, JournalError, WriterHandle};
use crate::shared::logins::Logins;
use crate::shared::objects::Objects;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{Http, Timeouts};
use crate::shared::outgoing::self_test::SelfTests;
use crate::shared::products::Products;
use crate::shared::secrets::vault::Vault;
use crate::shared::settings::below;
use crate::shared::store::alert_posts::AlertPosts;
use crate::shared::store::push::PushEndpoints;
use crate::shared::store::{
    self, ApiKeys, Connections, Erasures, Keys, LoginStates, Sessions, has_check_value, installation,
};
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::metrics::Metrics;
use crate::shared::telemetry::refused::RefusedDeliveries;
use crate::shared::under_way::{Progress, Reads};
use crate::web;
use crate::web::Running;
use crate::web::api;
use crate::web::api::state::ApiChannel;
use crate::web::merchant::Front;
use crate::web::operator;
use crate::workers::alert_webhook::AlertPoster;
use crate::workers::configured_accounts::{ChannelsOwner, ConfiguredAccounts};
use crate::workers::object_copies::{BUCKET, ObjectCopies};
use crate::workers::push::{Push, WITHIN as PUSH_WITHIN};
use crate::workers::retention::Retention;

/// Everything below the channels, opened.
struct Opened {
    shared: Shared,
    vault: Vault,
    tokens: Db,
    api_keys: ApiKeys,
    rotation: Rotation,
    reads: Reads,
    uploads: store::uploads::Uploads,
    writer: WriterHandle,
    installation: String,
}

impl App {
    /// Takes the data folder, opens everything in it, and wires the channels that are configured.
    ///
    /// # Errors
    /// When another process holds the data, a file cannot be used, or the master key is not the right one.
    pub async fn build(mut config: Config, clock: Clock) -> Result<Self, StartError> {
        let allowed = AllowedAddresses::new(&channels::own_addresses(&config));
        let sections = Sections::take_from(&mut config);
        let mut server = config.server;
        let lock = DataLock::take(server.databases(), &server.output_dir)?;
        let data_folder = folder_of(&server.tokens_db).to_owned();
        take_up_folder(&data_folder)?;
        let opened = open(&server, allowed, clock).await?;
        let shared = opened.shared.clone();
        // Before anything is written below the output folder.
        let copies = object_copies(&shared, opened.installation).await?;
        let posts = AlertPosts::new(opened.tokens.clone());
        let alert_poster =
            AlertPoster::open(shared.clone(), posts, server.alert_receiver.clone(), operator_page(&server)).await?;
        take_up_accounts(&shared).await?;

        let channels = sections.wire(&shared);
        introduce(&shared, &channels).await.context("the journal cannot be written")?;
        let readers: Readers =
            channels.iter().map(|channel| (channel.about.name, Arc::clone(&channel.reader))).collect();
        let receivers = Receivers {
            endpoints: PushEndpoints::new(opened.tokens.clone(), opened.vault.clone()),
            allowed: AllowedAddresses::new(&server.push_addresses),
        };
        let uploads = Uploads::new(opened.uploads, server.public_url.as_ref());
        let answering = answering(&shared, &channels, &server, (receivers, uploads));
        let push = push(&answering, &mut server)?;
        let responder = responder(&answering, &mut server)?;
        let erasures = Erasures::new(opened.tokens.clone());
        let workers = Workers::new(
            &shared,
            (erasures, opened.api_keys.clone()),
            opened.reads,
            readers.clone(),
            alert_poster,
            (answering.clone(), push, copies.clone()),
            (configured(&shared, &channels, server.channels_owner.clone()), responder.clone()),
        )?;
        let retention = server.retention_days.map(|days| {
            let (journal, output) = (shared.journal.clone(), shared.output.clone());
            Retention::new(journal, output, Arc::clone(&workers.conversations), days)
        });
        let jobs = jobs::all(&shared, &channels, &opened.rotation, retention);
        let runner = CommandRunner {
            journal: shared.journal.clone(),
            connections: shared.connections.clone(),
            progress: shared.progress.clone(),
            refresh: workers.refresh.clone(),
            conversations: Arc::clone(&workers.conversations),
            readers: Arc::new(readers),
            rotation: opened.rotation,
            api_keys: opened.api_keys.clone(),
            answering: answering.clone(),
            responder: responder.clone(),
            outbox: Arc::new(workers.outbox.clone()),
            copies,
            alerts: shared.alerts.clone(),
            clock: shared.clock.clone(),
        };
        let running = Running::default();
        let limits = server.limits.clone();
        Ok(Self {
            router: join_routes(
                &shared,
                channels,
                server,
                opened.vault,
                opened.api_keys,
                (answering, Arc::new(workers.outbox.clone()), responder),
                running.clone(),
            ),
            scheduler: scheduler(&shared, jobs),
            shared,
            workers,
            runner,
            running,
            limits,
            data_folder,
            writer: opened.writer,
            lock,
        })
    }
}

/// Looks whether the folder can be used, before anything in it is opened.
fn take_up_folder(data_folder: &Path) -> Result<(), StartError> {
    ensure_no_restore_broke_off(data_folder)?;
    keep_temporary_files_in(data_folder).context("the data folder cannot hold temporary files")?;
    Ok(())
}

/// Tells the journal of the channels: how content is taken back there, and that what concerns an app itself always flows.
async fn introduce(shared: &Shared, channels: &[Channel]) -> Result<(), JournalError> {
    for about in channels::ALL {
        if let Some(unsending) = about.unsending {
            shared.journal.set_unsending(about.name, unsending);
        }
    }
    for channel in channels {
        shared.journal.connect_account(channel.about.name, "").await?;
    }
    Ok(())
}

fn scheduler(shared: &Shared, jobs: Vec<Job>) -> Scheduler {
    let Shared { journal, clock, metrics, alerts, .. } = shared;
    Scheduler::new(jobs, journal.clone(), clock.clone(), metrics.clone(), alerts.clone())
}

/// Nothing in it is worth a backup, so a damaged one stops nothing.
fn open_sessions(server: &Server, clock: &Clock, alerts: &Alerts) -> anyhow::Result<Db> {
    let (sessions, is_new) = Db::open_or_begin_anew(&server.sessions_db, store::SESSIONS_MIGRATIONS, clock.now_ms())?;
    if is_new {
        alerts.raise(
            "sessions:new",
            "sessions.db was damaged: it was moved aside with .damaged- in its name, and a new one was begun. Browsers log in \
             again. Look at the disk, and remove the damaged one.",
        );
    }
    Ok(sessions)
}

/// Opens the databases and the output folder, and makes what the channels share.
async fn open(server: &Server, allowed: AllowedAddresses, clock: Clock) -> anyhow::Result<Opened> {
    let (vault, key_file) = open_vault(server)?;
    let tokens = Db::open(&server.tokens_db, store::TOKENS_MIGRATIONS)?;
    let metrics = Metrics::default();
    let alerts = Alerts::counted(clock.clone(), metrics.clone());
    let sessions = open_sessions(server, &clock, &alerts)?;
    let keys = Keys::new(tokens.clone(), sessions.clone(), vault.clone());
    let rotation = Rotation::new(keys, key_file, alerts.clone());
    let connections = Connections::open(tokens.clone(), vault.clone(), clock.clone()).await?;
    let api_keys = ApiKeys::open(tokens.clone()).await?;
    let output = Output::open_for(&server.output_dir, server.output_readers)
        .with_context(|| format!("the output folder {} cannot be used", server.output_dir.display()))?;
    output.tell_alerts(alerts.clone());
    let (journal, writer) =
        Journal::open_watched(&server.journal_db, clock.clone(), metrics.writer.clone(), alerts.clone())?;
    let installation = installation::agree(&tokens, &journal, &output, &alerts).await?;
    output.settle_readers().with_context(|| cannot_share(server))?;
    let sources = channels::ALL.iter().filter_map(|about| Some((about.name, about.products?))).collect();
    let products = Products::open(&server.search_db, journal.clone(), sources, metrics.search.clone()).await?;
    let is_public = server.is_public();
    let states = LoginStates::new(sessions.clone());
    let sessions = Sessions::new(sessions, vault.clone());
    let (progress, reads) = (Progress::default(), Reads::default());
    let uploads = store::uploads::Uploads::open(journal.clone(), folder_of(&server.journal_db))
        .context("the folder of uploaded media cannot be used")?;
    uploads.remove_leftovers().await.context("the folder of uploaded media cannot be used")?;
    let erasure = Erasure::new(
        Erasures::new(tokens.clone()),
        connections.clone(),
        sessions.clone(),
        journal.clone(),
        uploads.clone(),
        reads.clone(),
        progress.clone(),
        alerts.clone(),
        clock.clone(),
    );
    let objects = server.objects.clone();
    let objects =
        objects.map(|settings| Objects::new(settings, clock.clone(), &server.timeouts, metrics.clone())).transpose()?;
    let shared = Shared {
        objects,
        http: Http::new(clock.clone(), &server.timeouts, allowed)?,
        sessions,
        logins: Logins::new(states, state_key(server, &vault), clock.clone(), is_public),
        connections,
        journal,
        output,
        products,
        progress,
        alerts,
        erasure,
        metrics,
        refused: RefusedDeliveries::default(),
        self_tests: SelfTests::default(),
        is_public,
        clock,
    };
    Ok(Opened { shared, vault, tokens, api_keys, rotation, reads, uploads, writer, installation })
}

/// The vault, and the key file if the master key is not given by the environment.
fn open_vault(server: &Server) -> anyhow::Result<(Vault, Option<PathBuf>)> {
    let key_file = server.key_file();
    let vault = match server.given_vault() {
        Some(vault) => vault,
        None => {
            ensure!(
                key_file.exists() || !has_check_value(&server.tokens_db),
                "{} is missing, and {} was sealed with it; nothing was changed. Put it back, or move tokens.db away to \
                 connect everything anew",
                key_file.display(),
                server.tokens_db.display()
            );
            Vault::from_key_file(&key_file)?
        }
    };
    Ok((vault, server.master_key.is_none().then_some(key_file)))
}

/// What everything about answering is given.
fn answering(
    shared: &Shared,
    channels: &[Channel],
    server: &Server,
    (receivers, uploads): (Receivers, Uploads),
) -> Answering {
    let dialogues = channels.iter().filter_map(|channel| Some((channel.about.name, channel.dialogue.clone()?)));
    let meanings = channels::ALL.iter().filter_map(|about| Some((about.name, about.meaning?)));
    Answering {
        shared: shared.clone(),
        dialogues: Arc::new(dialogues.collect()),
        meanings: Arc::new(meanings.collect()),
        settings: Arc::new(server.answering.clone()),
        products: Arc::new(Catalogue::new(shared.products.clone(), shared.connections.clone())),
        receivers,
        uploads,
    }
}

/// The worker that copies files to object storage; `None`: the settings name no bucket. Then nobody writes down what
/// changes, and a bucket of later is compared with all files.
async fn object_copies(shared: &Shared, installation: String) -> anyhow::Result<Option<ObjectCopies>> {
    if let Some(objects) = shared.objects.clone() {
        let copies = ObjectCopies::new(shared.clone(), objects, installation);
        return copies.map(Some).context("a thread cannot be started");
    }
    if shared.journal.find_cursor(BUCKET).await?.is_some_and(|bucket| !bucket.is_empty()) {
        shared.journal.save_cursor(BUCKET, String::new()).await?;
    }
    Ok(None)
}

/// The worker that connects the accounts that the settings name; `None`: they name none.
fn configured(shared: &Shared, channels: &[Channel], owner: Option<ChannelsOwner>) -> Option<ConfiguredAccounts> {
    let named: Vec<_> =
        channels.iter().filter_map(|channel| Some((channel.about.name, channel.configured.clone()?))).collect();
    (!named.is_empty()).then(|| ConfiguredAccounts::new(shared.clone(), owner, named))
}

/// The built-in responder; `None`: it is off. Its calls may go to the model's address, wherever that is.
fn responder(answering: &Answering, server: &mut Server) -> anyhow::Result<Option<Responder>> {
    let Some(settings) = server.responder.take() else { return Ok(None) };
    let timeouts = Timeouts { idle: settings.timeout, total: settings.timeout, ..server.timeouts.clone() };
    let allowed = AllowedAddresses::new([&settings.endpoint]);
    let http = Http::new(answering.shared.clock.clone(), &timeouts, allowed)?;
    Ok(Some(Responder::new(answering.clone(), settings, http)))
}

/// The worker that posts events. Its calls go through clients of their own: a merchant's receiver may be at no address that
/// only this service is to reach.
fn push(answering: &Answering, server: &mut Server) -> anyhow::Result<Push> {
    let timeouts = Timeouts { idle: PUSH_WITHIN, total: PUSH_WITHIN, ..server.timeouts.clone() };
    let client = |allowed| Http::new(answering.shared.clock.clone(), &timeouts, allowed);
    let bot = match server.bot_receiver.take() {
        Some(receiver) => {
            let http = client(AllowedAddresses::new([&receiver.url]))?;
            Some((receiver, http))
        }
        None => None,
    };
    let Receivers { endpoints, allowed } = answering.receivers.clone();
    Push::new(answering.clone(), endpoints, client(allowed)?, bot)
}

/// Lets the events of connected accounts flow, and removes what a kill left half-written.
async fn take_up_accounts(shared: &Shared) -> anyhow::Result<()> {
    for connection in shared.connections.list().await? {
        remove_leftovers(&shared.output, &connection.channel, &connection.account);
        // Also releases what a kill between connecting and releasing left behind.
        let connected = shared.journal.connect_account(&connection.channel, &connection.account).await;
        connected.context("the journal cannot be written")?;
    }
    Ok(())
}

/// Removes half-written files of an account from the folders it may have.
fn remove_leftovers(output: &Output, channel: &str, account: &str) {
    for parts in [
        [account].as_slice(),
        &[channel, account],
        &[channel, account, "conversations"],
        &[channel, account, "media"],
        &[channel, account, "media", "index"],
    ] {
        if let Err(error) = RelativePath::new(parts).and_then(|path| output.remove_leftovers(&path)) {
            tracing::warn!(%error, channel, account, "half-written files could not be removed");
        }
    }
}

/// The routes of our own pages, of the operator, of the API for bots and of every channel, behind what all answers have in common.
fn join_routes(
    shared: &Shared,
    channels: Vec<Channel>,
    server: Server,
    vault: Vault,
    api_keys: ApiKeys,
    (answering, outbox, responder): (Answering, Arc<dyn Sending>, Option<Responder>),
    running: Running,
) -> Router {
    let is_on = |about: &About| channels.iter().any(|channel| channel.about.name == about.name);
    let api_channels = channels::ALL.iter().map(|about| ApiChannel::of(about, is_on(about))).collect();
    let fronts = channels.iter().map(|channel| Front {
        channel: channel.about.name,
        connect: channel.connect.clone(),
        view: channel.view,
        reader: Arc::clone(&channel.reader),
        is_configured: channel.configured.is_some(),
    });
    let mut router = web::router(
        (answering.clone(), Arc::clone(&outbox), responder),
        fronts.collect(),
        vault,
        api_keys.clone(),
        running,
        server.public_url.clone(),
    );
    router = router.merge(operator::router(
        shared.clone(),
        server.operator_token,
        server.public_url.clone(),
        channels::event_key,
    ));
    router = router.merge(api::router(answering, outbox, api_keys, api_channels, &server.limits));
    for channel in channels {
        router = router.merge(channel.routes);
    }
    web::finish(router, server.public_url.as_ref(), &server.limits, &shared.metrics)
}

/// Why the service does not start: the files would be for fewer readers than the settings say, or for more.
fn cannot_share(server: &Server) -> String {
    format!(
        "the files in {} cannot be given to the readers of OUTPUT_GROUP; the user who runs shoptalk must own that folder and \
         be a member of the group",
        server.output_dir.display()
    )
}

/// Where an operator sees how the service is doing; `None`: there is no such page, or the world does not reach us.
fn operator_page(server: &Server) -> Option<url::Url> {
    server.operator_token.as_ref()?;
    Some(below(server.public_url.as_ref()?, "/operator"))
}
