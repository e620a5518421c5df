//! Sends a step and compares what comes back.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::catalogue::{Repeat, Step};
use crate::door::Door;

const RAW_WITHIN: Duration = Duration::from_secs(20);
const AT_ONCE: usize = 64;
/// An invoice with nothing wrong in it.
const UBL: &str = include_str!("invoice.xml");

/// What came back, as often as it was sent; an error says what differs.
pub(crate) async fn send(door: &Door, number: u32, step: &Step) -> Result<Vec<(u16, Value)>, String> {
    if let Some(raw) = &step.raw {
        return raw_connection(door, number, step, raw).await;
    }
    let body = body_of(number, step)?;
    let answers: Vec<Answer> = futures::stream::iter(0..step.times.unwrap_or(1))
        .map(|_| request(door, step, body.clone()))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    compare(step, &answers)?;
    Ok(answers.into_iter().map(|answer| (answer.status, answer.body)).collect())
}

struct Answer {
    status: u16,
    replayed: bool,
    body: Value,
}

async fn request(door: &Door, step: &Step, body: Vec<u8>) -> Result<Answer, String> {
    let [own, other] = &door.keys;
    let key = if step.tenant.is_some() { other } else { own };
    let url = |path: &str| format!("http://{}{path}", door.address);
    let request = if let Some(path) = &step.get {
        door.http.get(url(path))
    } else {
        let method =
            step.method.as_deref().unwrap_or("POST").parse().map_err(|error| format!("no method: {error:?}"))?;
        let request = door.http.request(method, url(step.path.as_deref().unwrap_or("/v1/facts"))).body(body);
        let request = match step.media.as_deref().unwrap_or("application/json") {
            "" => request,
            media => request.header("content-type", media),
        };
        let request = if step.gzip { request.header("content-encoding", "gzip") } else { request };
        step.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    };
    let answer = request.bearer_auth(key).send().await.map_err(|error| format!("no answer: {error:?}"))?;
    let status = answer.status().as_u16();
    let replayed = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    let text = answer.text().await.map_err(|error| format!("no answer: {error}"))?;
    Ok(Answer { status, replayed, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
}

fn compare(step: &Step, answers: &[Answer]) -> Result<(), String> {
    if !step.statuses.is_empty() {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for answer in answers {
            *seen.entry(answer.status.to_string()).or_default() += 1;
        }
        return if seen == step.statuses { Ok(()) } else { Err(format!("statuses are {seen:?}")) };
    }
    let Some(answer) = answers.first() else { return Err("nothing was sent".to_owned()) };
    let at = |pointer: &str| answer.body.pointer(pointer).cloned().unwrap_or_default();
    let text = |pointer: &str| at(pointer).as_str().unwrap_or_default().to_owned();
    let code = text("/type").rsplit('/').next().unwrap_or_default().to_owned();
    let told = || format!("{} {}", answer.status, shortened(&answer.body.to_string()));
    let wrong = |what: &str| Err(format!("{what}: {}", told()));
    if step.status.is_some_and(|status| status != answer.status) {
        return wrong("another status");
    }
    if step.code.as_ref().is_some_and(|expected| *expected != code) {
        return wrong("another code");
    }
    if answer.status >= 400 && (text("/title").is_empty() || at("/status") != json!(answer.status)) {
        return wrong("not a problem document");
    }
    if step.pointer.as_ref().is_some_and(|expected| *expected != text("/errors/0/pointer")) {
        return wrong("another pointer");
    }
    if step.detail.as_ref().is_some_and(|expected| !text("/detail").contains(expected)) {
        return wrong("another detail");
    }
    if step.replayed.is_some_and(|expected| expected != answer.replayed) {
        return wrong("replayed or not");
    }
    match step.answer.iter().find(|(pointer, expected)| at(pointer) != **expected) {
        Some((pointer, expected)) => wrong(&format!("{pointer} is not {expected}")),
        None => Ok(()),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(600).collect()
}

fn body_of(number: u32, step: &Step) -> Result<Vec<u8>, String> {
    let bytes = if let Some(base) = &step.base {
        changed(base, number, step)?.into_bytes()
    } else if let Some(text) = &step.body {
        filled(text, number).into_bytes()
    } else if let Some(hex) = &step.body_hex {
        let digits: Vec<char> = hex.chars().collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
        digits.chunks(2).map(byte).collect::<Result<_, _>>().map_err(|error| error.to_string())?
    } else if let Some(repeat) = &step.repeat {
        repeated(repeat, number).into_bytes()
    } else {
        Vec::new()
    };
    Ok(if step.gzip { gzip(&bytes) } else { bytes })
}

/// A base with what the step changes in it.
fn changed(base: &str, number: u32, step: &Step) -> Result<String, String> {
    if base == "ubl" {
        let mut document = UBL.replace("{n}", &number.to_string());
        for (from, to) in &step.replace {
            if !document.contains(from) {
                return Err(format!("{from} is nowhere"));
            }
            document = document.replace(from, to);
        }
        return Ok(document);
    }
    let mut fact = good(base, number).ok_or_else(|| format!("no base {base}"))?;
    for (pointer, value) in &step.set {
        set(&mut fact, pointer, value.clone()).ok_or_else(|| format!("{pointer} is nowhere"))?;
    }
    Ok(fact.to_string())
}

fn repeated(repeat: &Repeat, number: u32) -> String {
    let mut text = filled(&repeat.head, number);
    let counts = repeat.text.contains("{i}");
    for index in 0..repeat.times {
        if counts {
            text.push_str(&repeat.text.replace("{i}", &index.to_string()));
        } else {
            text.push_str(&repeat.text);
        }
        text.push_str(&repeat.end);
    }
    text + &filled(&repeat.tail, number)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With good facts and the case's number in their places.
fn filled(text: &str, number: u32) -> String {
    let mut text = text.to_owned();
    for base in ["invoice", "payment", "customer"] {
        if let Some(fact) = good(base, number) {
            text = text.replace(&format!("{{{base}}}"), &fact.to_string());
        }
    }
    text.replace("{n}", &number.to_string())
}

/// A fact with nothing wrong in it.
fn good(base: &str, n: u32) -> Option<Value> {
    let fact = |source: &str, kind: &str, data: Value| json!({ "id": format!("{base}-{n}"), "source": source, "type": kind, "time": "2026-03-01T12:00:00Z", "data": data });
    let (invoice, customer) = (format!("F-{n}"), format!("C-{n}"));
    Some(match base {
        "invoice" => {
            let data = json!({ "invoice": invoice, "customer": customer, "amount": "100.00", "currency": "COP",
                "issue_date": "2026-01-01", "due_date": "2026-01-31" });
            fact("erp", "invoice.issued", data)
        }
        "payment" => {
            let data = json!({ "payment": format!("P-{n}"), "payer": customer, "amount": "100.00", "currency": "COP",
                "value_date": "2026-02-01", "remittance": [{ "invoice": invoice, "amount": "100.00" }] });
            fact("bank", "payment.received", data)
        }
        "fact" => fact("erp", "", json!({})),
        "customer" => fact("erp", "customer.upserted", json!({ "customer": customer, "name": "Comercial del Valle" })),
        _ => return None,
    })
}

fn set(fact: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let (parent, name) = pointer.rsplit_once('/')?;
    match fact.pointer_mut(parent)? {
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        Value::Array(items) => *items.get_mut(name.parse::<usize>().ok()?)? = value,
        _ => return None,
    }
    Some(())
}

/// Bytes on a connection of their own, and the first line that comes back.
async fn raw_connection(door: &Door, number: u32, step: &Step, raw: &str) -> Result<Vec<(u16, Value)>, String> {
    let [key, _] = &door.keys;
    let text = filled(raw, number).replace("{key}", key);
    let mut connection = TcpStream::connect(&door.address).await.map_err(|error| error.to_string())?;
    connection.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
    if step.hang_up {
        connection.shutdown().await.map_err(|error| error.to_string())?;
        return Ok(Vec::new());
    }
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(RAW_WITHIN, connection.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    if step.closes {
        return match ended {
            Ok(_) => Ok(Vec::new()),
            Err(_) => Err(format!("the connection stays open: {}", shortened(&answer))),
        };
    }
    let status = answer.split_whitespace().nth(1).and_then(|word| word.parse::<u16>().ok());
    match status {
        Some(status) if step.status == Some(status) => Ok(vec![(status, Value::Null)]),
        _ => Err(format!("another answer: {}", shortened(&answer))),
    }
}
