//! A running ingestion with two companies.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use testkit::Broker;
use tokio::process::{Child, Command};
use uuid::Uuid;

/// Seconds after which a request that does not end is answered.
const TIMEOUT_SECONDS: &str = "5";

pub(crate) struct Door {
    pub(crate) http: reqwest::Client,
    pub(crate) address: String,
    /// Of the company that sends, and of the other.
    pub(crate) keys: [String; 2],
    prefix: String,
    role: Child,
    _broker: Broker,
}

impl Door {
    pub(crate) async fn open() -> Self {
        let prefix = format!("bad_input_{}_", Uuid::now_v7().simple());
        let admin_url = testkit::admin_url();
        let migrate = ["migrate", "--prefix", &prefix, "--admin-url", &admin_url, "--service", "ingestion"];
        done(Command::new(puntual()).args(migrate)).await;
        let (broker, address) = (Broker::start().await, testkit::free_address());
        let command = || {
            let mut command = Command::new(puntual());
            for (name, value) in [
                ("DATABASE__WORKER_URL", database_url(&prefix, "worker")),
                ("DATABASE__DOOR_URL", database_url(&prefix, "door")),
                ("NATS__URL", broker.url()),
                ("HTTP__LISTEN", address.clone()),
                ("HTTP__TIMEOUT_SECONDS", TIMEOUT_SECONDS.to_owned()),
                ("LOG__FORMAT", "pretty".to_owned()),
                ("LOG__FILTER", "warn".to_owned()),
            ] {
                command.env(format!("PUNTUAL_INGESTION__FRAME__{name}"), value);
            }
            command
        };
        let mut keys = Vec::new();
        for company in ["acme", "other"] {
            let operate = async |arguments: &[&str]| done(command().args(arguments)).await;
            operate(&["tenant", "create", company, "--name", company, "--legal-entity", "main:CO:America/Bogota:Main"])
                .await;
            for (source, covers) in [("erp", "invoices"), ("bank", "payments")] {
                operate(&["source", "create", company, source, "--covers", covers]).await;
            }
            operate(&["source", "create", company, "list", "--covers", "invoices", "--mode", "snapshot"]).await;
            let printed = operate(&["key", "create", company, "--name", "catalogue"]).await;
            let key = printed.split_whitespace().find(|word| word.starts_with("puntual_")).expect("the key is printed");
            keys.push(key.to_owned());
        }
        let role = command().arg("ingestion").stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let http = reqwest::Client::builder().pool_max_idle_per_host(64).build().unwrap();
        let ready = format!("http://{address}/readyz");
        testkit::eventually("ingestion is ready", || async {
            matches!(http.get(&ready).send().await, Ok(answer) if answer.status().is_success())
        })
        .await;
        let keys = keys.try_into().expect("two companies");
        Self { http, address, keys, prefix, role, _broker: broker }
    }

    pub(crate) async fn close(mut self) {
        self.role.kill().await.unwrap();
        let database = format!("{}ingestion", self.prefix);
        runtime::database::drop_database(&testkit::admin_url(), &database).await.unwrap();
    }
}

fn database_url(prefix: &str, kind: &str) -> String {
    runtime::database::role_url(&testkit::admin_url(), "ingestion", kind, &format!("{prefix}ingestion")).unwrap()
}

/// The built executable, beside the test's own.
fn puntual() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(Path::parent).unwrap().join("puntual");
    assert!(path.exists(), "{} is missing: cargo build -p puntual", path.display());
    path
}

async fn done(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}
