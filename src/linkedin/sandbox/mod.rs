//! The simulated LinkedIn: the API of one organization's page, its webhook, and members who comment.
//!
//! It is written from the platform's documents, meets the service over HTTP only, and shares no code with the channel that it
//! stands opposite to. Time comes from [`Options::now`], failures come on request.
//!
//! # How a test plays with it
//! ```text
//! let linkedin = Sandbox::start(Options { client_id, client_secret, organization: "90001".into(), name: "Harbour Cafe".into(), now }).await?;
//! // linkedin.url() = LINKEDIN_API_URL, linkedin.oauth_url() = LINKEDIN_OAUTH_URL, linkedin.access_token() = LINKEDIN_ACCESS_TOKEN
//! linkedin.validate("http://127.0.0.1:…/linkedin/webhook").await?;       // the portal: the challenge, within 3 s
//! linkedin.subscribe();                                                 // or the service PUTs /rest/eventSubscriptions/(…)
//!
//! let post = linkedin.publishes("Our autumn menu");                     // post.urn() = urn:li:share:…, post.activity()
//! let ada = linkedin.member("TESTmember1", "Ada Perera");
//! let happened = ada.comments(&post, "Do you ship to Galle?").await;    // COMMENT; happened.answers == [200]
//! ada.replies(&post, &happened.urn, "And to Matara?").await;   ada.likes(&post).await;   ada.shares(&post).await;   ada.mentions("…").await;
//! linkedin.admin_comments(&post, "Yes!").await;                         // a person at the page: ADMIN_COMMENT
//!
//! // The service answers through POST /rest/socialActions/{urn}/comments …
//! linkedin.settled().await;                                             // the notification of its own comment was answered
//! assert_eq!(post.page_comments(), ["Yes, we ship to Galle."]);         // what everybody sees of the page
//! assert_eq!(linkedin.sent().len(), 1);                                 // what the API took
//! ```
//! Steering: [`Sandbox::set_webhooks`], [`Sandbox::release`], [`Sandbox::release_together`] (up to ten in one body); [`Sandbox::fail_sends`]
//! (`SendFailure::Refused(429)`, cut before or after it was taken, a gateway's page); [`Sandbox::traffic`] for every other call;
//! [`Sandbox::kill_tokens`]; [`Sandbox::recheck`] for the check of every two hours.

mod api;
mod call;
mod deliver;
mod handle;
mod oauth;
mod page;
mod people;
mod state;
mod steering;

use std::sync::{Arc, Mutex};

use tokio_util::task::TaskTracker;

pub use self::handle::{Happened, Member, PagePost, Sandbox, SendFailure};
pub use self::state::NoticeShape;
pub use self::state::{CommentRecord, SentComment};
use self::state::{Core, World};
use crate::shared::channel::simulator::{Loopback, Now, Traffic, loopback_client};

/// What the simulated app and its one organization are.
pub struct Options {
    /// The app's client id.
    pub client_id: String,
    /// The app's client secret: it signs everything.
    pub client_secret: String,
    /// The organization's id; digits.
    pub organization: String,
    /// The organization's name.
    pub name: String,
    /// Where its time comes from.
    pub now: Now,
}

impl Sandbox {
    /// Starts it with one app, one organization and one administrator, whose access token lives for 60 days.
    ///
    /// # Errors
    /// When no port can be opened or the client for deliveries cannot be built.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Self::start_on(options, 0).await
    }

    /// As [`Sandbox::start`], at this port if it is free.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn start_on(options: Options, port: u16) -> std::io::Result<Self> {
        let now = (options.now)();
        let core = Arc::new(Core {
            client_id: options.client_id,
            client_secret: options.client_secret,
            organization: options.organization,
            name: options.name,
            now: options.now,
            traffic: Traffic::default(),
            http: loopback_client()?,
            world: Mutex::new(World::new(now)),
            tasks: TaskTracker::new(),
        });
        // Closed, it can be waited for whenever nothing is being sent; it takes more all the same.
        core.tasks.close();
        let server = Loopback::start_on(api::router(core.clone()), core.traffic.clone(), port).await?;
        Ok(Self { core, server: Arc::new(server) })
    }
}
