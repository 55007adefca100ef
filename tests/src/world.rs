//! A control plane of a test's own, with real agents on the real engine; all of it is gone when the test ends.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Answer, Api, wait_for};
use crate::engine::{bridge_gateway, docker, log_of, paste, remove_all_of};
use crate::server::{Server, Start};

/// The agent image that `make images` builds.
pub const AGENT_IMAGE: &str = "spunto-agent:local";
/// A small image for workers.
pub const WORKER_IMAGE: &str = "spunto-busybox:local";
/// How long anything may take that should take a second: the machines of CI are slow.
pub const SOON: Duration = Duration::from_secs(60);
/// The owner's address.
pub const EMAIL: &str = "owner@example.com";
/// The owner's password.
pub const PASSWORD: &str = "correct horse battery";

/// A server with its first owner.
pub struct World {
    /// How it is started.
    pub start: Start,
    /// The server.
    pub server: Server,
    /// Signed in as the owner.
    pub api: Api,
    /// The default organisation.
    pub org: String,
    /// The default project.
    pub project: String,
    nodes: Vec<Agent>,
    /// Its data and log; outlives the server.
    pub directory: TempDir,
}

/// A real agent in its container.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The node.
    pub node: String,
    /// The container's name.
    pub container: String,
    /// The node's token.
    pub token: String,
}

fn random_name() -> String {
    let id = TempDir::new().map(|directory| directory.path().display().to_string()).unwrap_or_default();
    id.rsplit(".tmp").next().unwrap_or_default().to_lowercase()
}

/// The command with another name for the agent's container, so that several live on one engine.
#[must_use]
pub fn renamed(command: &str, container: &str) -> String {
    command.replace("--name spunto-agent ", &format!("--name {container} "))
}

impl World {
    /// A fresh server, reachable from containers, with its first owner signed in.
    ///
    /// # Errors
    /// Docker or the server does not answer.
    pub fn new() -> anyhow::Result<Self> {
        Self::listening_on(&format!("{}:0", bridge_gateway()?))
    }

