//! One integration binary: candle is linked once. Each module is a promise.

mod corpus;
mod support;
