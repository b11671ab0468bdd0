//! The keeper of tokens against the simulated platform: fifty who need a token at once, and a kill at every step.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use super::*;
use crate::shared::channel::simulator::{Failure, Now};
use crate::shared::clock::Clock;
use crate::shared::database::{db::Db, sqlite::run_sql};
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{Http, Patience, Timeouts};
use crate::shared::secrets::signature::Secrets;
use crate::shared::secrets::vault::Vault;
use crate::shared::store::{NewConnection, Status, TOKENS_MIGRATIONS};
use crate::shopify::client::Query;
use crate::shopify::sandbox::{Options, Sandbox, Shop};
use crate::shopify::{AdminUrl, Config};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECRET: &str = "a shopify secret for tests";

/// A shop that is connected, and the table in which its tokens are.
struct Bench {
    sandbox: Sandbox,
    clock: Clock,
    domain: ShopDomain,
    connections: Connections,
    alerts: Alerts,
    config: Arc<Config>,
    folder: TempDir,
}

impl Bench {
    async fn new(expiring: bool) -> Self {
        let clock = Clock::manual("2026-11-21T12:00:00Z".parse().unwrap());
        let time = clock.clone();
        let now: Now = Arc::new(move || time.now());
        let options = Options { client_id: "test-app".into(), client_secret: SECRET.into(), now };
        let sandbox = Sandbox::start(options).await.unwrap();
        let shop = sandbox.add_shop("demo-shop.myshopify.com", "Demo Shop");
        let domain = ShopDomain::parse(&shop.domain()).unwrap();
        let (access, refresh) = shop.install(&["read_products"], expiring);
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(Config {
            bulk_above: 1000,
            bulk_hosts: crate::shopify::BulkHosts::parse("127.0.0.1").expect("a host"),
            api_key: "test-app".to_owned(),
            api_secret: Secrets::new(SECRET.into(), None),
            redirect_uri: Url::parse("http://127.0.0.1:9/shopify/callback").unwrap(),
            webhook_address: Url::parse("http://127.0.0.1:9/shopify/webhook").unwrap(),
            api_version: "2026-10".to_owned(),
            admin_url: AdminUrl::parse(&sandbox.admin_url()).unwrap(),
            poll_cron: "0 3 * * *".to_owned(),
        });
        let connections = open(&folder).await;
        let expires = |after: Duration| Some(clock.now_ms() + i64::try_from(after.as_millis()).unwrap());
        let access = Token { secret: access.into(), expires_at: if expiring { expires(HOUR) } else { None } };
        let mut tokens = vec![(TokenKind::Access, access)];
        tokens.extend(
            refresh
                .map(|refresh| (TokenKind::Refresh, Token { secret: refresh.into(), expires_at: expires(90 * DAY) })),
        );
        let connection = NewConnection {
            channel: NAME,
            account: domain.to_string(),
            merchant: Uuid::nil(),
            name: "Demo Shop".to_owned(),
            scopes: vec!["read_products".to_owned()],
            status: Status::Connected,
            status_reason: None,
            platform_user: None,
            tokens,
        };
        connections.upsert(vec![connection], clock.now_ms()).await.unwrap();
        Self { sandbox, alerts: Alerts::new(clock.clone()), clock, domain, connections, config, folder }
    }

    fn shop(&self) -> Shop {
        self.sandbox.shop(self.domain.as_str()).unwrap()
    }

    fn client(&self) -> Client {
        let timeouts =
            Timeouts { idle: Duration::from_millis(300), total: Duration::from_secs(2), ..Timeouts::default() };
        let http =
            Http::new(self.clock.clone(), &timeouts, AllowedAddresses::new(&self.config.asked_addresses())).unwrap();
        Client::new(http, Arc::clone(&self.config), self.alerts.clone())
    }

    /// A keeper as after a start of the service: it knows what is stored, and nothing else.
    fn keeper(&self) -> TokenKeeper {
        TokenKeeper::new(self.connections.clone(), self.client(), self.alerts.clone())
    }

    fn refreshes(&self) -> usize {
        self.sandbox.traffic().count("/admin/oauth/access_token")
    }

