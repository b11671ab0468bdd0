//! Reads settings by name, checks each, and collects every problem, so that all of them come in one message.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// The fewest characters of a secret.
const SECRET_CHARACTERS: usize = 16;

/// What kind of problem a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// It is needed and not there.
    Missing,
    /// It is there, with nothing in it.
    Empty,
    /// It still holds the text of the example.
    Placeholder,
    /// A secret with too few characters.
    TooShort,
    /// A secret that is another one's value, too.
    Repeated,
    /// An address that does not begin with https.
    NotHttps,
    /// A cron pattern that is not understood.
    Cron,
    /// An API version that is not written as one.
    Version,
    /// The settings file cannot be read.
    Unreadable,
    /// Any other value that cannot be used.
    Wrong,
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The variable's name, or the settings file.
    pub name: String,
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// The rest of a sentence that begins with the name.
    pub words: String,
}

/// What is wrong with the settings, by variable name. Values are never quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// Why an address cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct BadAddress {
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// What is wrong with it.
    pub words: &'static str,
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "the configuration cannot be used:")?;
        for Problem { name, words, .. } in &self.0 {
            writeln!(formatter, "  {name}: {words}")?;
        }
        let demo = if cfg!(feature = "demo") { "; `shoptalk demo` needs none of them" } else { "" };
        write!(formatter, "every variable is explained in .env.example{demo}")
    }
}

impl std::error::Error for Problems {}

/// The settings and what was found wrong with them so far.
pub struct Settings<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
    secrets: HashMap<String, SecretString>,
    asked: Vec<String>,
    /// The paths at which this service answers.
    routes: Vec<&'static str>,
    /// Addresses of ours that were given: their variables, and the routes to which they may lead.
    own: Vec<(String, Url, &'static [&'static str])>,
    /// The variables that switched a section on.
    switches: Vec<String>,
}

