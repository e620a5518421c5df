//! One SMTP connection (RFC 5321): as much of the protocol as a sender can ask of a sink.
//!
//! Commands are read one line at a time and answered in order, which is all that pipelining (RFC 2920) needs.

use std::future::pending;
use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use crate::mailbox::Mailbox;
use crate::{Behaviour, MAX_MAIL_OCTETS};

/// RFC 5321 asks for 512 octets; extensions lengthen `MAIL FROM`.
const MAX_COMMAND_OCTETS: u64 = 2048;
const MAX_RECIPIENTS: usize = 100;

/// What has been said of the mail that comes next.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    recipients: Vec<String>,
}

enum Content {
    Whole(Vec<u8>),
    TooLarge,
    /// The connection ended before the final dot.
    Cut,
}

/// Talks until the peer leaves. An error is the peer's connection breaking, never a protocol error.
pub(crate) async fn run(stream: TcpStream, mailbox: &Mailbox) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufStream::new(stream);
    reply(&mut stream, "220 mailcatcher ESMTP").await?;
    let mut envelope = Envelope::default();
    while let Some(line) = read_command(&mut stream).await? {
        let Some(line) = line else {
            reply(&mut stream, "500 5.5.2 line too long or not text").await?;
            continue;
        };
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                envelope = Envelope::default();
                let extensions = format!(
                    "250-mailcatcher\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MAX_MAIL_OCTETS}"
                );
                reply(&mut stream, &extensions).await?;
            }
            "HELO" => {
                envelope = Envelope::default();
                reply(&mut stream, "250 mailcatcher").await?;
            }
            "MAIL" => {
                let answer = mail(&mut envelope, argument);
                reply(&mut stream, answer).await?;
            }
            "RCPT" => {
                mailbox.offer();
                let answer = recipient(&mut envelope, argument, mailbox.behaviour());
                reply(&mut stream, &answer).await?;
            }
            "DATA" if envelope.recipients.is_empty() => reply(&mut stream, "503 5.5.1 no recipients").await?,
            "DATA" => {
                if mailbox.behaviour() == Behaviour::DropBeforeData {
                    return Ok(());
                }
                reply(&mut stream, "354 go ahead, end with a dot").await?;
                let content = read_content(&mut stream).await?;
                let Some(answer) = data(std::mem::take(&mut envelope), content, mailbox).await else {
                    return Ok(());
                };
                reply(&mut stream, &answer).await?;
            }
            "RSET" => {
                envelope = Envelope::default();
                reply(&mut stream, "250 2.0.0 forgotten").await?;
            }
            "NOOP" => reply(&mut stream, "250 2.0.0 ok").await?,
            "VRFY" => reply(&mut stream, "252 2.0.0 every mailbox exists here").await?,
            "QUIT" => return reply(&mut stream, "221 2.0.0 bye").await,
            _ => reply(&mut stream, "502 5.5.1 not implemented").await?,
        }
    }
    Ok(())
}

fn mail(envelope: &mut Envelope, argument: &str) -> &'static str {
    if envelope.from.is_some() {
        return "503 5.5.1 one mail at a time";
    }
    match path(argument, "FROM:") {
        Some((from, parameters)) => {
            let too_large = parameters
                .split_ascii_whitespace()
                .filter_map(|parameter| parameter.to_ascii_uppercase().strip_prefix("SIZE=").map(str::to_owned))
                .any(|size| size.parse::<usize>().is_ok_and(|size| size > MAX_MAIL_OCTETS));
            if too_large {
                return "552 5.3.4 too large";
            }
            envelope.from = Some(from.to_owned());
            "250 2.1.0 ok"
        }
        None => "501 5.5.4 MAIL FROM:<address>",
    }
}

