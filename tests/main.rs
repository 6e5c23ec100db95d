//! One integration binary: candle is linked once. Each module is a promise.

mod encoder;
mod model;
mod routes;
mod store;
mod support;
