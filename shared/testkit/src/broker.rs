//! A nats-server of one's own: it starts in tens of milliseconds, and it may be broken.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use async_nats::jetstream;
use contracts::stream;
use messaging::topology;
use tempfile::TempDir;

/// Stopped, with its store, when dropped.
#[derive(Debug)]
pub struct Broker {
    process: Child,
    address: String,
    store: TempDir,
}

impl Broker {
    /// Starts a server with all streams of the contract.
    pub async fn start() -> Self {
        let broker = Self::start_empty();
        let client = broker.client().await;
        let jetstream = jetstream::new(client);
        for stream in stream::ALL {
            topology::create_stream(&jetstream, stream, 1, 1, 0).await.unwrap();
        }
        broker
    }

    /// Starts a server without any stream.
    pub fn start_empty() -> Self {
        let store = tempfile::tempdir().unwrap();
        let address = crate::free_address();
        Self { process: serve(&address, store.path()), address, store }
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Where the server keeps its streams.
    pub fn store(&self) -> &Path {
        self.store.path()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, with whatever is in its store now.
    pub fn restart(&mut self) {
        self.process = serve(&self.address, self.store.path());
    }

    /// What a disk that forgot everything leaves.
    pub fn wipe(&self) {
        std::fs::remove_dir_all(self.store.path()).unwrap();
        std::fs::create_dir(self.store.path()).unwrap();
    }

    /// A copy of a folder of the store; of a running server it may be torn, like a disk after a power cut.
    pub fn copy(&self, folder: &str) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_all(&self.store.path().join(folder), copy.path());
        copy
    }

    /// Puts a folder of the store back to what it was.
    pub fn put_back(&self, folder: &str, copy: &TempDir) {
        let target = self.store.path().join(folder);
        std::fs::remove_dir_all(&target).unwrap();
        copy_all(copy.path(), &target);
    }

    pub async fn client(&self) -> async_nats::Client {
        let connected = std::cell::RefCell::new(None);
        crate::eventually("connected to nats-server", || async {
            let client = async_nats::connect(self.url()).await.ok();
            *connected.borrow_mut() = client;
            connected.borrow().is_some()
        })
        .await;
        connected.into_inner().unwrap()
    }
}

fn serve(address: &str, store: &Path) -> Child {
    let (host, port) = address.split_once(':').unwrap();
    Command::new(crate::environment("PUNTUAL_NATS_SERVER"))
        .args(["--jetstream", "--addr", host, "--port", port, "--store_dir"])
        .arg(store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server starts")
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(copied.success(), "{} is copied", from.display());
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
