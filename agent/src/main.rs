//! The binary `spunto-agent`.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use spunto_agent::config::{Action, Cli};
use spunto_agent::{check, host, probe, run};
use tracing_subscriber::EnvFilter;

fn print(value: &impl serde::Serialize) -> ExitCode {
    let text = serde_json::to_string(value).unwrap_or_default();
    if writeln!(std::io::stdout(), "{text}").is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_new(&cli.settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).with_ansi(false).init();
    match cli.action {
        Some(Action::Check) => return if check::check(&cli.settings).await { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        Some(Action::Probe { peers }) => return print(&probe::reachable(&peers).await),
        Some(Action::ProbeTarget) => {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            return ExitCode::SUCCESS;
        }
        Some(Action::Host) => return print(&host::survey(cli.settings.network_pool)),
        None => {}
    }
    let done = run::run(cli.settings).await;
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("{why}");
            ExitCode::FAILURE
        }
    }
}
