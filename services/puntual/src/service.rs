//! The five services, as this executable knows them.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use sqlx::migrate::Migrator;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Service {
    Ingestion,
    Scoring,
    Reminders,
    Promises,
    Reporting,
}

impl Service {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ingestion, Self::Scoring, Self::Reminders, Self::Promises, Self::Reporting];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Scoring => "scoring",
            Self::Reminders => "reminders",
            Self::Promises => "promises",
            Self::Reporting => "reporting",
        }
    }

    pub(crate) fn migrations(self) -> &'static Migrator {
        match self {
            Self::Ingestion => &ingestion::MIGRATIONS,
            Self::Scoring => &scoring::MIGRATIONS,
            Self::Reminders => &reminders::MIGRATIONS,
            Self::Promises => &promises::MIGRATIONS,
            Self::Reporting => &reporting::MIGRATIONS,
        }
    }

    fn role_defaults(self) -> &'static str {
        match self {
            Self::Ingestion => ingestion::DEFAULT_CONFIG,
            Self::Scoring => scoring::DEFAULT_CONFIG,
            Self::Reminders => reminders::DEFAULT_CONFIG,
            Self::Promises => promises::DEFAULT_CONFIG,
            Self::Reporting => reporting::DEFAULT_CONFIG,
        }
    }

    /// The part of the service's configuration that all services have.
    pub(crate) fn frame_config(self, file: Option<&Path>) -> anyhow::Result<runtime::FrameConfig> {
        macro_rules! frame {
            ($role:ident) => {
                runtime::load_config::<$role::Config>(self.name(), &self.defaults(), file)?.frame
            };
        }
        Ok(match self {
            Self::Ingestion => frame!(ingestion),
            Self::Scoring => frame!(scoring),
            Self::Reminders => frame!(reminders),
            Self::Promises => frame!(promises),
            Self::Reporting => frame!(reporting),
        })
    }

    /// Where the service listens unless it is told otherwise: 8101 to 8105.
    fn default_port(self) -> u16 {
        match self {
            Self::Ingestion => 8101,
            Self::Scoring => 8102,
            Self::Reminders => 8103,
            Self::Promises => 8104,
            Self::Reporting => 8105,
        }
    }

    /// The role's defaults, and places that fit one machine: what `puntual migrate` makes there without `--prefix`.
    pub(crate) fn defaults(self) -> String {
        let (name, port) = (self.name(), self.default_port());
        let own = self.role_defaults();
        format!(
            "{own}\n[frame.database]\n\
             worker_url = \"postgres://{name}_worker@127.0.0.1:5432/puntual_{name}\"\n\
             door_url = \"postgres://{name}_door@127.0.0.1:5432/puntual_{name}\"\n\
             [frame.http]\nlisten = \"127.0.0.1:{port}\"\n"
        )
    }
}

/// Reads a role's configuration and gives back what runs it.
macro_rules! role {
    ($service:expr, $role:ident, $file:expr) => {{
        let config: $role::Config = runtime::load_config($service.name(), &$service.defaults(), $file)?;
        let telemetry = (config.frame.log.clone(), config.frame.telemetry.clone());
        let run: Running = Box::new(move |shutdown| $role::run(config, shutdown));
        Ok(Configured { telemetry, run })
    }};
}

type Role = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;
type Running = Box<dyn FnOnce(CancellationToken) -> Role + Send>;

/// A role whose configuration was read and accepted.
struct Configured {
    telemetry: (runtime::config::LogConfig, runtime::config::TelemetryConfig),
    run: Running,
}

fn configure(service: Service, file: Option<&Path>) -> anyhow::Result<Configured> {
    match service {
        Service::Ingestion => role!(service, ingestion, file),
        Service::Scoring => role!(service, scoring, file),
        Service::Reminders => role!(service, reminders, file),
        Service::Promises => role!(service, promises, file),
        Service::Reporting => role!(service, reporting, file),
    }
}

/// One role until `shutdown`.
pub(crate) async fn run(service: Service, file: Option<&Path>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let role = configure(service, file)?;
    let _telemetry = runtime::telemetry::init(service.name(), &role.telemetry.0, &role.telemetry.1)?;
    (role.run)(shutdown).await
}

/// Every role in this process until `shutdown`, or until one of them ends. `dir` may hold a `<service>.toml` for each.
pub(crate) async fn run_all(dir: Option<&Path>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut configured = Vec::new();
    for service in Service::ALL {
        let file: Option<PathBuf> =
            dir.map(|dir| dir.join(format!("{}.toml", service.name()))).filter(|path| path.exists());
        configured.push((service, configure(service, file.as_deref())?));
    }
    let first = configured.first().map(|(_, role)| role.telemetry.clone());
    let _telemetry = first.map(|(log, telemetry)| runtime::telemetry::init("all", &log, &telemetry)).transpose()?;
    let mut roles = JoinSet::new();
    for (service, role) in configured {
        let ended = (role.run)(shutdown.clone());
        roles.spawn(async move { (service, ended.await) });
    }
    let mut outcome = Ok(());
    while let Some(ended) = roles.join_next().await {
        // Roles work for each other: when one ends, for whatever reason, the rest ends in good order.
        shutdown.cancel();
        let (service, result) = ended?;
        if outcome.is_ok() {
            outcome = result.map_err(|error| error.context(format!("{} stopped", service.name())));
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_accepts_its_own_defaults() {
        for service in Service::ALL {
            configure(service, None).unwrap();
        }
    }
}
