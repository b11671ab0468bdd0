//! Events → signed posts to receivers: each merchant's own, and that of the settings.
//!
//! A person's events are posted one by one, eight persons' at once; a receiver that does not answer delays nobody else's. A
//! row says what is still to be posted, so a kill at any instant costs at most a repeat with the same id.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::alert_webhook;
use super::{Rest, Worker, until_done};
use crate::answering::Answering;
use crate::answering::event::{EventQuery, FeedText};
use crate::shared::channel::job::BoxFuture;
use crate::shared::outgoing::answer::retry_after;
use crate::shared::outgoing::http::{ApiError, Http};
use crate::shared::outgoing::signed_post;
use crate::shared::retry::Doubling;
use crate::shared::store::push::{DuePush, Failed, PushEndpoints, Receiver};
use crate::shared::store::{FeedQuery, ItemKind};

/// How often it is looked for events to be posted.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many posts to one receiver are under way at once.
const AT_ONCE: usize = 8;

/// How long a receiver may take.
pub const WITHIN: Duration = Duration::from_secs(15);

/// The pauses between the tries of a post.
const PAUSES: Doubling = Doubling::new(Duration::from_secs(5), Duration::from_secs(60 * 60));

/// For how long one receiver is posted to before it is looked again where it is and what signs.
const LONGEST_RUN: Duration = Duration::from_secs(1);

/// After so many failures of a post somebody is told.
const FAILURES_TO_TELL: i64 = 3;

/// The receiver of the settings, which is told of all merchants.
#[derive(Debug)]
pub struct BotReceiver {
    /// Where it is.
    pub url: Url,
    /// What signs: one or two secrets.
    pub secrets: Vec<SecretString>,
}

/// Posts events. Cheap to clone.
#[derive(Clone)]
pub struct Push(Arc<Inner>);

struct Inner {
    answering: Answering,
    endpoints: PushEndpoints,
    /// For merchants' receivers: public addresses only.
    http: Http,
    bot: Option<Bot>,
    /// To whom posts are under way.
    busy: Mutex<HashSet<(Receiver, Uuid)>>,
    tasks: TaskTracker,
    /// Nothing is begun any more.
    is_stopping: AtomicBool,
}

struct Bot {
    url: Url,
    secrets: Vec<Zeroizing<Vec<u8>>>,
    /// May ask the configured address, wherever it is.
    http: Http,
    /// It wants no more, until the next start.
    is_off: AtomicBool,
}

impl Bot {
    fn is_off(&self) -> bool {
        self.is_off.load(Ordering::Acquire)
    }
}

/// Where a merchant's events go.
struct Target {
    receiver: Receiver,
    merchant: Uuid,
    url: Url,
    kinds: Vec<ItemKind>,
    http: Http,
}

impl Target {
    /// Of all receivers alike: posts are messages, and have as many places.
    fn new(receiver: Receiver, merchant: Uuid, url: Url, kinds: Vec<ItemKind>, http: &Http) -> Self {
        let http = http.sending_of(&receiver.alert(merchant));
        Self { receiver, merchant, url, kinds, http }
    }

    /// The cause of the alert that it takes no events.
    fn alert(&self) -> String {
        self.receiver.alert(self.merchant)
    }
}

/// What became of a post.
enum Posted {
    Taken,
    /// It wants no more.
    Gone,
    Failed(String, Option<Duration>),
}

impl Push {
    /// Posts to merchants' receivers through `http`, and to that of the settings through `bot_http`.
    ///
    /// # Errors
    /// When a secret of the settings is none.
    pub fn new(
        answering: Answering,
        endpoints: PushEndpoints,
        http: Http,
        bot: Option<(BotReceiver, Http)>,
    ) -> anyhow::Result<Self> {
        let bot = match bot {
            None => None,
            Some((BotReceiver { url, secrets }, http)) => {
                let keys = secrets.iter().map(alert_webhook::Receiver::key);
                let secrets = keys.collect::<Result<_, _>>().map_err(|problem| anyhow::anyhow!(problem))?;
                Some(Bot { url, secrets, http, is_off: AtomicBool::new(false) })
            }
        };
        let (busy, tasks) = (Mutex::default(), TaskTracker::new());
        let is_stopping = AtomicBool::new(false);
        Ok(Self(Arc::new(Inner { answering, endpoints, http, bot, busy, tasks, is_stopping })))
    }

