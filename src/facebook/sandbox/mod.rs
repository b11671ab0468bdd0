//! The simulated Facebook platform: login dialog, token endpoint, Graph API and webhooks, on a loopback port.
//!
//! It is written from the platform's documents and shares no code with the channel that it stands opposite to. There
//! is one app and one person, who may manage any number of Pages. A [`Sandbox`] or a [`Page`] steers it: by hand in
//! tests, on a timer in the demo.

mod api;
mod deliver;
mod fields;
mod graph;
mod login;
mod page;
mod state;

use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

pub use self::page::Page;
pub use self::state::AppSubscription;
use self::state::{Core, PageRecord, Platform};
use crate::shared::sandbox::{Loopback, Now, Traffic};

/// What the simulated app is.
pub struct Options {
    /// The app's id; digits, as on the real platform.
    pub app_id: String,
    /// The key of all signatures and proofs.
    pub app_secret: String,
    /// Where its time comes from.
    pub now: Now,
}

/// A customer who writes to Pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The Page-scoped id. On the real platform it differs from Page to Page; here one id serves for all.
    pub id: String,
    /// First and last name.
    pub name: String,
}

/// A handle to the running simulator. Cheap to clone; the server stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    core: Arc<Core>,
    server: Arc<Loopback>,
}

impl Sandbox {
    /// Starts it with one app, one person named "Robin Merchant", and no Pages.
    ///
    /// # Errors
    /// When no port can be opened or the client for deliveries cannot be built.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let core = Arc::new(Core {
            app_id: options.app_id,
            app_secret: options.app_secret,
            now: options.now,
            traffic: Traffic::default(),
            http: deliver::client()?,
            url: OnceLock::new(),
            platform: Mutex::new(Platform::new()),
        });
        let server = Loopback::start(api::router(core.clone()), core.traffic.clone()).await?;
        core.url.get_or_init(|| server.url());
        Ok(Self { core, server: Arc::new(server) })
    }

    /// The base URL of the Graph API and of the dialog, without a version and without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it received, and what shall go wrong next.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.core.traffic
    }

    /// The app-scoped id of the one person who logs in.
    #[must_use]
    pub fn person_id(&self) -> String {
        self.core.platform().person_id.clone()
    }

    /// Adds a Page with all tasks for the person and typical metadata. An id that exists is only renamed.
    pub fn add_page(&self, id: &str, name: &str) -> Page {
        let mut platform = self.core.platform();
        if let Some(page) = platform.page_mut(id) {
            page.fields.insert("name".to_owned(), name.into());
        } else {
            platform.pages.push(PageRecord::new(id, name));
        }
        drop(platform);
        Page { sandbox: self.clone(), id: id.to_owned() }
    }

    /// The Page with this id.
    #[must_use]
    pub fn page(&self, id: &str) -> Option<Page> {
        let known = self.core.platform().page(id).is_some();
        known.then(|| Page { sandbox: self.clone(), id: id.to_owned() })
    }

    /// A customer with this Page-scoped id; from now on the API knows the name.
    pub fn person(&self, id: &str, name: &str) -> Person {
        self.core.platform().people.insert(id.to_owned(), name.to_owned());
        Person { id: id.to_owned(), name: name.to_owned() }
    }

    /// The dialog answers at once, without showing its page.
    pub fn auto_consent(&self, yes: bool) {
        self.core.platform().auto_consent = yes;
    }

    /// The automatic path of the dialog clicks "Cancel".
    pub fn refuse_consent(&self, yes: bool) {
        self.core.platform().refuses_consent = yes;
    }

    /// The person will untick this permission in the dialog. What was granted before stays so until then.
    pub fn decline(&self, permission: &str) {
        self.core.platform().declines.insert(permission.to_owned());
    }

    /// The person will no longer untick this permission. Once declined, it is only asked for again with
    /// `auth_type=rerequest`.
    pub fn accept(&self, permission: &str) {
        self.core.platform().declines.remove(permission);
    }

    /// The person takes back a granted permission; tokens stay alive.
    pub fn withdraw(&self, permission: &str) {
        self.core.platform().permissions.insert(permission.to_owned(), "declined");
    }

    /// From the first call on, the dialog knows only the redirect URIs named here, compared exactly.
    pub fn allow_redirect_uri(&self, uri: &str) {
        self.core.platform().redirect_uris.push(uri.to_owned());
    }

    /// All tokens die: error 190 with this subcode. 458 (the app was removed) takes back all permissions too.
    pub fn revoke_tokens(&self, subcode: u32) {
        self.core.platform().revoke_tokens(subcode);
    }

    /// The app-level subscription of object `page`.
    #[must_use]
    pub fn app_subscription(&self) -> Option<AppSubscription> {
        self.core.platform().app_subscription.clone()
    }

    /// Drops the app-level subscription, as someone in the dashboard might.
    pub fn drop_app_subscription(&self) {
        self.core.platform().app_subscription = None;
    }

    /// The switch "Require App Secret" of the app.
    pub fn set_app_secret_proof_required(&self, yes: bool) {
        self.core.platform().proof_required = yes;
    }

    /// No list gives more than `items` at once, whatever `limit` says; nested lists included.
    pub fn set_page_limit(&self, items: usize) {
        self.core.platform().page_limit = Some(items);
    }

    /// All answers carry this header from now on, for example `X-App-Usage`.
    pub fn set_usage(&self, header: &str, value: &str) {
        self.core.platform().usage.insert(header.to_ascii_lowercase(), value.to_owned());
    }

    /// Paths of all requests that carried a token or the app secret in the URL. The `input_token` of `debug_token`
    /// does not count: it has no other place.
    #[must_use]
    pub fn secrets_seen_in_urls(&self) -> Vec<String> {
        self.core.platform().secrets_seen.clone()
    }

    /// Deliveries carry only the older `X-Hub-Signature`.
    pub fn sha1_only(&self, yes: bool) {
        self.core.platform().sha1_only = yes;
    }

    /// Deliveries go here, whatever the app subscription says.
    pub fn deliver_to(&self, callback_url: &str) {
        self.core.platform().delivery_url = Some(callback_url.to_owned());
    }

    /// Posts exactly these bytes, correctly signed. The result is the HTTP status.
    ///
    /// # Errors
    /// When no answer came within 10 s, or nobody said where to deliver to.
    pub async fn deliver_raw(&self, body: &[u8]) -> Result<u16, reqwest::Error> {
        self.post(body, &self.core.app_secret).await
    }

    /// Posts exactly these bytes, signed with a secret that is not the app's.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_forged(&self, body: &[u8]) -> Result<u16, reqwest::Error> {
        self.post(body, &format!("not {}", self.core.app_secret)).await
    }

    /// Posts exactly these bytes with exactly these headers; no signature is added.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_with(&self, body: &[u8], headers: &[(&str, &str)]) -> Result<u16, reqwest::Error> {
        let address = deliver::address(&self.core.platform());
        deliver::post(&self.core.http, &address, body, headers).await
    }

    async fn post(&self, body: &[u8], secret: &str) -> Result<u16, reqwest::Error> {
        let newer = deliver::sign_sha256(secret, body);
        let older = deliver::sign_sha1(secret, body);
        let mut headers = vec![("x-hub-signature", older.as_str())];
        if !self.core.platform().sha1_only {
            headers.push(("x-hub-signature-256", newer.as_str()));
        }
        self.deliver_with(body, &headers).await
    }

    /// The value of `X-Hub-Signature-256` for this body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        deliver::sign_sha256(&self.core.app_secret, body)
    }

    /// The value of the older `X-Hub-Signature` for this body.
    #[must_use]
    pub fn sign_sha1(&self, body: &[u8]) -> String {
        deliver::sign_sha1(&self.core.app_secret, body)
    }

    /// JSON as Meta writes it: ASCII only, with lower-case `\uXXXX` and `\/`.
    #[must_use]
    pub fn escape(json: &Value) -> String {
        deliver::escape(json)
    }

    /// The `signed_request` of the deauthorize and the data deletion callback, issued now.
    /// Source: <https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback>
    /// (November 2026).
    #[must_use]
    pub fn signed_request(&self, user_id: &str) -> String {
        deliver::signed_request(&self.core.app_secret, user_id, self.core.now().timestamp())
    }

    /// One body with an entry for each Page.
    #[must_use]
    pub fn envelope_of(&self, entries: &[(&Page, Vec<Value>)]) -> Value {
        let time = self.core.now().timestamp_millis();
        let entries: Vec<Value> =
            entries.iter().map(|(page, items)| json!({"id": page.id, "time": time, "messaging": items})).collect();
        json!({"object": "page", "entry": entries})
    }
}
