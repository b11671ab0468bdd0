//! `.env.example` and the settings agree; everything wrong is named at once; no secret is ever shown.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;

use secrecy::ExposeSecret;
use shoptalk::app::config::Config;
use shoptalk::shared::settings::Problems;
use shoptalk::shopify::AdminUrl;

use crate::process::{Service, configured, run, shoptalk};

const EXAMPLE: &str = include_str!("../../.env.example");

/// 32 different bytes.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What must be filled in, filled in.
const FULL: [(&str, &str); 6] = [
    ("PUBLIC_URL", "https://abc.ngrok.app"),
    ("FACEBOOK_APP_ID", "900000000000001"),
    ("FACEBOOK_APP_SECRET", "hush-facebook-secret"),
    ("FACEBOOK_VERIFY_TOKEN", "hush-verify-token"),
    ("SHOPIFY_API_KEY", "test-app"),
    ("SHOPIFY_API_SECRET", "hush-shopify-secret"),
];

/// What the channels need that are off in [`FULL`].
const OTHERS: [(&str, &str); 9] = [
    ("LINKEDIN_CLIENT_ID", "li-test-client"),
    ("LINKEDIN_CLIENT_SECRET", "hush-linkedin-secret"),
    ("LINKEDIN_ACCESS_TOKEN", "hush-linkedin-token"),
    ("LINKEDIN_ORGANIZATION_ID", "90001"),
    ("VIBER_BOT_TOKEN", "hush-viber-token"),
    ("WHATSAPP_PHONE_NUMBER_ID", "310000000000001"),
    ("WHATSAPP_ACCESS_TOKEN", "hush-whatsapp-token"),
    ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "hush-whatsapp-verify"),
    ("WHATSAPP_APP_SECRET", "hush-whatsapp-secret"),
];

type Variables = BTreeMap<String, String>;

