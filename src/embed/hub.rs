//! stub
use super::error::ModelError;
use super::fetch::Progress;
use super::manifest::Hub;
use std::path::Path;
pub(super) fn fetch(_: &Hub, _: &Path, _: Option<&str>, _: Progress<'_>) -> Result<(), ModelError> {
    Err(ModelError::HubSilent { endpoint: "x".into(), reason: "stub".into() })
}
