//! Which bucket, and how it is asked.

use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use crate::shared::settings::{Settings, is_loopback};

/// The variables without which there are no copies.
const NEEDED: [&str; 3] = ["SPACES_BUCKET", "SPACES_ACCESS_KEY", "SPACES_SECRET_KEY"];

/// The region where none is set.
const REGION: &str = "nyc3";

/// How often one object is sent at most, where nothing is set, in seconds.
const EVERY_SECONDS: u64 = 60;

/// The bucket, and how it is asked.
#[derive(Debug)]
pub struct ObjectSettings {
    /// Its name.
    pub bucket: String,
    /// Its region: requests are signed for it.
    pub region: String,
    /// Where the service that holds it answers, without a path.
    pub endpoint: Url,
    /// Whether its name stands in the path of an address, and not before the host.
    pub has_path_style: bool,
    /// Names who asks.
    pub access_key: SecretString,
    /// Signs what is asked.
    pub secret_key: SecretString,
    /// How often one object is sent at most.
    pub every: Duration,
}

impl ObjectSettings {
    /// Reads the settings; `None`: no copies are made.
    pub fn from_settings(settings: &mut Settings<'_>) -> Option<Self> {
        let is_on = NEEDED.map(|name| settings.is_set(name));
        let bucket = settings.text(NEEDED[0]);
        let (access_key, secret_key) = (settings.secret(NEEDED[1]), settings.secret(NEEDED[2]));
        let region =
            settings.parsed_or("SPACES_REGION", REGION.to_owned(), "the name of a region, such as nyc3", |text| {
                is_label(text).then(|| text.to_owned())
            });
        let endpoint = endpoint(settings, &region);
        let has_path_style = settings.parsed_or("S3_PATH_STYLE", false, "true or false", |text| text.parse().ok());
        let seconds = settings.parsed_or("CLOUD_EVERY_SECONDS", EVERY_SECONDS, "a number from 1 to 86400", |text| {
            text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds))
        });
        // What is there and cannot be used has a line of its own already.
        let read = [bucket.is_some(), access_key.is_some(), secret_key.is_some()];
        if is_on.contains(&true) && read == is_on {
            for name in NEEDED.iter().zip(is_on).filter(|(_, is_set)| !is_set).map(|(name, _)| name) {
                settings.problem(name, "is needed beside the other SPACES_… variables, or take those out");
            }
        }
        let bucket = bucket?;
        if !is_bucket(&bucket) {
            settings.problem(NEEDED[0], "must be the name of a bucket: 3 to 63 small letters, digits, - and .");
            return None;
        }
        if endpoint.host_str().is_some_and(|host| host.starts_with(&format!("{bucket}."))) {
            settings.problem("S3_ENDPOINT", "must not name the bucket: its name is put before the host");
        }
        // A certificate for names before a host holds for one label only, and an address of numbers has no names before it.
        let has_name = matches!(endpoint.host(), Some(Host::Domain(name)) if !is_loopback(name));
        let has_path_style = has_path_style || !has_name || bucket.contains('.');
        let every = Duration::from_secs(seconds);
        Some(Self { bucket, region, endpoint, has_path_style, access_key: access_key?, secret_key: secret_key?, every })
    }

    /// The address of the bucket; names of objects follow it.
    #[must_use]
    pub fn address(&self) -> Url {
        let mut address = self.endpoint.clone();
        if self.has_path_style {
            address.set_path(&format!("/{}/", self.bucket));
        } else if let Some(host) = self.endpoint.host_str() {
            // Both parts were checked; where the library thinks otherwise, the requests fail and say so.
            let _ = address.set_host(Some(&format!("{}.{host}", self.bucket)));
        }
        address
    }
}

