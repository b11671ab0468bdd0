//! The merchant's and the operator's pages in a real browser: clicked through, looked at on a desktop and a phone, light and dark.
//!
//! `SCREENSHOTS=<folder>` keeps pictures of every page. `BROWSER_TESTS=1` fails where there is no browser, and
//! `AXE=<path>` where axe-core is not at that path; without them what cannot be tried is skipped with a line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall say where")]

mod chromium;
mod every_platform;
mod languages;
mod leaving;
mod merchant;
mod moments;
mod operator;
mod stage;
#[allow(dead_code, reason = "it is written for the other test program")]
#[path = "../service/test_app.rs"]
mod test_app;
#[allow(dead_code, reason = "it is written for the other test program")]
#[path = "../service/waiting.rs"]
mod waiting;
