//! A fake of Google's Compute Engine API (v1) and of its token endpoint, on one port.

mod catalog;
mod filter;
mod instance;
pub mod refusal;
mod switches;
mod token;

use std::collections::BTreeMap;
use std::fmt;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::operation::Pace;
use super::wire::{Request, Response};
use super::{Cloud, Happening, Hook};
use instance::{Disk, Instance, Operation};
use refusal::Refusal;
pub use token::{account, key_of_a_stranger};

/// The project there is.
pub const PROJECT: &str = "spunto-fake";

/// How an operation fails that was accepted.
#[derive(Clone, Debug)]
pub struct LateFailure {
    /// The status that the call would have had.
    pub status: u16,
    /// What `error.errors` has.
    pub errors: Value,
}

#[derive(Debug, Default)]
struct Rules {
    pace: Pace,
    instances_max: Option<usize>,
    fail_next: Option<LateFailure>,
    unreachable: Option<String>,
    refuses_tokens: bool,
}

#[derive(Default)]
struct State {
    /// By zone and name.
    instances: BTreeMap<(String, String), Instance>,
    disks: BTreeMap<(String, String), Disk>,
    operations: BTreeMap<String, Operation>,
    tokens: token::Issued,
    numbers: u64,
    made: usize,
}

/// The project at the fake Google Cloud.
#[derive(Default)]
pub struct Google {
    state: Mutex<State>,
    rules: Mutex<Rules>,
    hook: Option<Hook>,
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Google").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Google {
    /// With somebody who is told what happens to machines.
    #[must_use]
    pub fn with_hook(hook: Hook) -> Self {
        Self { hook: Some(hook), ..Self::default() }
    }

    fn route(&self, request: &Request) -> Result<Response, Refusal> {
        let parts = request.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let ("POST", ["token"]) = (request.method.as_str(), parts.as_slice()) {
            return Ok(self.state.lock().tokens.exchange(&request.form()));
        }
        let known = request.bearer.as_deref().is_some_and(|token| self.state.lock().tokens.is_good(token));
        if !known || self.rules.lock().refuses_tokens {
            return Err(Refusal::BadToken);
        }
        match parts.as_slice() {
            ["compute", "v1", "projects", project, "global", "images", "family", family] if request.method == "GET" => {
                catalog::image(project, family)
                    .map(ok)
                    .ok_or_else(|| Refusal::no_such(&format!("projects/{project}/global/images/family/{family}")))
            }
            ["compute", "v1", "projects", PROJECT, rest @ ..] => self.in_project(request, rest),
            ["compute", "v1", "projects", project, ..] => Err(Refusal::no_such(&format!("projects/{project}"))),
            _ => Err(Refusal::NotFound("The requested URL was not found on this server.".to_owned())),
        }
    }

    fn in_project(&self, request: &Request, rest: &[&str]) -> Result<Response, Refusal> {
        match (request.method.as_str(), rest) {
            ("GET", []) => Ok(ok(catalog::project())),
            ("GET", ["zones"]) => Ok(page(request, "compute#zoneList", catalog::zones())),
            ("GET", ["regions"]) => Ok(page(request, "compute#regionList", catalog::regions())),
            ("GET", ["aggregated", list @ ("instances" | "disks")]) => self.everywhere(request, list),
            (_, ["zones", zone, ..]) if !catalog::is_zone(zone) => Err(Refusal::UnknownZone((*zone).to_owned())),
            ("GET", ["zones", _, "machineTypes"]) => Ok(page(request, "compute#machineTypeList", catalog::machine_types(rest[1]))),
            ("POST", ["zones", zone, "instances"]) => self.insert(request, zone),
            ("GET", ["zones", zone, "operations"]) => self.operations(request, zone),
            ("GET", ["zones", zone, "operations", name]) | ("POST", ["zones", zone, "operations", name, "wait"]) => {
                self.operation(zone, name)
            }
            ("GET", ["zones", zone, "instances"]) => {
                let state = self.state.lock();
                let found = state.instances.values().filter(|instance| instance.zone == *zone).map(Instance::json);
                Ok(page(request, "compute#instanceList", filtered(request, found)?))
            }
            ("GET", ["zones", zone, list @ ("instances" | "disks"), name]) => self.look(zone, list, name),
            ("DELETE", ["zones", zone, "instances", name]) => self.delete_instance(request, zone, name),
            ("DELETE", ["zones", zone, "disks", name]) => self.delete_disk(request, zone, name),
            _ => Err(Refusal::NotFound("The requested URL was not found on this server.".to_owned())),
        }
    }

