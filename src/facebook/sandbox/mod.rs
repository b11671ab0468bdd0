//! Simulated Facebook
