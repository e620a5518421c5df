//! The broker loses data, in every way there is: nothing is lost, nothing has two effects, nobody does anything.

use chrono::{DateTime, Utc};
use contracts::scoring::{CustomerScored, SegmentAssigned};
use contracts::{Event, Stream, stream};
use messaging::{Delivery, Handler, HandlerError, Outbox, decode_all};
use runtime::{Frame, FrameConfig};
use sqlx::PgConnection;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use testkit::{Bed, Role, TestDatabase};
use tokio_util::sync::CancellationToken;

static NO_MIGRATIONS: Migrator = Migrator::DEFAULT;
const STREAM: Stream = stream::SCORING;
const STORE: &str = "jetstream/$G/streams/SCORING_EVENTS";

/// Owns the stream and says what its outbox holds.
async fn speaker(config: FrameConfig, shutdown: CancellationToken) -> anyhow::Result<()> {
    Frame::start(STREAM, config, shutdown).await?.run(axum::Router::new()).await
}

/// Leaves one row in its own outbox for each event that it applies.
struct Listener;

impl Handler for Listener {
    fn subjects(&self) -> Vec<&'static str> {
        vec![SegmentAssigned::SUBJECT]
    }

    async fn handle(&self, conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
        let mut outbox = Outbox::new(stream::REMINDERS, DateTime::<Utc>::UNIX_EPOCH);
        for event in decode_all::<SegmentAssigned>(batch)? {
            outbox.push(&CustomerScored { version: event.version, ..Default::default() });
        }
        Ok(outbox.save(conn).await?)
    }
}

async fn listener(config: FrameConfig, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut frame = Frame::start(stream::REMINDERS, config, shutdown).await?;
    frame.consume(STREAM, Listener);
    frame.run(axum::Router::new()).await
}

/// One role that speaks, one that listens, and a broker between them.
struct Conversation {
    bed: Bed,
    heard: PgPool,
    roles: Vec<Role>,
    said: u64,
    _listeners: TestDatabase,
}

impl Conversation {
    async fn start() -> Self {
        let bed = Bed::start(STREAM, &NO_MIGRATIONS).await;
        let database = TestDatabase::create("reminders", &NO_MIGRATIONS, false).await;
        let url = |kind| database.url(kind);
        let config = runtime::config::frame_config(
            &url("worker"),
            &url("door"),
            bed.frame_config().nats.url.as_str(),
            "127.0.0.1:0",
        )
        .unwrap();
        let speaking = bed.frame_config();
        let roles = vec![bed.run(|stop| speaker(speaking, stop)).await, bed.run(|stop| listener(config, stop)).await];
        let heard = PgPool::connect(&url("worker")).await.unwrap();
        Self { bed, heard, roles, said: 0, _listeners: database }
    }

