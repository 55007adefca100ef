//! Google Compute Engine: instances and zone operations, with a service account's key.
//!
//! Creation is repeatable twice over: a request id that follows from the attempt (Google replays the first operation to it), and a
//! name that is taken once it is used. Names are unique only in a zone, so the whole project is looked through before creation.

mod errors;
mod instance;
mod key;
mod options;
mod token;

use std::sync::Arc;

use serde_json::Value;
use spunto_core::id::NodeId;

use super::fault::{Fault, FaultKind, Happened};
use super::http::{Answer, Call, Http, PAGES_MAX};
use super::machine::{Begun, Deletion, Operation, Order, Progress, Resource, ResourceKind};
use super::options::{Account, Architecture, Image, Location, MachineType};
use super::ownership::{self, Installation, LABEL_INSTALLATION, LABEL_NODE};
use super::{Kind, Provider, Reply};
use token::Tokens;

const TITLE: &str = "Google Cloud";

/// In the table of providers.
pub const KIND: Kind = Kind {
    name: "google",
    title: TITLE,
    credential: "The JSON key of a service account with the role Compute Instance Admin (v1): Google Cloud console, IAM, Service accounts, Keys.",
    open: |settings, credential| {
        let http = settings.http("google", TITLE, "https://compute.googleapis.com/compute/v1")?;
        let exchange = settings.http("google-token", TITLE, "https://oauth2.googleapis.com")?;
        let key = key::read(&credential).map_err(|why| http.denied(&why))?;
        let project = key.project.clone();
        let tokens = Tokens::new(exchange, key, Arc::clone(&settings.clock));
        Ok(Arc::new(Google { http, tokens, project, installation: settings.installation }))
    },
};

/// A project at Google Cloud.
struct Google {
    http: Http,
    tokens: Tokens,
    project: String,
    installation: Installation,
}

impl Google {
    /// An answer, whatever its status, to a call with a token.
    async fn send(&self, call: Call<'_>) -> Result<Answer, Fault> {
        // Without a token nothing was asked.
        let token = self.tokens.get().await.map_err(Fault::before_the_effect)?;
        let answer = self.http.send(call, Some(&token)).await?;
        if answer.status == 401 {
            self.tokens.forget().await;
        }
        Ok(answer)
    }

    /// An answer that says yes.
    async fn call(&self, call: Call<'_>) -> Result<Answer, Fault> {
        let answer = self.send(call).await?;
        if answer.ok() { Ok(answer) } else { Err(errors::fault(&answer)) }
    }

    /// What is there; none where the API itself says that it is not.
    async fn look(&self, path: &[&str]) -> Result<Option<Value>, Fault> {
        match self.send(Call::get(path)).await? {
            absent if absent.status == 404 && errors::is_ours(&absent) => Ok(None),
            answer if answer.ok() => answer.read().map(Some),
            answer => Err(errors::fault(&answer)),
        }
    }

    /// All pages of a list.
    async fn pages(&self, path: &[&str], per_page: &str, filter: Option<&str>) -> Result<Vec<Value>, Fault> {
        let mut pages = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut call = Call::get(path).query("maxResults", per_page);
            if let Some(filter) = filter {
                call = call.query("filter", filter);
            }
            if let Some(token) = token {
                call = call.query("pageToken", token);
            }
            let page: Value = self.call(call).await?.read()?;
            token = page["nextPageToken"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
            pages.push(page);
            if token.is_none() {
                return Ok(pages);
            }
        }
        Err(self.http.too_many_pages())
    }

    /// Everything of a sort that carries these labels, in all zones. A zone that does not answer makes the whole a fault.
    async fn everywhere(&self, kind: ResourceKind, filter: &str) -> Result<Vec<Resource>, Fault> {
        let list = if kind == ResourceKind::Machine { "instances" } else { "disks" };
        let path = ["projects", &self.project, "aggregated", list];
        let mut found = Vec::new();
        for page in self.pages(&path, instance::PAGE, Some(filter)).await? {
            if let Some(unreachable) = instance::unreachable(&page) {
                return Err(self.fault(FaultKind::Unavailable, Happened::No, &format!("no answer from {unreachable}")));
            }
            for scope in page["items"].as_object().into_iter().flat_map(serde_json::Map::values) {
                for value in scope[list].as_array().into_iter().flatten() {
                    let nameless = || self.fault(FaultKind::Unknown, Happened::No, "its list has a resource without a name or zone");
                    found.extend(instance::resource(kind, value, self.installation).ok_or_else(nameless)?);
                }
            }
        }
        Ok(found)
    }

