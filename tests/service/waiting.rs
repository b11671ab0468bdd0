//! Waits for what happens beside a test. What never happens is a failure with its name, and not a run without an end.

use std::time::{Duration, Instant};

/// For how long a test waits for what a busy machine does in its own time. Nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until this is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: never");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for the end of this.
pub async fn ended<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what}: no end"))
}
