//! The settings of the built-in responder.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::prompt::instructions;
use crate::shared::settings::Settings;

/// How many tokens a merchant's answers may cost a day, unless the settings say something else.
const DAILY_TOKENS: i64 = 200_000;

/// The longest time for which a model may be waited for, in seconds.
const LONGEST_TIMEOUT: u64 = 600;

/// Which model answers, and within which limits.
#[derive(Debug, Clone)]
pub struct ResponderSettings {
    /// The base address of a service that speaks OpenAI's Chat Completions.
    pub endpoint: Url,
    /// The model's name there.
    pub model: String,
    /// What is shown to it; local models need none.
    pub key: Option<SecretString>,
    /// A file that replaces the built-in instructions; read again whenever it changes.
    pub prompt_file: Option<PathBuf>,
    /// What stands before the first answer to each person; empty: nothing. `None`: the built-in sentence, in the person's
    /// language.
    pub disclosure: Option<String>,
    /// How many tokens a merchant's answers may cost a day (UTC).
    pub daily_tokens: i64,
    /// How long the model may take.
    pub timeout: Duration,
    /// Whether the model is shown pictures, by their links.
    pub shows_images: bool,
}

impl ResponderSettings {
    /// Reads them; `None`: the responder is off.
    #[must_use]
    pub fn from_settings(settings: &mut Settings<'_>) -> Option<Self> {
        const ENDPOINT: &str = "BOT_ENDPOINT";
        const MODEL: &str = "BOT_MODEL";
        let endpoint = settings.base_url(ENDPOINT);
        let model = settings.text(MODEL);
        let key = settings.secret("BOT_API_KEY");
        let prompt_file = settings.text("BOT_PROMPT_FILE").map(PathBuf::from);
        let disclosure = disclosure(settings);
        let daily_tokens = settings.parsed_or("BOT_DAILY_TOKENS", DAILY_TOKENS, "a number of tokens above 0", |text| {
            text.parse().ok().filter(|tokens| *tokens > 0)
        });
        let timeout = settings.parsed_or("BOT_TIMEOUT_SECONDS", 60, "a number of seconds from 1 to 600", |text| {
            text.parse().ok().filter(|seconds| (1..=LONGEST_TIMEOUT).contains(seconds))
        });
        let shows_images = settings.parsed_or("BOT_IMAGES", false, "on or off", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        });
        match (&endpoint, &model) {
            (Some(_), None) if !settings.is_set(MODEL) => settings.problem(MODEL, "is needed with BOT_ENDPOINT"),
            (None, Some(_)) if !settings.is_set(ENDPOINT) => settings.problem(ENDPOINT, "is needed with BOT_MODEL"),
            _ => {}
        }
        if let Some(file) = &prompt_file
            && let Err(error) = instructions(Some(file))
        {
            settings.problem("BOT_PROMPT_FILE", format!("must be a file with instructions that can be read ({error})"));
        }
        Some(Self {
            endpoint: endpoint?,
            model: model?,
            key,
            prompt_file,
            disclosure,
            daily_tokens,
            timeout: Duration::from_secs(timeout),
            shows_images,
        })
    }
}

/// The sentence before the first answer. An empty value is none here: that nothing is disclosed is said, and not forgotten.
fn disclosure(settings: &mut Settings<'_>) -> Option<String> {
    const NAME: &str = "BOT_DISCLOSURE";
    if settings.is_blank(NAME) {
        return Some(String::new());
    }
    settings.parsed_or(NAME, None, "none, or a sentence of at most 300 characters", |text| match text {
        "none" => Some(Some(String::new())),
        _ => (text.chars().count() <= 300).then(|| Some(text.to_owned())),
    })
}
