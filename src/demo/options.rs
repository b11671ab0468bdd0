//! How the demo is played.

use std::path::PathBuf;

/// How the demo is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// The whole story, unattended.
    pub once: bool,
    /// The built-in responder answers.
    pub bot: bool,
    /// Where data and files go; `None`: a temporary folder.
    pub dir: Option<PathBuf>,
}
