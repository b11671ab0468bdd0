//! The section of the settings that belongs to a platform, as the wiring and the doctor see it: neither knows which
//! platform it is.

use url::Url;

use super::about::About;
use super::finding::Finding;
use super::job::BoxFuture;
use crate::shared::outgoing::http::Http;
use crate::shared::secrets::signature::Secrets;
use crate::shared::store::Connections;

/// The settings of a platform that is configured. What it examines, it asks with calls of its own: they change nothing,
/// and need no running service.
pub trait Section: Send + Sync {
    /// The channels that these settings switch on: more than one where one app serves several.
    fn channels(&self) -> Vec<&'static About>;

    /// The addresses that were configured to be asked, wherever they lead.
    fn own_addresses(&self) -> Vec<Url>;

    /// Where deliveries come to.
    fn webhook_address(&self) -> &Url;

    /// Whether the platform is simulated on this machine.
    fn is_simulated(&self) -> bool;

    /// The secret that signs deliveries: the channel whose deliveries are counted, the variable of the secret before it,
    /// and the secrets.
    fn signing(&self) -> (&'static str, &'static str, &Secrets);

    /// What is to be entered at the platform once the service is reached below `base`: an instruction for the operator.
    fn registration(&self, base: &str) -> String;

    /// Looks whether what answers at the webhook address is this service.
    fn examine_address<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Option<Finding>>;

    /// Asks the platform about the app and the accounts.
    fn examine<'a>(&'a self, http: &'a Http, connections: &'a Connections, now_ms: i64) -> BoxFuture<'a, Vec<Finding>>;
}
