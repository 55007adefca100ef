//! How a machine that a cloud made gets its node's token: it trades the enrolment token that it was started with, and keeps what it
//! gets in a directory that outlives the container.
//!
//! Startup scripts run at every boot, replies get lost, and this may run twice: a number that is made once says to the control
//! plane that it is the same installation that asks again.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use spunto_core::protocol::Instance;
use spunto_core::secret::Secret;
use spunto_core::token::{EnrolmentToken, NodeToken};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::backoff::{Backoff, LATER};
use crate::config::{Config, ConfigError, Settings};
use crate::http::{self, Exchange};
use crate::link::LinkError;
use crate::run::random;

const TOKEN_FILE: &str = "node-token";
const INSTANCE_FILE: &str = "instance";

/// Why there is no node token.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The settings don't hold together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What is to be kept can't be.
    #[error("{0} can't be read or written: {1}; keep -v spunto-agent:/state in the docker command")]
    State(PathBuf, io::Error),
}

/// The directory that outlives the container.
struct State<'a>(&'a Path);

impl State<'_> {
    fn failed(&self, name: &str) -> impl FnOnce(io::Error) -> EnrolError + use<> {
        let path = self.0.join(name);
        move |error| EnrolError::State(path, error)
    }

    fn read(&self, name: &str) -> Result<Option<Secret<String>>, EnrolError> {
        match fs::read_to_string(self.0.join(name)) {
            Ok(text) => Ok(Some(Secret::new(text.trim().to_owned())).filter(|text| !text.expose().is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(name)(error)),
        }
    }

    /// Writes a file that is there whole or not at all, also after a power cut, and that only its owner reads.
    fn write(&self, name: &str, text: &str) -> Result<(), EnrolError> {
        let write = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(self.0)?;
            let draft = self.0.join(format!("{name}.{:016x}", random()));
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
            if let Err(error) = written.and_then(|()| fs::rename(&draft, self.0.join(name))) {
                // What is left of it is of no use; that it stays is worse than that it can't be removed.
                let _ = fs::remove_file(&draft);
                return Err(error);
            }
            fs::File::open(self.0)?.sync_all()
        };
        write().map_err(self.failed(name))
    }

    /// This installation's number: made once, and durable before it is told to anybody.
    fn instance(&self) -> Result<Instance, EnrolError> {
        let parse = |text: Secret<String>| u64::from_str_radix(text.expose(), 16).ok().map(Instance);
        if let Some(known) = self.read(INSTANCE_FILE)?.and_then(parse) {
            return Ok(known);
        }
        self.write(INSTANCE_FILE, &format!("{:016x}", random()))?;
        // Where two started at once, both go on with the one that was written last.
        Ok(self.read(INSTANCE_FILE)?.and_then(parse).unwrap_or(Instance(0)))
    }
}

/// The settings with the node's token: the one that is set, or the one that was traded before. None where there is neither yet.
///
/// # Errors
/// The settings don't hold together; the state can't be read.
pub fn kept(settings: &Settings) -> Result<Option<Config>, EnrolError> {
    if settings.node_token.as_deref().is_some_and(|token| !token.is_empty()) {
        return Ok(Some(settings.config()?));
    }
    let Some(enrolment) = settings.enrolment()? else { return Ok(Some(settings.config()?)) };
    let Some(text) = State(&settings.state_dir).read(TOKEN_FILE)? else { return Ok(None) };
    match NodeToken::parse(text.expose()) {
        // A volume of another node's time is no reason to be that node.
        Ok(token) if token.node == enrolment.node => Ok(Some(settings.config_with(&text)?)),
        _ => Ok(None),
    }
}

/// The settings with the node's token, traded where there is none yet; asks until it gets one.
///
/// # Errors
/// The settings don't hold together; what is traded can't be kept.
pub async fn config(settings: &Settings) -> Result<Config, EnrolError> {
    if let Some(config) = kept(settings)? {
        return Ok(config);
    }
    let state = State(&settings.state_dir);
    let instance = state.instance()?;
    let enrolment = settings.enrolment()?.ok_or(ConfigError::Missing("NODE_TOKEN"))?;
    let token = until_traded(async || trade(settings, &enrolment, instance).await).await;
    let config = settings.config_with(&token)?;
    state.write(TOKEN_FILE, token.expose())?;
    info!(node = %enrolment.node, "enrolled");
    Ok(config)
}

/// Trades until it works.
async fn until_traded(mut trade: impl AsyncFnMut() -> Result<Secret<String>, Refusal>) -> Secret<String> {
    let (mut backoff, mut said) = (Backoff::default(), String::new());
    loop {
        let pause = match trade().await {
            Ok(token) => return token,
            Err(Refusal::Later(why)) => {
                // Said once: the same words every minute would bury everything else.
                if why != said {
                    error!("the control plane does not enrol this machine: {why}");
                    said = why;
                }
                LATER
            }
            Err(Refusal::Soon(why)) => {
                let pause = backoff.next(random());
                warn!(why, again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(0), "not enrolled yet");
                pause
            }
        };
        sleep(pause).await;
    }
}

/// Why a trade did not work.
#[derive(Debug)]
enum Refusal {
    /// Only a person can change the answer.
    Later(String),
    /// It may work in a moment.
    Soon(String),
}

async fn trade(settings: &Settings, enrolment: &EnrolmentToken, instance: Instance) -> Result<Secret<String>, Refusal> {
    let server = settings.server().map_err(|error| Refusal::Later(error.to_string()))?;
    let body = serde_json::json!({ "instance": instance }).to_string();
    let exchange = Exchange { method: "POST", path: "/api/agent/enrol", token: &enrolment.reveal(), body: Some(&body) };
    let answer = http::ask(&server, &exchange).await.map_err(|error: LinkError| Refusal::Soon(error.to_string()))?;
    match answer.status {
        200 => {
            let token = answer.json().and_then(|body| Some(body.get("token")?.as_str()?.to_owned()));
            let token = token.ok_or_else(|| Refusal::Soon("the answer is not as expected".to_owned()))?;
            match NodeToken::parse(&token) {
                Ok(parsed) if parsed.node == enrolment.node => Ok(Secret::new(token)),
                _ => Err(Refusal::Later("the control plane gave a token of another node".to_owned())),
            }
        }
        400..=499 if answer.status != 408 && answer.status != 429 => Err(Refusal::Later(answer.detail())),
        _ => Err(Refusal::Soon(answer.detail())),
    }
}

#[cfg(test)]
mod tests;