    /// Begins to post to whoever has something waiting. Gives back whether anything was begun.
    async fn begin(&self) -> anyhow::Result<bool> {
        let mut has_begun = false;
        for target in self.0.targets().await? {
            let key = (target.receiver, target.merchant);
            if !self.0.busy().insert(key) {
                continue;
            }
            let due = self.0.list_due(&target).await;
            match due {
                Ok(due) if !due.is_empty() => {
                    has_begun = true;
                    let inner = Arc::clone(&self.0);
                    self.0.tasks.spawn(async move {
                        let _over = Over { inner: Arc::clone(&inner), key };
                        if let Err(error) = inner.post_all(target, due).await {
                            tracing::warn!(error = format!("{error:#}"), "posting events broke off; it goes on later");
                        }
                    });
                }
                due => {
                    self.0.busy().remove(&key);
                    due?;
                    self.0.heal(&target).await?;
                }
            }
        }
        Ok(has_begun)
    }
}

/// Ends the work for a receiver, also where it ends in a panic: nobody must stay busy for ever.
struct Over {
    inner: Arc<Inner>,
    key: (Receiver, Uuid),
}

impl Drop for Over {
    fn drop(&mut self) {
        self.inner.busy().remove(&self.key);
    }
}

impl Inner {
    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<(Receiver, Uuid)>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn targets(&self) -> anyhow::Result<Vec<Target>> {
        let mut targets = Vec::new();
        for endpoint in self.endpoints.list().await? {
            if endpoint.is_off {
                // Also where that was told by a process before this one.
                self.answering.shared.alerts.raise(&Receiver::Own.alert(endpoint.merchant), GONE);
                continue;
            }
            let Ok(url) = Url::parse(&endpoint.url) else { continue };
            targets.push(Target::new(Receiver::Own, endpoint.merchant, url, endpoint.kinds, &self.http));
        }
        if let Some(bot) = self.bot.as_ref().filter(|bot| !bot.is_off()) {
            for merchant in self.answering.shared.journal.begin_bot_pushes().await? {
                let kinds = ItemKind::ALL.to_vec();
                targets.push(Target::new(Receiver::Bot, merchant, bot.url.clone(), kinds, &bot.http));
            }
        }
        Ok(targets)
    }

    /// What signs for a receiver: never nothing.
    async fn secrets_of(&self, target: &Target) -> anyhow::Result<Vec<Zeroizing<Vec<u8>>>> {
        match (target.receiver, &self.bot) {
            (Receiver::Bot, Some(bot)) => Ok(bot.secrets.clone()),
            (Receiver::Bot, None) => Ok(Vec::new()),
            (Receiver::Own, _) => self.endpoints.secrets(target.merchant, self.answering.shared.clock.now_ms()).await,
        }
    }

    async fn list_due(&self, target: &Target) -> anyhow::Result<Vec<DuePush>> {
        let most = i64::try_from(2 * AT_ONCE).unwrap_or(i64::MAX);
        let journal = &self.answering.shared.journal;
        Ok(journal.list_due_pushes(target.receiver, target.merchant, target.kinds.clone(), most).await?)
    }

    /// Heals the alert of a receiver that has no trouble any more: it took what it did not take, or that was erased.
    async fn heal(&self, target: &Target) -> anyhow::Result<()> {
        let shared = &self.answering.shared;
        let alert = target.alert();
        if shared.alerts.is_open(&alert) && !shared.journal.is_push_failing(target.receiver, target.merchant).await? {
            shared.alerts.heal(&alert);
        }
        Ok(())
    }

    /// Posts what is due, until nothing is or its time is over.
    async fn post_all(self: Arc<Self>, target: Target, mut due: Vec<DuePush>) -> anyhow::Result<()> {
        let begun = Instant::now();
        let to = Arc::new((self.secrets_of(&target).await?, target));
        let mut under_way: HashSet<i64> = HashSet::new();
        let mut posts = JoinSet::new();
        loop {
            for push in due {
                if under_way.len() < AT_ONCE && under_way.insert(push.n) {
                    let (inner, to) = (Arc::clone(&self), Arc::clone(&to));
                    posts.spawn(async move { (push.n, inner.post_one(&to.1, &to.0, push).await) });
                }
            }
            let Some(done) = posts.join_next().await else { return Ok(()) };
            let (n, goes_on) = done?;
            under_way.remove(&n);
            if !goes_on? {
                return Ok(());
            }
            due = match begun.elapsed() < LONGEST_RUN && !self.is_stopping.load(Ordering::Acquire) {
                true => self.list_due(&to.1).await?,
                false => Vec::new(),
            };
        }
    }

