//! `shoptalk doctor`: looks at settings, folders, keys, databases, the public address, the platforms and the accounts,
//! and says of every fault what causes it, what follows, and how to mend it.
//!
//! It changes nothing and takes no lock, so it can run beside the service. What only a platform knows is asked by each
//! channel's own `doctor.rs`.

mod accounts;
mod answering;
mod bot;
mod cloud;
mod machine;
mod service;

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use url::Url;

use crate::app::channels;
use crate::app::config::{Config, Unknown};
use crate::shared::channel::finding::{Finding, Severity};
use crate::shared::clock::Clock;
use crate::shared::files::blocked::BLOCKED;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::Http;
use crate::shared::settings::{Problem, ProblemKind, Problems};

/// What lies around the service. Tests put other things there.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The agent of ngrok on this machine.
    pub ngrok: Url,
    /// The settings file.
    pub env_file: PathBuf,
    /// Variables that look like settings and are none.
    pub unknown: Vec<Unknown>,
}

impl Default for Surroundings {
    fn default() -> Self {
        #[allow(clippy::expect_used, reason = "a constant")]
        let ngrok = Url::parse("http://127.0.0.1:4040").expect("a constant address");
        Self { ngrok, env_file: PathBuf::from(".env"), unknown: Vec::new() }
    }
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was looked at, in words.
    pub checked: Vec<&'static str>,
    /// The faults, worst first.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub skipped: Vec<String>,
}

impl Report {
    fn add(&mut self, what: &'static str, findings: Vec<Finding>) {
        self.checked.push(what);
        self.findings.extend(findings);
    }

    /// Whether nothing was found but notes.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.has(Severity::Warning)
    }

    /// Whether something was found that is at least so bad.
    #[must_use]
    pub fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity <= severity)
    }

    /// For people: one paragraph a fault.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let word = match finding.severity {
                Severity::Error => "ERROR",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let about = if finding.about.is_empty() { String::new() } else { format!(" ({})", finding.about) };
            let _ = writeln!(text, "{word} {}{about}", finding.code);
            let _ = writeln!(text, "  cause:  {}", finding.cause);
            let _ = writeln!(text, "  effect: {}", finding.effect);
            let _ = writeln!(text, "  fix:    {}\n", finding.fix);
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "not looked at: {skipped}");
        }
        let _ = writeln!(text, "looked at: {}", self.checked.join(", "));
        let notes = self.findings.iter().filter(|finding| finding.severity == Severity::Note).count();
        let notes_in_words = match notes {
            0 => String::new(),
            1 => " (and 1 note)".to_owned(),
            notes => format!(" (and {notes} notes)"),
        };
        let _ = match self.findings.len() - notes {
            0 => writeln!(text, "healthy: nothing was found{notes_in_words}"),
            1 => writeln!(text, "1 finding{notes_in_words}"),
            count => writeln!(text, "{count} findings{notes_in_words}"),
        };
        text
    }
}

/// Looks at everything.
pub async fn examine(config: &Result<Config, Problems>, surroundings: &Surroundings, clock: &Clock) -> Report {
    let mut report = Report::default();
    report.add("settings", settings(config, surroundings));
    let Ok(config) = config else {
        report.skipped.push("everything that needs settings: they cannot be used".to_owned());
        return report;
    };
    report.add("folders and disk", machine::folders(&config.server));
    report.add("folders of accounts", machine::blocked_folders(&config.server));
    report.add("readers of the files", machine::readers(&config.server));
    report.add("keys", machine::keys(&config.server));
    report.add("databases", machine::databases(&config.server));
    let own = channels::own_addresses(config);
    let service = service::url(&config.server, "/");
    let allowed = AllowedAddresses::new(own.iter().chain(&service).chain([&surroundings.ngrok]));
    let http = match Http::new(clock.clone(), &config.server.timeouts, allowed) {
        Ok(http) => http,
        Err(error) => {
            report.skipped.push(format!("addresses and platforms: {error:#}"));
            return report;
        }
    };
    let running = service::is_running(&config.server);
    report.add("the service", service::service(config, &http, running).await);
    report.add("previous secrets", service::previous_secrets(config, &http, running).await);
    report.add("the public address", service::public_address(config, &http, &surroundings.ngrok, running).await);
    report.add("journal", accounts::journal(&config.server, running, clock.now_ms()));
    let alerts = service::open_alerts(&config.server, running).await;
    // Each of these has a finding of its own.
    let mut told: Vec<String> = Vec::new();
    if report.findings.iter().any(|finding| finding.code == machine::OUTPUT_BLOCKED) {
        told.push(BLOCKED.to_owned());
    }
    if let Some(objects) = &config.server.objects {
        told.extend(cloud::TOLD.map(str::to_owned));
        report.add("copies in object storage", cloud::findings(&config.server, objects, clock, &alerts).await);
    }
    if let Some(settings) = &config.server.responder {
        told.extend(bot::TOLD.map(str::to_owned));
        report.add("the built-in responder", bot::findings(&config.server, settings, clock, &alerts).await);
    }
    report.add("keys of the API", accounts::api_keys(&config.server, clock.now_ms()).await);
    match accounts::open(&config.server).await {
        Ok(Some(connections)) => {
            let (findings, with_it) = accounts::accounts(&connections, config, clock.now_ms()).await;
            report.add("accounts", findings);
            told.extend(with_it);
            for (platform, section) in channels::configured(config) {
                report.add(platform, section.examine(&http, &connections, clock.now_ms()).await);
            }
        }
        // Nothing was connected yet: a fresh installation.
        Ok(None) => report.skipped.push("accounts: nothing was connected yet".to_owned()),
        Err(accounts::Closed::NoKey) => {
            report.skipped.push("accounts and platforms: there is no usable key".to_owned());
        }
        Err(accounts::Closed::WrongKey) => {
            report.findings.push(Finding::error(
                "wrong_key",
                config.server.tokens_db.display().to_string(),
                "the master key is not the one that sealed what is stored, or tokens.db cannot be read",
                "the service refuses to start and changes nothing",
                "put the right key file back from your backup, or set TOKEN_ENCRYPTION_KEY to the right key; without it \
                 move tokens.db away, and every merchant has to log in again",
            ));
            report.skipped.push("accounts and platforms: the tokens do not open".to_owned());
        }
    }
    report.add("what the running service says", service::still_open(&alerts, &told));
    report.findings.sort_by_key(|finding| finding.severity);
    report
}