impl<'a> Settings<'a> {
    /// Reads through this function: the environment, or what a test gives.
    #[must_use]
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
            secrets: HashMap::new(),
            asked: Vec::new(),
            routes: Vec::new(),
            own: Vec::new(),
            switches: Vec::new(),
        }
    }

    /// Whether a section is on: one of its variables is set that have no default. Those that have one (`with_default`) change
    /// how it works and switch nothing on; all are asked for, so that their names are known where it is off, too.
    pub fn is_on(&mut self, without_default: &[&str], with_default: &[&str]) -> bool {
        for name in with_default {
            self.is_set(name);
        }
        let set: Vec<&&str> = without_default.iter().filter(|name| self.is_set(name)).collect();
        self.switches.extend(set.first().map(|name| (**name).to_owned()));
        !set.is_empty()
    }

    /// What to say where a variable is missing: that it is needed, and why.
    fn missing_words(&self, name: &str) -> String {
        let section = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
        let switch = self.switches.iter().find(|switch| section(switch) == section(name) && *switch != name);
        switch.map_or_else(|| "is missing".to_owned(), |switch| format!("is missing; {switch} is set, which needs it"))
    }

    /// Notes that a variable's value cannot be used.
    pub fn problem(&mut self, name: &str, words: impl Into<String>) {
        self.problem_of(ProblemKind::Wrong, name, words);
    }

    /// Notes a problem of this kind with a variable.
    pub fn problem_of(&mut self, kind: ProblemKind, name: &str, words: impl Into<String>) {
        self.problems.push(Problem { name: name.to_owned(), kind, words: words.into() });
    }

    /// Whether a variable is set, be it to nonsense.
    pub fn is_set(&mut self, name: &str) -> bool {
        self.asked.push(name.to_owned());
        (self.lookup)(name).is_some()
    }

    /// Whether the variable is set to nothing.
    pub fn is_blank(&mut self, name: &str) -> bool {
        self.asked.push(name.to_owned());
        (self.lookup)(name).is_some_and(|value| value.trim().is_empty())
    }

    /// A text, if the variable is set and no placeholder.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.asked.push(name.to_owned());
        let value = (self.lookup)(name)?.trim().to_owned();
        if value.is_empty() {
            self.problem_of(ProblemKind::Empty, name, "is empty; give it a value or remove the line");
            return None;
        }
        if is_placeholder(&value) {
            self.problem_of(ProblemKind::Placeholder, name, "still holds the placeholder; put your own value there");
            return None;
        }
        Some(value)
    }

    /// A text that must be there.
    pub fn required(&mut self, name: &str) -> String {
        if !self.is_set(name) {
            self.problem_of(ProblemKind::Missing, name, self.missing_words(name));
        }
        self.text(name).unwrap_or_default()
    }

    /// A text with a default.
    pub fn text_or(&mut self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }

    /// Anything that parses, with a default. `what` says what it should be.
    pub fn parsed_or<T>(&mut self, name: &str, default: T, what: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        self.parsed_of(ProblemKind::Wrong, name, default, what, parse)
    }

    /// The same; `kind` says what kind of problem it is where the text does not parse.
    pub fn parsed_of<T>(
        &mut self,
        kind: ProblemKind,
        name: &str,
        default: T,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        match self.text(name) {
            None => default,
            Some(value) => parse(&value).unwrap_or_else(|| {
                self.problem_of(kind, name, format!("must be {what}"));
                default
            }),
        }
    }

    /// Anything that a check makes of the text, with a default. The check says what is wrong.
    pub fn checked_or<T>(
        &mut self,
        kind: ProblemKind,
        name: &str,
        default: T,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        match self.text(name).map(|value| check(&value)) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(problem)) => {
                self.problem_of(kind, name, problem);
                default
            }
        }
    }

    /// A path with a default.
    pub fn path_or(&mut self, name: &str, default: &str) -> PathBuf {
        PathBuf::from(self.text_or(name, default))
    }

    /// A secret of at least 16 characters, if the variable is set.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        self.secret_of(name, SECRET_CHARACTERS)
    }

    /// A secret of at least this many characters, if the variable is set.
    pub fn secret_of(&mut self, name: &str, characters: usize) -> Option<SecretString> {
        let value = self.text(name)?;
        if value.chars().count() < characters {
            self.problem_of(
                ProblemKind::TooShort,
                name,
                format!("is too short: at least {characters} characters are needed"),
            );
            return None;
        }
        self.secrets.insert(name.to_owned(), SecretString::from(value.clone()));
        Some(value.into())
    }

    /// A secret that must be there.
    pub fn required_secret(&mut self, name: &str) -> SecretString {
        if !self.is_set(name) {
            self.problem_of(ProblemKind::Missing, name, self.missing_words(name));
        }
        self.secret(name).unwrap_or_default()
    }

    /// The same for a secret that has a second name, which counts where the first is not set.
    pub fn required_secret_named(&mut self, name: &str, second: &str) -> SecretString {
        let other = self.secret(second);
        if self.is_set(second) && !self.is_set(name) {
            return other.unwrap_or_default();
        }
        // Under both names it may be the same.
        self.secrets.remove(second);
        self.required_secret(name)
    }

    /// An address: https, or http to this machine only.
    pub fn url(&mut self, name: &str) -> Option<Url> {
        let value = self.text(name)?;
        match check_url(&value) {
            Ok(url) => Some(url),
            Err(BadAddress { kind, words }) => {
                self.problem_of(kind, name, words);
                None
            }
        }
    }

    /// An address to which paths are added: it has no query.
    pub fn base_url(&mut self, name: &str) -> Option<Url> {
        let url = self.url(name)?;
        if url.query().is_some() {
            self.problem(name, "must not hold a query: paths are added to it");
            return None;
        }
        Some(url)
    }

    /// An address with a default, to which paths are added.
    pub fn base_url_or(&mut self, name: &str, default: &'static str) -> Url {
        self.base_url(name).unwrap_or_else(|| constant_url(default))
    }

    /// The service answers at these paths: an address of ours that is meant for another one must not lead there.
    pub fn routes(&mut self, routes: &[&'static str]) {
        self.routes.extend(routes);
    }

    /// The route that begins with the first part of this path, if one does.
    #[must_use]
    pub fn route_below(&self, path: &str) -> Option<&'static str> {
        let first = |path: &str| path.split('/').nth(1).unwrap_or_default().to_owned();
        self.routes.iter().copied().find(|route| !path.is_empty() && first(route) == first(path))
    }

    /// An address that by default is the first of `routes` below the public one, and must be there one way or the other. One
    /// that is given may lead to any of `routes`, or to a path that a proxy maps, but to no other route of ours.
    pub fn url_below(&mut self, name: &str, public_url: Option<&Url>, routes: &'static [&'static str]) -> Url {
        let path = routes.first().copied().unwrap_or_default();
        if self.is_set(name) {
            let url = self.url(name);
            self.own.extend(url.clone().map(|url| (name.to_owned(), url, routes)));
            return url.unwrap_or_else(|| constant_url("https://localhost"));
        }
        match public_url {
            Some(public_url) => {
                let mut url = below(public_url, path);
                url.set_query(None);
                url
            }
            // A public address that is there but wrong is named itself; what follows from it is no further problem.
            None if self.is_set("PUBLIC_URL") => constant_url("https://localhost"),
            None => {
                self.problem_of(ProblemKind::Missing, name, "is missing; set it, or PUBLIC_URL, from which it follows");
                constant_url("https://localhost")
            }
        }
    }

    /// Two secrets that are the same are one secret with two purposes: a mistake. Ends the reading.
    ///
    /// # Errors
    /// All problems found.
    pub fn finish(mut self) -> Result<Vec<String>, Problems> {
        let asked = self.asked();
        let mut names: Vec<String> = self.secrets.keys().cloned().collect();
        names.sort();
        for (index, first) in names.iter().enumerate() {
            for second in &names[index + 1..] {
                if self.secrets[first].expose_secret() == self.secrets[second].expose_secret() {
                    self.problems.push(Problem {
                        name: second.clone(),
                        kind: ProblemKind::Repeated,
                        words: format!("must not be the same as {first}"),
                    });
                }
            }
        }
        for (name, url, own) in std::mem::take(&mut self.own) {
            let path = url.path().trim_end_matches('/');
            let other = self.routes.iter().find(|route| path.ends_with(**route) && !own.contains(route));
            let wanted = own.first().copied().unwrap_or_default();
            if path.is_empty() {
                self.problem(&name, format!("leads to the start page; it ends with {wanted}"));
            } else if let Some(other) = other {
                self.problem(
                    &name,
                    format!("leads to {other}, where something else is answered; it ends with {wanted}"),
                );
            }
        }
        let mut seen = std::collections::HashSet::new();
        self.problems.retain(|problem| seen.insert(problem.clone()));
        if self.problems.is_empty() { Ok(asked) } else { Err(Problems(self.problems)) }
    }

    /// The names of all variables that were asked for, each once, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

