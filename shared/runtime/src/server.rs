//! The listener: connections that come, stay quiet for too long, or outlive the role.

use std::time::Duration;

use axum::{Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::unread;

/// Beyond these, callers wait before they are let in: each may hold a body in memory.
const MOST_CONNECTIONS: usize = 1_024;
/// All headers of a request together.
const MOST_HEADER_BYTES: usize = 64 * 1024;
const MOST_HEADERS: usize = 100;
/// No file descriptor is free, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For requests under way; then the role ends without them.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves `app` until `stop`. A request whose headers are not there `header_timeout` after its first byte is cut off, and so
/// is a connection on which nothing was asked for as long.
pub(crate) async fn serve(listener: TcpListener, app: Router, header_timeout: Duration, stop: &CancellationToken) {
    let places = std::sync::Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let connections = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(MOST_HEADERS)
        .max_buf_size(MOST_HEADER_BYTES);
    let service = TowerToHyperService::new(app.layer(middleware::from_fn(unread::say_the_last)));
    loop {
        let next = async { (places.clone().acquire_owned().await.ok(), listener.accept().await) };
        let (place, accepted) = tokio::select! { () = stop.cancelled() => break, next = next => next };
        match accepted {
            Ok((stream, _)) => {
                let connection = builder.serve_connection(TokioIo::new(at_once(stream)), service.clone());
                tokio::spawn(until_it_ends(connections.watch(connection), place));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way");
    }
}

/// Answers are small and complete: waiting for more only delays them.
fn at_once(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no delay");
    }
    stream
}

/// What goes wrong on a connection is its client's: it is cut, and that is all.
async fn until_it_ends(connection: impl Future<Output = hyper::Result<()>>, place: Option<OwnedSemaphorePermit>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended");
    }
    drop(place);
}
