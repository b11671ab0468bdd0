//! The simulated LinkedIn.
