//! The simulated Facebook platform: login dialog, token endpoint, Graph API and webhooks, on a loopback port.
//!
//! It is written from the platform's documents and shares no code with the channel that it stands opposite to. There
//! is one app and one person, who may manage any number of Pages. A [`Sandbox`] or a [`Page`] steers it: by hand in
//! tests, on a timer in the demo.

mod api;
mod call;
mod deliver;
mod fields;
mod graph;
mod handle;
mod happening;
mod lie;
mod login;
mod page;
mod paging;
mod send;
mod state;

use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

pub use self::handle::{Person, Sandbox};
pub use self::lie::Lie;
pub use self::page::Page;
pub use self::send::{ControlCall, Echoes, Reach, SendFailure, SenderAction, Sent};
pub use self::state::AppSubscription;
use self::state::{Core, GraphError, Holder, PageRecord, Platform};
use crate::shared::channel::simulator::{Loopback, Now, Traffic, ascii_json, loopback_client};

/// What the simulated app is.
pub struct Options {
    /// The app's id; digits, as on the real platform.
    pub app_id: String,
    /// The key of all signatures and proofs.
    pub app_secret: String,
    /// Where its time comes from.
    pub now: Now,
}

impl Sandbox {
    /// Starts it with one app, one person named "Robin Merchant", and no Pages.
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
        let core = Arc::new(Core {
            app_id: options.app_id,
            app_secret: options.app_secret,
            now: options.now,
            traffic: Traffic::default(),
            http: loopback_client()?,
            url: OnceLock::new(),
            platform: Mutex::new(Platform::new()),
            tasks: TaskTracker::new(),
        });
        // Closed, it can be waited for whenever nothing is being sent; it takes more all the same.
        core.tasks.close();
        // As every web server, it tells its time.
        let now = core.now.clone();
        let dated = axum::middleware::map_response(move |mut response: axum::response::Response| {
            let date = now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            if let Ok(date) = http::HeaderValue::from_str(&date) {
                response.headers_mut().insert(http::header::DATE, date);
            }
            std::future::ready(response)
        });
        let server = Loopback::start_on(api::router(core.clone()).layer(dated), core.traffic.clone(), port).await?;
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

    /// Gives a Page an Instagram account. Its handle is that of a Page: what happens on it has Instagram's shapes, and people
    /// have ids of their own there.
    pub fn add_instagram(&self, page: &str, id: &str, username: &str) -> Page {
        let mut platform = self.core.platform();
        if let Some(page) = platform.page_mut(page) {
            let account = json!({"id": id, "username": username});
            page.fields.insert("instagram_business_account".to_owned(), account);
        }
        let mut record = PageRecord::new(id, username);
        record.instagram_of = Some(page.to_owned());
        platform.pages.push(record);
        drop(platform);
        Page { sandbox: self.clone(), id: id.to_owned() }
    }

