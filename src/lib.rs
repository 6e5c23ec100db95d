#![doc = include_str!("ARCHITECTURE.md")]

pub mod failpoint;

pub mod paper;

pub mod corpus;
pub mod embed;
pub mod index;
pub mod lexical;
pub mod store;

pub mod export;
pub mod map;
pub mod search;

pub mod ingest;

pub mod eval;

pub mod config;
pub mod server;

pub mod cli;
