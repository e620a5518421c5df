//! An answer that comes before its request was read to the end is the last one on its connection, and says so: else its client
//! sends the next request into a connection that is being cut, and does not hear what became of it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

pub(crate) async fn say_the_last(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let is_read = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| Body::new(Watched { body, is_read: Arc::clone(&is_read) }));
    let mut response = next.run(request).await;
    if !is_read.load(Ordering::Acquire) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Notes when its end was seen.
struct Watched {
    body: Body,
    is_read: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.is_read.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;

    use crate::extract::SmallBody;
    use crate::server;

    /// The head of what is answered to a request of so many bytes, of which so many are sent.
    async fn head(path: &str, announced: usize, sent: usize) -> String {
        let app = Router::new()
            .route("/unread", post(async || "no"))
            .route("/read", post(async |SmallBody(body): SmallBody| body.len().to_string()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = {
            let stop = stop.clone();
            tokio::spawn(async move { server::serve(listener, app, Duration::from_secs(5), &stop).await })
        };
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!("POST {path} HTTP/1.1\r\nhost: it\r\ncontent-length: {announced}\r\n\r\n");
        connection.write_all(&[request.as_bytes(), &vec![b' '; sent]].concat()).await.unwrap();
        let mut head = Vec::new();
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            assert_ne!(connection.read_buf(&mut head).await.unwrap(), 0, "answered");
        }
        drop(connection);
        stop.cancel();
        served.await.unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    }

    #[tokio::test]
    async fn an_answer_says_when_nothing_can_come_after_it() {
        for (path, announced, sent, is_last) in [
            ("/unread", 1_000_000, 10, true),
            ("/read", 10, 10, false),
            ("/read", 0, 0, false),
            ("/unread", 0, 0, false),
        ] {
            let head = head(path, announced, sent).await;
            assert_eq!(head.contains("connection: close"), is_last, "{path} {announced}: {head}");
        }
    }
}
