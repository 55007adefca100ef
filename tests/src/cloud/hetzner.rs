//! A fake of Hetzner Cloud's API as of autumn 2026.

mod catalog;
pub mod refusal;
mod selector;
mod server;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::operation::Pace;
use super::wire::{Request, Response};
use super::{Cloud, Happening, Hook};
use refusal::Refusal;
use server::{Action, Server};

/// A token that may do everything.
pub const TOKEN: &str = "hetznerreadwritetoken0000000000000000000000000000000000000000000";
/// A token that may only read.
pub const READ_ONLY: &str = "hetznerreadonlytoken00000000000000000000000000000000000000000000";
/// What each project may call in an hour.
pub const CALLS_PER_HOUR: u64 = 3_600;

/// What can be set from outside.
#[derive(Debug)]
struct Rules {
    pace: Pace,
    servers_max: usize,
    sold_out: Vec<(String, String)>,
    fail_next: Vec<(String, String)>,
    remaining: u64,
    refilled: Instant,
}

#[derive(Default)]
struct State {
    servers: BTreeMap<u64, Server>,
    actions: BTreeMap<u64, Action>,
    numbers: u64,
    made: usize,
}

/// A project at the fake Hetzner Cloud.
pub struct Hetzner {
    state: Mutex<State>,
    rules: Mutex<Rules>,
    hook: Option<Hook>,
}

impl fmt::Debug for Hetzner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hetzner").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Default for Hetzner {
    fn default() -> Self {
        let rules = Rules {
            pace: Pace::default(),
            servers_max: usize::MAX,
            sold_out: Vec::new(),
            fail_next: Vec::new(),
            remaining: CALLS_PER_HOUR,
            refilled: Instant::now(),
        };
        Self { state: Mutex::default(), rules: Mutex::new(rules), hook: None }
    }
}

impl Hetzner {
    /// With somebody who is told what happens to machines.
    #[must_use]
    pub fn with_hook(hook: Hook) -> Self {
        Self { hook: Some(hook), ..Self::default() }
    }

    /// How long actions take, and whether they end.
    pub fn pace(&self, change: impl FnOnce(&mut Pace)) {
        change(&mut self.rules.lock().pace);
        self.tick();
    }

    /// How many servers the project may have.
    pub fn limit_servers(&self, most: usize) {
        self.rules.lock().servers_max = most;
    }

    /// No more of this type at this location.
    pub fn sell_out(&self, server_type: &str, location: &str) {
        self.rules.lock().sold_out.push((server_type.to_owned(), location.to_owned()));
    }

    /// Everything can be had again.
    pub fn restock(&self) {
        self.rules.lock().sold_out.clear();
    }

    /// The next creation is accepted, and its action then fails with this code and message.
    pub fn fail_later(&self, code: &str, message: &str) {
        self.rules.lock().fail_next.push((code.to_owned(), message.to_owned()));
    }

    /// So many calls are left in this hour.
    pub fn leave_calls(&self, remaining: u64) {
        self.rules.lock().remaining = remaining;
    }

