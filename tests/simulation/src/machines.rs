//! What the cloud's machines do once they have booted: each trades its enrolment token for the node's, asking until it gets an answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use spunto_actors::clock::Clock;
use spunto_actors::journal::CommandError;
use spunto_core::command::{Command, ProvisionCommand, Request};
use spunto_core::id::NodeId;
use spunto_core::record::Actor;
use spunto_core::token::SecretDigest;
use tokio::time::Instant;

use crate::cloud::{Cloud, Machine};
use crate::people::ORG;
use crate::seed::Seed;
use crate::server::{Server, WallClock};

/// How far a machine's trade is.
#[derive(Clone, Copy)]
enum Trade {
    Asking,
    /// It got no answer, and asks again then.
    Again(Instant),
    /// It has the node's token, or was refused.
    Over(Option<SecretDigest>),
}

/// See the module.
pub struct Machines {
    /// Who makes them.
    pub cloud: Cloud,
    seed: Seed,
    trades: Rc<RefCell<BTreeMap<u64, Trade>>>,
}

impl Machines {
    /// The machines of a cloud.
    #[must_use]
    pub fn new(cloud: Cloud, seed: Seed) -> Self {
        Self { cloud, seed, trades: Rc::default() }
    }

    /// The node's machine that runs; the last one, should there be several.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<Machine> {
        self.cloud.machines().into_iter().rev().find(|machine| machine.node == node && machine.runs())
    }

    /// The node's token, once this machine has it; asks for it where it is time to.
    #[must_use]
    pub fn token(&self, server: Option<&Rc<Server>>, clock: &WallClock, machine: &Machine) -> Option<SecretDigest> {
        let trade = self.trades.borrow().get(&machine.number).copied();
        match (trade, server) {
            (Some(Trade::Over(token)), _) => return token,
            (Some(Trade::Asking), _) | (_, None) => return None,
            (Some(Trade::Again(at)), _) if Instant::now() < at => return None,
            (_, Some(server)) => self.trade(server, clock, machine),
        }
        None
    }

    fn trade(&self, server: &Rc<Server>, clock: &WallClock, machine: &Machine) {
        let (number, node) = (machine.number, machine.node);
        self.trades.borrow_mut().insert(number, Trade::Asking);
        let enrol = ProvisionCommand::Enrol { digest: machine.enrolment, instance: number, address: "192.0.2.1".into() };
        let request = Request {
            actor: Actor::Node(node),
            now: clock.now(),
            correlation: self.seed.number(),
            causation: 0,
            expected_version: None,
            idempotency: None,
            address: None,
            command: Command::Provision(ORG, node, enrol),
        };
        let again = Instant::now() + Duration::from_millis(self.seed.between(500, 10_000));
        let (server, trades) = (Rc::clone(server), Rc::clone(&self.trades));
        actix_rt::spawn(async move {
            let over = match server.journal.submit(request).await {
                Ok(committed) if server.directory.reach(committed.position.seq).await => {
                    let token = |state: &spunto_core::state::State| Some(state.orgs.get(&ORG)?.fleet.node(node)?.token.digest);
                    Trade::Over(server.directory.read(token))
                }
                Err(CommandError::Refused(_)) => Trade::Over(None),
                _ => Trade::Again(again),
            };
            trades.borrow_mut().insert(number, over);
        });
    }
}
