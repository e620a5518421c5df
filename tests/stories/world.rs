//! The whole product as separate processes: five roles, their databases, a broker and a mail server, on a virtual clock.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Stdio;

use chrono::{DateTime, NaiveDate, Utc};
use contracts::common::{TickDone, TickRequest};
use contracts::{stream, subject, wire};
use mailcatcher::MailCatcher;
use prost::Message;
use serde_json::{Value, json};
use testkit::Broker;
use tokio::process::{Child, Command};
use uuid::Uuid;

/// The roles in the order in which facts flow through them.
pub(crate) const ROLES: [&str; 5] = ["ingestion", "promises", "scoring", "reminders", "reporting"];

/// The built executable, beside the test's own.
fn puntual() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(std::path::Path::parent).unwrap().join("puntual");
    assert!(path.exists(), "{} is missing: cargo build -p puntual", path.display());
    path
}

pub(crate) struct World {
    prefix: String,
    broker: Broker,
    client: async_nats::Client,
    pub(crate) http: reqwest::Client,
    pub(crate) mails: MailCatcher,
    addresses: BTreeMap<&'static str, String>,
    running: BTreeMap<&'static str, Child>,
}

/// A company that collects, with a key and two sources: "erp" tells everything but payments, "bank" tells those.
pub(crate) struct Tenant {
    pub(crate) key: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        let prefix = format!("story_{}_", Uuid::now_v7().simple());
        let admin_url = testkit::admin_url();
        run(Command::new(puntual()).args(["migrate", "--virtual", "--prefix", &prefix, "--admin-url", &admin_url]))
            .await;
        let broker = Broker::start().await;
        let mut world = Self {
            prefix,
            client: broker.client().await,
            broker,
            http: reqwest::Client::new(),
            mails: MailCatcher::start("127.0.0.1:0").await.unwrap(),
            addresses: ROLES.into_iter().map(|role| (role, testkit::free_address())).collect(),
            running: BTreeMap::new(),
        };
        for role in ROLES {
            world.start_role(role).await;
        }
        world
    }

    fn database_url(&self, role: &str, kind: &str) -> String {
        runtime::database::role_url(&testkit::admin_url(), role, kind, &format!("{}{role}", self.prefix)).unwrap()
    }

    /// `puntual …` as a user of this installation would call it.
    fn command(&self, role: &str) -> Command {
        let mut command = Command::new(puntual());
        self.configure(&mut command, role);
        command.kill_on_drop(true);
        command
    }

    /// `puntual …` as an operator of all roles would call it; returns whether it said that all is well, and what it said.
    pub(crate) async fn operate(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(puntual());
        for role in ROLES {
            self.configure(&mut command, role);
        }
        let output = command.args(arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said)
    }

    /// The database of a role, to look into and to break.
    pub(crate) async fn database(&self, role: &str) -> sqlx::PgPool {
        sqlx::PgPool::connect(&self.database_url(role, "worker")).await.unwrap()
    }

    /// Takes a role its database away and gives it an empty one.
    pub(crate) async fn empty_database(&self, role: &str) {
        let admin_url = testkit::admin_url();
        runtime::database::drop_database(&admin_url, &format!("{}{role}", self.prefix)).await.unwrap();
        let arguments =
            ["migrate", "--virtual", "--prefix", &self.prefix, "--admin-url", &admin_url, "--service", role];
        run(Command::new(puntual()).args(arguments)).await;
    }

    fn configure(&self, command: &mut Command, role: &str) {
        let mut set = |name: &str, value: &str| {
            command.env(format!("PUNTUAL_{}__{name}", role.to_uppercase()), value);
        };
        set("FRAME__DATABASE__WORKER_URL", &self.database_url(role, "worker"));
        set("FRAME__DATABASE__DOOR_URL", &self.database_url(role, "door"));
        set("FRAME__NATS__URL", &self.broker.url());
        set("FRAME__HTTP__LISTEN", &self.addresses[role]);
        set("FRAME__LOG__FORMAT", "pretty");
        set("FRAME__LOG__FILTER", "warn");
        if role == "reminders" {
            let mail = self.mails.address();
            set("REMINDERS__SMTP__HOST", &mail.ip().to_string());
            set("REMINDERS__SMTP__PORT", &mail.port().to_string());
        }
    }

    pub(crate) async fn start_role(&mut self, role: &'static str) {
        let child = self.command(role).arg(role).stdin(Stdio::null()).spawn().unwrap();
        self.running.insert(role, child);
        let ready = format!("http://{}/readyz", self.addresses[role]);
        testkit::eventually(&format!("{role} is ready"), || async {
            matches!(self.http.get(&ready).send().await, Ok(answer) if answer.status().is_success())
        })
        .await;
        if role == "ingestion" {
            return;
        }
        // A tick is answered from the moment the role subscribes to it.
        testkit::eventually(&format!("{role} answers"), || async {
            self.client.request(subject::barrier_raise(role), Vec::new().into()).await.is_ok()
        })
        .await;
    }

    /// Ends a role as `kill -9` does.
    pub(crate) async fn kill_role(&mut self, role: &str) {
        self.running.remove(role).unwrap().kill().await.unwrap();
    }

    pub(crate) fn url(&self, role: &str, path: &str) -> String {
        format!("http://{}{path}", self.addresses[role])
    }

    pub(crate) async fn tenant(&self, slug: &str) -> Tenant {
        let operate = async |arguments: &[&str]| run(self.command("ingestion").args(arguments)).await;
        operate(&["tenant", "create", slug, "--name", slug, "--legal-entity", "main:CO:America/Bogota:Main"]).await;
        for (code, covers) in [("erp", "invoices"), ("bank", "payments")] {
            operate(&["source", "create", slug, code, "--covers", covers]).await;
        }
        let printed = operate(&["key", "create", slug, "--name", "story"]).await;
        let key = printed.split_whitespace().find(|word| word.starts_with("puntual_")).expect("the key is printed");
        let tenant = Tenant { key: key.to_owned() };
        // Every door learns of the key through its own projection.
        for (role, path) in [
            ("reminders", "/v1/messages"),
            ("promises", "/v1/promises"),
            ("reporting", "/v1/kpis"),
            ("scoring", "/v1/segments"),
        ] {
            testkit::eventually(&format!("{role} knows the key"), || async {
                let answer = self.http.get(self.url(role, path)).bearer_auth(&tenant.key).send().await.unwrap();
                answer.status() != reqwest::StatusCode::UNAUTHORIZED
            })
            .await;
        }
        tenant
    }

    /// Facts through the public door; none may be refused.
    pub(crate) async fn tell(&self, tenant: &Tenant, facts: &[Value]) -> Value {
        let lines: Vec<String> = facts.iter().map(Value::to_string).collect();
        let answer = self
            .http
            .post(self.url("ingestion", "/v1/facts"))
            .bearer_auth(&tenant.key)
            .header("content-type", "application/x-ndjson")
            .body(lines.join("\n"))
            .send()
            .await
            .unwrap();
        let report: Value = answer.json().await.unwrap();
        assert_eq!(report["quarantined"], json!(0), "{report:#}");
        assert_eq!(report["lines"], json!(facts.len()), "{report:#}");
        report
    }

    pub(crate) async fn get(&self, tenant: &Tenant, role: &str, path: &str) -> Value {
        let answer = self.http.get(self.url(role, path)).bearer_auth(&tenant.key).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{role} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Sets the clock of all running roles, so that facts told next are recorded on that day.
    pub(crate) async fn dawn(&self, day: &str) {
        for role in self.running.keys() {
            self.tick_role(subject::clock_set(role), noon(day), HashMap::new()).await;
        }
    }

    /// Lives a day: the sources say that they have told everything before it, then every running role does what is due.
    pub(crate) async fn live(&self, tenants: &[&Tenant], day: &str) {
        self.dawn(day).await;
        for tenant in tenants {
            self.tell(tenant, &[covered("erp", day), covered("bank", day)]).await;
        }
        let mut applied_through = HashMap::new();
        for role in ROLES.iter().filter(|role| self.running.contains_key(*role)) {
            let sequence = self.tick_role(subject::clock_tick(role), noon(day), applied_through.clone()).await;
            let name = stream::ALL.iter().find(|stream| stream.service == *role).unwrap().name;
            applied_through.insert(name.to_owned(), sequence);
        }
    }

    async fn tick_role(&self, subject: String, now: DateTime<Utc>, applied_through: HashMap<String, u64>) -> u64 {
        let request = TickRequest { now: Some(wire::timestamp(now)), applied_through };
        let request =
            async_nats::Request::new().payload(request.encode_to_vec().into()).timeout(Some(testkit::DEADLINE));
        let reply = self
            .client
            .send_request(subject.clone(), request)
            .await
            .unwrap_or_else(|error| panic!("{subject}: {error}"));
        let done = TickDone::decode(reply.payload).unwrap();
        assert!(done.error.is_empty(), "{subject}: {}", done.error);
        done.stream_seq
    }

    /// Ends everything and removes the databases.
    pub(crate) async fn end(mut self) {
        for (_, mut child) in std::mem::take(&mut self.running) {
            child.kill().await.unwrap();
        }
        for role in ROLES {
            runtime::database::drop_database(&testkit::admin_url(), &format!("{}{role}", self.prefix)).await.unwrap();
        }
    }
}