    fn insert(&self, request: &Request, zone: &str) -> Result<Response, Refusal> {
        let mut rules = self.rules.lock();
        let mut state = self.state.lock();
        let id = request.query("requestId").map(str::to_owned);
        if let Some(id) = &id {
            instance::check_uuid(id)?;
            if let Some(first) = state.operations.values().find(|operation| operation.request.as_ref() == Some(id)) {
                return Ok(ok(first.json()));
            }
        }
        let number = state.number();
        let (instance, disk) = Instance::read(number, zone, &request.json())?;
        let place = (zone.to_owned(), instance.name.clone());
        if state.instances.contains_key(&place) {
            return Err(Refusal::exists(&format!("zones/{zone}/instances/{}", instance.name)));
        }
        if state.disks.contains_key(&place) {
            return Err(Refusal::exists(&format!("zones/{zone}/disks/{}", instance.name)));
        }
        if rules.instances_max.is_some_and(|most| state.instances.len() >= most) {
            return Err(Refusal::Quota);
        }
        state.made += 1;
        let operation = state.begin("insert", id, zone, &format!("zones/{zone}/instances/{}", instance.name), number);
        if let Some(failure) = rules.fail_next.take() {
            state.operations.get_mut(&operation).expect("it was just begun").fails = Some(failure);
        }
        state.instances.insert(place.clone(), instance);
        state.disks.insert(place, disk);
        Ok(ok(state.operations[&operation].json()))
    }

    fn look(&self, zone: &str, list: &str, name: &str) -> Result<Response, Refusal> {
        let state = self.state.lock();
        let place = (zone.to_owned(), name.to_owned());
        let found =
            if list == "instances" { state.instances.get(&place).map(Instance::json) } else { state.disks.get(&place).map(Disk::json) };
        found.map(ok).ok_or_else(|| Refusal::no_such(&format!("projects/{PROJECT}/zones/{zone}/{list}/{name}")))
    }

    fn delete_instance(&self, request: &Request, zone: &str, name: &str) -> Result<Response, Refusal> {
        let mut state = self.state.lock();
        let place = (zone.to_owned(), name.to_owned());
        let path = format!("zones/{zone}/instances/{name}");
        let instance = state.instances.get_mut(&place).ok_or_else(|| Refusal::no_such(&format!("projects/{PROJECT}/{path}")))?;
        // Asked again and again while one goes on: seen in the field.
        if instance.status == "STOPPING" {
            return Err(Refusal::RateLimit);
        }
        instance.status = "STOPPING";
        let id = instance.id;
        let operation = state.begin("delete", request.query("requestId").map(str::to_owned), zone, &path, id);
        Ok(ok(state.operations[&operation].json()))
    }

    fn delete_disk(&self, request: &Request, zone: &str, name: &str) -> Result<Response, Refusal> {
        let mut state = self.state.lock();
        let place = (zone.to_owned(), name.to_owned());
        let path = format!("zones/{zone}/disks/{name}");
        let disk = state.disks.get(&place).ok_or_else(|| Refusal::no_such(&format!("projects/{PROJECT}/{path}")))?;
        if disk.user.is_some() {
            return Err(Refusal::InUse(path));
        }
        let id = disk.id;
        let operation = state.begin("delete", request.query("requestId").map(str::to_owned), zone, &path, id);
        Ok(ok(state.operations[&operation].json()))
    }

    fn operation(&self, zone: &str, name: &str) -> Result<Response, Refusal> {
        let state = self.state.lock();
        let found = state.operations.get(name).filter(|operation| operation.zone == zone);
        found
            .map(|operation| ok(operation.json()))
            .ok_or_else(|| Refusal::no_such(&format!("projects/{PROJECT}/zones/{zone}/operations/{name}")))
    }

    fn operations(&self, request: &Request, zone: &str) -> Result<Response, Refusal> {
        let state = self.state.lock();
        let found = state.operations.values().filter(|operation| operation.zone == zone).map(Operation::json);
        Ok(page(request, "compute#operationList", filtered(request, found)?))
    }

