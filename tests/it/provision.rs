//! Nodes whose machine a cloud makes: the whole server, its own clients, and a cloud that speaks the vendor's API.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use serde_json::{Value, json};
use spunto_tests::api::{Answer, wait_for};
use spunto_tests::cloud::Running;
use spunto_tests::cloud::hetzner::{Hetzner, TOKEN};
use spunto_tests::machine::Machines;
use spunto_tests::world::{SOON, World};

mod credentials;
mod enrolment;
mod events;
mod failures;
mod google;
mod kills;
mod machines;
mod points;
mod restored;
mod secrets;
mod site;
mod stepper;
mod told;
mod troubles;

/// A control plane with a credential at a cloud.
struct Place {
    world: World,
    cloud: Running<Hetzner>,
    machines: Machines,
    credential: String,
    data: tempfile::TempDir,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Place {
    fn new() -> Self {
        Self::with_credential(&[])
    }

    /// With more flags.
    fn with_credential(more: &[String]) -> Self {
        let mut place = Self::with(more);
        let body = json!({ "name": "main", "provider": "hetzner", "secret": TOKEN });
        let added = place.world.api.post(&place.world.of_org("/credentials"), &body).unwrap().ok().unwrap();
        place.credential = text(&added["credential"]["id"]);
        place
    }

    fn without_credential() -> Self {
        Self::with(&[])
    }

    /// Without a credential, with more flags.
    fn with(more: &[String]) -> Self {
        let machines = Machines::default();
        let cloud = Running::start(Hetzner::with_hook(machines.hook())).unwrap();
        let data = tempfile::tempdir().unwrap();
        let flags = [more, &[format!("--cloud-base=hetzner={}/v1", cloud.url)]].concat();
        let world = World::on(&data.path().join("data"), &flags).unwrap();
        machines.know(&world.api.url, world.directory.path().join("machines"));
        Self { world, cloud, machines, credential: String::new(), data }
    }

    fn of_credential(&self, rest: &str) -> String {
        self.world.of_org(&format!("/credentials/{}{rest}", self.credential))
    }

    fn wish(&self) -> Value {
        json!({ "credential": self.credential, "location": "fsn1", "machine_type": "cx23", "image": "debian-12" })
    }

    fn try_create(&self, name: &str, cloud: &Value) -> Answer {
        self.world.api.post(&self.world.of_org("/nodes"), &json!({ "name": name, "cloud": cloud })).unwrap()
    }

    fn create(&self, name: &str) -> String {
        text(&self.try_create(name, &self.wish()).ok().unwrap()["node"]["id"])
    }

    fn delete(&self, node: &str) {
        self.world.api.delete(&self.world.of_org(&format!("/nodes/{node}"))).unwrap().ok().unwrap();
    }

    fn retry(&self, node: &str, otherwise: &Value) -> Answer {
        self.world.api.post(&self.world.of_org(&format!("/nodes/{node}/retry")), otherwise).unwrap()
    }

    fn wait_gone(&self, node: &str) {
        wait_for(&format!("{node} to be gone"), 2 * SOON, || {
            let answer = self.world.api.get(&self.world.of_org(&format!("/nodes/{node}")))?;
            Ok((answer.status == 404).then_some(()))
        })
        .unwrap();
    }

    /// Waits until this is so of a node.
    fn wait(&self, node: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, 2 * SOON, || {
            let seen = self.world.node(node)?;
            anyhow::ensure!(so(&seen), "{node}: {} {}", seen["status"], seen["provision"]);
            Ok(Some(seen))
        })
        .unwrap()
    }
}

/// The stepper's lines as one letter each.
fn shown(node: &Value) -> String {
    let letter = |line: &Value| match line["state"].as_str().unwrap() {
        "done" => '✓',
        "current" => '▸',
        "pending" => '·',
        _ => '✗',
    };
    node["provision"]["lines"].as_array().unwrap().iter().map(letter).collect()
}