fn endpoint(settings: &mut Settings<'_>, region: &str) -> Url {
    const NAME: &str = "S3_ENDPOINT";
    let default = Url::parse(&format!("https://{region}.digitaloceanspaces.com"));
    let given = settings.base_url(NAME);
    if given.as_ref().is_some_and(|url| url.path() != "/") {
        settings.problem(NAME, "must have no path: the bucket's name is put there, or before the host");
    }
    #[allow(clippy::expect_used, reason = "a label was put into a constant")]
    given.unwrap_or_else(|| default.expect("an address"))
}

/// Whether a text is a part of a host's name.
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len()) && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<ObjectSettings>, Vec<String>> {
        let lookup = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let mut settings = Settings::new(&lookup);
        let read = ObjectSettings::from_settings(&mut settings);
        match settings.finish() {
            Ok(_) => Ok(read),
            Err(problems) => Err(problems.0.into_iter().map(|problem| problem.name).collect()),
        }
    }

    const WHOLE: [(&str, &str); 3] = [
        ("SPACES_BUCKET", "shop-copies"),
        ("SPACES_ACCESS_KEY", "an access key for tests"),
        ("SPACES_SECRET_KEY", "a secret key for tests"),
    ];

    fn address(more: &[(&str, &str)]) -> String {
        let pairs = [&WHOLE[..], more].concat();
        read(&pairs).expect("settings").expect("copies are on").address().to_string()
    }

    #[test]
    fn copies_are_on_with_bucket_and_both_keys() {
        assert!(read(&[]).expect("settings").is_none());
        let settings = read(&WHOLE).expect("settings").expect("copies are on");
        assert_eq!((settings.region.as_str(), settings.every), ("nyc3", Duration::from_secs(60)));
        assert!(!format!("{settings:?}").contains("for tests"), "keys print nothing");
        assert_eq!(read(&WHOLE[..1]).expect_err("half"), ["SPACES_ACCESS_KEY", "SPACES_SECRET_KEY"]);
        assert_eq!(read(&WHOLE[1..]).expect_err("half"), ["SPACES_BUCKET"]);
    }

    #[test]
    fn the_bucket_stands_before_the_host_or_in_the_path() {
        assert_eq!(address(&[]), "https://shop-copies.nyc3.digitaloceanspaces.com/");
        assert_eq!(address(&[("SPACES_REGION", "ams3")]), "https://shop-copies.ams3.digitaloceanspaces.com/");
        let aws = ("S3_ENDPOINT", "https://s3.eu-central-1.amazonaws.com");
        assert_eq!(address(&[aws]), "https://shop-copies.s3.eu-central-1.amazonaws.com/");
        assert_eq!(address(&[aws, ("S3_PATH_STYLE", "true")]), "https://s3.eu-central-1.amazonaws.com/shop-copies/");
        for endpoint in ["http://127.0.0.1:9000", "http://localhost:9000", "https://203.0.113.7", "http://[::1]:9000"] {
            let address = address(&[("S3_ENDPOINT", endpoint)]);
            assert_eq!(address, format!("{endpoint}/shop-copies/"));
        }
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        for (name, value) in [
            ("SPACES_BUCKET", "Shop"),
            ("SPACES_BUCKET", "ab"),
            ("SPACES_BUCKET", "a..b"),
            ("SPACES_BUCKET", "shop/copies"),
            ("SPACES_REGION", "nyc3.evil.example"),
            ("SPACES_REGION", "nyc3/"),
            ("S3_ENDPOINT", "http://s3.example.com"),
            ("S3_ENDPOINT", "https://s3.example.com/path"),
            ("S3_ENDPOINT", "https://shop-copies.nyc3.digitaloceanspaces.com"),
            ("S3_PATH_STYLE", "yes"),
            ("CLOUD_EVERY_SECONDS", "0"),
            ("SPACES_SECRET_KEY", "short"),
        ] {
            let pairs: Vec<_> = [(name, value)].into_iter().chain(WHOLE).collect();
            assert_eq!(read(&pairs).expect_err(value), [name], "{value}");
        }
    }
}
