//! Sends a node the orders that it has not answered, a few at a time. May send one again; agents answer as the first time.

use std::collections::{BTreeMap, HashSet};

use actix::prelude::*;
use spunto_core::command::{AgentReport, Command};
use spunto_core::event::{UnitSpec, UnitStep};
use spunto_core::id::{OperationId, UnitId};
use spunto_core::observe::Observed;
use spunto_core::plan::{OpenOrder, open_orders};
use spunto_core::protocol::{Confidential, FromServer, Launch, Network, Work};
use spunto_core::record::Actor as Who;
use spunto_core::state::Task;
use tracing::warn;

use super::NodeSupervisor;
use crate::custodian;

/// Orders sent and not yet accepted; together they stay well below the link's queue.
pub(super) const ORDERS_IN_FLIGHT_MAX: usize = 32;
/// How long a container gets to stop politely, in seconds: Docker's own default.
const STOP_GRACE_S: u32 = 10;

struct Wanted {
    unit: UnitId,
    operation: OperationId,
    task: Task,
    name: String,
    spec: UnitSpec,
    network: Network,
}

impl From<OpenOrder<'_>> for Wanted {
    fn from(open: OpenOrder<'_>) -> Self {
        let OpenOrder { unit, order, name, spec, network } = open;
        Self { unit, operation: order.operation, task: order.task, name: name.to_owned(), spec: spec.clone(), network }
    }
}

impl NodeSupervisor {
    pub(super) fn send_orders(&mut self, ctx: &mut Context<Self>) {
        let Some(session) = self.session.as_ref().filter(|session| session.inventoried) else { return };
        let in_flight = session.sent.values().filter(|accepted| !**accepted).count();
        let room = ORDERS_IN_FLIGHT_MAX.saturating_sub(in_flight).min(session.link.room() / 2);
        let (wanted, open): (Vec<Wanted>, HashSet<OperationId>) = self.parts.directory.read(|state| {
            let Some(org) = state.orgs.get(&self.org) else { return Default::default() };
            let unsent = open_orders(org, self.node).filter(|open| !session.sent.contains_key(&open.order.operation));
            let open = open_orders(org, self.node).map(|open| open.order.operation);
            (unsent.take(room).map(Wanted::from).collect(), open.collect())
        });
        // Orders that were answered need not be remembered.
        if let Some(session) = &mut self.session {
            session.sent.retain(|operation, _| open.contains(operation));
        }
        for wanted in wanted {
            self.send_order(wanted, ctx);
        }
    }

    fn send_order(&mut self, wanted: Wanted, ctx: &mut Context<Self>) {
        let Wanted { unit, operation, task, name, spec, network } = wanted;
        let launch = |env| Launch {
            name,
            image: spec.image.clone(),
            command: spec.command.clone(),
            env,
            cpu_millis: spec.cpu_millis,
            memory_bytes: spec.memory_bytes,
            restart: spec.restart,
            network,
        };
        let work = match task {
            Task::Stop => Ok(Work::Stop { unit, grace_s: STOP_GRACE_S }),
            Task::Remove => Ok(Work::Remove { unit }),
            Task::Run => self.environment(unit, &spec).map(|env| Work::Run { unit, launch: launch(env) }),
            Task::Start => self.environment(unit, &spec).map(|env| Work::Start { unit, launch: launch(env) }),
        };
        match work {
            Ok(work) => {
                let Some(session) = &mut self.session else { return };
                if session.link.send(&FromServer::Operate { operation, work }).is_ok() {
                    session.sent.insert(operation, false);
                }
            }
            Err(message) => self.give_up(unit, operation, message, ctx),
        }
    }

    /// The unit can't be launched for a reason that is ours: say so where its user looks.
    fn give_up(&mut self, unit: UnitId, operation: OperationId, message: String, ctx: &mut Context<Self>) {
        let Some(session) = &mut self.session else { return };
        warn!(node = %self.node, %unit, message, "a unit can't be launched");
        session.sent.insert(operation, true);
        let epoch = session.epoch;
        let failed = Observed::Failed { step: UnitStep::CreateContainer, message };
        let report = AgentReport::Observed { unit, operation, observed: failed };
        let request = self.request(Who::System, Command::Agent(self.org, self.node, epoch, report));
        let journal = self.parts.journal.clone();
        let submit = async move { drop(journal.submit(request).await) };
        ctx.spawn(submit.into_actor(self));
    }

    /// A unit's environment from the vault. A small file, read at once: orders are few, and their sequence matters.
    fn environment(&self, unit: UnitId, spec: &UnitSpec) -> Result<BTreeMap<String, Confidential>, String> {
        if spec.env_names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sealed = self.parts.vault.get(custodian::unit_env(unit)).map_err(|error| format!("its environment can't be read: {error}"))?;
        serde_json::from_slice(sealed.expose()).map_err(|_| "its environment in the vault is not what was put there".to_owned())
    }
}