fn variables<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Variables {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// [`FULL`] with one variable more, or another value for one.
fn full_with(name: &str, value: &str) -> Variables {
    let mut variables = variables(FULL);
    variables.insert(name.to_owned(), value.to_owned());
    variables
}

fn read(variables: &Variables) -> Result<Config, Problems> {
    Config::read(&|name| variables.get(name).cloned())
}

/// The names that a refusal holds, each once.
fn refused(variables: &Variables) -> BTreeSet<String> {
    let problems = read(variables).expect_err("a refusal");
    problems.0.into_iter().map(|problem| problem.name).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn parse(text: &str) -> Vec<(String, String)> {
    dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>().unwrap()
}

/// The lines of the example that must be filled in.
fn to_fill_in() -> Vec<(String, String)> {
    parse(EXAMPLE)
}

/// The lines of the example that are commented out: what is optional, with its default or a placeholder.
fn optional() -> Vec<(String, String)> {
    let lines = EXAMPLE.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| {
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || b"_0123456789".contains(&byte));
        line.split_once('=').is_some_and(|(name, _)| is_name(name))
    });
    parse(&lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_example_holds_exactly_the_variables_that_are_read() {
    let all = variables(FULL);
    let (_, read) = Config::read_with_names(&|name| all.get(name).cloned()).unwrap();
    let mut shown: Vec<String> = to_fill_in().into_iter().chain(optional()).map(|(name, _)| name).collect();
    shown.sort();
    assert_eq!(shown, read, "left: .env.example, right: the code");
}

#[test]
fn the_defaults_in_the_example_are_those_of_the_code() {
    let bare = read(&variables(FULL.into_iter().chain(OTHERS))).unwrap();
    let mut written = variables(FULL.into_iter().chain(OTHERS));
    let (without_default, defaults): (Vec<_>, Vec<_>) =
        optional().into_iter().partition(|(_, value)| value.starts_with("your_"));
    assert_eq!(
        without_default.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>(),
        names(&[
            "FACEBOOK_APP_SECRET_PREVIOUS",
            "FACEBOOK_WEBHOOK_VERIFY_TOKEN",
            "SHOPIFY_API_SECRET_PREVIOUS",
            "TOKEN_ENCRYPTION_KEY",
            "TOKEN_ENCRYPTION_KEY_PREVIOUS",
            "STATE_TOKEN_SECRET",
            "OPERATOR_TOKEN",
            "CHANNELS_OWNER",
            "OUTPUT_GROUP",
            "FACEBOOK_LOGIN_CONFIG_ID",
            "ALERT_WEBHOOK_URL",
            "ALERT_WEBHOOK_SECRET",
            "BOT_WEBHOOK_URL",
            "BOT_WEBHOOK_SECRET",
            "BOT_WEBHOOK_SECRET_PREVIOUS",
            "BOT_ENDPOINT",
            "BOT_MODEL",
            "BOT_API_KEY",
            "BOT_PROMPT_FILE",
            "SPACES_BUCKET",
            "SPACES_ACCESS_KEY",
            "SPACES_SECRET_KEY",
            "WHATSAPP_PHONE_NUMBER_ID",
            "WHATSAPP_BUSINESS_ACCOUNT_ID",
            "WHATSAPP_PHONE_NUMBER",
            "WHATSAPP_ACCESS_TOKEN",
            "WHATSAPP_WEBHOOK_VERIFY_TOKEN",
            "WHATSAPP_APP_SECRET",
            "WHATSAPP_APP_SECRET_PREVIOUS",
            "VIBER_BOT_TOKEN",
            "VIBER_BOT_TOKEN_PREVIOUS",
            "VIBER_SENDER_NAME",
            "VIBER_SENDER_AVATAR",
            "VIBER_WELCOME",
            "VIBER_PUBLIC_KEY",
            "LINKEDIN_CLIENT_ID",
            "LINKEDIN_CLIENT_SECRET",
            "LINKEDIN_CLIENT_SECRET_PREVIOUS",
            "LINKEDIN_ACCESS_TOKEN",
            "LINKEDIN_REFRESH_TOKEN",
            "LINKEDIN_ORGANIZATION_ID",
            "LINKEDIN_APPLICATION_ID",
            "LINKEDIN_WEBHOOK_VERIFY_TOKEN",
        ])
    );
    written.extend(defaults);
    assert_eq!(format!("{:#?}", read(&written).unwrap()), format!("{bare:#?}"));
}

#[test]
fn an_example_that_was_only_copied_is_refused_and_every_placeholder_named() {
    let copied: Variables = to_fill_in().into_iter().collect();
    assert_eq!(refused(&copied), copied.keys().cloned().collect());
    // What is optional and has no default is refused as well once the "#" is gone.
    for (name, value) in optional().iter().filter(|(_, value)| value.starts_with("your_")) {
        let mut all = variables(FULL.into_iter().chain(OTHERS));
        all.insert(name.clone(), value.clone());
        assert_eq!(refused(&all), names(&[name]));
    }
}

#[test]
fn without_any_setting_both_channels_are_off() {
    let config = read(&Variables::new()).unwrap();
    assert!(config.facebook.is_none() && config.shopify.is_none());
    assert!(config.whatsapp.is_none() && config.viber.is_none() && config.linkedin.is_none());
    assert_eq!(config.server.address.to_string(), "127.0.0.1:5000");
}

#[test]
fn what_has_no_default_switches_a_channel_on_and_all_that_are_missing_are_named() {
    let facebook = [
        "FACEBOOK_APP_ID",
        "FACEBOOK_APP_SECRET",
        "FACEBOOK_VERIFY_TOKEN",
        "FACEBOOK_REDIRECT_URI",
        "FACEBOOK_WEBHOOK_ADDRESS",
    ];
    let shopify = ["SHOPIFY_API_KEY", "SHOPIFY_API_SECRET", "SHOPIFY_REDIRECT_URI", "SHOPIFY_WEBHOOK_ADDRESS"];
    let whatsapp = [
        "WHATSAPP_PHONE_NUMBER_ID",
        "WHATSAPP_ACCESS_TOKEN",
        "WHATSAPP_WEBHOOK_VERIFY_TOKEN",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_WEBHOOK_ADDRESS",
    ];
    let mut tried = 0;
    for (name, value) in to_fill_in().into_iter().chain(optional()) {
        if name == "FACEBOOK_WEBHOOK_VERIFY_TOKEN" {
            continue;
        }
        let mut missing = match name.split_once('_') {
            Some(("FACEBOOK", _)) => names(&facebook),
            Some(("SHOPIFY", _)) => names(&shopify),
            Some(("WHATSAPP", _)) => names(&whatsapp),
            _ => continue,
        };
        let of_whatsapp = ["_SECRET", "_PREVIOUS", "_ADDRESS", "_URL", "_MEDIA", "_HOSTS", "_BYTES"];
        let has_default = name.starts_with("WHATSAPP") && of_whatsapp.iter().any(|end| name.ends_with(end));
        let value = if value.starts_with("your_") { "long enough to be a secret".to_owned() } else { value };
        let is_id = ["_ID", "_NUMBER"].iter().any(|end| name.ends_with(end));
        let value = if is_id { "900000000000001".to_owned() } else { value };
        tried += 1;
        if has_default {
            assert!(read(&Variables::from([(name.clone(), value)])).unwrap().whatsapp.is_none(), "{name}");
            continue;
        }
        missing.remove(&name);
        assert_eq!(refused(&Variables::from([(name.clone(), value)])), missing, "only {name} is set");
    }
    assert_eq!(tried, 40);
}

#[test]
fn the_verify_token_of_facebook_has_a_second_name() {
    const SECOND: &str = "FACEBOOK_WEBHOOK_VERIFY_TOKEN";
    let token =
        |variables: &Variables| read(variables).unwrap().facebook.unwrap().verify_token.expose_secret().to_owned();
    let mut variables = full_with(SECOND, "another verify token");
    assert_eq!(token(&variables), "hush-verify-token", "the first name counts for more");
    assert_eq!(token(&full_with(SECOND, "hush-verify-token")), "hush-verify-token", "it may stand there twice");
    variables.remove("FACEBOOK_VERIFY_TOKEN");
    assert_eq!(token(&variables), "another verify token");
    variables.insert(SECOND.to_owned(), "short".to_owned());
    assert_eq!(refused(&variables), names(&[SECOND]));
}

#[test]
fn an_empty_value_is_refused_like_a_missing_one() {
    for (name, _) in FULL {
        assert!(refused(&full_with(name, " ")).contains(name), "{name}");
    }
}

#[test]
fn no_secret_is_shown_by_settings_or_by_what_is_wrong_with_them() {
    let mut all = variables(FULL);
    let secrets = [
        ("FACEBOOK_APP_SECRET_PREVIOUS", "hush-previous-one"),
        ("SHOPIFY_API_SECRET_PREVIOUS", "hush-previous-two"),
        ("STATE_TOKEN_SECRET", "hush-state-secret"),
        ("OPERATOR_TOKEN", "hush-operator-token-of-32-characters"),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    all.extend(variables(secrets));
    let shown = format!("{:?}", read(&all).unwrap());
    assert!(!shown.contains("hush") && !shown.contains("AAEC"), "{shown}");
    assert!(!shown.contains("0, 1, 2, 3"), "the key's bytes are shown: {shown}");

    for name in all.keys() {
        let mut wrong = all.clone();
        for (other, value) in &mut wrong {
            if other != name {
                *value = "hush-1".to_owned();
            }
        }
        let problems = read(&wrong).expect_err("a refusal");
        for shown in [problems.to_string(), format!("{problems:?}")] {
            assert!(!shown.contains("hush") && !shown.contains("AAEC"), "{shown}");
        }
    }
}

#[test]
fn the_four_addresses_follow_from_the_public_one() {
    for (public, base) in [
        ("https://abc.ngrok.app", "https://abc.ngrok.app"),
        ("https://abc.ngrok.app/", "https://abc.ngrok.app"),
        ("https://shop.example/talk/", "https://shop.example/talk"),
        ("https://shop.example/a/b", "https://shop.example/a/b"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ] {
        let config = read(&full_with("PUBLIC_URL", public)).unwrap();
        let (facebook, shopify) = (config.facebook.unwrap(), config.shopify.unwrap());
        assert_eq!(facebook.redirect_uri.as_str(), format!("{base}/facebook/callback"));
        assert_eq!(facebook.webhook_address.as_str(), format!("{base}/facebook/webhook"));
        assert_eq!(shopify.redirect_uri.as_str(), format!("{base}/shopify/callback"));
        assert_eq!(shopify.webhook_address.as_str(), format!("{base}/shopify/webhook"));
    }
    let own = read(&full_with("SHOPIFY_WEBHOOK_ADDRESS", "https://hooks.example/in")).unwrap().shopify.unwrap();
    assert_eq!(own.webhook_address.as_str(), "https://hooks.example/in");
    let other = read(&full_with("FACEBOOK_WEBHOOK_ADDRESS", "https://hooks.example/webhooks/facebook"));
    assert_eq!(other.unwrap().facebook.unwrap().webhook_address.path(), "/webhooks/facebook");
    assert_eq!(own.redirect_uri.as_str(), "https://abc.ngrok.app/shopify/callback");
}

#[test]
fn a_wrong_value_is_refused_by_the_name_of_its_variable() {
    let addresses = [
        "PUBLIC_URL",
        "FACEBOOK_REDIRECT_URI",
        "FACEBOOK_WEBHOOK_ADDRESS",
        "FACEBOOK_GRAPH_URL",
        "FACEBOOK_DIALOG_URL",
        "SHOPIFY_REDIRECT_URI",
        "SHOPIFY_WEBHOOK_ADDRESS",
        "SHOPIFY_ADMIN_URL",
    ];
    for name in addresses {
        for wrong in ["http://shop.example", "http://127.0.0.1.example", "shop.example", "https://me:pass@a.example"] {
            assert_eq!(refused(&full_with(name, wrong)), names(&[name]), "{wrong}");
        }
    }
    for (name, wrong) in [
        ("HOST", "shop.example"),
        ("PORT", "70000"),
        ("FACEBOOK_APP_ID", "../900"),
        ("FACEBOOK_APP_SECRET", "short"),
        ("FACEBOOK_APP_SECRET_PREVIOUS", "short"),
        ("FACEBOOK_VERIFY_TOKEN", "short"),
        ("FACEBOOK_REQUIRE_SHA256", "perhaps"),
        ("FACEBOOK_GRAPH_VERSION", "26"),
        ("FACEBOOK_GRAPH_VERSION", "v26.0/me"),
        ("FACEBOOK_POLL_CRON", "daily"),
        ("FACEBOOK_POLL_CRON", "61 3 * * *"),
        ("FACEBOOK_CALLS_PER_SECOND", "two"),
        ("FACEBOOK_CALLS_PER_SECOND", "1001"),
        ("SHOPIFY_API_SECRET", "fifteen letters"),
        ("SHOPIFY_API_SECRET_PREVIOUS", "short"),
        ("SHOPIFY_API_VERSION", "2026-11"),
        ("SHOPIFY_API_VERSION", "latest"),
        ("SHOPIFY_POLL_CRON", "* *"),
        ("TOKEN_ENCRYPTION_KEY", "short"),
        // 31 bytes; 32 equal ones; no base64.
        ("TOKEN_ENCRYPTION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="),
        ("TOKEN_ENCRYPTION_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("TOKEN_ENCRYPTION_KEY", "this is not base64, but it is long enough"),
        ("STATE_TOKEN_SECRET", "short"),
        ("OPERATOR_TOKEN", "of less than 32 characters"),
        ("LOG_FORMAT", "xml"),
        // What has the right form and means nothing, or something else.
        ("RUST_LOG", "loud"),
        ("RUST_LOG", "shoptalk"),
        ("FACEBOOK_POLL_CRON", "0 0 30 2 *"),
        ("SHOPIFY_POLL_CRON", "0 0 31 4 *"),
        ("PUBLIC_URL", "https://shop.example?x=1"),
        ("PUBLIC_URL", "https://shop.example/talk?x=1"),
        ("PUBLIC_URL", "https://shop.example/#x"),
        ("PUBLIC_URL", "https://me@shop.example"),
        ("PUBLIC_URL", "https://shop.example/a//b"),
        ("PUBLIC_URL", "https://shop.example/a%20b"),
        ("PUBLIC_URL", "https://shop.example/shopify"),
        ("PUBLIC_URL", "https://shop.example/operator/x"),
        ("FACEBOOK_GRAPH_URL", "https://graph.example?x=1"),
        ("FACEBOOK_DIALOG_URL", "https://dialog.example/?x"),
        ("FACEBOOK_REDIRECT_URI", "https://abc.ngrok.app/shopify/callback"),
        ("FACEBOOK_REDIRECT_URI", "https://abc.ngrok.app/facebook/webhook"),
        ("FACEBOOK_REDIRECT_URI", "https://abc.ngrok.app"),
        ("FACEBOOK_WEBHOOK_ADDRESS", "https://abc.ngrok.app/shopify/webhook"),
        ("FACEBOOK_WEBHOOK_ADDRESS", "https://abc.ngrok.app/facebook/callback"),
        ("SHOPIFY_REDIRECT_URI", "https://abc.ngrok.app/facebook/callback"),
        ("SHOPIFY_REDIRECT_URI", "https://abc.ngrok.app/shopify/login/"),
        ("SHOPIFY_WEBHOOK_ADDRESS", "https://abc.ngrok.app/webhooks/facebook"),
        ("SHOPIFY_WEBHOOK_ADDRESS", "https://abc.ngrok.app/talk/health"),
        ("SHOPIFY_ADMIN_URL", "https://evil.example"),
        ("SHOPIFY_ADMIN_URL", "https://evil.example?x={shop}"),
        ("SHOPIFY_ADMIN_URL", "https://{shop}/{shop}"),
        ("SESSION_DB_PATH", "data//tokens.db"),
        ("JOURNAL_DB_PATH", "./data/sessions.db"),
        ("SEARCH_DB_PATH", "data/./journal.db"),
    ] {
        assert_eq!(refused(&full_with(name, wrong)), names(&[name]), "{wrong}");
    }
}

#[test]
fn two_secrets_that_are_the_same_are_refused() {
    for (name, same_as) in [
        ("SHOPIFY_API_SECRET", "FACEBOOK_APP_SECRET"),
        ("FACEBOOK_VERIFY_TOKEN", "FACEBOOK_APP_SECRET"),
        ("FACEBOOK_APP_SECRET_PREVIOUS", "FACEBOOK_APP_SECRET"),
        ("STATE_TOKEN_SECRET", "SHOPIFY_API_SECRET"),
    ] {
        let value = FULL.iter().find(|(name, _)| *name == same_as).unwrap().1;
        let problems = read(&full_with(name, value)).expect_err("a refusal").to_string();
        assert!(problems.contains(name) && problems.contains(same_as), "{problems}");
    }
    let mut all = full_with("TOKEN_ENCRYPTION_KEY", KEY);
    all.insert("OPERATOR_TOKEN".into(), KEY.into());
    assert_eq!(refused(&all), names(&["TOKEN_ENCRYPTION_KEY"]));
}

#[test]
fn a_shops_address_is_made_from_a_template() {
    let admin_url = |value: Option<&str>| {
        let all = value.map_or_else(|| variables(FULL), |value| full_with("SHOPIFY_ADMIN_URL", value));
        read(&all).unwrap().shopify.unwrap().admin_url
    };
    assert_eq!(admin_url(None), AdminUrl::parse("https://{shop}").unwrap());
    for template in ["https://{shop}", "http://127.0.0.1:9/{shop}", "https://proxy.example/{shop}/"] {
        assert_eq!(admin_url(Some(template)), AdminUrl::parse(template).unwrap());
    }
    assert_eq!(refused(&full_with("SHOPIFY_ADMIN_URL", "http://{shop}")), names(&["SHOPIFY_ADMIN_URL"]));
}

#[test]
fn the_service_does_not_start_with_half_a_configuration_and_names_every_variable() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = shoptalk(folder.path(), &["serve"]);
    command.env("FACEBOOK_APP_ID", "your_facebook_app_id").env("SHOPIFY_API_SECRET", "hush").env("PORT", "x");
    let ended = run(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for name in [
        "PORT",
        "FACEBOOK_APP_ID",
        "FACEBOOK_APP_SECRET",
        "FACEBOOK_VERIFY_TOKEN",
        "FACEBOOK_REDIRECT_URI",
        "FACEBOOK_WEBHOOK_ADDRESS",
        "SHOPIFY_API_KEY",
        "SHOPIFY_API_SECRET",
        "SHOPIFY_REDIRECT_URI",
        "SHOPIFY_WEBHOOK_ADDRESS",
    ] {
        assert!(ended.stderr.contains(&format!("  {name}: ")), "{name} is not named: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made before the settings are right");
}

#[test]
fn the_env_file_is_read_the_environment_wins_and_an_open_file_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, "TOKEN_DB_PATH=from-file/tokens.db\nSESSION_DB_PATH='from file/sessions.db'\n").unwrap();
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut command = configured(folder.path(), &["serve"]);
        command.env("TOKEN_DB_PATH", "from-environment/tokens.db");
        let (status, log) = Service::start(command).stop();
        assert!(status.success(), "{log}");
        assert_eq!(log.contains("chmod 600 .env"), warned, "{log}");
    }
    assert!(folder.path().join("from-environment/tokens.db").exists());
    assert!(folder.path().join("from file/sessions.db").exists());
    assert!(!folder.path().join("from-file").exists());

    // A line that is no setting is refused without being quoted.
    std::fs::write(&file, "PORT=5001\nhush this is no setting\n").unwrap();
    let ended = run(configured(folder.path(), &["serve"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(".env") && !ended.stderr.contains("hush"), "{ended:?}");
}

#[test]
fn a_start_names_unknown_variables_and_an_env_file_of_windows_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    let text = "\u{feff}OUTPUTDIR=out\r\nMAX_REQUESTS = 77 \r\nSHOPIFY_SCOPES=read_orders\r\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [text.as_bytes(), &wide] {
        std::fs::write(&file, content).unwrap();
        let (status, log) = Service::start(configured(folder.path(), &["serve"])).stop();
        assert!(status.success(), "{log}");
        assert!(log.contains("OUTPUTDIR is no setting of shoptalk; did you mean OUTPUT_DIR?"), "{log}");
        assert!(log.contains("SHOPIFY_SCOPES is no setting of shoptalk"), "{log}");
        assert!(
            log.lines().any(|line| line.contains("these settings are set") && line.contains("MAX_REQUESTS")),
            "{log}"
        );
    }
    // Where something is missing because of it, the refusal says so, too.
    std::fs::write(&file, "FACEBOOK_APPID=900000000000001\n").unwrap();
    let mut command = configured(folder.path(), &["serve"]);
    command.env_remove("FACEBOOK_APP_ID");
    let ended = run(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in
        ["FACEBOOK_APP_ID: is missing", "FACEBOOK_APPID is no setting of shoptalk; did you mean FACEBOOK_APP_ID?"]
    {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
}

#[test]
fn in_a_folder_without_data_a_command_makes_none_and_says_where_it_looked() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let commands: [&[&str]; 5] =
        [&["sync"], &["rebuild"], &["replay", "--failed"], &["keys", "rotate"], &["backup", "copy"]];
    for arguments in commands {
        let ended = run(configured(folder.path(), arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        let looked_in = folder.path().join("data");
        assert!(ended.stderr.contains(looked_in.to_str().unwrap()) && ended.stderr.contains("--dir"), "{ended:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?}");
    }
    // From anywhere, with the folder's name: its settings and its data. A backup goes where the person is.
    std::fs::write(home.path().join(".env"), "OUTPUT_DIR=files\n").unwrap();
    let dir = home.path().to_str().unwrap();
    Service::start(configured(folder.path(), &["--dir", dir, "serve"])).stop();
    assert!(home.path().join("data/tokens.db").exists() && home.path().join("files").is_dir());
    for arguments in commands {
        let ended = run(configured(folder.path(), &[arguments, &["--dir", dir]].concat()));
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    }
    assert!(folder.path().join("copy/backup.json").exists());
    assert!(!folder.path().join("data").exists());
    let ended = run(configured(folder.path(), &["--dir", "nowhere", "sync"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(folder.path().join("nowhere").to_str().unwrap()), "{ended:?}");
}

#[test]
fn an_account_whose_platform_is_not_configured_any_more_is_told_of_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    crate::load::connect_page(folder.path());
    for beside_a_service in [false, true] {
        let service = beside_a_service.then(|| {
            let mut command = shoptalk(folder.path(), &["serve"]);
            Service::start({
                command.env("PORT", "0");
                command
            })
        });
        let ended = crate::process::run_briefly(shoptalk(folder.path(), &["sync"]));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("not configured"), "{ended:?}");
        drop(service);
    }
}

#[test]
fn a_receiver_of_events_needs_a_secret_as_standard_webhooks_have_it() {
    let good = "whsec_MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u";
    let with = |pairs: &[(&str, &str)]| {
        let mut all = variables(FULL);
        all.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        all
    };
    let url = ("BOT_WEBHOOK_URL", "https://bot.example/events");
    let config = read(&with(&[url, ("BOT_WEBHOOK_SECRET", good)])).unwrap();
    assert_eq!(config.server.bot_receiver.unwrap().secrets.len(), 1);
    assert_eq!(refused(&with(&[url])), names(&["BOT_WEBHOOK_SECRET"]));
    for bad in [
        "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u",
        "whsec_MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG0=",
        "whsec_not base64 at all, but long",
    ] {
        assert_eq!(refused(&with(&[url, ("BOT_WEBHOOK_SECRET", bad)])), names(&["BOT_WEBHOOK_SECRET"]), "{bad}");
    }
    for (name, bad) in [
        ("BOT_PAUSE_MINUTES", "-1"),
        ("BOT_PAUSE_ON", "human,robot"),
        ("FEED_SETTLE_SECONDS", "16"),
        ("FEED_RETENTION_DAYS", "0"),
        ("BOT_WEBHOOK_URL", "http://bot.example/events"),
    ] {
        assert_eq!(refused(&full_with(name, bad)), names(&[name]));
    }
}

#[test]
fn an_empty_file_of_instructions_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompt.txt");
    let path = file.to_str().unwrap();
    let mut all = full_with("BOT_ENDPOINT", "http://127.0.0.1:11434/v1");
    for (name, value) in [("BOT_MODEL", "small"), ("BOT_PROMPT_FILE", path)] {
        all.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(refused(&all), names(&["BOT_PROMPT_FILE"]), "there is none");
    std::fs::write(&file, " \n").unwrap();
    assert_eq!(refused(&all), names(&["BOT_PROMPT_FILE"]));
    std::fs::write(&file, "You sell {products}.\n").unwrap();
    assert!(read(&all).is_ok());
}

#[test]
fn viber_needs_its_token_and_refuses_a_name_that_is_too_long() {
    let with = |name: &str, value: &str| {
        let mut all = full_with("VIBER_BOT_TOKEN", "hush-viber-token");
        all.insert(name.to_owned(), value.to_owned());
        all
    };
    let config = read(&with("VIBER_SENDER_NAME", &"ä".repeat(28))).unwrap().viber.unwrap();
    assert_eq!(config.sender_name.unwrap().chars().count(), 28);
    assert_eq!(config.webhook_address.as_str(), "https://abc.ngrok.app/viber/webhook");
    assert!(!config.outside_session && !config.has_public_key);
    assert!(read(&with("VIBER_PUBLIC_KEY", "-----BEGIN")).unwrap().viber.unwrap().has_public_key);
    for (name, wrong) in [
        ("VIBER_SENDER_NAME", "x".repeat(29)),
        ("VIBER_SENDER_AVATAR", "http://shop.example/a.png".to_owned()),
        ("VIBER_WELCOME", "x".repeat(7_001)),
        ("VIBER_OUTSIDE_SESSION", "perhaps".to_owned()),
        ("VIBER_WEBHOOK_ADDRESS", "https://abc.ngrok.app/facebook/webhook".to_owned()),
        ("VIBER_WEBHOOK_ADDRESS", "http://shop.example/viber/webhook".to_owned()),
        ("VIBER_API_URL", "http://shop.example".to_owned()),
        ("VIBER_BOT_TOKEN", "short".to_owned()),
        ("VIBER_BOT_TOKEN_PREVIOUS", "hush-viber-token".to_owned()),
    ] {
        assert_eq!(refused(&with(name, &wrong)), names(&[name]), "{wrong}");
    }
    assert_eq!(refused(&full_with("VIBER_SENDER_NAME", "Harbour Cafe")), names(&["VIBER_BOT_TOKEN"]));
    // What has a default switches nothing on, nor does what nothing needs.
    for (name, value) in [("VIBER_OUTSIDE_SESSION", "send"), ("VIBER_PUBLIC_KEY", "-----BEGIN")] {
        assert!(read(&full_with(name, value)).unwrap().viber.is_none(), "{name}");
    }
    let problems = read(&full_with("WHATSAPP_ACCESS_TOKEN", "hush-whatsapp-token")).unwrap_err().to_string();
    assert!(
        problems.contains("WHATSAPP_PHONE_NUMBER_ID: is missing; WHATSAPP_ACCESS_TOKEN is set, which needs it"),
        "{problems}"
    );
}

#[test]
fn linkedin_needs_app_token_and_page_and_knows_no_verify_token() {
    let with = |name: &str, value: &str| {
        let mut all = variables(FULL.into_iter().chain(OTHERS));
        all.insert(name.to_owned(), value.to_owned());
        all
    };
    let config = read(&with("LINKEDIN_WEBHOOK_VERIFY_TOKEN", "from an older guide")).unwrap().linkedin.unwrap();
    assert!(config.has_verify_token && !config.messages && !config.answer_comments);
    assert_eq!((config.organization.as_str(), config.version.as_str()), ("90001", "202610"));
    assert_eq!(config.webhook_address.as_str(), "https://abc.ngrok.app/linkedin/webhook");
    let other = read(&with("LINKEDIN_WEBHOOK_ADDRESS", "https://hooks.example.test/webhooks/linkedin")).unwrap();
    assert_eq!(other.linkedin.unwrap().webhook_address.host_str(), Some("hooks.example.test"));
    for (name, wrong) in [
        ("LINKEDIN_ORGANIZATION_ID", "urn:li:organization:90001"),
        ("LINKEDIN_APPLICATION_ID", "my-app"),
        ("LINKEDIN_VERSION", "2026-10"),
        ("LINKEDIN_VERSION", "202613"),
        ("LINKEDIN_MESSAGES", "on"),
        ("LINKEDIN_ANSWER_COMMENTS", "perhaps"),
        ("LINKEDIN_WEBHOOK_ADDRESS", "https://abc.ngrok.app/viber/webhook"),
        ("LINKEDIN_API_URL", "http://shop.example"),
        ("LINKEDIN_OAUTH_URL", "nonsense"),
        ("LINKEDIN_CLIENT_SECRET", "short"),
        ("LINKEDIN_CLIENT_SECRET_PREVIOUS", "hush-linkedin-secret"),
        ("LINKEDIN_REFRESH_TOKEN", "hush-linkedin-token"),
    ] {
        assert_eq!(refused(&with(name, wrong)), names(&[name]), "{wrong}");
    }
    let all = ["LINKEDIN_CLIENT_ID", "LINKEDIN_CLIENT_SECRET", "LINKEDIN_ACCESS_TOKEN", "LINKEDIN_ORGANIZATION_ID"];
    assert_eq!(refused(&full_with("LINKEDIN_APPLICATION_ID", "80000001")), names(&all));
    // What has a default switches nothing on, nor does what nothing needs, be it a placeholder.
    for (name, value) in [
        ("LINKEDIN_ANSWER_COMMENTS", "on"),
        ("LINKEDIN_WEBHOOK_VERIFY_TOKEN", "from an older guide"),
        ("LINKEDIN_WEBHOOK_VERIFY_TOKEN", "your_linkedin_verify_token"),
    ] {
        assert!(read(&full_with(name, value)).unwrap().linkedin.is_none(), "{name}={value}");
    }
}

#[test]
fn what_whatsapp_takes_from_facebooks_section_does_not_switch_facebook_on() {
    let whatsapp =
        OTHERS.into_iter().filter(|(name, _)| name.starts_with("WHATSAPP") && *name != "WHATSAPP_APP_SECRET");
    let own = variables(whatsapp.chain([("PUBLIC_URL", "https://abc.ngrok.app")]));
    let secret = ("FACEBOOK_APP_SECRET", "hush-facebook-secret");
    let previous = ("FACEBOOK_APP_SECRET_PREVIOUS", "hush-previous-one");
    let version = ("FACEBOOK_GRAPH_VERSION", "v25.0");
    for taken in [&[secret][..], &[secret, version], &[secret, previous, version]] {
        let mut all = own.clone();
        all.extend(variables(taken.iter().copied()));
        let config = read(&all).unwrap_or_else(|problems| panic!("{taken:?}: {problems}"));
        assert!(config.facebook.is_none(), "{taken:?}");
        let whatsapp = config.whatsapp.unwrap();
        assert_eq!(whatsapp.graph_version, if taken.len() > 1 { "v25.0" } else { "v26.0" });
        assert_eq!(whatsapp.app_secret.previous_uses().is_some(), taken.len() == 3);
        // Beside anything else of Facebook's they belong to it.
        all.insert("FACEBOOK_APP_ID".to_owned(), "900000000000001".to_owned());
        assert_eq!(refused(&all), names(&["FACEBOOK_VERIFY_TOKEN"]), "{taken:?}");
    }
    let mut with_own = own;
    with_own.extend(variables([("WHATSAPP_APP_SECRET", "hush-whatsapp-secret"), version]));
    assert!(read(&with_own).unwrap().facebook.is_none());
    // Without WhatsApp they are the beginning of Facebook's section.
    let missing = names(&["FACEBOOK_APP_ID", "FACEBOOK_APP_SECRET", "FACEBOOK_VERIFY_TOKEN"]);
    let alone = variables([version, ("PUBLIC_URL", "https://abc.ngrok.app")]);
    assert_eq!(refused(&alone), missing);
}