fn constant_url(text: &'static str) -> Url {
    // Only constants of this program come here; the tests read all of them.
    #[allow(clippy::expect_used, reason = "a constant")]
    Url::parse(text).expect("a constant address")
}

/// Checks an address: https, or http on a loopback host; no user, password or fragment.
///
/// # Errors
/// What is wrong.
pub fn check_url(value: &str) -> Result<Url, BadAddress> {
    let bad = |kind, words| BadAddress { kind, words };
    let url = Url::parse(value)
        .map_err(|_| bad(ProblemKind::NotHttps, "must be a whole address such as https://abc.example.com"))?;
    let host = url.host_str().ok_or(bad(ProblemKind::Wrong, "must name a host"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(bad(ProblemKind::Wrong, "must not hold a user, a password or a fragment"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(host) => Ok(url),
        _ => Err(bad(
            ProblemKind::NotHttps,
            "must begin with https:// (http is accepted for addresses of this machine only)",
        )),
    }
}

/// The address of a path, which begins with a slash, below an address whose own path may end with one.
#[must_use]
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

/// Whether an address that a platform tells is ours: the same, or another of the paths at which the same service answers, below
/// the same base. `own`: our address, which may lead to a path that only a proxy knows.
#[must_use]
pub fn is_own_address(told: &str, own: &Url, routes: &[&str]) -> bool {
    let Ok(told) = Url::parse(told) else { return false };
    let parts = |url: &Url| (url.origin(), url.query().map(str::to_owned));
    if parts(&told) != parts(own) {
        return false;
    }
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let (told, own) = (path(&told), path(own));
    let base = |path: &str| routes.iter().find_map(|route| path.strip_suffix(route)).map(str::to_owned);
    told == own || base(&own).is_some_and(|of_own| base(&told) == Some(of_own))
}

/// Whether a host names this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_placeholder(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["your_", "your-", "replace_with_", "default_", "<"].iter().any(|start| value.starts_with(start))
        || ["changeme", "change_me", "example", "placeholder", "todo"].contains(&value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_ours_by_whichever_route_and_below_the_same_base_only() {
        let routes = ["/whatsapp/webhook", "/webhooks/whatsapp"];
        let is_own = |told: &str, own: &str| is_own_address(told, &Url::parse(own).unwrap(), &routes);
        let own = "https://shop.example/whatsapp/webhook";
        for told in [
            own,
            "https://shop.example/webhooks/whatsapp",
            "https://SHOP.example:443/whatsapp/webhook",
            "https://shop.example/webhooks/whatsapp/",
        ] {
            assert!(is_own(told, own), "{told}");
        }
        assert!(is_own("https://shop.example/a/webhooks/whatsapp", "https://shop.example/a/whatsapp/webhook"));
        assert!(is_own("https://shop.example/hooks/wa", "https://shop.example/hooks/wa"));
        for told in [
            "",
            "nonsense",
            "http://shop.example/whatsapp/webhook",
            "https://other.example/whatsapp/webhook",
            "https://shop.example:8443/whatsapp/webhook",
            "https://shop.example/a/whatsapp/webhook",
            "https://shop.example/facebook/webhook",
            "https://shop.example/whatsapp/webhook?x=1",
        ] {
            assert!(!is_own(told, own), "{told}");
        }
    }

    #[test]
    fn what_has_a_default_switches_nothing_on_and_what_is_missing_says_why_it_is_needed() {
        let lookup = |name: &str| ["X_URL", "Y_ID"].contains(&name).then(|| "1".to_owned());
        let mut settings = Settings::new(&lookup);
        assert!(!settings.is_on(&["X_ID", "X_TOKEN"], &["X_URL"]));
        assert!(settings.is_on(&["Y_ID", "Y_TOKEN"], &[]));
        settings.required("Y_ID");
        settings.required_secret("Y_TOKEN");
        settings.required("Z_ID");
        assert!(settings.asked().contains(&"X_TOKEN".to_owned()));
        let problems = settings.finish().expect_err("problems").0;
        let told: Vec<String> = problems.iter().map(|one| format!("{} {}", one.name, one.words)).collect();
        assert_eq!(told, ["Y_TOKEN is missing; Y_ID is set, which needs it", "Z_ID is missing"]);
    }

    #[test]
    fn all_problems_come_at_once_and_quote_no_value() {
        let lookup = |name: &str| match name {
            "A" => Some("your_facebook_app_id".to_owned()),
            "B" => Some("tooshort".to_owned()),
            "C" | "D" => Some("the same long secret".to_owned()),
            "E" => Some("http://shop.example".to_owned()),
            "F" => Some(" ".to_owned()),
            _ => None,
        };
        let mut settings = Settings::new(&lookup);
        settings.required("A");
        settings.secret("B");
        settings.secret("C");
        settings.secret("D");
        settings.url("E");
        settings.text("F");
        settings.required("G");
        let problems = settings.finish().expect_err("problems");
        let names: Vec<&str> = problems.0.iter().map(|problem| problem.name.as_str()).collect();
        assert_eq!(names, ["A", "B", "E", "F", "G", "D"]);
        let message = problems.to_string();
        assert!(!message.contains("tooshort") && !message.contains("same long"), "{message}");
    }

    #[test]
    fn c1_placeholders_are_refused_in_each_of_their_forms() {
        for value in
            ["your_app_id", "YOUR-APP", "replace_with_secret", "default_secret", "changeme", "example", "<secret>"]
        {
            let lookup = |_: &str| Some(value.to_owned());
            let mut settings = Settings::new(&lookup);
            assert_eq!(settings.text("A"), None, "{value}");
            assert!(settings.finish().is_err(), "{value}");
        }
        // What only holds such a word is a value.
        let lookup = |_: &str| Some("https://example.com/your_shop".to_owned());
        assert!(Settings::new(&lookup).text("A").is_some());
    }

    #[test]
    fn http_is_for_this_machine_only() {
        for good in ["https://a.example", "http://127.0.0.1:5000/x", "http://localhost:1", "http://[::1]:2/"] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in
            ["http://a.example", "http://127.0.0.1.example", "ftp://localhost", "a.example", "https://u:p@a.example"]
        {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
