//! The simulated Viber.