fn settings(config: &Result<Config, Problems>, surroundings: &Surroundings) -> Vec<Finding> {
    use std::os::unix::fs::MetadataExt;
    let mut findings = Vec::new();
    if std::fs::metadata(&surroundings.env_file).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        let file = surroundings.env_file.display().to_string();
        findings.push(Finding::warning(
            "env_file_open",
            &file,
            "other users of this machine can read or change the settings file",
            "they can read the app secrets in it",
            format!("chmod 600 {file}"),
        ));
    }
    findings.extend(surroundings.unknown.iter().map(|unknown| {
        Finding::warning(
            "setting_unknown",
            &unknown.name,
            unknown.to_string(),
            "it changes nothing",
            match &unknown.nearest {
                Some(nearest) => format!("call it {nearest}, or take it out"),
                None => "take it out; .env.example holds all settings".to_owned(),
            },
        )
    }));
    match config {
        Err(problems) => findings.extend(problems.0.iter().map(|Problem { name, kind, words }| {
            Finding::error(
                setting_code(*kind),
                name,
                format!("{name} {words}"),
                "the service does not start",
                format!("correct {name} in .env or in the environment; .env.example explains it"),
            )
        })),
        Ok(config) if channels::configured(config).next().is_none() => findings.push(Finding::error(
            "no_platform",
            "",
            "no platform is configured",
            "there is nothing to connect and nothing to receive",
            format!(
                "set the {} variables that .env.example marks as needed{}",
                channels::sections(config).map(|(name, _)| format!("{}_…", name.to_uppercase())).join(" and "),
                if cfg!(feature = "demo") { "; `shoptalk demo` works without" } else { "" }
            ),
        )),
        Ok(config) => {
            findings.extend(channels::logins_off(config).map(|name| {
                Finding::note(
                    "platform_off",
                    name,
                    format!("{name} is not configured"),
                    format!("merchants cannot connect {name}"),
                    format!("set the {}_… variables, if you want it", name.to_uppercase()),
                )
            }));
            if config.server.operator_token.is_none() {
                findings.push(Finding::note(
                    "operator_off",
                    "OPERATOR_TOKEN",
                    "OPERATOR_TOKEN is not set",
                    "the operator's pages, the API and the metrics answer 404",
                    "set OPERATOR_TOKEN to at least 32 random characters, for example from `openssl rand -hex 32`",
                ));
            }
        }
    }
    findings
}

/// How the doctor calls a problem of this kind.
fn setting_code(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Missing => "setting_missing",
        ProblemKind::Empty => "setting_empty",
        ProblemKind::Placeholder => "setting_placeholder",
        ProblemKind::TooShort => "setting_too_short",
        ProblemKind::Repeated => "setting_repeated",
        ProblemKind::NotHttps => "setting_not_https",
        ProblemKind::Cron => "setting_cron",
        ProblemKind::Version => "setting_version",
        ProblemKind::Unreadable => "settings_file_unreadable",
        ProblemKind::Wrong => "setting_wrong",
    }
}
