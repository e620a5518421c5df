//! `PUT`, `GET` and `DELETE /v1/profiles/{name}`: how a tenant's own files are read. A profile that is kept here is asked for by
//! its name at the doors for facts and lists, like those that come with Puntual, whose names nobody else can take.
//!
//! Every version is kept with who wrote it, so that what a file became can be explained after its profile has changed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use encoding_rs::UTF_8;
use formats::profile::{self, Profile, Wrong, Yields};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, FieldError, Named, Problem, SmallBody};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::media_type::MediaType;
use crate::store;
use crate::store::profiles::ProfileRow;

/// In a path and a query without escapes.
const NAME_CHARS: usize = 64;
/// Of one tenant, those removed included: each name stays taken by its history.
const MAX_NAMES: i64 = 200;

/// A profile as it is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub(super) struct Shown {
    name: String,
    /// Zero of a profile that comes with Puntual.
    version: i64,
    /// `facts`, which `/v1/facts` takes, or `open_items`, which `/v1/snapshots` takes.
    yields: &'static str,
    about: String,
    /// Who wrote this version; absent of a profile that comes with Puntual, as is when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recorded_at: Option<DateTime<Utc>>,
    yaml: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Profiles {
    profiles: Vec<Shown>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The last unless told.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1_000_000)]
    version: Option<String>,
}

/// Shows the profiles by which files are read.
///
/// Scope `read` or `facts:write`. Those that come with Puntual, then the tenant's own.
#[utoipa::path(get, path = "/v1/profiles", operation_id = "list_profiles", tag = "profiles",
    responses((status = 200, description = "Every profile that can be asked for", body = Profiles)))]
pub(super) async fn list(caller: Caller, State(door): State<Door>) -> Result<Json<Profiles>, Problem> {
    super::may_ask(&caller)?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let own = store::profiles::all(&mut tx, caller.tenant_id).await?;
    let shipped = profile::shipped().iter().filter_map(|(name, _)| Shown::shipped(name));
    Ok(Json(Profiles { profiles: shipped.chain(own.into_iter().filter_map(Shown::of)).collect() }))
}

/// Shows a profile.
///
/// Scope `read` or `facts:write`.
#[utoipa::path(get, path = "/v1/profiles/{name}", operation_id = "get_profile", tag = "profiles",
    params(("name" = String, Path, description = "Its name", example = "acme-invoices"), Which),
    responses((status = 200, description = "The profile", body = Shown)))]
pub(super) async fn get(
    caller: Caller,
    State(door): State<Door>,
    Named(name): Named<String>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Shown>, Problem> {
    super::may_ask(&caller)?;
    let Query(which) = query.map_err(|rejection| Problem::parameter("query", rejection.body_text()))?;
    let version = which.version.map(|version| {
        let version = version.parse::<i64>().ok().filter(|version| (1..=1_000_000).contains(version));
        version.ok_or_else(|| Problem::parameter("version", "a number from 1 on is expected"))
    });
    let version = version.transpose()?;
    if let (None, Some(shipped)) = (version, Shown::shipped(&name)) {
        return Ok(Json(shipped));
    }
    let name = self::name(&name).map_err(|_| Problem::not_found())?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let row = store::profiles::find(&mut tx, caller.tenant_id, name, version).await?;
    row.and_then(Shown::of).map(Json).ok_or_else(Problem::not_found)
}

/// Keeps a profile.
///
/// Scope `facts:write`. The same text again changes nothing; another one is the next version. What is wrong with a profile
/// is told all at once, and nothing is kept of it.
#[utoipa::path(put, path = "/v1/profiles/{name}", operation_id = "put_profile", tag = "profiles",
    params(("name" = String, Path, description = "The name that the profile gives itself", example = "acme-invoices")),
    responses(
        (status = 201, description = "The first version, or one after it was removed", body = Shown),
        (status = 200, description = "The next version, or the one that is in force already", body = Shown),
    ))]
