//! `POST /v1/facts`: one fact as JSON, or up to 5,000 as lines of NDJSON; as CloudEvents structured, binary or in batches; as
//! CSV in one of the layouts; as documents of ERPs (UBL, CFDI) and statements of banks (camt, MT940).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use encoding_rs::UTF_8;
use formats::InvoiceNumber;
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::accept::{Batched, Verdict, accept, accept_batch};
use super::batch_key::{self, Told};
use super::body::{self, Coding};
use super::buyers;
use super::media_type::MediaType;
use super::openapi::values::{Key, KeyOfBatch, TimeZone};
use super::profiles;
use super::reading::batch::{self, Line, MAX_LINES};
use super::reading::file::{self, Origin};
use super::reading::{cloud_event, hex, sha256};
use super::receipts::Receipt;
use super::report::{Batch, Report, Warning};
use super::{refusal, rules};
use crate::domain::text;

/// Longer terms are a mistake.
const MAX_TERMS_DAYS: u32 = 720;
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Tells facts: one, or many at once.
///
/// Scope `facts:write`. One fact is accepted or refused as a whole; the same fact again gets the same receipt. Of many the
/// good ones are in, and the bad ones wait in the quarantine. All is inflated first where `Content-Encoding` is `gzip`.
#[utoipa::path(post, path = "/v1/facts", operation_id = "tell_facts", tag = "facts",
    params(SaidOfFile, ("Idempotency-Key" = Option<KeyOfBatch>, Header, description = "Of a batch: sent again by its key within 30 \
        days it gets the same report, and another batch by that key is refused. One fact has its own id.")),
    responses(
        (status = 201, description = "The fact is in for good", body = Receipt),
        (status = 200, description = "It was here before: the receipt it got then", body = Receipt,
         headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 202, description = "What became of many", body = Report,
         headers(("Idempotent-Replayed" = String, description = "`true`: the batch was here before, by the same key"))),
    ))]
pub(super) async fn post(caller: Caller, State(door): State<Door>, request: Request) -> Response {
    match answer(&caller, &door, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(caller: &Caller, door: &Door, request: Request) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let (parts, packed) = request.into_parts();
    let Some(coding) = Coding::of(&parts.headers) else { return Ok(body::unsupported()) };
    let Some(media) = MediaType::of(parts.headers.get(header::CONTENT_TYPE)) else { return Ok(not_read()) };
    let is_utf8 = media.encoding == UTF_8;
    let said = said_of_file(&parts.uri)?;
    let (origin, options) = (said.origin()?, said.options()?);
    let key = batch_key::told(&parts)?;
    if let Some(name) = &said.profile {
        let profile = profiles::of_name(door, caller, name).await?;
        let origin = origin.ok_or_else(needs_source)?;
        let body = body::read(coding, packed).await?;
        let lines = file::table(&body, media.encoding, Some(profile), &origin)?;
        return batch(caller, door, key, &body, &lines.ok_or_else(too_many_lines)?).await;
    }
    match &*media.essence {
        "application/json" if is_utf8 && cloud_event::is_binary(&parts.headers) => {
            match cloud_event::binary(&parts.headers, &body::read(coding, packed).await?) {
                Ok(event) => single(caller, door, event).await,
                Err(finding) => Err(refusal::problem(&[finding])),
            }
        }
        "application/json" | "application/cloudevents+json" if is_utf8 => {
            single(caller, door, body::read(coding, packed).await?).await
        }
        "application/x-ndjson" if is_utf8 => {
            let body = body::read(coding, packed).await?;
            let lines = batch::lines(&body).ok_or_else(too_many_lines)?;
            if lines.is_empty() {
                return Err(Problem::new(StatusCode::BAD_REQUEST, "empty-body", "There is nothing to read"));
            }
            batch(caller, door, key, &body, &lines).await
        }
        "application/cloudevents-batch+json" if is_utf8 => {
            let body = body::read(coding, packed).await?;
            let lines = cloud_event::elements(&body).map_err(|finding| refusal::problem(&[finding]))?;
            batch(caller, door, key, &body, &lines.ok_or_else(too_many_lines)?).await
        }
        "text/csv" => {
            let origin = origin.ok_or_else(needs_source)?;
            let body = body::read(coding, packed).await?;
            let lines = file::table(&body, media.encoding, None, &origin)?;
            batch(caller, door, key, &body, &lines.ok_or_else(too_many_lines)?).await
        }
        "application/xml" | "text/xml" | "application/x-mt940" => {
            let origin = origin.ok_or_else(needs_source)?;
            let body = body::read(coding, packed).await?;
            let mut reading = file::document(&body, &options)?.ok_or_else(too_many_lines)?;
            buyers::recognise(door, caller, &mut reading.drafts).await?;
            let (lines, warnings) = file::told(reading, &origin);
            document(caller, door, key, &body, (&lines, warnings)).await
        }
        _ => Ok(not_read()),
    }
}

fn not_read() -> Response {
    refusal::unsupported_media_type(
        "send application/json, application/x-ndjson, CloudEvents in JSON, text/csv, application/xml or application/x-mt940",
    )
}

/// What the sender says of a file, which does not say it itself. Facts in JSON do, and need none of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SaidOfFile {
    /// Code of the source. A CSV file or a document needs it; facts in JSON say it themselves.
    #[param(value_type = Key, required = false, example = "bank")]
    source: Option<String>,
    /// Code; the tenant's first legal entity when absent.
    #[param(value_type = Key, required = false)]
    legal_entity: Option<String>,
    /// Days from issue to due date, for invoices that tell neither a due date nor terms.
    #[param(value_type = u32, required = false, minimum = 0, maximum = 720)]
    terms_days: Option<String>,
    /// Of documents with local dates only; UTC when absent.
    #[param(value_type = TimeZone, required = false)]
    time_zone: Option<String>,
    /// Name of a profile that reads the file, whatever its type: one of Puntual's or the tenant's own.
    #[param(value_type = String, required = false)]
    profile: Option<String>,
    /// Number by which a CFDI goes: `fiscal` (its UUID, which payments name) or `series`.
    #[param(value_type = String, required = false, pattern = "^(fiscal|series)$")]
    invoice_number: Option<String>,
}

