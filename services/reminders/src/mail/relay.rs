//! The hand-off to the mail relay (RFC 5321), one command at a time, because what a failure means depends on where it
//! happens: before the content nothing was handed over; after it nobody can know (R1).

use std::error::Error;
use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::Letter;
use crate::domain::message::HandOff;

/// Longest courtesy at the end of a connection.
const GOODBYE: Duration = Duration::from_secs(1);
/// "Service not available, closing": it says nothing about the message.
const CLOSING: &str = "421";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    None,
    Starttls,
    Implicit,
}

/// Where and how mail leaves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub username: String,
    pub password: SecretString,
    pub from_address: String,
    pub reply_to: String,
    pub hello_name: String,
    pub call_timeout_seconds: u64,
}

/// A relay, with the connection that the letters of one batch share.
pub(crate) struct Relay<'a> {
    settings: &'a SmtpSettings,
    connection: Option<AsyncSmtpConnection>,
}

/// What went wrong before the content was on its way.
enum Refusal {
    /// This letter was refused with this answer.
    Letter { answer: String, for_now: bool },
    /// There is no relay to speak of.
    NoRelay(String),
}

impl<'a> Relay<'a> {
    pub(crate) fn new(settings: &'a SmtpSettings) -> Self {
        Self { settings, connection: None }
    }

    /// Hands one letter over, until `deadline` at the latest.
    pub(crate) async fn hand_off(&mut self, letter: &Letter, deadline: Instant) -> HandOff {
        let begun = timeout_at(deadline, self.begin(letter)).await;
        match begun {
            Ok(Ok(())) => {}
            Ok(Err(Refusal::Letter { answer, for_now })) => {
                self.forget(deadline).await;
                return if for_now { HandOff::RefusedForNow(answer) } else { HandOff::Refused(answer) };
            }
            Ok(Err(Refusal::NoRelay(cause))) => {
                self.connection = None;
                return HandOff::Unreachable(cause);
            }
            Err(_) => {
                self.connection = None;
                return HandOff::Unreachable("the relay did not answer in time".to_owned());
            }
        }
        let Some(connection) = &mut self.connection else {
            return HandOff::Unreachable("the connection is gone".to_owned());
        };
        // A process that was stopped finds the relay's word waiting, and its own check long out of date (R2).
        if Instant::now() >= deadline {
            self.connection = None;
            return HandOff::Unreachable("the time was over before the content".to_owned());
        }
        match timeout_at(deadline, connection.command(Content(&letter.octets))).await {
            Ok(Ok(_)) => HandOff::Accepted,
            Ok(Err(error)) if error.is_transient() => HandOff::RefusedForNow(told(&error)),
            Ok(Err(error)) if error.is_permanent() => HandOff::Refused(told(&error)),
            Ok(Err(error)) => {
                self.connection = None;
                HandOff::Unknown(format!("the connection broke after the content: {}", told(&error)))
            }
            Err(_) => {
                self.connection = None;
                HandOff::Unknown("no answer in time after the content".to_owned())
            }
        }
    }

    /// Everything up to the relay's word that it wants the content.
    async fn begin(&mut self, letter: &Letter) -> Result<(), Refusal> {
        if self.connection.is_none() {
            let opened = self.open().await.map_err(|error| Refusal::NoRelay(told(&error)))?;
            self.connection = Some(opened);
        }
        let Some(connection) = &mut self.connection else {
            return Err(Refusal::NoRelay("the connection is gone".to_owned()));
        };
        // A relay that does not want our sender wants none of our letters: that is for an operator, not a failed letter.
        let sender = Mail::new(letter.envelope.from().cloned(), vec![]);
        connection.command(sender).await.map_err(|error| Refusal::NoRelay(told(&error)))?;
        for recipient in letter.envelope.to() {
            connection.command(Rcpt::new(recipient.clone(), vec![])).await.map_err(refusal)?;
        }
        connection.command(Data).await.map_err(refusal)?;
        Ok(())
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let settings = self.settings;
        let hello = ClientId::Domain(settings.hello_name.clone());
        let timeout = Some(Duration::from_secs(settings.call_timeout_seconds));
        let tls = || TlsParameters::new(settings.host.clone());
        let implicit = if settings.tls == Tls::Implicit { Some(tls()?) } else { None };
        let address = (settings.host.as_str(), settings.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(address, timeout, &hello, implicit, None).await?;
        if settings.tls == Tls::Starttls {
            connection.starttls(tls()?, &hello).await?;
        }
        if !settings.username.is_empty() {
            let password = settings.password.expose_secret().to_owned();
            let credentials = Credentials::new(settings.username.clone(), password);
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    /// After a refusal the relay forgets the letter, so that the connection serves the next one.
    async fn forget(&mut self, deadline: Instant) {
        let Some(connection) = &mut self.connection else { return };
        if !matches!(timeout_at(deadline, connection.command(Rset)).await, Ok(Ok(_))) {
            self.connection = None;
        }
    }

    pub(crate) async fn close(mut self) {
        if let Some(mut connection) = self.connection.take() {
            let _ = timeout_at(Instant::now() + GOODBYE, connection.quit()).await;
        }
    }
}

/// The content with its dots stuffed and the final one, in one write: two of them would make each letter wait for the
/// relay's delayed acknowledgement of the first (40 ms).
struct Content<'a>(&'a str);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.split_inclusive("\r\n") {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
        }
        f.write_str(if self.0.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" })
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn refusal(error: lettre::transport::smtp::Error) -> Refusal {
    let closing = error.status().is_some_and(|code| code.to_string() == CLOSING);
    if error.status().is_none() || closing {
        return Refusal::NoRelay(told(&error));
    }
    Refusal::Letter { answer: told(&error), for_now: error.is_transient() }
}

/// What is kept of an error: of an answer only its codes, because its words may quote the debtor's address, and the reason
/// of a message goes into the record and to others (L5).
fn told(error: &lettre::transport::smtp::Error) -> String {
    let Some(code) = error.status() else { return error.to_string() };
    codes(&code.to_string(), &error.source().map(ToString::to_string).unwrap_or_default())
}

/// The reply code, and the enhanced one (RFC 3463) where the words begin with it.
fn codes(code: &str, words: &str) -> String {
    let numbers = |word: &&str| word.split('.').count() == 3 && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let enhanced = words.split_whitespace().next().filter(numbers);
    enhanced.map_or_else(|| format!("answer {code}"), |enhanced| format!("answer {code} {enhanced}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_without_its_words() {
        let cases = [
            ("5.1.1 <ana@client.example>: Recipient address rejected", "answer 550 5.1.1"),
            ("ana@client.example is unknown", "answer 550"),
            ("10.0.0.1 said no", "answer 550"),
            ("", "answer 550"),
        ];
        for (words, kept) in cases {
            assert_eq!(codes("550", words), kept);
        }
    }

    #[test]
    fn a_line_that_begins_with_a_dot_does_not_end_the_letter() {
        let cases = [
            ("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
            (".a\r\n\r\n..b", "..a\r\n\r\n...b\r\n.\r\n"),
            ("", "\r\n.\r\n"),
        ];
        for (content, sent) in cases {
            assert_eq!(Content(content).to_string(), sent);
        }
    }
}
