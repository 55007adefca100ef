//! Hetzner Cloud: servers and their actions.
//!
//! A server's name is unique in its project, which makes creation repeatable: a name that is taken is looked up, and the server is
//! ours if its labels say so. Primary addresses made along with a server go with it by themselves; nothing else is made.

mod errors;
mod options;

use std::sync::Arc;

use serde_json::{Value, json};
use spunto_core::id::NodeId;
use spunto_core::secret::Secret;

use super::fault::{Fault, FaultKind, Happened};
use super::http::{Answer, Call, Http, PAGES_MAX};
use super::machine::{Begun, Deletion, Operation, Order, Progress, Resource, ResourceKind};
use super::options::{Account, Architecture, Image, Location, MachineType};
use super::ownership::{self, Installation, LABEL_INSTALLATION, LABEL_NODE};
use super::{Kind, Provider, Reply, user_data};
use crate::clock::Clock;

const TITLE: &str = "Hetzner Cloud";
/// What the API gives at most.
const PAGE: &str = "50";

/// In the table of providers.
pub const KIND: Kind = Kind {
    name: "hetzner",
    title: TITLE,
    credential: "An API token with read and write access: Hetzner Console, your project, Security, API tokens.",
    open: |settings, token| {
        let http = settings.http("hetzner", TITLE, "https://api.hetzner.cloud/v1")?;
        let token = Secret::new(token.expose().trim().to_owned());
        if token.expose().is_empty() {
            return Err(http.denied("the API token is empty"));
        }
        Ok(Arc::new(Hetzner { http, token, installation: settings.installation, clock: Arc::clone(&settings.clock) }))
    },
};

/// A project at Hetzner Cloud.
struct Hetzner {
    http: Http,
    token: Secret<String>,
    installation: Installation,
    clock: Arc<dyn Clock>,
}

impl Hetzner {
    /// An answer that says yes.
    async fn call(&self, call: Call<'_>) -> Result<Answer, Fault> {
        let answer = self.http.send(call, Some(&self.token)).await?;
        if answer.ok() { Ok(answer) } else { Err(errors::fault(&answer, self.clock.now())) }
    }

    async fn get(&self, path: &[&str]) -> Result<Value, Fault> {
        self.call(Call::get(path)).await?.read()
    }

    /// All pages of a list.
    async fn pages(&self, list: &str, filter: &[(&str, String)]) -> Result<Vec<Value>, Fault> {
        let mut found = Vec::new();
        let mut page = 1;
        for _ in 0..PAGES_MAX {
            let path = [list];
            let mut call = Call::get(&path).query("page", page.to_string()).query("per_page", PAGE);
            for (name, value) in filter {
                call = call.query(name, value.clone());
            }
            let answer = self.call(call).await?;
            let value: Value = answer.read()?;
            found.extend(value[list].as_array().ok_or_else(|| answer.unreadable())?.iter().cloned());
            match value["meta"]["pagination"]["next_page"].as_u64() {
                Some(next) => page = next,
                None => return Ok(found),
            }
        }
        Err(self.http.too_many_pages())
    }

    async fn servers(&self, filter: (&str, String)) -> Result<Vec<Resource>, Fault> {
        let servers = self.pages("servers", &[filter]).await?;
        let read = servers.iter().map(|server| self.resource(server)).collect::<Option<Vec<_>>>();
        let all = read.ok_or_else(|| self.fault(FaultKind::Unknown, Happened::No, "its list has a server without an id"))?;
        Ok(all.into_iter().flatten().collect())
    }