    /// The same without Docker.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn local() -> anyhow::Result<Self> {
        Self::listening_on("127.0.0.1:0")
    }

    /// Without Docker, with its data there, started with more flags.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn on(data: &std::path::Path, flags: &[String]) -> anyhow::Result<Self> {
        Self::at("127.0.0.1:0", data, flags)
    }

    /// The same, reachable from containers and machines.
    ///
    /// # Errors
    /// Docker or the server does not answer.
    pub fn reachable(data: &std::path::Path, flags: &[String]) -> anyhow::Result<Self> {
        Self::at(&format!("{}:0", bridge_gateway()?), data, flags)
    }

    fn at(address: &str, data: &std::path::Path, flags: &[String]) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut start = Start::new(data, &[address]);
        start.log = directory.path().join("server.log");
        start.flags.extend_from_slice(flags);
        Self::started(directory, start)
    }

    fn listening_on(address: &str) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let start = Start::new(&directory.path().join("data"), &[address]);
        Self::started(directory, start)
    }

    fn started(directory: TempDir, mut start: Start) -> anyhow::Result<Self> {
        start.flags.push(format!("--agent-image={AGENT_IMAGE}"));
        let server = start.run()?;
        // The port stays when the server is started again: its agents know no other.
        start.listen = server.addresses.iter().map(|address| address.trim_start_matches("http://").to_owned()).collect();
        let token = server.setup_token.clone().context("a fresh server prints a setup link")?;
        let api = server.api().set_up(&token, EMAIL, PASSWORD)?;
        let (org, project) = api.home()?;
        Ok(Self { start, server, api, org, project, nodes: Vec::new(), directory })
    }

    /// A path below the organisation.
    #[must_use]
    pub fn of_org(&self, rest: &str) -> String {
        format!("/api/orgs/{}{rest}", self.org)
    }

    /// A path below the project.
    #[must_use]
    pub fn of_project(&self, rest: &str) -> String {
        format!("/api/orgs/{}/projects/{}{rest}", self.org, self.project)
    }

    /// Creates a node; the reply.
    ///
    /// # Errors
    /// The server says no.
    pub fn create_node(&self, name: &str) -> anyhow::Result<Value> {
        self.api.post(&self.of_org("/nodes"), &json!({ "name": name }))?.ok()
    }

    /// Creates a node and runs the command that the reply shows, under another container name; waits until it is online.
    ///
    /// # Errors
    /// Any of it fails.
    pub fn add_node(&mut self, name: &str) -> anyhow::Result<Agent> {
        let reply = self.create_node(name)?;
        let container = format!("spunto-agent-test-{}", random_name());
        self.run_agent(&reply, &container)
    }

    /// Runs the command of a creation's reply under a container name, and waits until the node is online.
    ///
    /// # Errors
    /// Any of it fails.
    pub fn run_agent(&mut self, reply: &Value, container: &str) -> anyhow::Result<Agent> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("the reply lacks something");
        let agent = Agent { node: text(&reply["node"]["id"])?, container: container.to_owned(), token: text(&reply["token"])? };
        self.nodes.push(agent.clone());
        paste(&renamed(reply["command"].as_str().context("the reply has no command")?, container))?;
        self.wait_node(&agent.node, "online")?;
        Ok(agent)
    }

    /// Another container to be removed at the end.
    pub fn adopt(&mut self, agent: Agent) {
        self.nodes.push(agent);
    }

    /// A node as the API shows it.
    ///
    /// # Errors
    /// The server says no.
    pub fn node(&self, node: &str) -> anyhow::Result<Value> {
        self.api.get(&self.of_org(&format!("/nodes/{node}")))?.ok()
    }

    /// Waits until a node is in a state.
    ///
    /// # Errors
    /// It is not in time.
    pub fn wait_node(&self, node: &str, state: &str) -> anyhow::Result<Value> {
        wait_for(&format!("{node} to be {state}"), SOON, || {
            let seen = self.node(node)?;
            Ok((seen["status"]["state"] == state).then_some(seen))
        })
    }

    /// Does something to a node.
    ///
    /// # Errors
    /// No answer.
    pub fn operate(&self, node: &str, what: &str, body: &Value) -> anyhow::Result<Answer> {
        self.api.post(&self.of_org(&format!("/nodes/{node}/{what}")), body)
    }

    /// Asks for a worker that sleeps.
    ///
    /// # Errors
    /// No answer.
    pub fn spawn(&self, more: &Value) -> anyhow::Result<Answer> {
        let mut body = json!({ "image": WORKER_IMAGE, "command": ["sleep", "1000000"] });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more.clone());
        }
        self.api.post(&self.of_project("/workers"), &body)
    }

    /// Asks for a worker and waits until it runs.
    ///
    /// # Errors
    /// It does not.
    pub fn running(&self, more: &Value) -> anyhow::Result<Value> {
        let worker = self.spawn(more)?.ok()?["worker"].clone();
        self.wait_worker(worker["id"].as_str().unwrap_or_default(), "running")
    }

    /// Waits until a worker is in a state.
    ///
    /// # Errors
    /// It is not in time.
    pub fn wait_worker(&self, worker: &str, state: &str) -> anyhow::Result<Value> {
        wait_for(&format!("{worker} to be {state}"), SOON, || {
            let seen = self.api.get(&self.of_project(&format!("/workers/{worker}")))?.ok()?;
            Ok((seen["status"]["state"] == state).then_some(seen))
        })
    }

    /// Kinds of a node's events, oldest first.
    ///
    /// # Errors
    /// The server says no.
    pub fn timeline(&self, node: &str) -> anyhow::Result<Vec<String>> {
        let page = self.api.get(&self.of_org(&format!("/nodes/{node}/events?limit=1000")))?.ok()?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        Ok(items.iter().filter_map(|item| item["kind"].as_str().map(str::to_owned)).collect())
    }

    /// `kill -9` of the server, and a new one on the same data and address.
    ///
    /// # Errors
    /// It does not come back.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.server.kill()?;
        self.server = self.start.run()?;
        Ok(())
    }
}

/// The name of a worker's container.
#[must_use]
pub fn container_of(worker: &Value) -> String {
    format!("spunto-{}", worker["id"].as_str().unwrap_or_default()).replace('_', "-")
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for agent in &self.nodes {
                eprintln!("--- {} says:\n{}", agent.container, log_of(&agent.container, 20));
            }
            eprintln!("--- the server says:\n{}", std::fs::read_to_string(&self.start.log).unwrap_or_default());
        }
        for agent in &self.nodes {
            let _ = docker(&["rm", "-f", &agent.container]);
        }
        for agent in &self.nodes {
            let _ = remove_all_of(&agent.node);
        }
    }
}