    /// The app-level subscription of object `instagram`.
    #[must_use]
    pub fn instagram_subscription(&self) -> Option<AppSubscription> {
        self.core.platform().instagram_subscription.clone()
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

    /// A token of this Page, as if the person had granted everything: for who is not there to test the login.
    #[must_use]
    pub fn page_token(&self, page: &str) -> String {
        let now = self.core.now();
        let mut platform = self.core.platform();
        platform.consent(&state::PERMISSIONS.map(str::to_owned), true);
        let (user, _) = platform.issue_user_token(true, now);
        platform.page_token(&user, page, now)
    }

    /// Puts a file on the content network and gives its link, as attachments carry it.
    pub fn put_content(&self, name: &str, content_type: &str, bytes: &[u8]) -> String {
        let content = state::Content {
            bytes: bytes.to_vec(),
            content_type: content_type.to_owned(),
            expired: false,
            leads_to: None,
        };
        self.core.platform().content.insert(name.to_owned(), content);
        format!("{}/cdn/{name}?oh=00_signature&oe=6A000000", self.url())
    }

    /// The link of a file expires: it answers 403 from now on.
    pub fn expire_content(&self, name: &str) {
        if let Some(content) = self.core.platform().content.get_mut(name) {
            content.expired = true;
        }
    }

    /// The link of a file answers with a redirect.
    pub fn redirect_content(&self, name: &str, target: &str) {
        if let Some(content) = self.core.platform().content.get_mut(name) {
            content.leads_to = Some(target.to_owned());
        }
    }

    /// The person gives a permission again, without a login.
    pub fn grant(&self, permission: &str) {
        self.core.platform().permissions.insert(permission.to_owned(), "granted");
    }

    /// The tokens of one Page die; the person's stay alive, and give new ones.
    pub fn revoke_page_tokens(&self, page_id: &str, subcode: u32) {
        for token in self.core.platform().tokens.values_mut() {
            if matches!(&token.holder, Holder::Page { id, .. } if id == page_id) {
                token.dead.get_or_insert(subcode);
            }
        }
    }

    /// All tokens live again: the person has confirmed the account.
    pub fn revive_tokens(&self) {
        for token in self.core.platform().tokens.values_mut() {
            token.dead = None;
        }
    }

    /// Somebody took this field out of the app-level subscription.
    pub fn drop_app_field(&self, field: &str) {
        if let Some(app) = &mut self.core.platform().app_subscription {
            app.fields.retain(|name| name != field);
        }
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

    /// Drops the app-level subscription of object `instagram`, as someone in the dashboard might.
    pub fn drop_instagram_subscription(&self) {
        self.core.platform().instagram_subscription = None;
    }

    /// The switch "Require App Secret" of the app.
    pub fn set_app_secret_proof_required(&self, yes: bool) {
        self.core.platform().proof_required = yes;
    }

    /// No list gives more than `items` at once, whatever `limit` says; nested lists included.
    pub fn set_page_limit(&self, items: usize) {
        self.core.platform().page_limit = Some(items);
    }

    /// From now on something is wrong with the `paging` of these lists; `edge` is the last part of their path: `accounts`,
    /// `conversations`, `messages`, `attachments`, `subscriptions`, `subscribed_apps`. `None`: no longer.
    pub fn lie_about_paging(&self, edge: &str, lie: Option<Lie>) {
        let lies = &mut self.core.platform().lies;
        match lie {
            Some(lie) => lies.insert(edge.to_owned(), lie),
            None => lies.remove(edge),
        };
    }

    /// All answers carry this header from now on, for example `X-App-Usage`.
    pub fn set_usage(&self, header: &str, value: &str) {
        self.core.platform().usage.insert(header.to_ascii_lowercase(), value.to_owned());
    }

    /// The body of an error answer, for [`Traffic::fail_next`] with `Failure::Json`: rate limits (4, 613, 80006) and
    /// whatever else the state of the simulator does not bring about.
    #[must_use]
    pub fn error(code: impl Into<i64>, subcode: Option<u32>, message: &str) -> Value {
        let error = GraphError::new(code.into(), message);
        subcode.map_or_else(|| error.body(), |subcode| error.clone().subcode(subcode).body())
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
        deliver::signed(&self.core, body, &self.core.app_secret).await
    }

    /// Posts exactly these bytes, signed with a secret that is not the app's.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_forged(&self, body: &[u8]) -> Result<u16, reqwest::Error> {
        deliver::signed(&self.core, body, &format!("not {}", self.core.app_secret)).await
    }

    /// Posts exactly these bytes with exactly these headers; no signature is added.
    ///
    /// # Errors
    /// As [`Sandbox::deliver_raw`].
    pub async fn deliver_with(&self, body: &[u8], headers: &[(&str, &str)]) -> Result<u16, reqwest::Error> {
        let address = deliver::address(&self.core.platform());
        deliver::post(&self.core.http, &address, body, headers).await
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
        ascii_json(json)
    }

    /// The `signed_request` of the deauthorize and the data deletion callback, issued now.
    /// Source: <https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback>
    /// (November 2026).
    #[must_use]
    pub fn signed_request(&self, user_id: &str) -> String {
        deliver::signed_request(&self.core.app_secret, user_id, self.core.now().timestamp())
    }

    /// The person removes the app: all their tokens die, and the callback named in the dashboard is told. The result is
    /// the answer's status and body.
    ///
    /// # Errors
    /// When no answer came within 10 s.
    pub async fn remove_app(&self, deauthorize_url: &str) -> Result<(u16, String), reqwest::Error> {
        self.revoke_tokens(458);
        self.send_signed_request(deauthorize_url, &self.signed_request(&self.person_id())).await
    }

    /// The person asks for their data to be deleted: the callback named in the dashboard is told. The result is the
    /// answer's status and body, of which the platform shows the person the code and the link.
    ///
    /// # Errors
    /// When no answer came within 10 s.
    pub async fn request_deletion(&self, data_deletion_url: &str) -> Result<(u16, String), reqwest::Error> {
        self.send_signed_request(data_deletion_url, &self.signed_request(&self.person_id())).await
    }

    /// Posts exactly this as the form field `signed_request`.
    ///
    /// # Errors
    /// When no answer came within 10 s.
    pub async fn send_signed_request(&self, url: &str, signed: &str) -> Result<(u16, String), reqwest::Error> {
        let answer = self.core.http.post(url).form(&[("signed_request", signed)]).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// One body with an entry for each Page.
    #[must_use]
    pub fn envelope_of(&self, entries: &[(&Page, Vec<Value>)]) -> Value {
        let time = self.core.now().timestamp_millis();
        let is_instagram = entries
            .iter()
            .any(|(page, _)| self.core.platform().page(&page.id).is_some_and(|record| record.instagram_of.is_some()));
        let entries: Vec<Value> =
            entries.iter().map(|(page, items)| json!({"id": page.id, "time": time, "messaging": items})).collect();
        json!({"object": if is_instagram { "instagram" } else { "page" }, "entry": entries})
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use reqwest::{Client, Response, StatusCode};

    use super::*;
    use crate::shared::channel::simulator::lock;

    const REDIRECT: &str = "https://bot.example/facebook/callback";
    const SCOPE: &str = "pages_show_list,pages_manage_metadata,pages_messaging,pages_read_engagement";

    /// A simulator that consents by itself, a client, and the hand-moved time in seconds.
    async fn start() -> (Sandbox, Client, Arc<Mutex<i64>>) {
        let seconds = Arc::new(Mutex::new(1_790_000_000));
        let clock = seconds.clone();
        let now: Now = Arc::new(move || DateTime::<Utc>::from_timestamp(*lock(&clock), 0).unwrap());
        let options = Options { app_id: "900000000000001".into(), app_secret: "example_app_secret".into(), now };
        let sandbox = Sandbox::start(options).await.unwrap();
        sandbox.auto_consent(true);
        (sandbox, loopback_client().unwrap(), seconds)
    }

    /// Where the dialog sends the browser.
    async fn consent(sandbox: &Sandbox, http: &Client, extra: &[(&str, &str)]) -> Response {
        let url = format!("{}/v26.0/dialog/oauth", sandbox.url());
        let query = [
            ("client_id", "900000000000001"),
            ("redirect_uri", REDIRECT),
            ("state", "s 1"),
            ("response_type", "code"),
            ("scope", SCOPE),
        ];
        http.get(url).query(&query).query(extra).send().await.unwrap()
    }

    fn location(response: &Response) -> String {
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn code(sandbox: &Sandbox, http: &Client) -> String {
        let target = url::Url::parse(&location(&consent(sandbox, http, &[]).await)).unwrap();
        target.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn token_call(sandbox: &Sandbox, http: &Client, params: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut form = vec![("client_id", "900000000000001"), ("client_secret", "example_app_secret")];
        form.extend(params);
        answer(http.post(format!("{}/v26.0/oauth/access_token", sandbox.url())).form(&form)).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    async fn get(sandbox: &Sandbox, http: &Client, token: &str, path: &str) -> (StatusCode, Value) {
        answer(http.get(format!("{}/v26.0/{path}", sandbox.url())).bearer_auth(token)).await
    }

    async fn user_tokens(sandbox: &Sandbox, http: &Client) -> (String, String) {
        let code = code(sandbox, http).await;
        let (status, short) = token_call(sandbox, http, &[("code", &code), ("redirect_uri", REDIRECT)]).await;
        assert_eq!(status, 200, "{short}");
        let short = short["access_token"].as_str().unwrap().to_owned();
        let exchange = [("grant_type", "fb_exchange_token"), ("fb_exchange_token", short.as_str())];
        let (_, long) = token_call(sandbox, http, &exchange).await;
        assert_eq!(long["expires_in"], 60 * 24 * 3600);
        (short, long["access_token"].as_str().unwrap().to_owned())
    }

    async fn page_token(sandbox: &Sandbox, http: &Client, user_token: &str) -> String {
        let (_, accounts) = get(sandbox, http, user_token, "me/accounts").await;
        accounts["data"][0]["access_token"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_code_is_exchanged_once_by_the_same_address_within_ten_minutes() {
        let (sandbox, http, seconds) = start().await;
        let code_1 = code(&sandbox, &http).await;
        let exchange = |code: &str, uri: &str| {
            let params = [("code".to_owned(), code.to_owned()), ("redirect_uri".to_owned(), uri.to_owned())];
            let (sandbox, http) = (sandbox.clone(), http.clone());
            async move {
                let params: Vec<(&str, &str)> = params.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
                token_call(&sandbox, &http, &params).await
            }
        };
        let (status, error) = exchange(&code_1, "https://bot.example/other").await;
        assert_eq!((status.as_u16(), &error["error"]["error_subcode"]), (400, &json!(36008)));
        let (_, token) = exchange(&code_1, REDIRECT).await;
        assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(5400)));
        assert_eq!(exchange(&code_1, REDIRECT).await.1["error"]["error_subcode"], 36009);
        let late = code(&sandbox, &http).await;
        *lock(&seconds) += 601;
        assert_eq!(exchange(&late, REDIRECT).await.1["error"]["error_subcode"], 36007);
        assert!(sandbox.secrets_seen_in_urls().is_empty());
    }

    #[tokio::test]
    async fn routes_exist_without_a_version_too_and_unknown_ones_are_noted() {
        let (sandbox, http, _) = start().await;
        let code = code(&sandbox, &http).await;
        let query = [
            ("client_id", "900000000000001"),
            ("client_secret", "example_app_secret"),
            ("redirect_uri", REDIRECT),
            ("code", &code),
        ];
        let (status, token) = answer(http.get(format!("{}/oauth/access_token", sandbox.url())).query(&query)).await;
        assert_eq!(status, 200, "{token}");
        assert_eq!(sandbox.secrets_seen_in_urls(), ["/oauth/access_token"]);
        let token = token["access_token"].as_str().unwrap();
        let (_, permissions) = answer(http.get(format!("{}/me/permissions", sandbox.url())).bearer_auth(token)).await;
        assert_eq!(permissions["data"].as_array().unwrap().len(), 5);
        assert_eq!(http.get(format!("{}/dialog/oauth", sandbox.url())).send().await.unwrap().status(), 400);
        assert_eq!(http.get(format!("{}/v26.0/me/feed", sandbox.url())).send().await.unwrap().status(), 404);
        assert_eq!(sandbox.traffic().unknown()[0].path, "/v26.0/me/feed");
    }

    #[tokio::test]
    async fn declined_permissions_are_asked_for_again_only_on_request() {
        let (sandbox, http, _) = start().await;
        sandbox.decline("pages_messaging");
        let (_, token) = user_tokens(&sandbox, &http).await;
        let status = async || {
            let (_, list) = get(&sandbox, &http, &token, "me/permissions").await;
            let rows = list["data"].as_array().unwrap().clone();
            rows.into_iter().find(|row| row["permission"] == "pages_messaging").unwrap()["status"].clone()
        };
        assert_eq!(status().await, "declined");
        sandbox.accept("pages_messaging");
        consent(&sandbox, &http, &[]).await;
        assert_eq!(status().await, "declined");
        consent(&sandbox, &http, &[("auth_type", "rerequest")]).await;
        assert_eq!(status().await, "granted");
    }

    #[tokio::test]
    async fn the_dialog_asks_and_both_buttons_lead_back() {
        let (sandbox, http, _) = start().await;
        sandbox.auto_consent(false);
        sandbox.add_page("100000000000101", "Demo & Shop");
        let page = consent(&sandbox, &http, &[]).await;
        assert_eq!(page.status(), 200);
        let html = page.text().await.unwrap();
        assert!(html.contains("Robin Merchant") && html.contains("Demo &amp; Shop"), "{html}");
        let press = async |action: &str| {
            let form = [
                ("client_id", "900000000000001"),
                ("redirect_uri", "https://bot.example/cb?shop=1"),
                ("state", "s"),
                ("response_type", "code"),
                ("scope", SCOPE),
                ("action", action),
            ];
            http.post(format!("{}/v26.0/dialog/oauth", sandbox.url())).form(&form).send().await.unwrap()
        };
        let cancelled = press("cancel").await;
        assert_eq!(cancelled.status(), 303);
        assert_eq!(
            location(&cancelled),
            "https://bot.example/cb?shop=1&error=access_denied&error_code=200&error_description=Permissions+error&error_reason=user_denied&state=s#_=_"
        );
        assert!(location(&press("continue").await).starts_with("https://bot.example/cb?shop=1&code=AQ"));
        sandbox.auto_consent(true);
        assert!(location(&consent(&sandbox, &http, &[]).await).ends_with("&state=s+1#_=_"));
        sandbox.allow_redirect_uri("https://bot.example/other");
        assert_eq!(consent(&sandbox, &http, &[]).await.status(), 400);
    }

    #[tokio::test]
    async fn page_tokens_live_as_long_as_the_user_token_they_came_from_allows() {
        let (sandbox, http, seconds) = start().await;
        let page = sandbox.add_page("100000000000101", "Demo Shop");
        let (short, long) = user_tokens(&sandbox, &http).await;
        let from_short = page_token(&sandbox, &http, &short).await;
        let from_long = page_token(&sandbox, &http, &long).await;
        let inspect = async |token: &str| {
            let url = format!("{}/v26.0/debug_token", sandbox.url());
            let request = http.get(url).query(&[("input_token", token)]);
            answer(request.bearer_auth("900000000000001|example_app_secret")).await.1["data"].take()
        };
        assert_eq!(inspect(&from_long).await["expires_at"], 0);
        assert_eq!(inspect(&from_long).await["profile_id"], "100000000000101");
        *lock(&seconds) += 2 * 3600;
        assert_eq!(get(&sandbox, &http, &from_short, "me").await.1["error"]["error_subcode"], 463);
        assert_eq!(get(&sandbox, &http, &from_long, "me").await.0, 200);
        assert_eq!(inspect(&from_short).await["is_valid"], false);
        sandbox.revoke_tokens(460);
        let (status, error) = get(&sandbox, &http, &from_long, "me").await;
        assert_eq!(status, 400);
        assert_eq!((&error["error"]["code"], &error["error"]["error_subcode"]), (&json!(190), &json!(460)));
        page.set_tasks(&[]);
        let (_, again) = user_tokens(&sandbox, &http).await;
        let (_, accounts) = get(&sandbox, &http, &again, "me/accounts").await;
        assert_eq!(accounts["data"][0].get("access_token"), None);
        assert!(sandbox.secrets_seen_in_urls().is_empty());
    }

    #[tokio::test]
    async fn every_page_is_listed_once_when_cursors_are_followed() {
        let (sandbox, http, _) = start().await;
        for number in 0..5 {
            sandbox.add_page(&format!("10000000000010{number}"), &format!("Shop {number}"));
        }
        sandbox.set_page_limit(2);
        let (_, token) = user_tokens(&sandbox, &http).await;
        let (mut names, mut after, mut next) = (Vec::new(), String::new(), String::new());
        loop {
            let (_, list) =
                get(&sandbox, &http, &token, &format!("me/accounts?fields=name&limit=25&after={after}")).await;
            names.extend(list["data"].as_array().unwrap().iter().map(|page| page["name"].as_str().unwrap().to_owned()));
            let Some(link) = list["paging"]["next"].as_str() else { break };
            next = link.to_owned();
            after = list["paging"]["cursors"]["after"].as_str().unwrap().to_owned();
        }
        assert_eq!(names, ["Shop 0", "Shop 1", "Shop 2", "Shop 3", "Shop 4"]);
        assert!(sandbox.secrets_seen_in_urls().is_empty());
        let (_, last) = answer(http.get(next)).await;
        assert_eq!(last["data"][0]["name"], "Shop 4");
        assert_eq!(sandbox.secrets_seen_in_urls(), ["/v26.0/10150000000000001/accounts"]);
        assert!(sandbox.traffic().unknown().is_empty());
    }

    #[tokio::test]
    async fn of_a_conversation_the_newest_twenty_messages_can_be_read() {
        let (sandbox, http, seconds) = start().await;
        let page = sandbox.add_page("100000000000101", "Demo Shop");
        let (sam, kim) = (sandbox.person("7000000000000001", "Sam Doe"), sandbox.person("7000000000000002", "Kim"));
        let oldest = page.message_from(&sam, "1")["message"]["mid"].as_str().unwrap().to_owned();
        for number in 2..=20 {
            page.message_from(&sam, &number.to_string());
        }
        *lock(&seconds) += 20;
        let echo = page.reply_to(&sam, "Yes, 3 left.");
        *lock(&seconds) += 20;
        page.attachment_from(&kim, "image", "https://cdn.example/img1.jpg");
        page.read_by(&sandbox.person("7000000000000003", "Only Reads"));
        let (_, user) = user_tokens(&sandbox, &http).await;
        let token = page_token(&sandbox, &http, &user).await;
        let fields = "id,updated_time,participants,messages.limit(25){id,created_time,from,to,message,attachments}";
        let path = format!("100000000000101/conversations?platform=messenger&fields={fields}");
        let (_, list) = get(&sandbox, &http, &token, &path).await;
        assert_eq!(list["data"].as_array().unwrap().len(), 2);
        let image = &list["data"][0]["messages"]["data"][0];
        assert_eq!(image["attachments"]["data"][0]["image_data"]["url"], "https://cdn.example/img1.jpg");
        assert_eq!(image["created_time"], "2026-09-21T14:14:00+0000");
        let messages = list["data"][1]["messages"]["data"].as_array().unwrap();
        assert_eq!((messages.len(), messages[20].get("message")), (21, None));
        assert_eq!(messages[0]["id"], echo["message"]["mid"]);
        assert_eq!(messages[0]["from"], json!({"id": "100000000000101", "name": "Demo Shop"}));
        assert_eq!(messages[0]["to"], json!({"data": [{"id": "7000000000000001", "name": "Sam Doe"}]}));
        assert_eq!(messages[19]["message"], "2");
        let (status, _) = get(&sandbox, &http, &token, &format!("{oldest}?fields=message")).await;
        assert_eq!(status, 400);
        let conversation = list["data"][1]["id"].as_str().unwrap();
        let (_, walked) = get(&sandbox, &http, &token, &format!("{conversation}/messages?limit=1")).await;
        assert_eq!(walked["data"][0]["id"], echo["message"]["mid"]);
        let after = walked["paging"]["cursors"]["after"].as_str().unwrap();
        let (_, nested) =
            get(&sandbox, &http, &token, &format!("{conversation}?fields=messages.limit(3).after({after}){{message}}"))
                .await;
        assert_eq!(nested["messages"]["data"][0]["message"], "20");
        sandbox.withdraw("pages_read_engagement");
        assert_eq!(get(&sandbox, &http, &token, &path).await.1["error"]["code"], 10);
    }

    #[tokio::test]
    async fn unknown_fields_wrong_proofs_and_removed_parameters_fail_the_call() {
        let (sandbox, http, _) = start().await;
        sandbox.add_page("100000000000101", "Demo Shop");
        let (_, user) = user_tokens(&sandbox, &http).await;
        let token = page_token(&sandbox, &http, &user).await;
        let (_, page) = get(&sandbox, &http, &token, "100000000000101?fields=name,picture{url},location{city}").await;
        let picture = json!({"data": {"url": "https://cdn.example/100000000000101/picture.jpg"}});
        let expected =
            json!({"id": "100000000000101", "name": "Demo Shop", "picture": picture, "location": {"city": "Kiel"}});
        assert_eq!(page, expected);
        let (_, error) = get(&sandbox, &http, &token, "100000000000101?fields=name,email").await;
        let message = "(#100) Tried accessing nonexisting field (email) on node type (Page)";
        assert_eq!(error["error"]["message"], message);
        assert_eq!(get(&sandbox, &http, &token, "me/accounts").await.1["error"]["code"], 100);
        assert_eq!(get(&sandbox, &http, &token, "me?date_format=U").await.0, 400);
        assert_eq!(get(&sandbox, &http, &token, "me?appsecret_proof=00").await.1["error"]["code"], 104);
        sandbox.set_app_secret_proof_required(true);
        assert_eq!(get(&sandbox, &http, &token, "me").await.1["error"]["code"], 104);
        let timed = deliver::appsecret_proof("example_app_secret", &token, Some("1790000299"));
        let path = format!("me?appsecret_time=1790000299&appsecret_proof={timed}");
        assert_eq!(get(&sandbox, &http, &token, &path).await.0, 200);
        let plain = deliver::appsecret_proof("example_app_secret", &token, None);
        sandbox.set_usage("X-App-Usage", "{}");
        let url = format!("{}/v19.0/me?appsecret_proof={plain}", sandbox.url());
        let response = http.get(url).bearer_auth(&token).send().await.unwrap();
        assert_eq!(response.headers()["facebook-api-version"], "v21.0");
        assert_eq!(response.headers()["x-app-usage"], "{}");
    }

    #[tokio::test]
    async fn deliveries_need_both_levels_of_subscription_and_the_challenge() {
        use axum::extract::RawQuery;
        use axum::routing::get;
        let (sandbox, http, _) = start().await;
        let page = sandbox.add_page("100000000000101", "Demo Shop");
        let challenge = |RawQuery(query): RawQuery| async move {
            let query: std::collections::HashMap<String, String> =
                form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
            if query["hub.verify_token"] == "right" { query["hub.challenge"].clone() } else { "no".to_owned() }
        };
        let service_traffic = Traffic::default();
        let router = axum::Router::new().route("/hook", get(challenge).post(async || "ok"));
        let service = Loopback::start(router, service_traffic.clone()).await.unwrap();
        let hook = format!("{}/hook", service.url());
        let subscribe = async |verify_token: &str| {
            let form = [
                ("object", "page"),
                ("callback_url", hook.as_str()),
                ("verify_token", verify_token),
                ("fields", "messages,name"),
                ("include_values", "true"),
            ];
            let url = format!("{}/v26.0/900000000000001/subscriptions", sandbox.url());
            answer(http.post(url).bearer_auth("900000000000001|example_app_secret").form(&form)).await
        };
        assert_eq!(subscribe("wrong").await.1["error"]["code"], 2200);
        assert_eq!(sandbox.app_subscription(), None);
        assert_eq!(subscribe("right").await.1, json!({"success": true}));

        let (_, user) = user_tokens(&sandbox, &http).await;
        let token = page_token(&sandbox, &http, &user).await;
        let sam = sandbox.person("7000000000000001", "Sam Doe");
        let item = page.message_from(&sam, "Café/1");
        assert_eq!(page.deliver(std::slice::from_ref(&item)).await.unwrap(), None);
        let url = format!("{}/v26.0/100000000000101/subscribed_apps", sandbox.url());
        let wanted = |fields: &str| http.post(&url).bearer_auth(&token).form(&[("subscribed_fields", fields)]);
        assert_eq!(answer(wanted("messages,about")).await.1["error"]["code"], 100);
        assert_eq!(answer(wanted("messages,message_echoes")).await.1, json!({"success": true}));
        assert_eq!(page.subscribed_fields(), ["messages", "message_echoes"]);
        let echo = page.reply_to(&sam, "Yes");
        assert_eq!(page.deliver(&[item, echo]).await.unwrap(), Some(200));
        assert_eq!(page.deliver_changes(&[page.changed("name", "x".into())]).await.unwrap(), None);
        let received = service_traffic.received();
        let delivery = received.last().unwrap();
        assert!(delivery.text().contains("Caf\\u00e9\\/1") && !delivery.text().contains("is_echo"));
        assert_eq!(delivery.headers["x-hub-signature-256"], sandbox.sign(&delivery.body));
        sandbox.sha1_only(true);
        assert_eq!(sandbox.deliver_raw(b"{}").await.unwrap(), 200);
        let received = service_traffic.received();
        assert!(!received.last().unwrap().headers.contains_key("x-hub-signature-256"));
        assert!(received.last().unwrap().headers.contains_key("x-hub-signature"));
    }

    #[tokio::test]
    async fn what_happens_on_a_page_has_the_documented_shapes_and_rising_times() {
        let (sandbox, _, _) = start().await;
        // The demo delivers from a spawned task.
        fn spawnable<F: Future + Send>(future: F) -> F {
            future
        }
        let page = sandbox.add_page("100000000000101", "Demo Shop");
        let sam = sandbox.person("7000000000000001", "Sam Doe");
        let text = page.message_from(&sam, "hi");
        let mid = text["message"]["mid"].as_str().unwrap();
        assert_eq!(text["timestamp"], 1_790_000_000_000_i64);
        let echo = page.reply_to(&sam, "Yes");
        assert_eq!(echo["sender"]["id"], "100000000000101");
        assert_eq!(echo["message"]["app_id"], 26_390_203_743_090_i64);
        let postback = page.postback_from(&sam, "Get Started", "GET_STARTED");
        assert!(postback.get("message").is_none() && postback["postback"]["mid"].is_string());
        let delivered = page.delivered_to(&sam);
        assert_eq!(
            delivered["delivery"],
            json!({"mids": [echo["message"]["mid"]], "watermark": 1_790_000_000_001_i64})
        );
        assert_eq!(page.read_by(&sam)["read"]["watermark"], 1_790_000_000_004_i64);
        assert_eq!(page.reaction_from(&sam, mid, None)["reaction"], json!({"mid": mid, "action": "unreact"}));
        let edit = page.edit(&sam, mid, "hello");
        assert_eq!(edit["message_edit"], json!({"mid": mid, "text": "hello", "num_edit": 1}));
        assert_eq!(page.message_count(&sam), 3);
        let other = sandbox.add_page("100000000000102", "Other");
        let body = sandbox.envelope_of(&[(&page, vec![text.clone()]), (&other, vec![])]);
        assert_eq!(body["entry"][1]["id"], "100000000000102");
        assert!(spawnable(page.force_deliver(&[text])).await.is_err(), "nobody said where to deliver to");
    }
}
