//! One method per call of the Graph API that this channel makes. How calls are made stands in `meta/graph.rs`.

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::config::Config;
use super::names::NUMBER_FIELDS;
use crate::meta::budget::{Budgets, Lane};
use crate::meta::graph::{Graph, not_the_accounts};
use crate::meta::id::{Id, LooseText};
use crate::meta::token::{TokenInfo, debug_token_as};
use crate::shared::channel::context::Shared;
use crate::shared::channel::dialogue::SendError;
use crate::shared::outgoing::http::{ApiError, Patience};

/// What is asked for where the platform refuses [`NUMBER_FIELDS`].
const NUMBER_FIELDS_LEAST: [&str; 3] = ["id", "display_phone_number", "verified_name"];

/// How many templates are asked for at a time.
const TEMPLATES_AT_ONCE: &str = "100";

/// A list is read to so many parts at most: an account has at most 6,000 templates.
const MOST_PARTS: usize = 100;

/// The object of the app's subscription.
const OBJECT: &str = "whatsapp_business_account";

/// The Graph API. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    graph: Graph,
    config: Arc<Config>,
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "Vec::new")]
    data: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
}

/// `next` itself holds the token and is an address from outside: it only tells that there is more.
#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Option<Cursors>,
    #[serde(default)]
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

/// Where the webhooks of the number go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Callbacks {
    phone_number: Option<String>,
    whatsapp_business_account: Option<String>,
    application: Option<String>,
}

/// The app's subscription to WhatsApp's webhooks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppSubscription {
    /// Where deliveries go.
    pub callback: String,
    /// The fields.
    pub fields: Vec<String>,
}

impl Client {
    /// Calls the platform that is configured.
    #[must_use]
    pub fn new(shared: &Shared, config: Arc<Config>) -> Self {
        let budgets = Budgets::new(shared.clock.clone(), 0);
        let graph = Graph::new(shared.http.clone(), config.clone(), budgets, shared.alerts.clone());
        Self { graph, config }
    }

    /// How much of the allowances is used up.
    pub fn budgets(&self) -> &Budgets {
        self.graph.budgets()
    }

    fn account(&self) -> &Id {
        &self.config.account
    }

