//! `shoptalk sandbox`: the simulated platforms alone, and what is asked of the running ones.

use clap::Args;
use shoptalk::demo::platforms::{self, CONTROL_PORT, Options, Verb};
use tokio_util::sync::CancellationToken;
use url::Url;

/// What the help shows below the verbs.
pub const EXAMPLES: &str = "Examples:\n  shoptalk sandbox                                  start them, and print the settings for a .env\n  shoptalk sandbox say whatsapp Is it in stock?    a customer writes\n  shoptalk sandbox phone whatsapp                   what the customer has received\n  shoptalk sandbox die-token whatsapp               error 190 from now on\n  shoptalk sandbox lose-webhooks viber              nothing is told any more\n\nExit codes with a verb: 0 done, 1 not possible, or no simulated platforms run.";

/// The arguments.
#[derive(Args)]
pub struct SandboxArguments {
    /// Where the service listens, or will
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:5000")]
    service: Url,
    /// The control port; the simulated platforms have the ports after it. 0: any that are free
    #[arg(long, value_name = "PORT", default_value_t = CONTROL_PORT, global = true)]
    port: u16,
    #[command(subcommand)]
    verb: Option<Verb>,
}

impl SandboxArguments {
    /// Starts the platforms and stays, or asks the running ones. The result is what there is to print.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn run(self, stop: impl FnOnce() -> CancellationToken) -> anyhow::Result<String> {
        match self.verb {
            Some(verb) => platforms::ask(self.port, &verb).await,
            None => {
                platforms::run(Options { service: self.service, port: self.port }, stop()).await?;
                Ok(String::new())
            }
        }
    }
}
