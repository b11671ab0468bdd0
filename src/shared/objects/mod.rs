//! Object storage that speaks S3: settings, signed requests, and what its answers mean.
//!
//! Source of the requests and answers: Amazon S3 API Reference (2006-03-01), and DigitalOcean's "Spaces API" (2026).

mod answer;
mod client;
mod key;
mod settings;
mod signing;
mod standing;

pub use answer::ObjectError;
pub use client::{Content, Head, Objects, Page, Versioning};
pub use key::{MARKER, ObjectKey, account_folder};
pub use settings::ObjectSettings;
pub use standing::{Standing, Stop};