    /// A list over all zones, which has a place for each of them.
    fn everywhere(&self, request: &Request, list: &str) -> Result<Response, Refusal> {
        let unreachable = self.rules.lock().unreachable.clone();
        let state = self.state.lock();
        let all: Vec<Value> = match list {
            "instances" => state.instances.values().map(Instance::json).collect(),
            _ => state.disks.values().map(Disk::json).collect(),
        };
        let (found, next) = cut(request, filtered(request, all.into_iter())?);
        let mut items = serde_json::Map::new();
        for zone in catalog::zone_names() {
            let there: Vec<&Value> =
                found.iter().filter(|each| each["zone"].as_str().is_some_and(|url| url.ends_with(&format!("/{zone}")))).collect();
            let warning =
                |code: &str| json!({ "warning": { "code": code, "message": "There are no results for this scope.", "data": [] } });
            let scope = match &unreachable {
                Some(cut) if *cut == zone => warning("UNREACHABLE"),
                _ if there.is_empty() => warning("NO_RESULTS_ON_PAGE"),
                _ => json!({ list: there }),
            };
            items.insert(format!("zones/{zone}"), scope);
        }
        let kind = format!("compute#{}AggregatedList", list.trim_end_matches('s'));
        let mut answer = json!({ "kind": kind, "id": format!("projects/{PROJECT}/aggregated/{list}"), "items": items, "selfLink": "" });
        if let Some(next) = next {
            answer["nextPageToken"] = json!(next);
        }
        Ok(ok(answer))
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        1_000_000_000_000_000_000 + self.numbers
    }

    fn begin(&mut self, kind: &'static str, request: Option<String>, zone: &str, target: &str, id: u64) -> String {
        let number = self.number();
        let operation = Operation::new(number, kind, request, zone, target, id);
        let name = operation.name.clone();
        self.operations.insert(name.clone(), operation);
        name
    }

    /// Ends what has taken its time; what came of it.
    fn settle(&mut self, pace: Pace) -> Vec<Happening> {
        let mut happened = Vec::new();
        for operation in self.operations.values_mut().filter(|operation| !operation.done && pace.is_over(operation.began)) {
            operation.done = true;
            let (list, name) = operation.target_parts();
            let place = (operation.zone.clone(), name);
            match (operation.kind, list) {
                ("insert", _) if operation.fails.is_some() => {
                    self.instances.remove(&place);
                    self.disks.remove(&place);
                }
                ("insert", _) => {
                    if let Some(instance) = self.instances.get_mut(&place).filter(|instance| instance.status != "STOPPING") {
                        instance.status = "RUNNING";
                        happened.push(instance.booted());
                    }
                }
                (_, "disks") => {
                    self.disks.remove(&place);
                }
                _ => {
                    happened.extend(self.instances.remove(&place).map(|gone| Happening::Gone { name: gone.name }));
                    match self.disks.get_mut(&place) {
                        Some(disk) if !disk.auto_delete => disk.user = None,
                        _ => drop(self.disks.remove(&place)),
                    }
                }
            }
        }
        happened
    }
}

impl Cloud for Google {
    fn answer(&self, request: &Request) -> Response {
        self.tick();
        self.route(request).unwrap_or_else(|refusal| refusal.response()).with("X-Goog-Request-Id", "goog-7c1f")
    }

    fn tick(&self) {
        let pace = self.rules.lock().pace;
        let happened = self.state.lock().settle(pace);
        for each in happened {
            if let Some(hook) = &self.hook {
                hook(each);
            }
        }
    }
}

fn ok(value: Value) -> Response {
    Response::json(200, &value)
}

fn filtered(request: &Request, all: impl Iterator<Item = Value>) -> Result<Vec<Value>, Refusal> {
    let filter = request.query("filter").unwrap_or_default();
    let mut found = Vec::new();
    for each in all {
        if filter::fits(filter, &each).ok_or_else(|| Refusal::BadFilter(filter.to_owned()))? {
            found.push(each);
        }
    }
    Ok(found)
}

/// A page of what there is, and the token of the next one.
fn cut(request: &Request, all: Vec<Value>) -> (Vec<Value>, Option<String>) {
    let most = request.query("maxResults").and_then(|text| text.parse().ok()).unwrap_or(500).clamp(1, 500);
    let from: usize = request.query("pageToken").and_then(|token| token.strip_prefix("page-")?.parse().ok()).unwrap_or(0);
    let next = (all.len() > from + most).then(|| format!("page-{}", from + most));
    (all.into_iter().skip(from).take(most).collect(), next)
}

fn page(request: &Request, kind: &str, all: Vec<Value>) -> Response {
    let (items, next) = cut(request, all);
    let mut answer = json!({ "kind": kind, "id": "list", "items": items, "selfLink": "" });
    if let Some(next) = next {
        answer["nextPageToken"] = json!(next);
    }
    ok(answer)
}
