//! What HTTP promises: routes and their answers, refusals, bounds, and the page.

mod access;
mod answers;
mod bounds;
mod export;
mod faces;
mod filters;
mod map;
mod mcp;
mod openapi;
mod page;
mod papers;
mod process;
mod refusals;
mod service;
