//! The binary `spunto`.

use std::io::IsTerminal;
use std::process::ExitCode;

use spunto_web::config::{Action, Admin, read};
use spunto_web::{admin, api, backup, boot, confirm, doctor, loopback, restore};
use tracing_subscriber::EnvFilter;

fn log_to_stderr(filter: &str, json: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let set = if json { builder.json().try_init() } else { builder.with_target(false).try_init() };
    set.map_err(|error| anyhow::anyhow!("starting the log: {error}"))
}

#[actix_web::main]
async fn main() -> anyhow::Result<ExitCode> {
    match read(std::env::args_os().collect())?.action {
        Action::Serve(serve) => {
            log_to_stderr(&serve.log, serve.log_json)?;
            boot::serve(&serve).await?;
        }
        Action::Doctor(asked) => return doctor::doctor(&asked),
        Action::Backup(asked) => backup::backup(&asked.file, &asked.serve)?,
        Action::Restore(asked) => restore::restore(&asked.file, &asked.data, asked.without_secrets).await?,
        Action::RestoreStatus(asked) => confirm::status(&asked.serve, asked.chosen, asked.json)?,
        Action::Confirm(asked) => confirm::confirm(&asked.serve, &asked.digest, asked.chosen)?,
        Action::Health(serve) => return loopback::health(&serve),
        Action::Admin(Admin::SetupLink { data, public_url }) => admin::setup_link(&data, &public_url)?,
        Action::Admin(Admin::ResetPassword { data, email }) => admin::reset_password(&data, &email).await?,
        Action::Admin(Admin::Reseal { data }) => admin::reseal(&data)?,
        Action::Openapi => {
            use std::io::Write;
            std::io::stdout().write_all(api::description::text().as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
