//! What is secret: sealed values, and signatures.

pub mod random;
pub mod signature;
pub mod vault;
