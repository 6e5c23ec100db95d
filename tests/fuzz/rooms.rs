//! The two pure rooms, compiled into a target as they are, and what every reading must hold to.

#[path = "held.rs"]
pub mod held;

#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../src/corpus/mod.rs"]
pub mod corpus;
#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../src/paper/mod.rs"]
pub mod paper;
