//! Serving until told to stop.

use axum::Router;
use std::future::Future;
use tokio::net::TcpListener;

/// Answers requests on `listener` until `shutdown` completes, then lets running ones finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    use axum::serve::ListenerExt;
    // Answers are small and complete: waiting to fill a packet would only delay them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
    });
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}
