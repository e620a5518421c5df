//! A small SMTP sink (D19): it takes mail, keeps it in memory and never delivers any. It can be told to misbehave, the
//! way real relays do, so that what a sender does about it can be tested.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use mailcatcher::{Behaviour, MailCatcher};
//!
//! let catcher = MailCatcher::start("127.0.0.1:0").await?;
//! println!("listening on {}", catcher.address());
//! catcher.set_behaviour(Behaviour::RefuseTransient(451));
//! let mails = catcher.take();
//! catcher.stop().await;
//! # Ok(()) }
//! ```

mod dialogue;
mod mailbox;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use mailbox::Mailbox;

/// One mail that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtMail {
    /// The reverse path of `MAIL FROM`; empty for the null sender.
    pub envelope_from: String,
    /// The forward paths of `RCPT TO`, in order.
    pub recipients: Vec<String>,
    /// Headers and body as sent, dots unstuffed, without the final dot.
    pub raw: Vec<u8>,
    /// Position among all mails accepted since the start, from 1.
    pub accepted_no: u64,
}

/// How the sink treats the mails that are offered from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    #[default]
    Accept,
    /// Answers `RCPT TO` with this 4xx code.
    RefuseTransient(u16),
    /// Answers `RCPT TO` with this 5xx code.
    RefusePermanent(u16),
    /// Takes the whole mail, refuses it with this code at the final dot.
    RefuseContent(u16),
    /// Takes and keeps the mail, then closes the connection without an answer: the sender cannot know.
    AcceptThenDrop,
    /// Closes the connection at `DATA`, before any content: the sender knows that nothing was handed over.
    DropBeforeData,
    /// Takes the content and never answers; nothing is kept.
    Hang,
}

/// The largest mail that is taken, in octets; `SIZE` of RFC 1870.
pub const MAX_MAIL_OCTETS: usize = 10 * 1024 * 1024;

/// A running sink.
#[derive(Debug)]
pub struct MailCatcher {
    address: SocketAddr,
    mailbox: Arc<Mailbox>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl MailCatcher {
    /// Listens at `address`; port 0 chooses a free one.
    pub async fn start(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let catcher = Self {
            address: listener.local_addr()?,
            mailbox: Arc::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        catcher.tasks.spawn(accept(listener, catcher.mailbox.clone(), catcher.stopping.clone(), catcher.tasks.clone()));
        Ok(catcher)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds for every mail offered from now on, also on connections that are open.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.mailbox.set_behaviour(behaviour);
    }

    /// The mails accepted since the last `take`, oldest first; they are kept no longer.
    pub fn take(&self) -> Vec<CaughtMail> {
        self.mailbox.take()
    }

    /// The mails accepted and not taken yet, oldest first.
    pub fn all(&self) -> Vec<CaughtMail> {
        self.mailbox.all()
    }

    /// How many mails were accepted and not taken yet.
    pub fn len(&self) -> usize {
        self.mailbox.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many mails were accepted since the start, taken or not.
    pub fn accepted(&self) -> u64 {
        self.mailbox.accepted()
    }

    /// How many mails were offered since the start (`RCPT TO`), accepted or not.
    pub fn offered(&self) -> u64 {
        self.mailbox.offered()
    }

    /// Returns when at least `count` mails were accepted since the start.
    pub async fn wait_for(&self, count: u64) {
        self.mailbox.wait_for(count).await;
    }

    /// Every mail accepted from now on, as it comes in. `take` and `all` are not affected.
    pub fn subscribe(&self) -> mpsc::UnboundedReceiver<CaughtMail> {
        self.mailbox.subscribe()
    }

    /// Closes the listener and all connections, and waits until they are gone.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A catcher that goes out of scope takes its listener along.
impl Drop for MailCatcher {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn accept(listener: TcpListener, mailbox: Arc<Mailbox>, stopping: CancellationToken, tasks: TaskTracker) {
    loop {
        let connection = tokio::select! {
            () = stopping.cancelled() => return,
            connection = listener.accept() => connection,
        };
        match connection {
            Ok((stream, peer)) => {
                let (mailbox, stopping) = (mailbox.clone(), stopping.clone());
                tasks.spawn(async move {
                    let ended = tokio::select! {
                        () = stopping.cancelled() => return,
                        ended = dialogue::run(stream, &mailbox) => ended,
                    };
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "connection ended");
                    }
                });
            }
            // Out of descriptors, or the peer was gone before it was taken: neither ends the listener.
            Err(error) => {
                tracing::warn!(%error, "could not take a connection");
                tokio::task::yield_now().await;
            }
        }
    }
}
