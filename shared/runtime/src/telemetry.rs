//! Logs for people and machines, spans for whoever collects them.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogConfig, LogFormat, TelemetryConfig};

/// Keeps the exporter alive; spans that are still queued leave when it is dropped.
#[derive(Debug)]
#[must_use = "spans stop when it is dropped"]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "last spans lost");
        }
    }
}

/// Starts logging and tracing for this process; call it once, in `main`.
pub fn init(service: &str, log: &LogConfig, telemetry: &TelemetryConfig) -> anyhow::Result<Telemetry> {
    let lines = match log.format {
        LogFormat::Json => tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).boxed(),
        LogFormat::Pretty => tracing_subscriber::fmt::layer().with_writer(std::io::stderr).boxed(),
    };
    let provider =
        if telemetry.otlp_endpoint.is_empty() { None } else { Some(exporter(service, &telemetry.otlp_endpoint)?) };
    let spans =
        provider.as_ref().map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("puntual")));
    tracing_subscriber::registry().with(spans).with(lines).with(EnvFilter::try_new(&log.filter)?).try_init()?;
    Ok(Telemetry(provider))
}

fn exporter(service: &str, endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
    let resource = Resource::builder().with_service_name(format!("puntual-{service}")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
