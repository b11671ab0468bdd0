//! One method per call of the Graph API that this channel makes. How calls are made stands in `meta/graph.rs`.

use std::sync::Arc;

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::config::{Config, WEBHOOKS};
use super::fields::PAGE_FIELDS;
use super::inbox::{FIELDS, Inbox};
use super::paging::{self, List, Way};
use crate::meta::budget::{Budgets, Lane};
use crate::meta::graph::{Graph, below, not_the_accounts};
use crate::meta::id::{Id, LooseText};
use crate::meta::refusal::{NOT_VISIBLE, TOO_MUCH, UNKNOWN_FIELD};
use crate::meta::token::{TokenInfo, debug_token};
use crate::shared::channel::context::Shared;
use crate::shared::channel::dialogue::SendError;
use crate::shared::languages::say;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::settings::is_own_address;

/// How many Pages are asked for at a time: fewer where the platform says that so many are too much data. 100 is the most it gives.
const ACCOUNTS_AT_ONCE: [&str; 3] = ["100", "25", "5"];

/// Ids of messages at a time. 100 is the most the platform gives.
pub const IDS_AT_ONCE: usize = 100;

/// Only the newest 20 messages of a conversation can be read back.
/// Source: <https://developers.facebook.com/docs/messenger-platform/conversations> (2026).
pub const READABLE_MESSAGES: usize = 20;

/// What is read of a message.
const MESSAGE_FIELDS: &str = "id,created_time,from,to,message,attachments,shares,sticker,reply_to";

/// What is asked for where the platform refuses [`PAGE_FIELDS`] and does not say which of them.
const PAGE_FIELDS_LEAST: [&str; 3] = ["id", "name", "category"];

/// The Graph API. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    graph: Graph,
    config: Arc<Config>,
}

/// A token as the token endpoint gives it.
#[derive(Deserialize)]
pub struct Token {
    /// The token.
    pub access_token: SecretString,
    /// Its life in seconds, where it is told.
    pub expires_in: Option<i64>,
}

/// One Page of `/me/accounts`.
#[derive(Deserialize)]
pub struct AccountPage {
    /// The Page's id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What the person may do there; `None`: not told.
    #[serde(default)]
    pub tasks: Option<Vec<String>>,
    /// The Page's token; a Page without one cannot be used.
    pub access_token: Option<SecretString>,
}

/// One conversation with its newest messages.
#[derive(Deserialize)]
pub struct ConversationPage {
    /// The conversation's id.
    #[serde(default)]
    pub id: String,
    /// When something last happened in it.
    #[serde(default)]
    pub updated_time: Option<Box<RawValue>>,
    /// Who takes part.
    #[serde(default, deserialize_with = "list_if_readable")]
    pub participants: Option<List<Box<RawValue>>>,
    /// The newest messages, newest first.
    #[serde(default, deserialize_with = "list_if_readable")]
    pub messages: Option<List<Box<RawValue>>>,
    /// Where the list begins of those messages of which only the ids are known.
    #[serde(skip)]
    pub ids_from: Option<String>,
}

/// A list inside a list: where it has another shape, that costs its neighbours nothing.
fn list_if_readable<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<List<Box<RawValue>>>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// What a list held that was read as far as it goes.
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// Why the rest of it could not be read; `None`: this is all.
    pub cut: Option<ApiError>,
}

impl<T> Listed<T> {
    /// The item that is looked for. That it is not there is known of a whole list only.
    ///
    /// # Errors
    /// Why the rest of the list could not be read.
    pub fn find(self, is_it: impl Fn(&T) -> bool) -> Result<Option<T>, ApiError> {
        match (self.items.into_iter().find(is_it), self.cut) {
            (None, Some(cut)) => Err(cut),
            (found, _) => Ok(found),
        }
    }
}