    /// Whether the shop can be asked, from a fresh start.
    async fn works(&self) -> bool {
        let keeper = self.keeper();
        let Ok(token) = keeper.access_token(&self.domain).await else { return false };
        let asked = self.client().ask::<Value>(Patience::Once, &self.domain, &token, Query::SHOP_INFO, json!({})).await;
        if asked.is_ok() {
            keeper.has_worked(&self.domain, &token).await.unwrap();
        }
        asked.is_ok()
    }

    /// What is stored, by kind.
    async fn kinds(&self) -> Vec<TokenKind> {
        let mut kinds = Vec::new();
        for kind in [TokenKind::Access, TokenKind::Refresh, TokenKind::PreviousAccess, TokenKind::PreviousRefresh] {
            if self.connections.find_token(NAME, self.domain.as_str(), kind).await.unwrap().is_some() {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Runs SQL on the database beside the service: to make one of its writes fail.
    fn sql(&self, sql: &str) {
        run_sql(&self.folder.path().join("tokens.db"), sql);
    }
}

async fn open(folder: &TempDir) -> Connections {
    let db = Db::open(&folder.path().join("tokens.db"), TOKENS_MIGRATIONS).unwrap();
    Connections::open(db, Vault::from_key_file(&folder.path().join("master.key")).unwrap(), Clock::system())
        .await
        .unwrap()
}

/// Drives a future through so many steps, then drops it where it stands, as a kill would.
async fn at_most<F: Future>(steps: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = steps;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_need_a_token_at_once_make_one_refresh() {
    let bench = Bench::new(true).await;
    for round in 1..=3 {
        bench.clock.advance(2 * HOUR);
        let keeper = bench.keeper();
        let needs: Vec<_> = (0..50)
            .map(|_| {
                let (keeper, domain) = (keeper.clone(), bench.domain.clone());
                tokio::spawn(async move { keeper.access_token(&domain).await.unwrap().expose_secret().to_owned() })
            })
            .collect();
        let mut given = Vec::new();
        for need in needs {
            given.push(need.await.unwrap());
        }
        given.dedup();
        assert_eq!(given.len(), 1, "all have the same");
        assert_eq!(bench.refreshes(), round);
        assert!(bench.works().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_are_refused_at_once_make_one_refresh() {
    let bench = Bench::new(true).await;
    let keeper = bench.keeper();
    let refused = keeper.access_token(&bench.domain).await.unwrap();
    bench.shop().expire_access_token();
    let needs: Vec<_> = (0..50)
        .map(|_| {
            let (keeper, domain, refused) = (keeper.clone(), bench.domain.clone(), refused.clone());
            tokio::spawn(async move { keeper.after_refusal(&domain, &refused).await.unwrap() })
        })
        .collect();
    for need in needs {
        assert_ne!(need.await.unwrap().expose_secret(), refused.expose_secret());
    }
    assert_eq!(bench.refreshes(), 1);
    assert!(bench.works().await);
}

#[tokio::test]
async fn killed_at_any_step_of_a_refresh_the_shop_is_not_lost() {
    let bench = Bench::new(true).await;
    let mut whole = false;
    for steps in 0.. {
        bench.clock.advance(2 * HOUR);
        let keeper = bench.keeper();
        let used = async {
            let token = keeper.access_token(&bench.domain).await.unwrap();
            let client = bench.client();
            client.ask::<Value>(Patience::Once, &bench.domain, &token, Query::SHOP_INFO, json!({})).await.unwrap();
            keeper.has_worked(&bench.domain, &token).await.unwrap();
        };
        whole = at_most(steps, used).await.is_some();
        assert!(bench.works().await, "killed after {steps} steps");
        assert!(bench.works().await, "and the start after that");
        if whole {
            assert!(steps > 5, "{steps} steps are not all there are");
            break;
        }
    }
    assert!(whole);
    assert!(bench.alerts.list().is_empty());
}

#[tokio::test]
async fn killed_between_the_answer_and_the_commit_the_shop_is_not_lost() {
    let bench = Bench::new(true).await;
    for _ in 0..3 {
        bench.clock.advance(2 * HOUR);
        bench.sql("CREATE TRIGGER killed BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'killed'); END");
        let before = bench.refreshes();
        for _ in 0..3 {
            assert!(bench.keeper().access_token(&bench.domain).await.is_err());
        }
        assert_eq!(bench.refreshes() - before, 3, "each was answered, and its answer lost");
        bench.sql("DROP TRIGGER killed");
        assert!(bench.works().await);
    }
    assert_eq!(bench.kinds().await, [TokenKind::Access, TokenKind::Refresh]);
}

#[tokio::test]
async fn the_old_pair_stays_until_the_new_one_has_worked() {
    use TokenKind::{Access, PreviousAccess, PreviousRefresh, Refresh};
    let bench = Bench::new(true).await;
    let keeper = bench.keeper();
    let old = keeper.access_token(&bench.domain).await.unwrap();
    bench.clock.advance(2 * HOUR);
    let new = keeper.access_token(&bench.domain).await.unwrap();
    assert_eq!(bench.kinds().await, [Access, Refresh, PreviousAccess, PreviousRefresh]);
    keeper.has_worked(&bench.domain, &old).await.unwrap();
    assert_eq!(bench.kinds().await.len(), 4, "an answer from before the refresh proves nothing");
    // Killed after the commit, before the first use; then after the use, before the old pair was erased.
    bench.sql("CREATE TRIGGER killed BEFORE DELETE ON tokens BEGIN SELECT RAISE(ABORT, 'killed'); END");
    assert!(keeper.has_worked(&bench.domain, &new).await.is_err());
    bench.sql("DROP TRIGGER killed");
    assert!(bench.works().await);
    assert_eq!(bench.kinds().await, [Access, Refresh]);
    assert_eq!(bench.refreshes(), 1);
}

#[tokio::test]
async fn what_the_token_endpoint_may_answer_costs_no_login_but_a_dead_one() {
    let answer = |body: Value| Failure::Json(200, body);
    let refusal = |status: u16, error: &str| Failure::Json(status, json!({ "error": error }));
    let unreadable = [
        Failure::Html,
        Failure::Empty,
        Failure::HalfBody,
        Failure::Disconnect,
        Failure::Hang,
        answer(json!({})),
        answer(json!([])),
        answer(json!("shpat_x")),
        answer(json!({ "access_token": null })),
        answer(json!({ "access_token": 7, "refresh_token": "r" })),
        answer(json!({ "access_token": "", "refresh_token": "r" })),
        answer(json!({ "access_token": "a\r\nX-Injected: 1", "refresh_token": "r" })),
        answer(json!({ "access_token": { "value": "a" } })),
        Failure::Status(500),
        Failure::Status(503),
        Failure::Status(404),
        Failure::Status(301),
        Failure::Status(402),
        Failure::Status(400),
        Failure::RetryAfter(429, "2.0".into()),
        Failure::RetryAfter(429, "soon".into()),
        refusal(400, "invalid_request"),
        refusal(400, "unsupported_grant_type"),
        Failure::Json(400, json!({ "errors": "Not Found" })),
        Failure::Json(400, json!({ "error": ["invalid_grant"] })),
        Failure::Json(401, json!("invalid_grant")),
    ];
    let bench = Bench::new(true).await;
    for failure in unreadable {
        bench.clock.advance(2 * HOUR);
        bench.sandbox.traffic().fail_next("oauth/access_token", 2, failure.clone());
        let error = bench.keeper().access_token(&bench.domain).await.unwrap_err();
        assert!(!matches!(error, ReadError::Api(ApiError::TokenRejected { .. })), "{failure:?}: {error}");
        assert_eq!(bench.kinds().await[..2], [TokenKind::Access, TokenKind::Refresh], "{failure:?}");
        bench.sandbox.traffic().heal();
        assert!(bench.works().await, "{failure:?}");
    }
    // Refused for what may be our own fault: told, kept, and good again when that is mended.
    bench.clock.advance(2 * HOUR);
    bench.sandbox.traffic().fail_next("oauth/access_token", 1, refusal(401, "invalid_client"));
    let error = bench.keeper().access_token(&bench.domain).await.unwrap_err();
    assert!(matches!(error, ReadError::Api(ApiError::TokenRejected { .. })), "{error}");
    assert_eq!(bench.alerts.list()[0].cause, "shopify:demo-shop.myshopify.com:credentials");
    assert!(bench.works().await);
    assert!(bench.alerts.list().is_empty());
    // Dead: nothing is kept.
    bench.clock.advance(2 * HOUR);
    bench.sandbox.traffic().fail_next("oauth/access_token", 1, refusal(400, "invalid_grant"));
    let error = bench.keeper().access_token(&bench.domain).await.unwrap_err();
    assert!(matches!(error, ReadError::Api(ApiError::TokenRejected { .. })), "{error}");
    assert_eq!(bench.kinds().await, []);
    let before = bench.refreshes();
    assert!(!bench.works().await);
    assert_eq!(bench.refreshes(), before, "nothing is asked without a token");
}

#[tokio::test]
async fn a_refresh_without_a_refresh_token_in_its_answer_keeps_the_one_there_is() {
    let bench = Bench::new(true).await;
    bench.clock.advance(2 * HOUR);
    let (access, _) = bench.shop().install(&["read_products"], true);
    let body = json!({ "access_token": access, "expires_in": 3600 });
    bench.sandbox.traffic().fail_next("oauth/access_token", 1, Failure::Json(200, body));
    assert!(bench.works().await);
    bench.clock.advance(2 * HOUR);
    assert!(bench.works().await);
}

#[tokio::test]
async fn lives_of_any_length_are_taken() {
    let bench = Bench::new(true).await;
    for seconds in [0, -1, 1, i64::MAX, i64::MIN] {
        bench.clock.advance(2 * HOUR);
        let (access, refresh) = bench.shop().install(&["read_products"], true);
        let body = json!({ "access_token": access, "refresh_token": refresh, "expires_in": seconds,
                           "refresh_token_expires_in": seconds });
        bench.connections.erase_tokens(NAME, bench.domain.as_str()).await.unwrap();
        let answer: TokenAnswer = serde_json::from_value(body).unwrap();
        let (access, refresh) = split(answer, bench.clock.now_ms());
        bench.connections.replace_pair(NAME, bench.domain.as_str(), access, refresh).await.unwrap();
        assert!(bench.works().await, "{seconds}");
        bench.keeper().keep_alive(&bench.domain).await.unwrap();
        assert!(bench.works().await, "{seconds}");
    }
}

#[tokio::test]
async fn a_token_of_the_old_kind_is_exchanged_before_and_when_it_is_refused() {
    for taken in [true, false] {
        let bench = Bench::new(false).await;
        bench.sandbox.old_tokens(false, taken);
        let keeper = bench.keeper();
        let old = keeper.access_token(&bench.domain).await.unwrap();
        if taken {
            keeper.keep_alive(&bench.domain).await.unwrap();
        } else {
            keeper.after_refusal(&bench.domain, &old).await.unwrap();
        }
        assert!(bench.works().await, "{taken}");
        assert_eq!(bench.kinds().await[..2], [TokenKind::Access, TokenKind::Refresh], "{taken}");
        let received = bench.sandbox.traffic().received();
        let body: Value = serde_json::from_slice(&received[0].body).unwrap();
        assert_eq!(body["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
        assert_eq!(body["subject_token"], old.expose_secret());
        assert_eq!(body["requested_token_type"], "urn:shopify:params:oauth:token-type:offline-access-token");
        assert_eq!(body["expiring"], "1");
        bench.clock.advance(2 * HOUR);
        assert!(bench.works().await, "{taken}: it is refreshed as any other");
    }
}

#[tokio::test]
async fn an_old_token_that_cannot_be_exchanged_goes_on_as_long_as_it_is_taken() {
    let bench = Bench::new(false).await;
    bench.sandbox.old_tokens(false, true);
    let keeper = bench.keeper();
    let refusal = Failure::Json(400, json!({ "error": "invalid_request" }));
    bench.sandbox.traffic().fail_next("oauth/access_token", 2, refusal);
    for hour in 0..24 {
        keeper.keep_alive(&bench.domain).await.unwrap();
        assert_eq!(bench.refreshes(), 1, "in hour {hour}: not tried again within a day");
        bench.clock.advance(HOUR);
    }
    assert!(bench.works().await);
    // Refused where it is used, it is tried once more, and then given up.
    let old = keeper.access_token(&bench.domain).await.unwrap();
    let error = keeper.after_refusal(&bench.domain, &old).await.unwrap_err();
    assert!(error.to_string().contains("old kind of login"), "{error}");
    assert_eq!(bench.kinds().await, []);
}
