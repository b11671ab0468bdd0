//! The workers of the service, and the order in which they are driven.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;

use crate::answering::Answering;
use crate::answering::responder::Responder;
use crate::commands::Needs;
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::reader::Reader;
use crate::shared::low_priority::LowPriorityThread;
use crate::shared::store::{ApiKeys, Erasures};
use crate::shared::under_way::Reads;
use crate::web::Running;
use crate::workers::alert_webhook::AlertPoster;
use crate::workers::configured_accounts::ConfiguredAccounts;
use crate::workers::conversations::Conversations;
use crate::workers::eraser::Eraser;
use crate::workers::feed::Feed;
use crate::workers::object_copies::ObjectCopies;
use crate::workers::outbox::Outbox;
use crate::workers::push::Push;
use crate::workers::reads::Refresh;
use crate::workers::reply_counts::ReplyCounter;
use crate::workers::responder::AnsweringWorker;
use crate::workers::search_index::SearchIndexer;
use crate::workers::threads::Overview;
use crate::workers::uploads::UploadRemover;
use crate::workers::{Rest, Worker};

/// The readers of the channels, by the channel's name.
pub(super) type Readers = HashMap<&'static str, Arc<dyn Reader>>;

/// The workers that are driven for as long as the service works.
pub(super) struct Workers {
    pub conversations: Arc<Conversations>,
    pub refresh: Refresh,
    pub alert_poster: Arc<AlertPoster>,
    pub outbox: Outbox,
    pub copies: Option<ObjectCopies>,
    overview: Arc<Overview>,
    /// The other ones whose work follows from events.
    others: Vec<Arc<dyn Worker>>,
}

impl Workers {
    /// Makes all workers. A new one is one line at the end.
    pub fn new(
        shared: &Shared,
        (erasures, api_keys): (Erasures, ApiKeys),
        reads: Reads,
        readers: Readers,
        alert_poster: Arc<AlertPoster>,
        (answering, push, copies): (Answering, Push, Option<ObjectCopies>),
        (configured, responder): (Option<ConfiguredAccounts>, Option<Responder>),
    ) -> anyhow::Result<Self> {
        let thread = LowPriorityThread::start("files").context("a thread cannot be started")?;
        let conversations =
            Arc::new(Conversations::new(shared.journal.clone(), shared.output.clone(), thread, shared.alerts.clone()));
        let refresh = Refresh::new(
            shared.journal.clone(),
            shared.connections.clone(),
            shared.progress.clone(),
            shared.metrics.clone(),
            readers,
            reads.clone(),
        );
        let eraser = Eraser::new(
            shared.clone(),
            erasures,
            (api_keys, answering.uploads.kept.clone()),
            reads,
            Arc::clone(&conversations),
            refresh.clone(),
            copies.clone(),
        );
        let search = SearchIndexer::new(shared.journal.clone(), shared.products.clone())
            .context("a thread cannot be started")?;
        let outbox = Outbox::new(answering.clone());
        let overview = Arc::new(Overview::new(shared.journal.clone()));
        let configured = configured.map(|worker| Arc::new(worker) as Arc<dyn Worker>);
        let mut others: Vec<Arc<dyn Worker>> = vec![
            Arc::clone(&overview) as Arc<dyn Worker>,
            Arc::new(refresh.clone()),
            Arc::new(eraser),
            Arc::new(UploadRemover::new(answering.uploads.kept.clone())),
            Arc::new(ReplyCounter::new(answering.clone())),
            Arc::new(Feed::new(answering, Arc::new(outbox.clone()))),
            Arc::new(outbox.clone()),
            Arc::new(push),
            Arc::new(search),
        ];
        others.extend(configured);
        let answers = |responder| AnsweringWorker::new(responder, Arc::new(outbox.clone()));
        others.extend(responder.map(|responder| Arc::new(answers(responder)) as Arc<dyn Worker>));
        others.extend(copies.clone().map(|worker| Arc::new(worker) as Arc<dyn Worker>));
        Ok(Self { conversations, refresh, alert_poster, outbox, copies, overview, others })
    }

    /// Those whose work follows from events, in the order in which they are driven where no service does it.
    pub fn of_events(&self) -> impl Iterator<Item = &dyn Worker> {
        let conversations: &dyn Worker = &*self.conversations;
        std::iter::once(conversations).chain(self.others.iter().map(|worker| &**worker))
    }

    /// Those that work beside a command where no service runs.
    pub fn beside(&self, needs: Needs) -> Vec<Arc<dyn Worker>> {
        match needs {
            Needs::Nothing => Vec::new(),
            Needs::Files => vec![
                Arc::clone(&self.conversations) as Arc<dyn Worker>,
                Arc::clone(&self.overview) as Arc<dyn Worker>,
                Arc::new(self.refresh.clone()),
            ],
            Needs::Copies => self.copies.iter().map(|worker| Arc::new(worker.clone()) as Arc<dyn Worker>).collect(),
        }
    }

    /// All of them; the one that makes conversation files also says whether the service is ready.
    pub fn at_work(&self, running: &Running) -> impl Iterator<Item = Arc<dyn Worker>> {
        let files: Arc<dyn Worker> =
            Arc::new(SaysWhetherReady { conversations: Arc::clone(&self.conversations), running: running.clone() });
        let alerts: Arc<dyn Worker> = self.alert_poster.clone();
        [files, alerts].into_iter().chain(self.others.iter().cloned())
    }
}

/// The worker that makes conversation files, which says with each step whether the service is ready: the first step
/// writes anew what a power cut may have taken.
struct SaysWhetherReady {
    conversations: Arc<Conversations>,
    running: Running,
}

impl Worker for SaysWhetherReady {
    fn name(&self) -> &'static str {
        self.conversations.name()
    }

    fn when_failing(&self) -> &'static str {
        self.conversations.when_failing()
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            let stepped = self.conversations.step().await;
            self.running.set(stepped.is_ok());
            Ok(stepped?)
        })
    }

    fn rest(&self) -> Rest {
        self.conversations.rest()
    }
}