    /// How many servers there are.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.state.lock().servers.len()
    }

    /// How many were ever made.
    #[must_use]
    pub fn ever_made(&self) -> usize {
        self.state.lock().made
    }

    /// A server that somebody else made by hand.
    pub fn plant(&self, name: &str) {
        let mut state = self.state.lock();
        let id = state.number();
        state.made += 1;
        state.servers.insert(id, Server::by_hand(id, name));
    }

    /// Protects a server from being deleted.
    pub fn protect(&self, name: &str, protected: bool) {
        self.state.lock().servers.values_mut().filter(|server| server.name == name).for_each(|server| server.protected = protected);
    }

    fn now_s() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// The limit's headers, and whether there is a call left.
    fn count(&self) -> (bool, [(&'static str, u64); 3]) {
        let mut rules = self.rules.lock();
        // One a second comes back.
        let seconds = rules.refilled.elapsed().as_secs();
        rules.refilled += Duration::from_secs(seconds);
        rules.remaining = (rules.remaining + seconds).min(CALLS_PER_HOUR);
        let left = rules.remaining > 0;
        rules.remaining = rules.remaining.saturating_sub(1);
        let reset = Self::now_s() + (CALLS_PER_HOUR - rules.remaining.min(CALLS_PER_HOUR));
        (left, [("RateLimit-Limit", CALLS_PER_HOUR), ("RateLimit-Remaining", rules.remaining), ("RateLimit-Reset", reset)])
    }

    fn route(&self, request: &Request) -> Result<Response, Refusal> {
        match request.bearer.as_deref() {
            None => return Err(Refusal::NoToken),
            Some(TOKEN) => {}
            Some(READ_ONLY) if request.method == "GET" => {}
            Some(READ_ONLY) => return Err(Refusal::ReadOnlyToken),
            Some(_) => return Err(Refusal::BadToken),
        }
        let parts = request.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let number = |text: &str| text.parse::<u64>().map_err(|_| Refusal::NotFound("resource"));
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["v1", "datacenters"]) => Err(Refusal::DatacentersAreGone),
            ("GET", ["v1", "pricing"]) => Ok(Response::json(200, &catalog::pricing())),
            ("GET", ["v1", "locations"]) => Ok(page(request, "locations", catalog::locations())),
            ("GET", ["v1", "server_types"]) => Ok(page(request, "server_types", catalog::server_types(&self.rules.lock().sold_out))),
            ("GET", ["v1", "images"]) => Ok(page(request, "images", catalog::images(request))),
            ("GET", ["v1", "servers"]) => self.list(request),
            ("POST", ["v1", "servers"]) => self.create(&request.json()),
            ("GET", ["v1", "servers", id]) => self.look(number(id)?),
            ("DELETE", ["v1", "servers", id]) => self.delete(number(id)?),
            ("GET", ["v1", "servers", id, "actions"]) => Ok(page(request, "actions", self.actions_of(number(id)?))),
            ("GET", ["v1", "actions"]) => self.actions(request),
            ("GET", ["v1", "actions", id]) => self.action(number(id)?),
            ("GET", ["v1", "primary_ips"]) => {
                Ok(page(request, "primary_ips", self.state.lock().servers.values().flat_map(Server::addresses).collect()))
            }
            _ => Err(Refusal::NotFound("route")),
        }
    }

    fn list(&self, request: &Request) -> Result<Response, Refusal> {
        let state = self.state.lock();
        let selector = request.query("label_selector").unwrap_or_default();
        let mut found = Vec::new();
        for server in state.servers.values() {
            let named = request.query("name").is_none_or(|name| server.name == name);
            if named && selector::fits(selector, &server.labels).ok_or(Refusal::BadSelector)? {
                found.push(server.json());
            }
        }
        Ok(page(request, "servers", found))
    }

    fn look(&self, id: u64) -> Result<Response, Refusal> {
        let state = self.state.lock();
        let server = state.servers.get(&id).ok_or(Refusal::NotFound("server"))?;
        Ok(Response::json(200, &json!({ "server": server.json() })))
    }

    fn create(&self, body: &Value) -> Result<Response, Refusal> {
        let mut rules = self.rules.lock();
        let mut state = self.state.lock();
        let wanted = server::Wanted::read(body)?;
        if state.servers.values().any(|server| server.name == wanted.name) {
            return Err(Refusal::NameTaken);
        }
        if state.servers.len() >= rules.servers_max {
            return Err(Refusal::ServerLimit);
        }
        if rules.sold_out.iter().any(|(kind, place)| *kind == wanted.server_type && *place == wanted.location) {
            return Err(Refusal::SoldOut);
        }
        let fails = if rules.fail_next.is_empty() { None } else { Some(rules.fail_next.remove(0)) };
        let id = state.number();
        state.made += 1;
        let server = Server::new(id, wanted);
        state.servers.insert(id, server);
        let creating = state.begin("create_server", id, fails);
        let starting = state.begin("start_server", id, None);
        let answer = json!({
            "server": state.servers[&id].json(),
            "action": state.actions[&creating].json(),
            "next_actions": [state.actions[&starting].json()],
            "root_password": "YItygq1v3GYjjMomLaKc",
        });
        Ok(Response::json(201, &answer))
    }

    fn delete(&self, id: u64) -> Result<Response, Refusal> {
        let mut state = self.state.lock();
        let server = state.servers.get_mut(&id).ok_or(Refusal::NotFound("server"))?;
        if server.protected {
            return Err(Refusal::Protected);
        }
        if server.status == "deleting" {
            return Err(Refusal::Locked);
        }
        server.status = "deleting";
        let deleting = state.begin("delete_server", id, None);
        Ok(Response::json(200, &json!({ "action": state.actions[&deleting].json() })))
    }

    fn actions_of(&self, server: u64) -> Vec<Value> {
        self.state.lock().actions.values().filter(|action| action.server == server).map(Action::json).collect()
    }

    fn actions(&self, request: &Request) -> Result<Response, Refusal> {
        let ids: Vec<u64> = request.query.iter().filter(|(name, _)| name == "id").filter_map(|(_, id)| id.parse().ok()).collect();
        if ids.is_empty() {
            return Err(Refusal::AllActionsAreGone);
        }
        let state = self.state.lock();
        Ok(page(request, "actions", ids.iter().filter_map(|id| state.actions.get(id)).map(Action::json).collect()))
    }

    fn action(&self, id: u64) -> Result<Response, Refusal> {
        let state = self.state.lock();
        let action = state.actions.get(&id).ok_or(Refusal::NotFound("action"))?;
        Ok(Response::json(200, &json!({ "action": action.json() })))
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        10_000 + self.numbers
    }

    fn begin(&mut self, command: &'static str, server: u64, fails: Option<(String, String)>) -> u64 {
        let id = self.number();
        self.actions.insert(id, Action::new(id, command, server, fails));
        id
    }

    /// Ends what has taken its time; what came of it.
    fn settle(&mut self, pace: Pace) -> Vec<Happening> {
        let mut happened = Vec::new();
        let over: Vec<u64> = self
            .actions
            .values()
            .filter(|action| action.status == "running" && pace.is_over(action.began))
            .map(|action| action.id)
            .collect();
        for id in over {
            let Some(action) = self.actions.get_mut(&id) else { continue };
            action.finish();
            let (command, server, failed) = (action.command, action.server, action.status == "error");
            match (command, self.servers.get_mut(&server)) {
                ("create_server", Some(_)) if failed => {
                    self.servers.remove(&server);
                }
                ("start_server", Some(found)) if found.status != "deleting" => {
                    found.status = "running";
                    happened.push(found.booted());
                }
                ("delete_server", Some(_)) => {
                    happened.extend(self.servers.remove(&server).map(|found| Happening::Gone { name: found.name }))
                }
                ("start_server", None) => {
                    if let Some(action) = self.actions.get_mut(&id) {
                        action.fail("action_failed", "The server was not created");
                    }
                }
                _ => {}
            }
        }
        happened
    }
}