/// 16:00 UTC: past nine in the morning from Tijuana to Madrid.
fn noon(day: &str) -> DateTime<Utc> {
    day.parse::<NaiveDate>().unwrap().and_hms_opt(16, 0, 0).unwrap().and_utc()
}

async fn run(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

/// A fact in its envelope; `id` is also its place among the changes of one object.
#[allow(clippy::needless_pass_by_value, reason = "called with a literal")]
pub(crate) fn fact(source: &str, id: &str, kind: &str, data: Value) -> Value {
    json!({ "id": id, "source": source, "type": kind, "time": "2026-01-01T12:00:00Z", "data": data })
}

/// "Up to the start of this day I have told everything I know", in the zone of Bogota.
fn covered(source: &str, day: &str) -> Value {
    let id = format!("covered-{source}-{day}");
    fact(source, &id, "source.covered", json!({ "covered_until": format!("{day}T05:00:00Z") }))
}

/// A customer in Bogota whose payables are read at `<code>@example.com`.
pub(crate) fn customer(code: &str) -> [Value; 2] {
    let mail = format!("{}@example.com", code.to_lowercase());
    [
        fact(
            "erp",
            &format!("cust-{code}"),
            "customer.upserted",
            json!({
            "customer": code, "name": format!("Comercial {code}"), "country": "CO", "time_zone": "America/Bogota", "language": "es" }),
        ),
        fact(
            "erp",
            &format!("contact-{code}"),
            "contact.upserted",
            json!({
            "contact": format!("K-{code}"), "customer": code, "name": "Ana Ruiz", "email": mail, "role": "payables" }),
        ),
    ]
}

pub(crate) fn invoice(number: &str, customer: &str, amount: &str, issued: &str, due: &str) -> Value {
    fact(
        "erp",
        &format!("inv-{number}"),
        "invoice.issued",
        json!({
        "invoice": number, "customer": customer, "amount": amount, "currency": "COP", "issue_date": issued, "due_date": due }),
    )
}

pub(crate) fn payment(number: &str, payer: &str, amount: &str, on: &str, invoice: &str) -> Value {
    fact(
        "bank",
        &format!("pay-{number}"),
        "payment.received",
        json!({
        "payment": number, "payer": payer, "amount": amount, "currency": "COP", "value_date": on,
        "remittance": [{ "invoice": invoice, "amount": amount }] }),
    )
}

pub(crate) fn promise(code: &str, customer: &str, invoice: &str, amount: &str, made: &str, until: &str) -> Value {
    fact(
        "erp",
        &format!("promise-{code}"),
        "promise.made",
        json!({
        "promise": code, "customer": customer, "invoices": [invoice], "amount": amount, "currency": "COP",
        "made_on": made, "promised_date": until, "channel": "call" }),
    )
}
