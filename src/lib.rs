//! paperkin: papers akin to a question or to another paper, in any language, on the machine in front of you.
//!
//! Modules in the order in which they depend on each other; `ARCHITECTURE.md` is the map.

pub mod paper;

pub mod corpus;
pub mod embed;
pub mod index;
pub mod store;

pub mod search;

pub mod ingest;

pub mod config;

pub mod eval;
pub mod server;

pub mod cli;