pub(super) async fn put(
    caller: Caller,
    State(door): State<Door>,
    Named(name): Named<String>,
    headers: HeaderMap,
    SmallBody(body): SmallBody,
) -> Response {
    let media = MediaType::of(headers.get(header::CONTENT_TYPE)).filter(|media| media.encoding == UTF_8);
    let is_yaml = |media: MediaType| matches!(&*media.essence, "application/yaml" | "application/x-yaml" | "text/yaml");
    if !media.is_some_and(is_yaml) {
        let title = "The body cannot be read as this";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", title);
        return problem.detail("send a profile as application/yaml, in UTF-8").into_response();
    }
    match keep(&caller, &door, &name, &body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn keep(caller: &Caller, door: &Door, name: &str, body: &Bytes) -> Result<Response, Problem> {
    caller.require("facts:write")?;
    let name = own_name(name)?;
    let yaml = std::str::from_utf8(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "encoding", "The body is not UTF-8").detail(error.to_string())
    })?;
    let profile = Profile::parse(yaml).map_err(|wrong| refused(&wrong))?;
    if profile.name() != name {
        let detail = format!("the profile calls itself {}, the path {name}", profile.name());
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "profile-name", "The profile has another name");
        return Err(problem.detail(detail.clone()).error(FieldError {
            pointer: Some("#/name".to_owned()),
            code: "profile-name".to_owned(),
            detail,
            ..FieldError::default()
        }));
    }
    let mut tx = door.begin(caller.tenant_id).await?;
    let last = lock(&mut tx, caller, name).await?;
    if let Some(same) = last.as_ref().filter(|last| last.yaml.as_deref() == Some(yaml)) {
        return Ok(Json(Shown::of(same.clone())).into_response());
    }
    if last.is_none() && store::profiles::count(&mut tx, caller.tenant_id).await? >= MAX_NAMES {
        let problem = Problem::new(StatusCode::CONFLICT, "too-many-profiles", "There are too many profiles");
        return Err(problem.detail(format!("a tenant has at most {MAX_NAMES}, those removed included")));
    }
    let row = ProfileRow {
        name: name.to_owned(),
        version: last.as_ref().map_or(1, |last| last.version + 1),
        yaml: Some(yaml.to_owned()),
        actor: caller.name.clone(),
        recorded_at: super::accept::now(door, &mut tx).await?,
    };
    store::profiles::add(&mut tx, caller.tenant_id, &row).await?;
    tx.commit().await?;
    let replaces = last.is_some_and(|last| last.yaml.is_some());
    let status = if replaces { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(Shown::of(row))).into_response())
}

/// Removes a profile.
///
/// Scope `facts:write`. Its versions are kept, and a profile of this name may be kept again.
#[utoipa::path(delete, path = "/v1/profiles/{name}", operation_id = "remove_profile", tag = "profiles",
    params(("name" = String, Path, description = "Its name", example = "acme-invoices")),
    responses((status = 204, description = "It is not read by any more")))]
