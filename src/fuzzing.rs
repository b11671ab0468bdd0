//! Every parser of bytes from outside, as a target for fuzzers: name and body. `fuzz/` runs them with cargo-fuzz, the
//! tests over the kept corpus and over changes of it.

use crate::shared::fuzzing::Target;
use crate::{facebook, linkedin, shared, shopify, viber, whatsapp};

/// All targets.
#[must_use]
pub fn targets() -> Vec<Target> {
    [
        shared::fuzzing::TARGETS,
        facebook::fuzzing::TARGETS,
        shopify::fuzzing::TARGETS,
        linkedin::fuzzing::TARGETS,
        viber::fuzzing::TARGETS,
        whatsapp::fuzzing::TARGETS,
    ]
    .concat()
}

/// Runs one target; a broken promise is a panic.
pub fn run(name: &str, bytes: &[u8]) {
    let targets = targets();
    let target = targets.iter().find(|(of, _)| *of == name);
    assert!(target.is_some(), "there is no target {name}");
    if let Some((_, target)) = target {
        target(bytes);
    }
}
