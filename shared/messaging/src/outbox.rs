//! Events as rows: written by the transaction that made them true, published by the relay after it.

use chrono::{DateTime, SecondsFormat, Utc};
use contracts::{Event, Stream, header, subject};
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::trace;

/// Collects the events of one transaction. [`Outbox::save`] writes them with one statement; call it last, after the rows of
/// the aggregates are locked, so that the order of ids is the order of causes.
#[derive(Debug)]
#[must_use = "events that are not saved are lost"]
pub struct Outbox {
    stream: Stream,
    now: DateTime<Utc>,
    event_ids: Vec<Uuid>,
    subjects: Vec<String>,
    headers: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
}

impl Outbox {
    /// An empty outbox of the service that owns `stream`; `now` becomes the events' time.
    pub fn new(stream: Stream, now: DateTime<Utc>) -> Self {
        Self { stream, now, event_ids: Vec::new(), subjects: Vec::new(), headers: Vec::new(), payloads: Vec::new() }
    }

    pub fn push<E: Event>(&mut self, event: &E) {
        self.append(E::SUBJECT.to_owned(), event.tenant(), event.customer(), event.encode_to_vec());
    }

    /// A mark in the stream; returns its event id.
    pub(crate) fn push_fence(&mut self) -> Uuid {
        let fence_id = Uuid::now_v7();
        let fence = contracts::common::FenceRaised { fence_id: fence_id.to_string() };
        self.append(subject::fence_raised(self.stream.service), "", "", fence.encode_to_vec())
    }

    pub fn len(&self) -> usize {
        self.event_ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.event_ids.is_empty()
    }

    pub async fn save(self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO outbox (event_id, subject, headers, payload)
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[])",
        )
        .bind(self.event_ids)
        .bind(self.subjects)
        .bind(self.headers)
        .bind(self.payloads)
        .execute(conn)
        .await?;
        Ok(())
    }

    fn append(&mut self, subject: String, tenant: &str, customer: &str, payload: Vec<u8>) -> Uuid {
        let event_id = Uuid::now_v7();
        let mut lines = String::new();
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                lines.push_str(name);
                lines.push_str(": ");
                lines.push_str(value);
                lines.push_str("\r\n");
            }
        };
        line(header::SPEC_VERSION, "1.0");
        line(header::ID, &event_id.to_string());
        line(header::TYPE, &subject);
        line(header::SOURCE, &format!("/puntual/{}", self.stream.service));
        line(header::TIME, &self.now.to_rfc3339_opts(SecondsFormat::Micros, true));
        line(header::TENANT, tenant);
        line(header::CUSTOMER, customer);
        line(header::CONTENT_TYPE, header::PROTOBUF);
        line(header::TRACE_PARENT, &trace::current_parent().unwrap_or_default());
        self.event_ids.push(event_id);
        self.subjects.push(subject);
        self.headers.push(lines.into_bytes());
        self.payloads.push(payload);
        event_id
    }
}
