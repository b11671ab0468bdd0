//! What is secret: sealed values, and signatures.

pub mod signature;
pub mod vault;