    /// A server; none without an id, and nothing where it is not this installation's.
    fn resource(&self, server: &Value) -> Option<Option<Resource>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = server["id"].as_u64()?;
        let Some(owned) = ownership::read(self.installation, |label| server["labels"][label].as_str()) else { return Some(None) };
        Some(Some(Resource {
            kind: ResourceKind::Machine,
            reference: id.to_string(),
            name: text(&server["name"]).unwrap_or_default(),
            location: text(&server["location"]["name"]).unwrap_or_default(),
            state: text(&server["status"]).unwrap_or_default(),
            machine_type: text(&server["server_type"]["name"]),
            address: text(&server["public_net"]["ipv4"]["ip"]),
            created: text(&server["created"]),
            org: owned.org,
            node: owned.node,
            attempt: owned.attempt,
        }))
    }

    fn fault(&self, kind: FaultKind, happened: Happened, message: &str) -> Fault {
        Fault::new(self.http.provider, kind, happened, "", message)
    }

    async fn order(&self, order: &Order) -> Result<Begun, Fault> {
        let script = user_data::cloud_config(&order.boot).map_err(|error| {
            self.fault(FaultKind::Unknown, Happened::No, &error.to_string()).with_step("Correct the server's settings.")
        })?;
        let labels = ownership::labels(self.installation, order.org, order.node, order.attempt);
        let body = json!({
            "name": ownership::machine_name(order.node),
            "server_type": order.machine_type,
            "image": order.image,
            "location": order.location,
            "labels": labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
            "user_data": script.expose(),
            "start_after_create": true,
            "public_net": { "enable_ipv4": true, "enable_ipv6": true },
        });
        match self.call(Call::post(&["servers"], &body)).await {
            Ok(answer) => {
                let made: Value = answer.read()?;
                let machine = self.resource(&made["server"]).flatten().ok_or_else(|| answer.unreadable())?;
                Ok(Begun { machine, operation: operation(&made), found: false })
            }
            Err(fault) if fault.kind == FaultKind::NameTaken => self.adopt(order, fault).await,
            Err(fault) if fault.kind == FaultKind::NoCapacity => Err(self.elsewhere(order, fault).await),
            Err(fault) => Err(fault),
        }
    }

    /// The server that has the name, if this order made it.
    async fn adopt(&self, order: &Order, taken: Fault) -> Result<Begun, Fault> {
        // What we asked for has not happened now, whatever the look at the list gives.
        let found = self.servers(("name", ownership::machine_name(order.node))).await.map_err(Fault::before_the_effect)?;
        let Some(machine) = found.into_iter().next() else {
            return Err(taken
                .with_step("A server that Spunto did not make, or that is just being deleted, has the name: see your project's servers."));
        };
        if machine.state == "deleting" {
            return Err(self.fault(FaultKind::Unavailable, Happened::No, "the earlier server of this node is still being deleted"));
        }
        if machine.node != Some(order.node) || machine.attempt != Some(order.attempt) {
            return Err(taken.with_step("The server of an earlier attempt is still there: delete it, then retry."));
        }
        Ok(Begun { operation: self.creation(&machine).await, machine, found: true })
    }

    /// What a server's creation is followed by; none where that can't be had: the server is there, which is what counts.
    async fn creation(&self, machine: &Resource) -> Option<Operation> {
        let value = self.get(&["servers", &machine.reference, "actions"]).await.ok()?;
        let of_creation = |action: &&Value| matches!(action["command"].as_str(), Some("create_server" | "start_server"));
        let ids = value["actions"].as_array()?.iter().filter(of_creation).filter_map(|action| action["id"].as_u64());
        named(ids)
    }

    /// Adds where else the type is available.
    async fn elsewhere(&self, order: &Order, fault: Fault) -> Fault {
        let types = self.pages("server_types", &[("name", order.machine_type.clone())]).await.unwrap_or_default();
        fault.with_alternatives(types.iter().flat_map(|found| options::available(found, &order.location)).collect())
    }

    async fn follow(&self, operation: &Operation) -> Result<Progress, Fault> {
        let ids = operation.0.split(',');
        let call = ids.clone().fold(Call::get(&["actions"]).query("per_page", PAGE), |call, id| call.query("id", id));
        let answer = self.call(call).await?;
        let value: Value = answer.read()?;
        let actions = value["actions"].as_array().ok_or_else(|| answer.unreadable())?;
        if let Some(failed) = actions.iter().find(|action| action["status"] == "error") {
            return Ok(Progress::Failed(errors::of_action(&answer, &failed["error"])));
        }
        let done = actions.iter().filter(|action| action["status"] == "success").count();
        Ok(match (actions.len(), done) {
            (0, _) => Progress::Forgotten,
            (all, done) if all == done => Progress::Done,
            _ => Progress::Running,
        })
    }

    async fn remove(&self, resource: &Resource) -> Result<Deletion, Fault> {
        let path = ["servers", resource.reference.as_str()];
        let server = match self.http.send(Call::get(&path), Some(&self.token)).await? {
            gone if gone.status == 404 && errors::is_ours(&gone) => return Ok(Deletion::Gone),
            answer if !answer.ok() => return Err(errors::fault(&answer, self.clock.now())),
            answer => answer.read::<Value>()?,
        };
        match self.resource(&server["server"]).flatten() {
            None => return Err(self.fault(FaultKind::Forbidden, Happened::No, "the server is not this installation's: its label says so")),
            Some(found) if found.state == "deleting" => return Ok(Deletion::Going { operation: None }),
            Some(_) => {}
        }
        match self.http.send(Call::delete(&path), Some(&self.token)).await? {
            gone if gone.status == 404 && errors::is_ours(&gone) => Ok(Deletion::Gone),
            answer if answer.ok() => Ok(Deletion::Going { operation: answer.json().as_ref().and_then(operation) }),
            answer => Err(errors::fault(&answer, self.clock.now())),
        }
    }
}

