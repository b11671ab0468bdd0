//! What a channel, and everything above it, is given of the service.

use crate::shared::clock::Clock;
use crate::shared::erasure::Erasure;
use crate::shared::files::output::Output;
use crate::shared::journal::Journal;
use crate::shared::logins::Logins;
use crate::shared::objects::Objects;
use crate::shared::outgoing::http::Http;
use crate::shared::outgoing::self_test::SelfTests;
use crate::shared::products::Products;
use crate::shared::store::{Connections, Sessions};
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::metrics::Metrics;
use crate::shared::telemetry::refused::RefusedDeliveries;
use crate::shared::under_way::Progress;

/// What a channel is given. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    /// The time.
    pub clock: Clock,
    /// Outgoing HTTP.
    pub http: Http,
    /// Authorised accounts and their tokens.
    pub connections: Connections,
    /// Browser sessions.
    pub sessions: Sessions,
    /// Logins under way.
    pub logins: Logins,
    /// The events.
    pub journal: Journal,
    /// The JSON files.
    pub output: Output,
    /// The bucket that files are copied to; `None`: they are not.
    pub objects: Option<Objects>,
    /// What accounts sell, and how it is found.
    pub products: Products,
    /// How far reads have come.
    pub progress: Progress,
    /// What somebody must know of.
    pub alerts: Alerts,
    /// Disconnecting and erasing.
    pub erasure: Erasure,
    /// What is counted.
    pub metrics: Metrics,
    /// Deliveries that were refused lately.
    pub refused: RefusedDeliveries,
    /// Self-tests under way.
    pub self_tests: SelfTests,
    /// Whether our pages are reached by https, so that cookies may say `Secure`.
    pub is_public: bool,
}