    /// Commits `count` more events, whether the broker is there or not.
    async fn say(&mut self, count: u64) {
        let mut tx = self.bed.worker().begin().await.unwrap();
        let mut outbox = Outbox::new(STREAM, DateTime::<Utc>::UNIX_EPOCH);
        for _ in 0..count {
            self.said += 1;
            outbox.push(&SegmentAssigned { version: self.said, ..Default::default() });
        }
        outbox.save(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Everything that was said was heard; none of it twice.
    async fn understood(&self) {
        let said: Vec<u64> = (1..=self.said).collect();
        testkit::eventually("everything was heard", || async { self.effects().await.len() >= said.len() }).await;
        assert_eq!(self.effects().await, said);
    }

    /// What the listener made of what it heard, in order.
    async fn effects(&self) -> Vec<u64> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT payload FROM outbox WHERE subject = $1")
            .bind(CustomerScored::SUBJECT)
            .fetch_all(&self.heard)
            .await
            .unwrap();
        let event = |row: &Vec<u8>| <CustomerScored as prost::Message>::decode(row.as_slice()).unwrap();
        let mut versions: Vec<u64> = rows.iter().map(|row| event(row).version).collect();
        versions.sort_unstable();
        versions
    }

    async fn epoch(&self) -> i32 {
        sqlx::query_scalar("SELECT epoch FROM relay_state").fetch_one(&self.bed.worker()).await.unwrap()
    }

    /// Where the stream ends, as the relay knows it.
    async fn published(&self) -> u64 {
        let sequence: i64 =
            sqlx::query_scalar("SELECT stream_seq FROM relay_state").fetch_one(&self.bed.worker()).await.unwrap();
        u64::try_from(sequence).unwrap()
    }

    async fn end(self) {
        for role in self.roles {
            role.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_forgot_everything_is_told_again() {
    let mut talk = Conversation::start().await;
    talk.say(1_200).await;
    talk.understood().await;
    talk.bed.broker().kill();
    talk.bed.broker().wipe();
    talk.say(30).await;
    talk.bed.broker().restart();
    talk.say(30).await;
    talk.understood().await;
    assert_eq!(talk.epoch().await, 2);
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_deleted_under_the_running_broker_is_told_again() {
    let mut talk = Conversation::start().await;
    talk.say(300).await;
    talk.understood().await;
    talk.bed.broker().wipe();
    talk.say(30).await;
    talk.bed.broker().kill();
    talk.say(30).await;
    talk.bed.broker().restart();
    talk.understood().await;
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_store_is_brought_up_to_date() {
    let mut talk = Conversation::start().await;
    talk.say(300).await;
    talk.understood().await;
    let copy = talk.bed.broker().copy("");
    talk.say(300).await;
    talk.understood().await;
    talk.bed.broker().kill();
    talk.bed.broker().put_back("", &copy);
    talk.bed.broker().restart();
    talk.say(30).await;
    talk.understood().await;
    assert_eq!(talk.epoch().await, 2);
    talk.end().await;
}

/// What a power cut leaves: the messages of a while ago, and a durable that has acknowledged newer ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_durable_ahead_of_its_stream_skips_nothing() {
    let mut talk = Conversation::start().await;
    talk.say(300).await;
    talk.understood().await;
    talk.bed.broker().kill();
    let messages = format!("{STORE}/msgs");
    let copy = talk.bed.broker().copy(&messages);
    talk.bed.broker().restart();
    talk.say(300).await;
    talk.understood().await;
    talk.bed.broker().kill();
    talk.bed.broker().put_back(&messages, &copy);
    talk.say(250).await;
    talk.bed.broker().restart();
    talk.say(30).await;
    talk.understood().await;
    assert_eq!(talk.epoch().await, 2);
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_somebody_deletes_comes_back() {
    let mut talk = Conversation::start().await;
    talk.say(300).await;
    talk.understood().await;
    let jetstream = async_nats::jetstream::new(talk.bed.nats());
    jetstream.delete_stream(STREAM.name).await.unwrap();
    talk.say(30).await;
    talk.understood().await;
    let state = jetstream.get_stream(STREAM.name).await.unwrap().cached_info().state.clone();
    assert!(state.first_sequence > 1_000_000, "positions never mean something else: {}", state.first_sequence);
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_that_somebody_deletes_comes_back() {
    let mut talk = Conversation::start().await;
    talk.say(300).await;
    talk.understood().await;
    let jetstream = async_nats::jetstream::new(talk.bed.nats());
    jetstream.delete_consumer_from_stream("reminders", STREAM.name).await.unwrap();
    talk.say(30).await;
    talk.understood().await;
    assert_eq!(talk.epoch().await, 1);
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_into_a_stream_holds_nothing_up() {
    let mut talk = Conversation::start().await;
    talk.say(10).await;
    talk.understood().await;
    talk.bed.nats().request("puntual.scoring.stray.word.v1", "?".into()).await.unwrap();
    talk.say(30).await;
    talk.understood().await;
    talk.end().await;
}

/// The page after the one that is being committed is with the broker already when it dies.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_between_two_pages_gets_every_row_once() {
    let mut talk = Conversation::start().await;
    talk.say(8_000).await;
    testkit::eventually("some pages are published", || async { talk.published().await >= 2_000 }).await;
    talk.bed.broker().kill();
    assert!(talk.published().await < 8_000, "the broker died too late to tell");
    talk.bed.broker().restart();
    talk.understood().await;
    assert_eq!((talk.epoch().await, talk.published().await), (1, 8_000));
    talk.end().await;
}