#[derive(Deserialize)]
struct Subscription {
    #[serde(default)]
    object: String,
    #[serde(default)]
    callback_url: String,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    fields: Vec<SubscribedField>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SubscribedField {
    Named { name: String },
    Bare(String),
}

#[derive(Deserialize)]
struct SubscribedApp {
    #[serde(default)]
    id: LooseText,
    #[serde(default)]
    subscribed_fields: Vec<String>,
}

impl Client {
    /// Calls the platform that is configured.
    #[must_use]
    pub fn new(shared: &Shared, config: Arc<Config>) -> Self {
        let budgets = Budgets::new(shared.clock.clone(), config.calls_per_second);
        let http = shared.http.counted(super::inbox::NAME, &shared.metrics);
        let app = Arc::<Config>::clone(&config);
        Self { graph: Graph::new(http, app, budgets, shared.alerts.clone()), config }
    }

    /// How much of their allowances the app and its Pages have used up.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        self.graph.budgets()
    }

    /// The address of the login dialog.
    #[must_use]
    pub fn dialog_url(&self, state: &str, scopes: &str, ask_again: bool) -> Url {
        let config = &self.config;
        let mut url = below(&config.dialog_url, &[&config.graph_version, "dialog", "oauth"]);
        url.query_pairs_mut()
            .append_pair("client_id", &config.app_id)
            .append_pair("redirect_uri", config.redirect_uri.as_str())
            .append_pair("state", state)
            .append_pair("response_type", "code");
        // An app with Facebook Login for Business refuses permissions by name: they stand in the configuration.
        // Source: <https://developers.facebook.com/docs/facebook-login/facebook-login-for-business> (2026).
        match &config.login_configuration {
            Some(configuration) => url.query_pairs_mut().append_pair("config_id", configuration),
            None => url.query_pairs_mut().append_pair("scope", scopes),
        };
        if ask_again {
            url.query_pairs_mut().append_pair("auth_type", "rerequest");
        }
        url
    }