    async fn labelled(&self, filter: &str) -> Result<Vec<Resource>, Fault> {
        let mut found = self.everywhere(ResourceKind::Machine, filter).await?;
        found.extend(self.everywhere(ResourceKind::Disk, filter).await?);
        Ok(found)
    }

    async fn of_node(&self, node: NodeId) -> Result<Vec<Resource>, Fault> {
        let filter = format!("(labels.{LABEL_INSTALLATION} = \"{}\") (labels.{LABEL_NODE} = \"{node}\")", self.installation.label());
        Ok(self.labelled(&filter).await?.into_iter().filter(|resource| resource.node == Some(node)).collect())
    }

    fn fault(&self, kind: FaultKind, happened: Happened, message: &str) -> Fault {
        Fault::new(self.http.provider, kind, happened, "", message)
    }

    fn path<'a>(&'a self, zone: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        ["projects", self.project.as_str(), "zones", zone].into_iter().chain(more.iter().copied()).collect()
    }

    async fn order(&self, order: &Order) -> Result<Begun, Fault> {
        let before = self.of_node(order.node).await.map_err(Fault::before_the_effect)?;
        if let Some(there) = before.into_iter().next() {
            return self.adopt(order, there).await;
        }
        let body = instance::body(order, self.installation).map_err(|error| {
            self.fault(FaultKind::Unknown, Happened::No, &error.to_string()).with_step("Correct the server's settings.")
        })?;
        let path = self.path(&order.location, &["instances"]);
        let request = instance::request_id(self.installation, order);
        match self.call(Call::post(&path, &body).query("requestId", request)).await {
            Ok(answer) => {
                let begun: Value = answer.read()?;
                let name = begun["name"].as_str().ok_or_else(|| answer.unreadable())?;
                if begun["status"] == "DONE" && errors::of_operation(&begun).is_none() {
                    return self.replayed(order, name).await;
                }
                let operation = Some(Operation(format!("zones/{}/operations/{name}", order.location)));
                Ok(Begun { machine: instance::ordered(order), operation, found: false })
            }
            Err(fault) if fault.kind == FaultKind::NameTaken => {
                let name = ownership::machine_name(order.node);
                let there = self.look(&self.path(&order.location, &["instances", &name])).await.map_err(Fault::before_the_effect)?;
                match there.and_then(|value| instance::resource(ResourceKind::Machine, &value, self.installation).flatten()) {
                    Some(there) => self.adopt(order, there).await,
                    None => Err(fault.with_step(
                        "Something that Spunto did not make has the name in this zone: see your project's VM instances and disks.",
                    )),
                }
            }
            Err(fault) => Err(fault),
        }
    }

    /// What is there of an operation that was over when it was begun: it is an earlier one, told once more.
    async fn replayed(&self, order: &Order, operation: &str) -> Result<Begun, Fault> {
        let name = ownership::machine_name(order.node);
        let there = self.look(&self.path(&order.location, &["instances", &name])).await.map_err(Fault::before_the_effect)?;
        let machine = there.and_then(|value| instance::resource(ResourceKind::Machine, &value, self.installation).flatten());
        let gone = "the machine of this attempt was made and is gone again";
        let machine =
            machine.ok_or_else(|| self.fault(FaultKind::Unknown, Happened::No, gone).with_step("Retry: a new attempt makes a new one."))?;
        let operation = Some(Operation(format!("zones/{}/operations/{operation}", order.location)));
        Ok(Begun { machine, operation, found: true })
    }

    /// What is there already, if this order made it.
    async fn adopt(&self, order: &Order, there: Resource) -> Result<Begun, Fault> {
        let same = there.kind == ResourceKind::Machine && there.node == Some(order.node) && there.attempt == Some(order.attempt);
        if !same {
            let message = format!("{} is still there from an earlier attempt ({})", there.name, there.reference);
            return Err(self.fault(FaultKind::NameTaken, Happened::No, &message));
        }
        if instance::is_going(&there.state) {
            return Err(self.fault(FaultKind::Unavailable, Happened::No, "the earlier machine of this node is still being deleted"));
        }
        Ok(Begun { operation: self.creation(order).await, machine: there, found: true })
    }

    /// The operation that this order began, by its request id; none where that can't be had: the machine is there.
    async fn creation(&self, order: &Order) -> Option<Operation> {
        let path = self.path(&order.location, &["operations"]);
        let filter = format!("clientOperationId = \"{}\"", instance::request_id(self.installation, order));
        let answer = self.call(Call::get(&path).query("filter", filter).query("maxResults", "1")).await.ok()?;
        let name = answer.json::<Value>()?["items"][0]["name"].as_str()?.to_owned();
        Some(Operation(format!("zones/{}/operations/{name}", order.location)))
    }

    async fn follow(&self, operation: &Operation) -> Result<Progress, Fault> {
        let path: Vec<&str> = ["projects", self.project.as_str()].into_iter().chain(operation.0.split('/')).collect();
        let Some(found) = self.look(&path).await? else { return Ok(Progress::Forgotten) };
        // Done is not success.
        Ok(match (found["status"].as_str(), errors::of_operation(&found)) {
            (_, Some(fault)) => Progress::Failed(fault),
            (Some("DONE"), None) => Progress::Done,
            _ => Progress::Running,
        })
    }

    async fn remove(&self, resource: &Resource) -> Result<Deletion, Fault> {
        let path: Vec<&str> = ["projects", self.project.as_str()].into_iter().chain(resource.reference.split('/')).collect();
        // Looked at first: a deletion asked again and again while one goes on is refused for its rate, and then "not found" too early.
        let Some(found) = self.look(&path).await? else { return Ok(Deletion::Gone) };
        match instance::resource(resource.kind, &found, self.installation).flatten() {
            None if resource.kind == ResourceKind::Disk && instance::is_used(&found) => return Ok(Deletion::Going { operation: None }),
            None => return Err(self.fault(FaultKind::Forbidden, Happened::No, "it is not this installation's: its label says so")),
            Some(found) if instance::is_going(&found.state) => return Ok(Deletion::Going { operation: None }),
            Some(_) => {}
        }
        match self.send(Call::delete(&path)).await? {
            gone if gone.status == 404 && errors::is_ours(&gone) => Ok(Deletion::Gone),
            answer if answer.ok() => {
                let name = answer.json::<Value>().and_then(|value| value["name"].as_str().map(str::to_owned));
                Ok(Deletion::Going { operation: name.map(|name| Operation(format!("zones/{}/operations/{name}", resource.location))) })
            }
            answer => Err(errors::fault(&answer)),
        }
    }
}

