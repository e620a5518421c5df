//! A message in the form that travels (RFC 5322). The same message always gives the same octets.

use std::time::SystemTime;

use anyhow::Context;
use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::address::{AddressError, Envelope};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use uuid::Uuid;

use super::SmtpSettings;
use super::render::{Rendered, clean};

/// A letter on its way to the relay.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) envelope: Envelope,
    /// Headers and body; ASCII, so every relay takes them.
    pub(crate) octets: String,
}

/// Who the letters are from.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) from: Address,
    pub(crate) reply_to: Option<Address>,
    /// Right side of Message-ID.
    pub(crate) domain: String,
}

impl Sender {
    pub(crate) fn of(settings: &SmtpSettings) -> anyhow::Result<Self> {
        let reply_to = Some(settings.reply_to.as_str()).filter(|text| !text.is_empty());
        Ok(Self {
            from: address(&settings.from_address).context("from_address")?,
            reply_to: reply_to.map(address).transpose().context("reply_to")?,
            domain: settings.hello_name.clone(),
        })
    }
}

/// An address that can be written to: one mailbox, nothing else around it.
pub(crate) fn address(text: &str) -> Result<Address, AddressError> {
    text.trim().parse()
}

/// `sent_at` is business time: what a message says of its moment must not depend on when it was retried.
pub(crate) fn write(
    sender: &Sender,
    tenant: &str,
    to: (&str, Address),
    message_id: Uuid,
    sent_at: DateTime<Utc>,
    rendered: &Rendered,
) -> anyhow::Result<Letter> {
    let named = |name: &str| Some(clean(name)).filter(|name| !name.is_empty());
    let mut message = Message::builder()
        .from(Mailbox::new(named(tenant), sender.from.clone()))
        .to(Mailbox::new(named(to.0), to.1.clone()))
        .subject(clean(&rendered.subject))
        .date(SystemTime::from(sent_at))
        .message_id(Some(format!("<{message_id}@{}>", sender.domain)))
        // RFC 3834: out-of-office robots do not answer this.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .header(ContentType::TEXT_PLAIN);
    if let Some(reply_to) = &sender.reply_to {
        message = message.reply_to(Mailbox::new(None, reply_to.clone()));
    }
    let octets = String::from_utf8(message.body(rendered.body.clone())?.formatted()).context("encoding")?;
    anyhow::ensure!(octets.is_ascii(), "not encoded as ascii");
    let envelope = Envelope::new(Some(sender.from.clone()), vec![to.1])?;
    Ok(Letter { envelope, octets })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(tenant: &str, name: &str) -> String {
        let sender = Sender {
            from: address("reminders@puntual.example").unwrap(),
            reply_to: Some(address("cartera@andina.example").unwrap()),
            domain: "puntual.example".to_owned(),
        };
        let rendered = Rendered { subject: "Factura ñ vencida".to_owned(), body: "Según\n.dot\n".to_owned() };
        let at = "2026-04-03T14:00:00Z".parse().unwrap();
        let to = (name, address("ana@client.example").unwrap());
        let letter = write(&sender, tenant, to, Uuid::from_u128(5), at, &rendered).unwrap();
        assert_eq!(letter.envelope.to().len(), 1);
        letter.octets
    }

    #[test]
    fn a_letter_is_the_same_to_the_last_octet() {
        let octets = letter("Andina", "Ana Ruiz");
        assert_eq!(octets, letter("Andina", "Ana Ruiz"));
        for expected in [
            "Message-ID: <00000000-0000-0000-0000-000000000005@puntual.example>\r\n",
            "Date: Fri, 03 Apr 2026 14:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Reply-To: cartera@andina.example\r\n",
            "To: \"Ana Ruiz\" <ana@client.example>\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
        ] {
            assert!(octets.contains(expected), "{expected:?} in\n{octets}");
        }
        assert!(octets.is_ascii());
    }

    #[test]
    fn a_name_cannot_add_headers_or_recipients() {
        let octets = letter("Andina\r\nBcc: a@evil.example", "Ana\r\nBcc: b@evil.example\r\n\r\nhello");
        let headers = octets.split("\r\n\r\n").next().unwrap();
        assert!(!headers.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{headers}");
        assert_eq!(headers.lines().filter(|line| line.starts_with("To:")).count(), 1);
    }

    #[test]
    fn only_one_plain_mailbox_is_an_address() {
        for bad in ["", "ana", "a@b, c@d", "Ana <a@b.co>", "a@b.co\r\nRCPT TO:<c@d.co>", "a b@c.co"] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
        assert!(address(" ana@client.example ").is_ok());
    }
}
