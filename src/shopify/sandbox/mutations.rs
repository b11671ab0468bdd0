//! The mutations of the simulated Admin API: subscriptions, bulk operations, uninstalling.
//! Source: <https://shopify.dev/docs/api/admin-graphql/latest/mutations/webhookSubscriptionCreate>.

use serde_json::{Map, Value, json};

use super::run::Run;
use super::state::{Subscription, gid, parse_gid, topic_of_enum, whole};
use super::{bulk, nodes};

impl Run<'_> {
    /// Carries out one mutation and returns its payload.
    pub fn mutate(&mut self, name: &str, args: &Map<String, Value>) -> Value {
        let id = args.get("id").and_then(Value::as_str).and_then(parse_gid).map(|(_, id)| id);
        match name {
            "webhookSubscriptionCreate" => self.subscribe(args),
            "webhookSubscriptionUpdate" => self.resubscribe(id, args),
            "webhookSubscriptionDelete" if self.shop.clings => {
                json!({"deletedWebhookSubscriptionId": args["id"], "userErrors": []})
            }
            "webhookSubscriptionDelete" => {
                let before = self.shop.subscriptions.len();
                self.shop.subscriptions.retain(|one| Some(one.id) != id);
                if self.shop.subscriptions.len() == before {
                    let errors = user_error(&["id"], "Webhook subscription does not exist");
                    json!({"deletedWebhookSubscriptionId": null, "userErrors": errors})
                } else {
                    json!({"deletedWebhookSubscriptionId": args["id"], "userErrors": []})
                }
            }
            "bulkOperationRunQuery" => {
                // Since 2026 children are placed below their parents on request only.
                let grouped = args.get("groupObjects").and_then(Value::as_bool).unwrap_or(false);
                bulk::start(self, args["query"].as_str().unwrap_or_default(), grouped)
            }
            "bulkOperationCancel" => {
                let found = self.shop.bulks.iter_mut().find(|bulk| Some(bulk.id) == id && bulk.is_active());
                match found.map(|bulk| bulk.status = "CANCELED") {
                    Some(()) => {
                        let node = id.and_then(|id| nodes::node(self.shop, "BulkOperation", id, 0));
                        json!({"bulkOperation": node.map(|node| node.value), "userErrors": []})
                    }
                    None => {
                        json!({"bulkOperation": null, "userErrors": user_error(&["id"], "Bulk operation does not exist")})
                    }
                }
            }
            "appUninstall" => {
                self.shop.uninstall();
                let app = json!({"id": gid("App", 1), "title": "Shoptalk", "apiKey": self.request.client_id});
                json!({"app": app, "userErrors": []})
            }
            _ => Value::Null,
        }
    }

    fn subscribe(&mut self, args: &Map<String, Value>) -> Value {
        let refuse = |field: &[&str], message: &str| json!({"webhookSubscription": null, "userErrors": user_error(field, message)});
        let value = args["topic"].as_str().unwrap_or_default();
        let topic = topic_of_enum(value);
        if let Some(scope) = self.operation.schema.enum_scope("WebhookSubscriptionTopic", value)
            && !self.shop.has_scope(&scope)
        {
            let message = format!(
                "You do not have permission to create or update webhooks with {topic} topic. This topic is limited to one of the following scopes: {scope}."
            );
            return refuse(&["topic"], &message);
        }
        let input = &args["webhookSubscription"];
        let uri = match address(input) {
            Ok(Some(uri)) => uri,
            Ok(None) => return refuse(&["webhookSubscription", "uri"], "Address can't be blank"),
            Err(problem) => return refuse(&["webhookSubscription", "uri"], problem),
        };
        if self.shop.subscriptions.iter().any(|one| one.topic == topic && one.uri == uri) {
            return refuse(&["webhookSubscription", "uri"], "Address for this topic has already been taken");
        }
        let id = self.shop.next_id("WebhookSubscription");
        let now = whole(self.request.now);
        let text = |key: &str| input[key].as_str().map(str::to_owned);
        self.shop.subscriptions.push(Subscription {
            id,
            topic,
            uri,
            api_version: self.webhook_version(),
            name: text("name"),
            filter: text("filter"),
            created_at: now,
            updated_at: now,
            failures: 0,
        });
        let node = nodes::node(self.shop, "WebhookSubscription", id, 0);
        json!({"webhookSubscription": node.map(|node| node.value), "userErrors": []})
    }

    /// In which version deliveries come: the app's, or where that has none that of the request.
    fn webhook_version(&self) -> String {
        self.shop.webhook_version.clone().unwrap_or_else(|| self.request.version.to_owned())
    }

    fn resubscribe(&mut self, id: Option<u64>, args: &Map<String, Value>) -> Value {
        let refuse = |field: &[&str], message: &str| json!({"webhookSubscription": null, "userErrors": user_error(field, message)});
        let uri = match address(&args["webhookSubscription"]) {
            Ok(uri) => uri,
            Err(problem) => return refuse(&["webhookSubscription", "uri"], problem),
        };
        let Some(index) = self.shop.subscriptions.iter().position(|one| Some(one.id) == id) else {
            return refuse(&["id"], "Webhook subscription does not exist");
        };
        let topic = self.shop.subscriptions[index].topic.clone();
        let taken = self
            .shop
            .subscriptions
            .iter()
            .enumerate()
            .any(|(other, one)| other != index && one.topic == topic && Some(&one.uri) == uri.as_ref());
        if taken {
            return refuse(&["webhookSubscription", "uri"], "Address for this topic has already been taken");
        }
        let version = self.webhook_version();
        let one = &mut self.shop.subscriptions[index];
        if let Some(uri) = uri {
            one.uri = uri;
        }
        one.api_version = version;
        one.updated_at = whole(self.request.now);
        let id = one.id;
        let node = nodes::node(self.shop, "WebhookSubscription", id, 0);
        json!({"webhookSubscription": node.map(|node| node.value), "userErrors": []})
    }
}

/// The address of a subscription, if it is one that deliveries can go to. Plain HTTP only to this machine.
fn address(input: &Value) -> Result<Option<String>, &'static str> {
    let Some(uri) = input["uri"].as_str().or_else(|| input["callbackUrl"].as_str()) else { return Ok(None) };
    if uri.starts_with("pubsub://") || uri.starts_with("arn:aws:events:") {
        return Ok(Some(uri.to_owned()));
    }
    let url = url::Url::parse(uri).map_err(|_| "Address is invalid")?;
    let loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    match url.scheme() {
        "https" => Ok(Some(uri.to_owned())),
        "http" if loopback => Ok(Some(uri.to_owned())),
        _ => Err("Address protocol http:// is not supported"),
    }
}

fn user_error(field: &[&str], message: &str) -> Value {
    json!([{"field": field, "message": message}])
}