impl Provider for Google {
    fn verify(&self) -> Reply<'_, Account> {
        Box::pin(async move {
            let project: Value = self.call(Call::get(&["projects", &self.project])).await?.read()?;
            Ok(Account { name: Some(project["name"].as_str().unwrap_or(&self.project).to_owned()) })
        })
    }

    fn locations(&self) -> Reply<'_, Vec<Location>> {
        Box::pin(async move {
            let pages = self.pages(&["projects", &self.project, "zones"], options::PAGE, None).await?;
            Ok(options::items(&pages).filter_map(options::location).collect())
        })
    }

    fn machine_types<'a>(&'a self, location: &'a str) -> Reply<'a, Vec<MachineType>> {
        Box::pin(async move {
            let pages = self.pages(&self.path(location, &["machineTypes"]), options::PAGE, None).await?;
            Ok(options::items(&pages).filter_map(options::machine_type).collect())
        })
    }

    fn images(&self, architecture: Architecture) -> Reply<'_, Vec<Image>> {
        Box::pin(async move {
            let mut images = Vec::new();
            for (project, family) in options::families(architecture) {
                let found = self.look(&["projects", project, "global", "images", "family", family]).await?;
                images.extend(found.and_then(|found| options::image(project, family, &found)));
            }
            Ok(images)
        })
    }

    fn create<'a>(&'a self, order: &'a Order) -> Reply<'a, Begun> {
        Box::pin(self.order(order))
    }

    fn progress<'a>(&'a self, operation: &'a Operation) -> Reply<'a, Progress> {
        Box::pin(self.follow(operation))
    }

    fn find(&self, node: NodeId) -> Reply<'_, Vec<Resource>> {
        Box::pin(self.of_node(node))
    }

    fn delete<'a>(&'a self, resource: &'a Resource) -> Reply<'a, Deletion> {
        Box::pin(self.remove(resource))
    }

    fn list(&self) -> Reply<'_, Vec<Resource>> {
        let filter = format!("(labels.{LABEL_INSTALLATION} = \"{}\")", self.installation.label());
        Box::pin(async move { self.labelled(&filter).await })
    }
}
