//! The settings of the Shopify channel.

use secrecy::SecretString;
use url::Url;

use super::payload::ShopDomain;
use crate::shared::channel::job::check_cron;
use crate::shared::secrets::signature::Secrets;
use crate::shared::settings::{BadAddress, ProblemKind, Settings, check_url, is_loopback};

/// The settings of the Shopify channel.
#[derive(Debug)]
pub struct Config {
    /// The app's client id ("API key").
    pub api_key: String,
    /// The app's client secret, and during a rotation the one before it.
    pub api_secret: Secrets,
    /// Where the login comes back to.
    pub redirect_uri: Url,
    /// Where deliveries go.
    pub webhook_address: Url,
    /// The Admin API's version: `2026-10`.
    pub api_version: String,
    /// The base of a shop's addresses; `{shop}` in it becomes the checked domain.
    pub admin_url: AdminUrl,
    /// Shops with more products than this are read whole by bulk operations.
    pub bulk_above: i64,
    /// Where the files of bulk operations may lie.
    pub bulk_hosts: BulkHosts,
    /// When shops are polled.
    pub poll_cron: String,
}

/// Where shops are reached: a base URL in which `{shop}` stands for the shop's domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminUrl(String);

impl AdminUrl {
    /// Reads such a base.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        const SAMPLE: &str = "sample.myshopify.com";
        let bad = |words| BadAddress { kind: ProblemKind::Wrong, words };
        if text.matches("{shop}").count() != 1 {
            return Err(bad("must hold {shop} once: where the shop's domain stands"));
        }
        let url = check_url(&text.replace("{shop}", SAMPLE))?;
        let in_host = url.host_str().is_some_and(|host| host.contains(SAMPLE));
        if url.query().is_some() || !(in_host || url.path().contains(SAMPLE)) {
            return Err(bad("must hold {shop} in its host or in its path, and no query"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// Whether shops are simulated on this machine.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        let url = Url::parse(&self.0.replace("{shop}", "sample.myshopify.com"));
        url.is_ok_and(|url| url.host_str().is_some_and(is_loopback))
    }

    /// The base, where it is one for all shops.
    fn fixed(&self) -> Option<Url> {
        let [one, other] =
            ["a.myshopify.com", "b.myshopify.com"].map(|shop| Url::parse(&self.0.replace("{shop}", shop)).ok());
        one.filter(|one| other.is_some_and(|other| one.origin() == other.origin()))
    }

    /// The address of `path` at a shop. The shop was parsed, so it cannot change the host.
    #[must_use]
    pub fn at(&self, shop: &ShopDomain, path: &[&str]) -> Option<Url> {
        let mut url = Url::parse(&self.0.replace("{shop}", shop.as_str())).ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(path);
        Some(url)
    }
}

/// The hosts from which the files of bulk operations are taken: a shop's answer names the address, so it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkHosts(Vec<String>);

impl BulkHosts {
    /// Reads a list such as `storage.googleapis.com, files.example:8443`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hosts: Vec<String> =
            text.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect();
        let good = |host: &String| Url::parse(&format!("https://{host}/")).is_ok_and(|url| authority(&url) == *host);
        (!hosts.is_empty() && hosts.iter().all(good)).then_some(Self(hosts))
    }

    /// Whether a file may be taken from this address: https, or this machine where it is listed; no user, and a listed
    /// host with its port.
    #[must_use]
    pub fn allow(&self, url: &Url) -> bool {
        check_url(url.as_str()).is_ok()
            && url.username().is_empty()
            && url.password().is_none()
            && self.0.contains(&authority(url))
    }
}

/// The host, and the port where it is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The newest stable version of the Admin API on 2026-11-21, accessible until 2027-10-16.
/// Source: <https://shopify.dev/docs/api/usage/versioning>.
const API_VERSION: &str = "2026-10";

/// Shops of more products are read by bulk operations. Source: the rule of thumb in Shopify's guide to bulk operations.
const BULK_ABOVE: i64 = 1000;

/// Where Shopify keeps the files of bulk operations.
const BULK_HOST: &str = "storage.googleapis.com";

/// The variables that switch the channel on: with any of them set, all that have no default must be.
const NAMES: [&str; 10] = [
    "SHOPIFY_API_KEY",
    "SHOPIFY_API_SECRET",
    "SHOPIFY_API_SECRET_PREVIOUS",
    "SHOPIFY_REDIRECT_URI",
    "SHOPIFY_WEBHOOK_ADDRESS",
    "SHOPIFY_API_VERSION",
    "SHOPIFY_ADMIN_URL",
    "SHOPIFY_BULK_ABOVE",
    "SHOPIFY_BULK_HOSTS",
    "SHOPIFY_POLL_CRON",
];

/// All paths at which the channel answers.
pub const ROUTES: [&str; 4] = ["/shopify/login", "/shopify/install", "/shopify/callback", "/shopify/webhook"];

impl Config {
    /// The addresses that were configured to be asked, wherever they lead: our own webhook route, and shops that are at an
    /// address other than their own.
    pub(super) fn asked_addresses(&self) -> Vec<Url> {
        self.admin_url.fixed().into_iter().chain([self.webhook_address.clone()]).collect()
    }

