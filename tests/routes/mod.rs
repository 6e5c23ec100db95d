//! What HTTP promises: routes and their answers, refusals, bounds, and the page.

mod answers;
mod bounds;
mod openapi;
mod page;
mod refusals;
