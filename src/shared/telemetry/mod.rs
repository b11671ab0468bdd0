//! What is logged, counted, and told to those who must act.

pub mod alerts;
pub mod logging;
pub mod metrics;
pub mod once_per_second;
pub mod outlet;
pub mod refused;
