//! Machines of a fake cloud, acted out: each does what its start script would. It tells its stages, its agent trades the enrolment
//! token by the agent's own code, and then has a session, again and again until the machine is gone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use parking_lot::Mutex;
use serde_json::json;
use spunto_agent::config::Settings;
use spunto_agent::enrol;
use spunto_core::protocol::FromServer;

use crate::api::{Api, wait_for};
use crate::cloud::{Happening, Hook};
use crate::scripted::Scripted;
use crate::world::SOON;

/// What machines do.
#[derive(Debug, Default)]
struct Acts {
    url: Mutex<String>,
    silent: AtomicBool,
    directory: Mutex<PathBuf>,
    gone: Mutex<BTreeMap<String, Arc<AtomicBool>>>,
    tokens: Mutex<Vec<String>>,
    node_tokens: Mutex<Vec<String>>,
    started: Mutex<BTreeMap<String, String>>,
}

/// The machines of one cloud. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Machines(Arc<Acts>);

impl Machines {
    /// Who acts them out, for the cloud.
    #[must_use]
    pub fn hook(&self) -> Hook {
        let acts = Arc::clone(&self.0);
        Box::new(move |happening| match happening {
            Happening::Booted { name, user_data, .. } if !acts.silent.load(Ordering::Relaxed) => {
                let gone = Arc::new(AtomicBool::new(false));
                acts.gone.lock().insert(name.clone(), Arc::clone(&gone));
                let acts = Arc::clone(&acts);
                // It lives as long as its machine; a test that ends takes it along.
                std::thread::spawn(move || acts.live(&name, &user_data, &gone));
            }
            Happening::Booted { name, user_data, .. } => {
                acts.started.lock().insert(name, user_data);
            }
            Happening::Gone { name } => {
                if let Some(gone) = acts.gone.lock().remove(&name) {
                    gone.store(true, Ordering::Relaxed);
                }
            }
        })
    }

    /// Where the control plane is, and where machines keep what they keep.
    pub fn know(&self, url: &str, directory: PathBuf) {
        url.clone_into(&mut self.0.url.lock());
        *self.0.directory.lock() = directory;
    }

    /// Machines that boot from here on never call, or call again.
    pub fn be_silent(&self, silent: bool) {
        self.0.silent.store(silent, Ordering::Relaxed);
    }

    /// The enrolment token that a silent machine was started with.
    #[must_use]
    pub fn token_of(&self, name: &str) -> Option<String> {
        token_in(self.0.started.lock().get(name)?)
    }

    /// Node tokens that were got for enrolment tokens.
    #[must_use]
    pub fn node_tokens(&self) -> Vec<String> {
        self.0.node_tokens.lock().clone()
    }

    /// Enrolment tokens that machines were started with.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.0.tokens.lock().clone()
    }
}

/// The enrolment token in what a machine is started with.
fn token_in(user_data: &str) -> Option<String> {
    let (_, rest) = user_data.split_once("spe_")?;
    let secret: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    Some(format!("spe_{secret}"))
}

/// Settings of the agent on a machine with this token.
fn settings(url: &str, token: &str, state_dir: PathBuf) -> Settings {
    Settings {
        node_token: None,
        enrolment_token: Some(token.to_owned()),
        state_dir,
        api_url: Some(url.to_owned()),
        network_pool: "10.213.0.0/16".parse().expect("the agent's own default"),
        allow_plaintext: false,
        docker_socket: String::new(),
        log: String::new(),
    }
}

impl Acts {
    fn live(&self, name: &str, user_data: &str, gone: &AtomicBool) {
        let url = self.url.lock().clone();
        let Some(token) = token_in(user_data) else { return };
        self.tokens.lock().push(token.clone());
        let api = Api::new(&url).with_key(token.clone());
        for stage in ["installing_docker", "pulling_agent", "starting_agent"] {
            // That it can't be told is no reason to stop.
            let _ = api.post("/api/agent/progress", &json!({ "stage": stage }));
        }
        let state = self.directory.lock().join(format!("{name}-{}", self.tokens.lock().len()));
        let Ok(node_token) = trade(&url, &token, state, gone) else { return };
        self.node_tokens.lock().push(node_token.clone());
        while !gone.load(Ordering::Relaxed) {
            let over = || gone.load(Ordering::Relaxed);
            let session = wait_for("a session", SOON, || if over() { Ok(None) } else { Scripted::session(&url, &node_token, 7).map(Some) });
            let Ok(mut session) = session else { return };
            loop {
                match session.receive() {
                    Ok(FromServer::Shutdown { .. }) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
    }
}

/// Trades by the agent's own code, which asks until it gets something, or the machine is gone.
fn trade(url: &str, token: &str, state: PathBuf, gone: &AtomicBool) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let settings = settings(url, token, state);
    let traded = runtime.block_on(async {
        tokio::select! {
            config = enrol::config(&settings) => Some(config),
            () = async { while !gone.load(Ordering::Relaxed) { tokio::time::sleep(std::time::Duration::from_millis(50)).await; } } => None,
        }
    });
    Ok(traded.context("the machine is gone")??.token_text.into_exposed())
}
