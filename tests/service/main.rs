//! The service end to end: real HTTP, simulated platforms, steered time.

mod test_app;

mod facebook_login;