    /// Posts one event. Gives back whether its receiver wants more.
    async fn post_one(&self, target: &Target, secrets: &[Zeroizing<Vec<u8>>], push: DuePush) -> anyhow::Result<bool> {
        let shared = &self.answering.shared;
        let (to, of) = (target.receiver, target.merchant);
        let Some(event) = self.read(target, push.n).await? else {
            shared.journal.note_push_taken(to, of, push.n).await?;
            return Ok(true);
        };
        match self.post(target, secrets, &event).await {
            Posted::Taken => {
                shared.metrics.count_push("taken");
                shared.journal.note_push_taken(to, of, push.n).await?;
                self.heal(target).await?;
            }
            Posted::Gone => {
                shared.metrics.count_push("failed");
                self.switch_off(target).await?;
                return Ok(false);
            }
            Posted::Failed(problem, wait) => {
                shared.metrics.count_push("failed");
                let pause = PAUSES.after_ms(push.attempts);
                let wait = wait.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                let next_at = shared.clock.now_ms() + wait.unwrap_or(pause).max(pause);
                let failed = Failed { n: push.n, next_at, problem: problem.clone() };
                let set_aside = shared.journal.note_push_failed(to, of, failed).await?;
                tracing::info!(merchant = %of, problem, set_aside, "an event was not taken by its receiver");
                if push.attempts + 1 >= FAILURES_TO_TELL {
                    shared.alerts.raise(&target.alert(), FAILING);
                }
            }
        }
        Ok(true)
    }

    /// The event; `None`: there is nothing left of it.
    async fn read(&self, target: &Target, n: i64) -> anyhow::Result<Option<FeedText>> {
        let feed = FeedQuery { merchant: target.merchant, after: n - 1, limit: 1, history: 20, ..FeedQuery::default() };
        let query =
            EventQuery { feed, products: 5, with_merchant: target.receiver == Receiver::Bot, without_raw: false };
        let page = self.answering.read_events(query).await?;
        Ok(page.events.into_iter().find(|event| event.n == n && event.id.is_some()))
    }

    async fn post(&self, target: &Target, secrets: &[Zeroizing<Vec<u8>>], event: &FeedText) -> Posted {
        if secrets.is_empty() {
            return Posted::Failed("what signs for it cannot be read: PUT it again with rotate".to_owned(), None);
        }
        let id = event.id.as_deref().unwrap_or_default();
        match signed_post::post(&target.http, &target.url, id, event.json.clone(), secrets).await {
            Ok(answer) if answer.status.is_success() => Posted::Taken,
            Ok(answer) if answer.status == StatusCode::GONE => Posted::Gone,
            Ok(answer) => {
                let wait = retry_after(&answer.headers, &self.answering.shared.clock);
                Posted::Failed(format!("it answered {}", answer.status.as_u16()), wait)
            }
            Err(ApiError::Refused { .. }) => Posted::Failed("its address is not public".to_owned(), None),
            Err(error) => Posted::Failed(error.to_string(), None),
        }
    }

    async fn switch_off(&self, target: &Target) -> anyhow::Result<()> {
        let shared = &self.answering.shared;
        tracing::warn!(merchant = %target.merchant, "a receiver of events wants no more (410)");
        let is_off = match target.receiver {
            Receiver::Own => self.endpoints.switch_off(target.merchant, &target.url).await?,
            Receiver::Bot => {
                if let Some(bot) = &self.bot {
                    bot.is_off.store(true, Ordering::Release);
                }
                true
            }
        };
        if is_off {
            shared.alerts.raise(&target.alert(), GONE);
        }
        Ok(())
    }
}

const FAILING: &str = "A receiver does not take the events that are posted to it. They are posted again with growing pauses; \
                       what nobody takes for a day is set aside.";

const GONE: &str = "A receiver answered 410: it wants no more events, and none are posted to it. PUT /api/v1/push, or a \
                    restart where BOT_WEBHOOK_URL is meant, switches it on again.";

impl Worker for Push {
    fn name(&self) -> &'static str {
        "push"
    }

    fn when_failing(&self) -> &'static str {
        "Events are not posted to receivers: a database cannot be used. Nothing is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(self.begin())
    }

    fn rest(&self) -> Rest {
        Rest::For(LOOK_EVERY)
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(until_done(&self.0.tasks))
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.is_stopping.store(true, Ordering::Release);
            self.0.tasks.close();
            self.0.tasks.wait().await;
        })
    }
}
