//! What HTTP promises: routes and their answers, refusals, bounds, and the page.

mod answers;
mod bounds;
mod export;
mod faces;
mod filters;
mod openapi;
mod page;
mod papers;
mod process;
mod refusals;
