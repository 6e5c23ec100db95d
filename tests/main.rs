//! One integration binary: candle is linked once. Each module is a promise.

mod model;
<<<<<<< HEAD
mod store;
=======
>>>>>>> model
mod support;
