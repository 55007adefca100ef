//! Agents: real ones, but for their engine and their way to the server. A process dies without a word, or is stopped politely.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_rt::task::JoinHandle;
use spunto_agent::link::LinkError;
use spunto_agent::pool::Pool;
use spunto_agent::run::sessions;
use spunto_agent::seam::Dial;
use spunto_agent::session::Session;
use spunto_agent::watch::follow;
use spunto_agent::work::Node;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::protocol::Instance;
use spunto_core::token::SecretDigest;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::engine::Engine;
use crate::network::{Network, Wire};

type Answer = oneshot::Sender<Result<Wire, LinkError>>;

/// Dials by asking the network, which lives on the run's own thread.
struct Telephone(mpsc::UnboundedSender<Answer>);

impl Dial for Telephone {
    type Socket = Wire;

    async fn dial(&self, _: &str) -> Result<Wire, LinkError> {
        let (answer, wire) = oneshot::channel();
        let gone = || LinkError::Refused { status: 0, detail: "the network is gone".into() };
        self.0.send(answer).map_err(|_| gone())?;
        wire.await.map_err(|_| gone())?
    }
}

/// An agent's process.
pub struct Process {
    alive: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts an agent of a node on an engine, with a token.
    #[must_use]
    pub fn start(network: &Network, engine: &Engine, (org, node): (OrgId, NodeId), token: SecretDigest) -> Self {
        let alive = Arc::new(AtomicBool::new(true));
        let (stop, stopped) = watch::channel(false);
        let (calls, mut answers) = mpsc::unbounded_channel::<Answer>();
        let exchange = network.clone();
        let operator = actix_rt::spawn(async move {
            while let Some(answer) = answers.recv().await {
                // Whoever dialled may be gone by now.
                let _ = answer.send(exchange.dial(org, node, token).await);
            }
        });
        let pool: Pool = "10.213.0.0/16".parse().expect("the pool is a network");
        let (known, mut live) = Node::new(engine.of_process(Arc::clone(&alive)), Telephone(calls), pool);
        let follows = actix_rt::spawn(follow(Arc::clone(&known)));
        let seed = network.faults.seed.clone();
        let instance = Instance(seed.number());
        network.note_token(instance.0, token);
        let runs = actix_rt::spawn(async move {
            let (_probed, isolation) = watch::channel(None);
            let streams = Arc::new(Semaphore::new(1));
            let mut session = Session { node: &known, instance, live: &mut live, isolation, stop: stopped, streams };
            sessions(&mut session, || seed.number()).await;
        });
        Self { alive, stop, tasks: vec![operator, follows, runs] }
    }

    /// Whether it still dials: one whose node was deleted does not.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.tasks.last().is_some_and(|runs| !runs.is_finished())
    }

    /// `kill -9`: what it was about to do is not done.
    pub fn kill(&mut self) {
        self.alive.store(false, Ordering::Relaxed);
        self.tasks.drain(..).for_each(|task| task.abort());
    }

    /// Asks it to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
