//! The door for other roles and the console: a fact as a NATS request, the receipt as its reply. Replicas share the requests.
//! Who may ask is a matter of NATS permissions; nobody outside is given this subject.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Message, Subject};
use axum::body::Bytes;
use contracts::ingestion::{AcceptFact, AcceptFactReply, accept_fact_reply};
use contracts::{stream, subject, wire};
use futures::StreamExt;
use prost::Message as _;
use runtime::{Caller, Door, Problem};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::accept::{Verdict, accept};
use super::reading::batch::Line;
use super::reading::{Finding, hex};
use super::rules;
use crate::store;
use crate::store::facts::ReceiptRow;

/// Each holds a connection to the database.
const AT_ONCE: usize = 8;
/// Between attempts to subscribe.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers until `shutdown`; what has begun by then is answered too.
pub(crate) async fn serve(door: Door, client: Client, shutdown: CancellationToken) {
    let (running, places) = (TaskTracker::new(), Arc::new(Semaphore::new(AT_ONCE)));
    while !shutdown.is_cancelled() {
        let subscribed = client.queue_subscribe(subject::FACT_ACCEPT, stream::INGESTION.service.to_owned()).await;
        match subscribed {
            Ok(mut requests) => loop {
                let request =
                    tokio::select! { () = shutdown.cancelled() => break, request = requests.next() => request };
                let Some(request) = request else { break };
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
                let (door, client) = (door.clone(), client.clone());
                running.spawn(async move {
                    answer(&door, &client, request).await;
                    drop(place);
                });
            },
            Err(error) => tracing::warn!(%error, "no commands can be taken"),
        }
        tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(PAUSE) => {} }
    }
    running.close();
    running.wait().await;
}

async fn answer(door: &Door, client: &Client, request: Message) {
    let reply = carry_out(door, request.payload).await;
    let Some(reply_to) = request.reply else { return };
    if let Err(error) = send(client, reply_to, reply).await {
        tracing::warn!(%error, "a command's answer was lost; asked again, it is the same");
    }
}

async fn send(client: &Client, to: Subject, reply: AcceptFactReply) -> Result<(), async_nats::PublishError> {
    client.publish_with_headers(to, async_nats::HeaderMap::new(), reply.encode_to_vec().into()).await
}

async fn carry_out(door: &Door, payload: Bytes) -> AcceptFactReply {
    let refused = |error: String| AcceptFactReply { error, ..AcceptFactReply::default() };
    let command = match AcceptFact::decode(payload) {
        Ok(command) => command,
        Err(error) => return refused(format!("the command cannot be decoded: {error}")),
    };
    let tenant_id = match wire::id("tenant_id", &command.tenant_id) {
        Ok(tenant_id) => tenant_id,
        Err(error) => return refused(error.to_string()),
    };
    if command.actor.trim().is_empty() {
        return refused("actor: on whose behalf is not said".to_owned());
    }
    match accepted(door, tenant_id, command).await {
        Ok(Some(verdict)) => reply(verdict),
        Ok(None) => refused(format!("there is no tenant {tenant_id}")),
        Err(problem) => {
            let may_retry = problem.status().is_server_error();
            AcceptFactReply { error: problem.text(), may_retry, ..AcceptFactReply::default() }
        }
    }
}

/// `None` when there is no such tenant.
async fn accepted(door: &Door, tenant_id: Uuid, command: AcceptFact) -> Result<Option<Verdict>, Problem> {
    let mut tx = door.begin(tenant_id).await?;
    let is_known = store::context::exists(&mut tx, tenant_id).await?;
    tx.rollback().await?;
    if !is_known {
        return Ok(None);
    }
    let scopes = vec!["facts:write".to_owned()];
    let caller = Caller { tenant_id, key_id: Uuid::nil(), name: command.actor, scopes };
    let verdicts = accept(door, &caller, &[Line::only(command.fact.into())], None).await?;
    rules::apply(door, &caller).await;
    verdicts.into_iter().next().map(Some).ok_or_else(Problem::unavailable)
}

fn reply(verdict: Verdict) -> AcceptFactReply {
    match verdict {
        Verdict::Accepted(row) => AcceptFactReply { receipt: Some(receipt(row, false)), ..AcceptFactReply::default() },
        Verdict::Replayed(row) => AcceptFactReply { receipt: Some(receipt(row, true)), ..AcceptFactReply::default() },
        Verdict::Refused(findings) => {
            AcceptFactReply { findings: findings.into_iter().map(finding).collect(), ..AcceptFactReply::default() }
        }
    }
}

fn receipt(row: ReceiptRow, replayed: bool) -> accept_fact_reply::Receipt {
    accept_fact_reply::Receipt {
        receipt_id: row.fact_id.to_string(),
        status: row.status,
        parked: row.parked,
        sha256: hex(&row.sha256),
        recorded_at: Some(wire::timestamp(row.recorded_at)),
        replayed,
    }
}

fn finding(finding: Finding) -> accept_fact_reply::Finding {
    accept_fact_reply::Finding {
        code: finding.code.to_owned(),
        pointer: finding.pointer,
        detail: finding.detail.into_owned(),
    }
}
