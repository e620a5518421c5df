//! `Content-Type`: what a body is, and in which letters.

use axum::http::HeaderValue;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

pub(super) struct MediaType {
    /// In small letters, without parameters.
    pub(super) essence: String,
    pub(super) encoding: &'static Encoding,
}

impl MediaType {
    /// None when it is absent or names letters that are not read.
    pub(super) fn of(header: Option<&HeaderValue>) -> Option<Self> {
        let text = header?.to_str().ok()?.to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next()?.to_owned();
        let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|name| name.trim_matches('"'));
        let encoding = match charset {
            None | Some("utf-8" | "us-ascii") => UTF_8,
            Some("windows-1252" | "iso-8859-1") => WINDOWS_1252,
            Some(_) => return None,
        };
        Some(Self { essence, encoding })
    }
}
