//! The sink as a sender sees it, over a raw connection.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use mailcatcher::{Behaviour, MailCatcher};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

struct Sender(BufReader<TcpStream>);

impl Sender {
    async fn connect(catcher: &MailCatcher) -> Self {
        let mut sender = Self(BufReader::new(TcpStream::connect(catcher.address()).await.unwrap()));
        assert_eq!(sender.answer().await, "220");
        sender
    }

    async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The code of the next answer; empty when the connection is closed.
    async fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap_or(0);
            if line.get(3..4) != Some("-") {
                return line.chars().take(3).collect();
            }
        }
    }

    async fn say(&mut self, line: &str) -> String {
        self.write(&format!("{line}\r\n")).await;
        self.answer().await
    }

    async fn offer(&mut self, body: &str) -> String {
        assert_eq!(self.say("EHLO test").await, "250");
        assert_eq!(self.say("MAIL FROM:<billing@acme.example>").await, "250");
        let answer = self.say("RCPT TO:<ana@client.example>").await;
        if answer != "250" {
            return answer;
        }
        assert_eq!(self.say("DATA").await, "354");
        self.write(body).await;
        self.answer().await
    }
}

#[tokio::test]
async fn a_mail_is_kept_as_it_was_sent() {
    let catcher = MailCatcher::start("127.0.0.1:0").await.unwrap();
    let mut arrivals = catcher.subscribe();
    let mut sender = Sender::connect(&catcher).await;
    assert_eq!(sender.offer("Subject: hi\r\n\r\n..dot\r\nplain\r\n.\r\n").await, "250");
    assert_eq!(sender.say("QUIT").await, "221");
    catcher.wait_for(1).await;
    assert_eq!(catcher.len(), 1);
    let mail = catcher.take().remove(0);
    assert_eq!(mail.envelope_from, "billing@acme.example");
    assert_eq!(mail.recipients, ["ana@client.example"]);
    assert_eq!(mail.raw, b"Subject: hi\r\n\r\n.dot\r\nplain\r\n");
    assert_eq!(mail.accepted_no, 1);
    assert_eq!(arrivals.recv().await.unwrap(), mail);
    assert!(catcher.is_empty());
    assert_eq!(catcher.accepted(), 1);
    catcher.stop().await;
}

#[tokio::test]
async fn commands_may_be_pipelined() {
    let catcher = MailCatcher::start("127.0.0.1:0").await.unwrap();
    let mut sender = Sender::connect(&catcher).await;
    sender.write("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nNOOP\r\nDATA\r\n").await;
    for expected in ["250", "250", "250", "250", "250", "354"] {
        assert_eq!(sender.answer().await, expected);
    }
    assert_eq!(sender.say("hello\r\n.").await, "250");
    assert_eq!(catcher.all()[0].recipients, ["a@b", "c@d"]);
    assert_eq!(catcher.all()[0].envelope_from, "");
}

#[tokio::test]
async fn only_a_dot_between_real_line_ends_ends_a_mail() {
    let catcher = MailCatcher::start("127.0.0.1:0").await.unwrap();
    let mut sender = Sender::connect(&catcher).await;
    let body = "a\n.\r\nMAIL FROM:<evil@x>\r\nb\r\n.\n\r\n.\r\n";
    assert_eq!(sender.offer(body).await, "250");
    assert_eq!(catcher.len(), 1);
    assert_eq!(catcher.all()[0].raw, b"a\n.\r\nMAIL FROM:<evil@x>\r\nb\r\n\n\r\n");
}

#[tokio::test]
async fn the_order_of_commands_is_kept() {
    let catcher = MailCatcher::start("127.0.0.1:0").await.unwrap();
    let mut sender = Sender::connect(&catcher).await;
    let cases = [
        ("HELO x", "250"),
        ("RCPT TO:<a@b>", "503"),
        ("DATA", "503"),
        ("MAIL a@b", "501"),
        ("MAIL FROM:<a@b> SIZE=99999999999", "552"),
        ("mail from:<a@b> BODY=8BITMIME", "250"),
        ("MAIL FROM:<a@b>", "503"),
        ("RCPT TO:<>", "501"),
        ("RSET", "250"),
        ("RCPT TO:<a@b>", "503"),
        ("BDAT 4", "502"),
        ("NOOP", "250"),
    ];
    for (command, expected) in cases {
        assert_eq!(sender.say(command).await, expected, "{command}");
    }
    assert_eq!(sender.say(&"x".repeat(5000)).await, "500");
    assert_eq!(sender.say("NOOP").await, "250");
}

#[tokio::test]
async fn it_misbehaves_as_told() {
    let catcher = MailCatcher::start("127.0.0.1:0").await.unwrap();
    let cases = [
        (Behaviour::RefuseTransient(450), "450", 0),
        (Behaviour::RefusePermanent(550), "550", 0),
        (Behaviour::RefuseContent(554), "554", 0),
        (Behaviour::AcceptThenDrop, "", 1),
        (Behaviour::Accept, "250", 1),
    ];
    for (behaviour, expected, kept) in cases {
        catcher.set_behaviour(behaviour);
        let mut sender = Sender::connect(&catcher).await;
        assert_eq!(sender.offer("body\r\n.\r\n").await, expected, "{behaviour:?}");
        assert_eq!(catcher.take().len(), kept, "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_hanging_sink_answers_nothing_and_still_stops() {
    let catcher = MailCatcher::start("127.0.0.1:0").await.unwrap();
    catcher.set_behaviour(Behaviour::Hang);
    let mut sender = Sender::connect(&catcher).await;
    assert!(timeout(Duration::from_millis(50), sender.offer("body\r\n.\r\n")).await.is_err());
    assert!(catcher.is_empty());
    catcher.stop().await;
    assert_eq!(sender.0.read(&mut [0; 8]).await.unwrap_or(0), 0);
}