/// The actions that an answer names, as one operation.
fn operation(answer: &Value) -> Option<Operation> {
    let next = answer["next_actions"].as_array().into_iter().flatten();
    named([&answer["action"]].into_iter().chain(next).filter_map(|action| action["id"].as_u64()))
}

fn named(ids: impl Iterator<Item = u64>) -> Option<Operation> {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    if ids.is_empty() { None } else { Some(Operation(ids.join(","))) }
}

impl Provider for Hetzner {
    fn verify(&self) -> Reply<'_, Account> {
        Box::pin(async move {
            self.get(&["locations"]).await?;
            // A token that may only read is refused on the first call that would write: this one, which says too little to make
            // anything. Its refusal for saying too little is the answer we want.
            match self.call(Call::post(&["servers"], &json!({}))).await {
                Err(fault) if fault.passes() || matches!(fault.kind, FaultKind::CredentialDenied | FaultKind::Forbidden) => Err(fault),
                _ => Ok(Account { name: None }),
            }
        })
    }

    fn locations(&self) -> Reply<'_, Vec<Location>> {
        Box::pin(async move { Ok(self.pages("locations", &[]).await?.iter().filter_map(options::location).collect()) })
    }

    fn machine_types<'a>(&'a self, location: &'a str) -> Reply<'a, Vec<MachineType>> {
        Box::pin(async move {
            let currency = self.get(&["pricing"]).await?["pricing"]["currency"].as_str().unwrap_or("EUR").to_owned();
            let types = self.pages("server_types", &[]).await?;
            Ok(types.iter().filter_map(|found| options::machine_type(found, location, &currency)).collect())
        })
    }

    fn images(&self, architecture: Architecture) -> Reply<'_, Vec<Image>> {
        let filter = [("type", "system".to_owned()), ("architecture", options::architecture(architecture).to_owned())];
        Box::pin(async move { Ok(self.pages("images", &filter).await?.iter().filter_map(options::image).collect()) })
    }

    fn create<'a>(&'a self, order: &'a Order) -> Reply<'a, Begun> {
        Box::pin(self.order(order))
    }

    fn progress<'a>(&'a self, operation: &'a Operation) -> Reply<'a, Progress> {
        Box::pin(self.follow(operation))
    }

    fn find(&self, node: NodeId) -> Reply<'_, Vec<Resource>> {
        let selector = format!("{LABEL_INSTALLATION}={},{LABEL_NODE}={node}", self.installation.label());
        Box::pin(async move {
            let found = self.servers(("label_selector", selector)).await?;
            Ok(found.into_iter().filter(|resource| resource.node == Some(node)).collect())
        })
    }

    fn delete<'a>(&'a self, resource: &'a Resource) -> Reply<'a, Deletion> {
        Box::pin(self.remove(resource))
    }

    fn list(&self) -> Reply<'_, Vec<Resource>> {
        Box::pin(self.servers(("label_selector", format!("{LABEL_INSTALLATION}={}", self.installation.label()))))
    }
}