impl Cloud for Hetzner {
    fn answer(&self, request: &Request) -> Response {
        self.tick();
        let (left, headers) = self.count();
        let routed = if left { self.route(request) } else { Err(Refusal::RateLimit) };
        let response = routed.unwrap_or_else(|refusal| refusal.response());
        let response = headers.iter().fold(response, |response, (name, value)| response.with(name, value));
        response.with("X-Correlation-Id", "f6a8e1c2d3b4f5a6")
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

/// A page of a list, as the API cuts it.
fn page(request: &Request, list: &str, all: Vec<Value>) -> Response {
    let all: Vec<Value> = match request.query("name") {
        Some(name) => all.into_iter().filter(|entry| entry["name"] == name).collect(),
        None => all,
    };
    let number = |name: &str, usual: usize| request.query(name).and_then(|text| text.parse().ok()).unwrap_or(usual).max(1);
    let (page, per_page) = (number("page", 1), number("per_page", 25).min(50));
    let last = all.len().div_ceil(per_page).max(1);
    let entries: Vec<&Value> = all.iter().skip((page - 1) * per_page).take(per_page).collect();
    let pagination = json!({
        "page": page,
        "per_page": per_page,
        "previous_page": if page > 1 { Some(page - 1) } else { None },
        "next_page": if page < last { Some(page + 1) } else { None },
        "last_page": last,
        "total_entries": all.len(),
    });
    Response::json(200, &json!({ list: entries, "meta": { "pagination": pagination } }))
}

/// When an action began.
fn began() -> Instant {
    Instant::now()
}
