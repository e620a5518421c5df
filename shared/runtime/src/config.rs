//! Configuration in layers: the frame's defaults, the role's defaults, a file, the environment. Read once, in `main`;
//! unknown keys are refused; secrets are never printed.

use std::path::Path;

use anyhow::Context;
use config::{Config, Environment, File, FileFormat};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

const FRAME_DEFAULTS: &str = include_str!("../frame.default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameConfig {
    pub database: DatabaseConfig,
    pub nats: NatsConfig,
    pub http: HttpConfig,
    pub log: LogConfig,
    pub telemetry: TelemetryConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    pub worker_url: SecretString,
    pub door_url: SecretString,
    pub max_connections: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    pub url: String,
    pub credentials_file: String,
    pub stream_replicas: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    pub listen: String,
    pub timeout_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Pretty,
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    pub otlp_endpoint: String,
}

/// The configuration of one role: frame defaults, then `role_defaults`, then `file`, then `PUNTUAL_<SERVICE>__…`.
pub fn load_config<T: DeserializeOwned>(service: &str, role_defaults: &str, file: Option<&Path>) -> anyhow::Result<T> {
    let mut layers = Config::builder()
        .add_source(File::from_str(FRAME_DEFAULTS, FileFormat::Toml))
        .add_source(File::from_str(role_defaults, FileFormat::Toml));
    if let Some(file) = file {
        layers = layers.add_source(File::from(file).format(FileFormat::Toml));
    }
    let environment = Environment::with_prefix(&format!("PUNTUAL_{}", service.to_uppercase()))
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true);
    layers
        .add_source(environment)
        .build()
        .and_then(Config::try_deserialize)
        .with_context(|| format!("configuration of {service}"))
}

/// The frame with nothing but its defaults and the given places; for tests and the demo.
pub fn frame_config(worker_url: &str, door_url: &str, nats_url: &str, listen: &str) -> anyhow::Result<FrameConfig> {
    #[derive(Deserialize)]
    struct Layered {
        frame: FrameConfig,
    }
    let layered: Layered = Config::builder()
        .add_source(File::from_str(FRAME_DEFAULTS, FileFormat::Toml))
        .set_override("frame.database.worker_url", worker_url)?
        .set_override("frame.database.door_url", door_url)?
        .set_override("frame.nats.url", nats_url)?
        .set_override("frame.http.listen", listen)?
        .build()?
        .try_deserialize()?;
    Ok(layered.frame)
}