    /// Reads the section; `None`: none of its variables is set, the channel is off.
    pub fn from_settings(settings: &mut Settings<'_>, public_url: Option<&Url>) -> Option<Self> {
        if !settings.is_on(&NAMES, &[]) {
            return None;
        }
        let api_key = settings.required("SHOPIFY_API_KEY");
        let api_secret: SecretString = settings.required_secret("SHOPIFY_API_SECRET");
        let previous = settings.secret("SHOPIFY_API_SECRET_PREVIOUS");
        let admin_url = settings.text_or("SHOPIFY_ADMIN_URL", "https://{shop}");
        let admin_url = AdminUrl::parse(&admin_url).unwrap_or_else(|BadAddress { kind, words }| {
            settings.problem_of(kind, "SHOPIFY_ADMIN_URL", words);
            AdminUrl(String::new())
        });
        Some(Self {
            api_key,
            api_secret: Secrets::new(api_secret, previous),
            redirect_uri: settings.url_below("SHOPIFY_REDIRECT_URI", public_url, &["/shopify/callback"]),
            webhook_address: settings.url_below("SHOPIFY_WEBHOOK_ADDRESS", public_url, &["/shopify/webhook"]),
            api_version: settings.parsed_or(
                "SHOPIFY_API_VERSION",
                API_VERSION.to_owned(),
                "a version such as 2026-10, or unstable",
                |text| is_version(text).then(|| text.to_owned()),
            ),
            admin_url,
            bulk_above: settings.parsed_or("SHOPIFY_BULK_ABOVE", BULK_ABOVE, "a number of products", |text| {
                text.parse().ok().filter(|number| *number >= 0)
            }),
            bulk_hosts: settings.parsed_or(
                "SHOPIFY_BULK_HOSTS",
                BulkHosts(vec![BULK_HOST.to_owned()]),
                "names of hosts, with a port where it is not 443, separated by commas",
                BulkHosts::parse,
            ),
            poll_cron: settings.checked_or(ProblemKind::Cron, "SHOPIFY_POLL_CRON", "47 3 * * *".to_owned(), check_cron),
        })
    }
}

fn is_version(text: &str) -> bool {
    text == "unstable"
        || text.split_once('-').is_some_and(|(year, month)| {
            year.len() == 4
                && year.bytes().all(|byte| byte.is_ascii_digit())
                && ["01", "04", "07", "10"].contains(&month)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_files_come_from_listed_hosts_only() {
        let hosts = BulkHosts::parse("storage.googleapis.com, Files.example:8443 ,127.0.0.1:9").expect("hosts");
        let allow = |url: &str| hosts.allow(&Url::parse(url).expect("a URL"));
        for good in
            ["https://storage.googleapis.com/a?b=c", "https://files.example:8443/a", "http://127.0.0.1:9/bulk/a.jsonl"]
        {
            assert!(allow(good), "{good}");
        }
        for bad in [
            "http://storage.googleapis.com/a",
            "https://storage.googleapis.com:8443/a",
            "https://storage.googleapis.com.evil.example/a",
            "https://evil.example/storage.googleapis.com",
            "https://user@storage.googleapis.com/a",
            "https://files.example/a",
            "http://127.0.0.1:10/a",
            "http://169.254.169.254/latest",
            "ftp://storage.googleapis.com/a",
        ] {
            assert!(!allow(bad), "{bad}");
        }
        for bad in ["", " , ", "a/b", "a b", "https://a", "u@a", "a:443"] {
            assert!(BulkHosts::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_shop_stands_where_the_placeholder_was() {
        let shop = ShopDomain::parse("demo.myshopify.com").expect("a shop");
        let at = |base: &str| AdminUrl::parse(base).ok()?.at(&shop, &["admin", "x.json"]).map(String::from);
        assert_eq!(at("https://{shop}").as_deref(), Some("https://demo.myshopify.com/admin/x.json"));
        assert_eq!(
            at("http://127.0.0.1:9/{shop}/").as_deref(),
            Some("http://127.0.0.1:9/demo.myshopify.com/admin/x.json")
        );
        assert_eq!(at("http://{shop}"), None, "plain http is for this machine only");
        assert_eq!(
            at("https://{shop}.proxy.example/x").as_deref(),
            Some("https://demo.myshopify.com.proxy.example/x/admin/x.json")
        );
        // With these, the codes and secrets of all shops would go to one host.
        for one_for_all in [
            "https://evil.example",
            "https://evil.example?x={shop}",
            "https://evil.example/#{shop}",
            "https://{shop}@evil.example",
            "https://evil.example/{shop}?x=1",
            "https://{shop}/{shop}",
            "https://evil.example/{shop",
            "https://evil.example/{SHOP}",
        ] {
            assert!(AdminUrl::parse(one_for_all).is_err(), "{one_for_all}");
        }
    }
}