    /// Sends a message, or marks one as read: one call, never repeated here.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, body: &Value) -> Result<Value, SendError> {
        self.graph.send_message(self.account(), &[self.account().as_str(), "messages"], body, &self.config.token).await
    }

    /// Passes a thread to the business's other partner, or takes it.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn control_thread(&self, body: &Value) -> Result<Value, SendError> {
        let path = [self.account().as_str(), "thread_control"];
        self.graph.send_message(self.account(), &path, body, &self.config.token).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, ApiError> {
        let lane = Lane::Page(self.account());
        self.graph.call(Patience::Background, lane, Method::GET, path, query, &self.config.token).await
    }

    /// The number's own object.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_number(&self) -> Result<Box<RawValue>, ApiError> {
        let path = [self.account().as_str()];
        match self.get(&path, &[("fields", &NUMBER_FIELDS.join(","))]).await {
            Err(ApiError::Refused { .. }) => self.get(&path, &[("fields", &NUMBER_FIELDS_LEAST.join(","))]).await,
            found => found,
        }
    }

    /// Where deliveries of the number go, as the platform tells; `None`: it does not tell.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_callback(&self) -> Result<Option<String>, ApiError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            webhook_configuration: Callbacks,
        }
        let found: Found = self.get(&[self.account().as_str()], &[("fields", "webhook_configuration")]).await?;
        let Callbacks { phone_number, whatsapp_business_account, application } = found.webhook_configuration;
        Ok(phone_number.or(whatsapp_business_account).or(application).filter(|address| !address.is_empty()))
    }

    /// All templates of the business account, as the platform shows them.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_templates(&self, business: &Id) -> Result<Vec<Box<RawValue>>, ApiError> {
        let path = [business.as_str(), "message_templates"];
        let (mut all, mut after) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PARTS {
            let mut query = vec![("limit", TEMPLATES_AT_ONCE)];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let List { data, paging } = self.get::<List<Box<RawValue>>>(&path, &query).await?;
            all.extend(data);
            let Some(paging) = paging.filter(|paging| paging.next.is_some()) else { return Ok(all) };
            let next = paging.cursors.and_then(|cursors| cursors.after).filter(|next| after.as_ref() != Some(next));
            after = Some(next.ok_or(ApiError::Unreadable("a list of templates that has more and does not say where"))?);
        }
        Err(ApiError::Unreadable("a list of templates without an end"))
    }

    /// The ids of the apps that get the business account's webhooks.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_subscribed_apps(&self, business: &Id) -> Result<Vec<String>, ApiError> {
        #[derive(Deserialize)]
        struct App {
            #[serde(default)]
            id: Option<LooseText>,
            #[serde(default)]
            whatsapp_business_api_data: Option<Inner>,
        }
        #[derive(Deserialize)]
        struct Inner {
            #[serde(default)]
            id: LooseText,
        }
        let List { data, .. } = self.get::<List<App>>(&[business.as_str(), "subscribed_apps"], &[]).await?;
        let id = |app: App| app.whatsapp_business_api_data.map(|inner| inner.id).or(app.id).map(|id| id.0);
        Ok(data.into_iter().filter_map(id).collect())
    }

    /// Subscribes the app to the business account's webhooks.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn subscribe(&self, business: &Id) -> Result<(), ApiError> {
        let (lane, path) = (Lane::Page(self.account()), [business.as_str(), "subscribed_apps"]);
        self.graph.post(Patience::Background, lane, &path, &[], &[], &self.config.token).await
    }

    /// Ends the app's subscription to the business account's webhooks.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unsubscribe(&self, business: &Id) -> Result<(), ApiError> {
        let (lane, path) = (Lane::Page(self.account()), [business.as_str(), "subscribed_apps"]);
        let token = &self.config.token;
        let _done: serde::de::IgnoredAny =
            self.graph.call(Patience::Person, lane, Method::DELETE, &path, &[], token).await?;
        Ok(())
    }

    /// The app's own subscription; `None`: it has none, or the app's id is not known.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_app_subscription(&self) -> Result<Option<AppSubscription>, ApiError> {
        #[derive(Deserialize)]
        struct Subscription {
            #[serde(default)]
            object: String,
            #[serde(default)]
            callback_url: String,
            #[serde(default)]
            fields: Vec<Value>,
        }
        let Some(app) = self.config.app_id.get() else { return Ok(None) };
        let (lane, path, token) = (Lane::App, [app.as_str(), "subscriptions"], self.graph.app_token());
        let list: List<Subscription> = self
            .graph
            .call(Patience::Background, lane, Method::GET, &path, &[], &token)
            .await
            .map_err(not_the_accounts)?;
        let name = |field: &Value| field["name"].as_str().or(field.as_str()).map(str::to_owned);
        Ok(list.data.into_iter().find(|one| one.object == OBJECT).map(|one| AppSubscription {
            callback: one.callback_url,
            fields: one.fields.iter().filter_map(name).collect(),
        }))
    }

    /// What the platform says about the token. It may ask about itself: the app's own token needs the app's id, which this
    /// call tells.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn debug_token(&self) -> Result<TokenInfo, ApiError> {
        let token = &self.config.token;
        match self.config.app_id.get() {
            Some(_) => {
                let asking = self.graph.app_token();
                debug_token_as(&self.graph, Patience::Background, token, &asking).await.map_err(not_the_accounts)
            }
            None => debug_token_as(&self.graph, Patience::Background, token, token).await,
        }
    }

    /// Where a medium can be fetched, for five minutes.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_media_address(&self, media: &Id) -> Result<String, ApiError> {
        #[derive(Deserialize)]
        struct Medium {
            url: String,
        }
        let query = [("phone_number_id", self.account().as_str())];
        Ok(self.get::<Medium>(&[media.as_str()], &query).await?.url)
    }
}