fn recipient(envelope: &mut Envelope, argument: &str, behaviour: Behaviour) -> String {
    if envelope.from.is_none() {
        return "503 5.5.1 MAIL first".to_owned();
    }
    if let Behaviour::RefuseTransient(code) | Behaviour::RefusePermanent(code) = behaviour {
        return format!("{code} refused as told");
    }
    if envelope.recipients.len() >= MAX_RECIPIENTS {
        return "452 4.5.3 too many recipients".to_owned();
    }
    match path(argument, "TO:") {
        Some((to, _)) if !to.is_empty() => {
            envelope.recipients.push(to.to_owned());
            "250 2.1.5 ok".to_owned()
        }
        _ => "501 5.5.4 RCPT TO:<address>".to_owned(),
    }
}

/// The answer to a mail; `None` when the connection is to be closed without one.
async fn data(envelope: Envelope, content: Content, mailbox: &Mailbox) -> Option<String> {
    let raw = match content {
        Content::Whole(raw) => raw,
        Content::TooLarge => return Some("552 5.3.4 too large".to_owned()),
        Content::Cut => return None,
    };
    let keep = || mailbox.keep(envelope.from.unwrap_or_default(), envelope.recipients, raw);
    match mailbox.behaviour() {
        Behaviour::Hang => pending().await,
        Behaviour::RefuseContent(code) => Some(format!("{code} refused as told")),
        Behaviour::AcceptThenDrop => {
            keep();
            None
        }
        Behaviour::Accept
        | Behaviour::RefuseTransient(_)
        | Behaviour::RefusePermanent(_)
        | Behaviour::DropBeforeData => Some(format!("250 2.0.0 kept as {}", keep())),
    }
}

/// `FROM:<a@b> SIZE=1` gives `a@b` and the parameters.
fn path<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let start = argument.get(..keyword.len())?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let bracketed = argument.get(keyword.len()..)?.trim_start().strip_prefix('<')?;
    bracketed.split_once('>')
}

/// One command without its line end. The outer `None`: the peer left; the inner: it sent something that is no command.
async fn read_command(stream: &mut BufStream<TcpStream>) -> io::Result<Option<Option<String>>> {
    let mut line = Vec::new();
    stream.take(MAX_COMMAND_OCTETS).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        // Either the peer left in mid-line or the line is too long: the rest of it is read away.
        if !skip_line(stream).await? {
            return Ok(None);
        }
        return Ok(Some(None));
    }
    Ok(Some(String::from_utf8(line).ok().map(|line| line.trim_end().to_owned())))
}

/// False when the stream ended first.
async fn skip_line(stream: &mut BufStream<TcpStream>) -> io::Result<bool> {
    loop {
        let mut rest = Vec::new();
        if stream.take(MAX_COMMAND_OCTETS).read_until(b'\n', &mut rest).await? == 0 {
            return Ok(false);
        }
        if rest.ends_with(b"\n") {
            return Ok(true);
        }
    }
}

/// Reads to the line that is a single dot, unstuffing dots. Only CR LF ends a line: taking a bare LF for one is how
/// mails are smuggled.
async fn read_content(stream: &mut BufStream<TcpStream>) -> io::Result<Content> {
    let mut content = Vec::new();
    let mut too_large = false;
    let mut at_line_start = true;
    loop {
        let mut chunk = Vec::new();
        stream.take(64 * 1024).read_until(b'\n', &mut chunk).await?;
        if chunk.is_empty() {
            return Ok(Content::Cut);
        }
        if at_line_start && chunk == b".\r\n" {
            return Ok(if too_large { Content::TooLarge } else { Content::Whole(content) });
        }
        let text = chunk.strip_prefix(b".").filter(|_| at_line_start).unwrap_or(&chunk);
        too_large |= content.len() + text.len() > MAX_MAIL_OCTETS;
        if !too_large {
            content.extend_from_slice(text);
        }
        at_line_start = if chunk == b"\n" { content.ends_with(b"\r\n") } else { chunk.ends_with(b"\r\n") };
    }
}

async fn reply(stream: &mut BufStream<TcpStream>, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await
}