pub(super) async fn remove(
    caller: Caller,
    State(door): State<Door>,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    caller.require("facts:write")?;
    let name = own_name(&name)?;
    let mut tx = door.begin(caller.tenant_id).await?;
    let last = lock(&mut tx, &caller, name).await?;
    let last = last.filter(|last| last.yaml.is_some()).ok_or_else(Problem::not_found)?;
    let row = ProfileRow {
        version: last.version + 1,
        yaml: None,
        actor: caller.name.clone(),
        recorded_at: super::accept::now(&door, &mut tx).await?,
        ..last
    };
    store::profiles::add(&mut tx, caller.tenant_id, &row).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The profile that a request asks for by name.
pub(super) async fn of_name(door: &Door, caller: &Caller, name: &str) -> Result<Profile, Problem> {
    let unknown = |detail: String| Problem::parameter("profile", detail);
    let shipped = profile::shipped();
    if let Some((_, yaml)) = shipped.iter().find(|(known, _)| *known == name) {
        return Profile::parse(yaml).map_err(|_| Problem::unavailable());
    }
    let mut tx = door.begin(caller.tenant_id).await?;
    let row = match self::name(name) {
        Ok(name) => store::profiles::find(&mut tx, caller.tenant_id, name, None).await?,
        Err(_) => None,
    };
    let Some(yaml) = row.and_then(|row| row.yaml) else {
        let own = store::profiles::all(&mut tx, caller.tenant_id).await?;
        let names = shipped.iter().map(|(name, _)| *name).chain(own.iter().map(|row| row.name.as_str()));
        return Err(unknown(format!("one of {} is expected", names.collect::<Vec<_>>().join(", "))));
    };
    // What was right when it was kept may be wrong for a later release.
    Profile::parse(&yaml).map_err(|wrong| {
        let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        unknown(format!("the profile has to be mended: {}", wrong.join("; ")))
    })
}

/// The last version of a name, which nobody changes until the transaction ends.
async fn lock(conn: &mut sqlx::PgConnection, caller: &Caller, name: &str) -> Result<Option<ProfileRow>, sqlx::Error> {
    let tenant_id = caller.tenant_id;
    store::locks::take(conn, tenant_id, &[ids::derive(tenant_id, Kind::Profile, &[name])]).await?;
    store::profiles::find(conn, tenant_id, name, None).await
}

fn own_name(name: &str) -> Result<&str, Problem> {
    if profile::shipped().iter().any(|(shipped, _)| *shipped == name) {
        let problem = Problem::new(StatusCode::CONFLICT, "profile-reserved", "The name belongs to Puntual");
        return Err(problem.detail("a profile of this name comes with Puntual: copy it under another name"));
    }
    self::name(name)
}

fn name(name: &str) -> Result<&str, Problem> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (1..=NAME_CHARS).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(name);
    }
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "profile-name", "The profile has another name");
    Err(problem.detail(format!("at most {NAME_CHARS} small letters, digits, - and _ are expected")))
}

fn refused(wrong: &[Wrong]) -> Problem {
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "profile-invalid", "The profile cannot be followed");
    let detail = wrong.first().map(ToString::to_string).unwrap_or_default();
    wrong.iter().fold(problem.detail(detail), |problem, wrong| {
        problem.error(FieldError {
            pointer: Some(pointer(&wrong.path)),
            line: wrong.line,
            code: "profile-invalid".to_owned(),
            detail: wrong.detail.clone(),
            ..FieldError::default()
        })
    })
}

/// `rules[0].data.amount` is `#/rules/0/data/amount`.
fn pointer(path: &str) -> String {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    steps.fold("#".to_owned(), |pointer, step| format!("{pointer}/{step}"))
}

impl Shown {
    /// None of a version that removed it.
    fn of(row: ProfileRow) -> Option<Self> {
        let yaml = row.yaml?;
        let read = Profile::parse(&yaml).ok();
        Some(Self {
            name: row.name,
            version: row.version,
            yields: read.as_ref().map_or("nothing", yields),
            about: read.map(|profile| profile.about().to_owned()).unwrap_or_default(),
            actor: Some(row.actor),
            recorded_at: Some(row.recorded_at),
            yaml,
        })
    }

    fn shipped(name: &str) -> Option<Self> {
        let (name, yaml) = profile::shipped().iter().find(|(shipped, _)| *shipped == name)?;
        let read = Profile::parse(yaml).ok()?;
        Some(Self {
            name: (*name).to_owned(),
            version: 0,
            yields: yields(&read),
            about: read.about().to_owned(),
            actor: None,
            recorded_at: None,
            yaml: (*yaml).to_owned(),
        })
    }
}

fn yields(profile: &Profile) -> &'static str {
    match profile.yields() {
        Yields::Facts => "facts",
        Yields::OpenItems => "open_items",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_a_profile_are_pointers() {
        assert_eq!(pointer("rules[0].data.amount"), "#/rules/0/data/amount");
        assert_eq!(pointer("input.trailer.when[1]"), "#/input/trailer/when/1");
        assert_eq!(pointer(""), "#");
    }

    #[test]
    fn names_need_no_escapes() {
        assert!(name("acme-invoices_2").is_ok());
        for wrong in ["", "Acme", "a b", "a/b", "ñ", &"a".repeat(65)] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        assert!(own_name("sap-open-items").is_err());
    }
}
