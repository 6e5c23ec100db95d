//! `paperkin model`
