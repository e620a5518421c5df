//! A nats-server of one's own that syncs before it acknowledges, as in production.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::{self, Context, stream};
use tempfile::TempDir;

use super::until;

/// Stopped, with its store, when dropped.
pub(crate) struct Broker {
    process: Child,
    pub(crate) url: String,
    pub(crate) client: async_nats::Client,
    pub(crate) jetstream: Context,
    _folder: TempDir,
}

impl Broker {
    pub(crate) async fn start(server: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let store = folder.path().join("store");
        let config = folder.path().join("server.conf");
        std::fs::write(
            &config,
            format!(
                "listen: \"{address}\"\njetstream {{ store_dir: \"{}\", sync_interval: always }}\n",
                store.display()
            ),
        )?;
        let process = Command::new(server)
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start nats-server")?;
        let url = format!("nats://{address}");
        until("nats-server listens", Duration::from_secs(10), || async {
            tokio::net::TcpStream::connect(&address).await.is_ok()
        })
        .await?;
        let client = async_nats::ConnectOptions::new().client_capacity(4_096).connect(&url).await?;
        let jetstream = jetstream::new(client.clone());
        Ok(Self { process, url, client, jetstream, _folder: folder })
    }

    /// Position of the last message of a stream; 0 while there is no such stream.
    pub(crate) async fn last_sequence(&self, stream: &str) -> u64 {
        match self.jetstream.get_stream(stream).await {
            Ok(stream) => stream.cached_info().state.last_sequence,
            Err(_) => 0,
        }
    }

    /// Messages that a durable has confirmed, and those of its stream that it has yet to; `None` while there is none.
    pub(crate) async fn progress(&self, stream: &str, durable: &str) -> Option<(u64, u64)> {
        let found: Result<jetstream::consumer::PullConsumer, _> =
            self.jetstream.get_consumer_from_stream(durable, stream).await;
        let durable = found.ok()?;
        let info = durable.cached_info();
        Some((info.ack_floor.consumer_sequence, info.num_pending + info.num_ack_pending as u64))
    }

    /// A stream with the settings of Puntual's own, for raw measurements.
    pub(crate) async fn raw_stream(&self, name: &str) -> anyhow::Result<()> {
        self.jetstream.delete_stream(name).await.ok();
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![format!("{name}.>")],
            discard: stream::DiscardPolicy::New,
            duplicate_window: Duration::from_mins(2),
            allow_atomic_publish: true,
            allow_direct: true,
            ..stream::Config::default()
        };
        self.jetstream.create_stream(config).await?;
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address that nothing listens on.
pub(crate) fn free_address() -> anyhow::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
