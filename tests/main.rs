//! One integration binary: candle is linked once. Each module is a promise.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy allows it in test functions, and this is what helps them"
)]

mod architecture;
mod churn;
mod cli;
mod corpus;
#[cfg(unix)]
mod crash;
mod damage;
mod decisions;
#[cfg(unix)]
mod disk_full;
mod encoder;
mod export;
mod filters;
mod generation;
mod identity;
#[cfg(unix)]
mod life;
mod map;
mod model;
mod real_model;
mod routes;
mod seeds;
mod store;
mod support;
mod tokenizer;
