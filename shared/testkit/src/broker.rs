//! A nats-server of one's own: it starts in tens of milliseconds.

use std::process::{Child, Command, Stdio};

use async_nats::jetstream;
use contracts::stream;
use messaging::topology;
use tempfile::TempDir;

/// Stopped, with its store, when dropped.
#[derive(Debug)]
pub struct Broker {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Broker {
    /// Starts a server with all streams of the contract.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = crate::free_address();
        let (host, port) = address.split_once(':').unwrap();
        let process = Command::new(crate::environment("PUNTUAL_NATS_SERVER"))
            .args(["--jetstream", "--addr", host, "--port", port, "--store_dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        let broker = Self { process, url: format!("nats://{address}"), _folder: folder };
        let client = broker.client().await;
        let jetstream = jetstream::new(client);
        for stream in stream::ALL {
            topology::ensure_stream(&jetstream, stream, 1).await.unwrap();
        }
        broker
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn client(&self) -> async_nats::Client {
        let connected = std::cell::RefCell::new(None);
        crate::eventually("connected to nats-server", || async {
            let client = async_nats::connect(&self.url).await.ok();
            *connected.borrow_mut() = client;
            connected.borrow().is_some()
        })
        .await;
        connected.into_inner().unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