fn said_of_file(uri: &Uri) -> Result<SaidOfFile, Problem> {
    let said = Query::try_from_uri(uri).map_err(|rejection| Problem::parameter("query", rejection.body_text()))?;
    Ok(said.0)
}

fn needs_source() -> Problem {
    Problem::parameter("source", "the code of a source is expected")
}

impl SaidOfFile {
    /// None where no source is told.
    fn origin(&self) -> Result<Option<Origin>, Problem> {
        let key = |name: &'static str, value: &str| {
            let key = text::natural_key(value).map(str::to_owned);
            key.map_err(|error| Problem::parameter(name, error.to_string()))
        };
        let source = self.source.as_deref().map(|code| key("source", code)).transpose()?;
        let legal_entity = self.legal_entity.as_deref().map(|code| key("legal_entity", code)).transpose()?;
        Ok(source.map(|source| Origin { source, legal_entity }))
    }

    fn options(&self) -> Result<formats::Options, Problem> {
        let days = self.terms_days.as_deref().map(|days| {
            let days = days.parse::<u32>().ok().filter(|days| *days <= MAX_TERMS_DAYS);
            days.ok_or_else(|| Problem::parameter("terms_days", format!("days, at most {MAX_TERMS_DAYS}")))
        });
        let zone = self.time_zone.as_deref().map(|zone| {
            zone.parse().map_err(|_| Problem::parameter("time_zone", "the name of an IANA time zone is expected"))
        });
        let number = match self.invoice_number.as_deref() {
            None | Some("fiscal") => InvoiceNumber::Fiscal,
            Some("series") => InvoiceNumber::Series,
            Some(_) => return Err(Problem::parameter("invoice_number", "fiscal or series is expected")),
        };
        Ok(formats::Options {
            terms_days: days.transpose()?,
            time_zone: zone.transpose()?.unwrap_or(Tz::UTC),
            invoice_number: number,
        })
    }
}

fn too_many_lines() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-lines", "The batch has too many lines")
        .detail(format!("at most {MAX_LINES} lines are allowed"))
}

async fn single(caller: &Caller, door: &Door, body: Bytes) -> Result<Response, Problem> {
    let verdicts = accept(door, caller, &[Line::only(body)], None).await?;
    rules::apply(door, caller).await;
    Ok(match verdicts.into_iter().next() {
        Some(Verdict::Accepted(receipt)) => (StatusCode::CREATED, Json(Receipt::from(receipt))).into_response(),
        Some(Verdict::Replayed(receipt)) => replayed(StatusCode::OK, Json(Receipt::from(receipt))),
        Some(Verdict::Refused(findings)) => refusal::problem(&findings).into_response(),
        None => Problem::unavailable().into_response(),
    })
}

async fn batch(
    caller: &Caller,
    door: &Door,
    key: Option<Told>,
    body: &Bytes,
    lines: &[Line],
) -> Result<Response, Problem> {
    document(caller, door, key, body, (lines, Vec::new())).await
}

/// A batch whose file says more than its lines.
async fn document(
    caller: &Caller,
    door: &Door,
    key: Option<Told>,
    body: &Bytes,
    (lines, warnings): (&[Line], Vec<Warning>),
) -> Result<Response, Problem> {
    // The same bytes are the same batch.
    let id = ids::derive(caller.tenant_id, Kind::Quarantine, &["batch", &hex(&sha256(body))]);
    let told = Batch { id, key: key.map(|key| key.of(body)), warnings };
    match accept_batch(door, caller, lines, &told).await? {
        Batched::Now(report) => {
            rules::apply(door, caller).await;
            report.measure();
            Ok((StatusCode::ACCEPTED, Json(report)).into_response())
        }
        Batched::Before(report) => Ok(replayed(StatusCode::ACCEPTED, Json(report))),
    }
}

/// The same answer as then.
fn replayed(status: StatusCode, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
