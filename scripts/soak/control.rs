//! What `scripts/soak.sh --controls` must find wanting: a service without our accept loop, which takes a place among its requests
//! before their body is there. A soak that passes here proves nothing.
//!
//! `soak-control`: prints the address it answers at.

use std::io::{Write, stdout};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::error_handling::HandleErrorLayer;
use axum::http::{StatusCode, header};
use axum::routing::{get, post};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{BoxError, ServiceBuilder};

/// As many as the real service holds.
const REQUESTS: usize = 64;

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(5)).await;
    "{}"
}

async fn takes(_body: Bytes) -> &'static str {
    slow().await
}

/// Long enough that sockets cannot hold it, so that a client who does not read is waited for.
async fn long() -> String {
    " ".repeat(1024 * 1024)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let limited = || {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(|_: BoxError| async {
                (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")])
            }))
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(REQUESTS))
    };
    let routes = Router::new()
        .route("/v1/search", get(slow).post(takes))
        .route("/v1/related", post(takes))
        .route("/v1/papers", post(takes))
        .route("/v1/facets", get(slow))
        .route("/v1/papers/{id}", get(slow))
        .route("/v1/papers/{id}/related", get(slow))
        // Before the layer: else axum would make the layers, and their limits, anew for each request.
        .with_state::<()>(())
        .layer(limited())
        .route("/healthz", get(slow))
        .route("/readyz", get(slow))
        .route("/openapi.json", get(long));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(stdout(), "control answers at http://{}/", listener.local_addr()?)?;
    axum::serve(listener, routes).await?;
    Ok(())
}