    /// Exchanges a code for a short-lived token of the person. Never repeated: a code works once.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn exchange_code(&self, code: &str) -> Result<Token, ApiError> {
        self.graph.exchange(&[("redirect_uri", self.config.redirect_uri.as_str()), ("code", code)]).await
    }

    /// Exchanges a token of the person for a long-lived one (about 60 days). Page tokens made from it do not expire.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn exchange_for_long_lived(&self, token: &SecretString) -> Result<Token, ApiError> {
        let parameters = [("grant_type", "fb_exchange_token"), ("fb_exchange_token", token.expose_secret())];
        self.graph.exchange(&parameters).await
    }

    /// What the platform says about a token.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn debug_token(&self, patience: Patience, token: &SecretString) -> Result<TokenInfo, ApiError> {
        debug_token(&self.graph, patience, token).await
    }

    /// All Pages of the person.
    pub async fn fetch_pages(&self, patience: Patience, user_token: &SecretString) -> Listed<AccountPage> {
        let [most, fewer @ ..] = ACCOUNTS_AT_ONCE;
        let mut listed = self.list_pages(patience, most, user_token).await;
        for limit in fewer {
            match &listed.cut {
                Some(ApiError::Refused { code }) if code == TOO_MUCH => {}
                _ => break,
            }
            listed = self.list_pages(patience, limit, user_token).await;
        }
        listed
    }

    async fn list_pages(&self, patience: Patience, limit: &str, user_token: &SecretString) -> Listed<AccountPage> {
        let query = [("fields", "id,name,category,category_list,tasks,access_token"), ("limit", limit)];
        self.list(patience, Lane::App, &["me", "accounts"], &query, user_token).await
    }

    /// One Page of the person by its id: those that belong to a business portfolio may not be listed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_page_of_person(
        &self,
        patience: Patience,
        page: &Id,
        user_token: &SecretString,
    ) -> Result<AccountPage, ApiError> {
        let query = [("fields", "id,name,access_token")];
        let found: AccountPage =
            self.call(patience, Lane::App, Method::GET, &[page.as_str()], &query, user_token).await?;
        match found.id == page.as_str() {
            true => Ok(found),
            false => Err(ApiError::Unreadable("another Page than the one asked for")),
        }
    }

    /// The object of a Page, as the platform wrote it. Fields come and go with versions, and one that is not known fails
    /// the whole call: it is left out, the others stay.
    ///
    /// # Errors
    /// [`ApiError`]; [`ApiError::PermissionMissing`] also for a Page that is gone.
    pub async fn fetch_page(
        &self,
        patience: Patience,
        page: &Id,
        token: &SecretString,
    ) -> Result<Box<RawValue>, ApiError> {
        let path = [page.as_str()];
        let mut fields = PAGE_FIELDS.to_vec();
        loop {
            let joined = fields.join(",");
            let query = [("fields", joined.as_str())];
            let code = match self.call(patience, Lane::Page(page), Method::GET, &path, &query, token).await {
                Err(ApiError::Refused { code }) => code,
                answer => return answer,
            };
            if code == NOT_VISIBLE {
                return Err(page_is_gone());
            }
            let unknown = code.strip_prefix(UNKNOWN_FIELD).and_then(|name| {
                // A field may be asked for with fields of its own: `picture{url}`.
                let is_it = |field: &&str| field.split('{').next() == Some(name) && !PAGE_FIELDS_LEAST.contains(field);
                fields.iter().position(is_it)
            });
            match unknown {
                Some(index) => {
                    tracing::warn!(field = fields[index], "Facebook does not know a field of Pages; it is left out");
                    fields.remove(index);
                }
                None if code.starts_with("100") && fields.len() > PAGE_FIELDS_LEAST.len() => {
                    fields = PAGE_FIELDS_LEAST.to_vec();
                }
                None => return Err(ApiError::Refused { code }),
            }
        }
    }

    /// The Instagram account that belongs to a Page, and what people call it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_instagram_account(
        &self,
        page: &Id,
        token: &SecretString,
    ) -> Result<Option<(Id, String)>, ApiError> {
        #[derive(Deserialize)]
        struct Account {
            #[serde(default)]
            id: LooseText,
            #[serde(default)]
            username: String,
        }
        #[derive(Deserialize)]
        struct Page {
            instagram_business_account: Option<Account>,
        }
        let query = [("fields", "instagram_business_account{id,username}")];
        let lane = Lane::Page(page);
        let found: Page = self.call(Patience::Background, lane, Method::GET, &[page.as_str()], &query, token).await?;
        Ok(found.instagram_business_account.and_then(|account| Some((Id::parse(&account.id.0)?, account.username))))
    }

    /// One list of at most `limit` conversations, those with the newest messages first, each with so many of its messages.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_conversations(
        &self,
        patience: Patience,
        inbox: &Inbox<'_>,
        after: Option<&str>,
        (limit, messages): (usize, usize),
        token: &SecretString,
    ) -> Result<List<ConversationPage>, ApiError> {
        let (fields, limit, place) = (conversation_fields(messages), limit.to_string(), paging::parameters(after));
        let mut query = vec![("platform", inbox.platform), ("fields", &fields), ("limit", &limit)];
        query.extend(place.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let path = [inbox.page.as_str(), "conversations"];
        let lane = Lane::Conversations(inbox.page);
        match self.call(patience, lane, Method::GET, &path, &query, token).await {
            Err(ApiError::Refused { code }) if code == NOT_VISIBLE => Err(page_is_gone()),
            answer => answer,
        }
    }

    /// The conversation with this person, with its newest messages.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_conversation_with(
        &self,
        patience: Patience,
        inbox: &Inbox<'_>,
        person: &Id,
        token: &SecretString,
    ) -> Result<List<ConversationPage>, ApiError> {
        let fields = conversation_fields(READABLE_MESSAGES);
        let query = [("platform", inbox.platform), ("user_id", person.as_str()), ("fields", &fields)];
        let path = [inbox.page.as_str(), "conversations"];
        self.call(patience, Lane::Conversations(inbox.page), Method::GET, &path, &query, token).await
    }

    /// Sends a message, or changes who answers, once.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_message(
        &self,
        page: &Id,
        edge: &str,
        body: &Value,
        token: &SecretString,
    ) -> Result<Value, SendError> {
        self.graph.send_message(page, &[page.as_str(), edge], body, token).await
    }

    /// One conversation, with so many of its newest messages.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_conversation(
        &self,
        inbox: &Inbox<'_>,
        thread: &str,
        messages: usize,
        token: &SecretString,
    ) -> Result<ConversationPage, ApiError> {
        let fields = conversation_fields(messages);
        let lane = Lane::Conversations(inbox.page);
        self.call(Patience::Background, lane, Method::GET, &[thread], &[("fields", fields.as_str())], token).await
    }

    /// Who takes part in the conversations with the newest messages.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_participants(
        &self,
        inbox: &Inbox<'_>,
        limit: usize,
        token: &SecretString,
    ) -> Result<List<ConversationPage>, ApiError> {
        let query = [("platform", inbox.platform), ("fields", "participants"), ("limit", &limit.to_string())];
        let path = [inbox.page.as_str(), "conversations"];
        self.call(Patience::Background, Lane::Conversations(inbox.page), Method::GET, &path, &query, token).await
    }

    /// More of the newest messages of a conversation, newest first, as [`Client::fetch_conversations`] shows them.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_messages(
        &self,
        inbox: &Inbox<'_>,
        thread: &str,
        after: Option<&str>,
        limit: usize,
        token: &SecretString,
    ) -> Result<List<Box<RawValue>>, ApiError> {
        self.fetch_of_thread(inbox, thread, (MESSAGE_FIELDS, limit), after, token).await
    }

    /// One list of ids and times of a conversation's messages, newest first. Of all but the newest
    /// [`READABLE_MESSAGES`] that is all there is.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_message_ids(
        &self,
        inbox: &Inbox<'_>,
        thread: &str,
        after: Option<&str>,
        limit: usize,
        token: &SecretString,
    ) -> Result<List<Box<RawValue>>, ApiError> {
        self.fetch_of_thread(inbox, thread, ("id,created_time", limit), after, token).await
    }

    /// One list of a conversation's messages: these fields of so many.
    async fn fetch_of_thread(
        &self,
        inbox: &Inbox<'_>,
        thread: &str,
        (fields, limit): (&str, usize),
        after: Option<&str>,
        token: &SecretString,
    ) -> Result<List<Box<RawValue>>, ApiError> {
        let (limit, place) = (limit.to_string(), paging::parameters(after));
        let mut query = vec![("fields", fields), ("limit", &limit)];
        query.extend(place.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let lane = Lane::Conversations(inbox.page);
        self.call(Patience::Background, lane, Method::GET, &[thread, "messages"], &query, token).await
    }

    /// More of what belongs to a message, where it shows a part only: `edge` is `attachments` or `shares`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_parts(
        &self,
        inbox: &Inbox<'_>,
        (message, edge): (&str, &str),
        after: &str,
        token: &SecretString,
    ) -> Result<List<Box<RawValue>>, ApiError> {
        let place = paging::parameters(Some(after));
        let query: Vec<(&str, &str)> = place.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let lane = Lane::Conversations(inbox.page);
        self.call(Patience::Background, lane, Method::GET, &[message, edge], &query, token).await
    }

    /// The fields of the app's subscription for an object (`page`, `instagram`) to our address; `None`: there is none that works.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_app_subscription(
        &self,
        patience: Patience,
        object: &str,
    ) -> Result<Option<Vec<String>>, ApiError> {
        let path = [self.config.app_id.as_str(), "subscriptions"];
        let list = self.list::<Subscription>(patience, Lane::App, &path, &[], &self.app_token()).await;
        let ours = list.find(|subscription| {
            subscription.object == object
                && subscription.active != Some(false)
                && is_own_address(&subscription.callback_url, &self.config.webhook_address, WEBHOOKS)
        });
        let ours = ours.map_err(not_the_accounts)?;
        let name = |field| match field {
            SubscribedField::Named { name } | SubscribedField::Bare(name) => name,
        };
        Ok(ours.map(|subscription| subscription.fields.into_iter().map(name).collect()))
    }

    /// Subscribes the app for an object: our address, all wanted fields. Meta sends its challenge to the address before it says yes.
    /// Whether it merges the fields with those that are there is not documented, so all are sent.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn put_app_subscription(
        &self,
        patience: Patience,
        object: &str,
        fields: &[&str],
    ) -> Result<(), ApiError> {
        let config = &self.config;
        let fields = fields.join(",");
        let form = [
            ("object", object),
            ("callback_url", config.webhook_address.as_str()),
            ("verify_token", config.verify_token.expose_secret()),
            ("fields", &fields),
            ("include_values", "true"),
        ];
        let path = [config.app_id.as_str(), "subscriptions"];
        self.post(patience, Lane::App, &path, &[], &form, &self.app_token()).await.map_err(not_the_accounts)
    }

    /// The fields of our app's subscription on a Page; none at all when the app is not installed there.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_page_subscription(
        &self,
        patience: Patience,
        page: &Id,
        token: &SecretString,
    ) -> Result<Vec<String>, ApiError> {
        let path = [page.as_str(), "subscribed_apps"];
        let list = self.list::<SubscribedApp>(patience, Lane::Page(page), &path, &[], token).await;
        let ours = list.find(|app| app.id.0 == self.config.app_id)?;
        Ok(ours.map(|app| app.subscribed_fields).unwrap_or_default())
    }

    /// Installs our app on a Page, with all wanted fields.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn put_page_subscription(
        &self,
        patience: Patience,
        page: &Id,
        token: &SecretString,
    ) -> Result<(), ApiError> {
        let path = [page.as_str(), "subscribed_apps"];
        let fields = FIELDS.join(",");
        self.post(patience, Lane::Page(page), &path, &[("subscribed_fields", &fields)], &[], token).await
    }

    /// Takes our app off the Page: no more webhooks come.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_page_subscription(&self, page: &Id, token: &SecretString) -> Result<(), ApiError> {
        let path = [page.as_str(), "subscribed_apps"];
        let lane = Lane::Page(page);
        let _done: serde::de::IgnoredAny = self.call(Patience::Person, lane, Method::DELETE, &path, &[], token).await?;
        Ok(())
    }

    async fn post(
        &self,
        patience: Patience,
        lane: Lane<'_>,
        path: &[&str],
        query: &[(&str, &str)],
        form: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<(), ApiError> {
        self.graph.post(patience, lane, path, query, form, token).await
    }

    /// Reads a list part by part, as far as it goes.
    async fn list<T: DeserializeOwned>(
        &self,
        patience: Patience,
        lane: Lane<'_>,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> Listed<T> {
        let mut listed = Listed { items: Vec::new(), cut: None };
        let (mut way, mut place) = (Way::default(), Vec::new());
        loop {
            let mut query = query.to_vec();
            query.extend(place.iter().map(|(name, value): &(String, String)| (name.as_str(), value.as_str())));
            let part = self.call::<List<T>>(patience, lane, Method::GET, path, &query, token).await;
            let next = part.and_then(|part| {
                let next = way.next(&part);
                if part.unreadable() > 0 {
                    listed.cut = Some(ApiError::Unreadable("an item of a list"));
                }
                listed.items.extend(part.data);
                next
            });
            match next {
                Ok(Some(next)) => place = paging::parameters(Some(&next)),
                Ok(None) => return listed,
                Err(error) => {
                    listed.cut = Some(error);
                    return listed;
                }
            }
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        patience: Patience,
        lane: Lane<'_>,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<T, ApiError> {
        self.graph.call(patience, lane, method, path, query, token).await
    }

    fn app_token(&self) -> SecretString {
        self.graph.app_token()
    }
}

/// What is asked of a conversation, with so many of its newest messages.
fn conversation_fields(messages: usize) -> String {
    match messages {
        0 => "id,updated_time,participants".to_owned(),
        most => format!("id,updated_time,participants,messages.limit({most}){{{MESSAGE_FIELDS}}}"),
    }
}

fn page_is_gone() -> ApiError {
    ApiError::PermissionMissing { code: NOT_VISIBLE.to_owned(), reason: say::facebook_page_gone() }
}
