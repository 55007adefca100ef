//! A control plane with an account at either cloud, for what must hold at both.

use std::any::Any;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use spunto_replay::source::Source;
use spunto_replay::verify::verify;
use spunto_tests::cloud::google::{self, Google};
use spunto_tests::cloud::{Happening, Hook, Plan};

use super::*;

/// Which cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Hetzner,
    Google,
}

/// Both.
pub(super) const BOTH: [Which; 2] = [Which::Hetzner, Which::Google];

/// How long a call may take here: the clouds are on this machine.
const CALL_MS: u64 = 1_500;
/// How long a call that was given up may still act here: longer than any answer of these tests is late.
const SETTLE_MS: u64 = 1_000;
/// `SIGABRT`: how a process ends at a failpoint.
const ABORTED: i32 = 6;

/// What the cloud holds: machines, disks that are left without one, and how many machines were ever made.
pub(super) type Counts = (usize, usize, usize);

/// See the module.
pub(super) struct Site {
    pub(super) world: World,
    pub(super) which: Which,
    pub(super) plan: Arc<Plan>,
    pub(super) gate: Arc<Gate>,
    cloud: Arc<dyn At>,
    wish: Value,
    nodes: usize,
    _running: Box<dyn Any + Send>,
    _data: tempfile::TempDir,
}

/// Machines that have booted do nothing while it is closed.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(super) fn close(&self) {
        *self.closed.lock() = true;
    }

    pub(super) fn open(&self) {
        *self.closed.lock() = false;
        self.opened.notify_all();
    }

    /// Who acts machines out, behind this gate.
    fn before(self: &Arc<Self>, hook: Hook) -> Hook {
        let (gate, hook) = (Arc::clone(self), Arc::new(hook));
        Box::new(move |happening| {
            if matches!(happening, Happening::Gone { .. }) {
                return hook(happening);
            }
            let (gate, hook) = (Arc::clone(&gate), Arc::clone(&hook));
            std::thread::spawn(move || {
                gate.opened.wait_while(&mut gate.closed.lock(), |closed| *closed);
                hook(happening);
            });
        })
    }
}

/// What is the same of both clouds.
pub(super) trait At: Send + Sync {
    fn counts(&self) -> Counts;
    /// The next creation is accepted, and then fails.
    fn fail_later(&self);
}

impl At for Hetzner {
    fn counts(&self) -> Counts {
        (self.machines(), 0, self.ever_made())
    }
    fn fail_later(&self) {
        Hetzner::fail_later(self, "resource_unavailable", "error during placement");
    }
}

impl At for Google {
    fn counts(&self) -> Counts {
        (self.machines(), self.disks().saturating_sub(self.machines()), self.ever_made())
    }
    fn fail_later(&self) {
        Google::fail_later(self, google::refusal::exhausted());
    }
}

impl Site {
    pub(super) fn new(which: Which) -> Self {
        let machines = Machines::default();
        let data = tempfile::tempdir().unwrap();
        let gate = Arc::new(Gate::default());
        let (hook, open) = (gate.before(machines.hook()), |bases: &[String]| {
            let limits = [format!("--cloud-call-ms={CALL_MS}"), format!("--cloud-settle-ms={SETTLE_MS}")];
            World::on(&data.path().join("data"), &[bases, &limits].concat()).unwrap()
        });
        let (world, plan, cloud, running): (_, _, Arc<dyn At>, Box<dyn Any + Send>) = match which {
            Which::Hetzner => {
                let running = Running::start(Hetzner::with_hook(hook)).unwrap();
                let world = open(&[format!("--cloud-base=hetzner={}/v1", running.url)]);
                (world, Arc::clone(&running.plan), running.cloud.clone(), Box::new(running))
            }
            Which::Google => {
                let running = Running::start(Google::with_hook(hook)).unwrap();
                let token = format!("--cloud-base=google-token={}", running.url);
                let world = open(&[format!("--cloud-base=google={}/compute/v1", running.url), token]);
                (world, Arc::clone(&running.plan), running.cloud.clone(), Box::new(running))
            }
        };
        machines.know(&world.api.url, world.directory.path().join("machines"));
        let mut site = Self { world, which, plan, gate, cloud, wish: Value::Null, nodes: 0, _running: running, _data: data };
        site.add_credential();
        site
    }

    fn add_credential(&mut self) {
        let debian = "projects/debian-cloud/global/images/family/debian-12";
        let (provider, secret, location, machine_type, image) = match self.which {
            Which::Hetzner => ("hetzner", TOKEN.to_owned(), "fsn1", "cx23", "debian-12"),
            Which::Google => ("google", google::account(), "us-central1-a", "e2-medium", debian),
        };
        let body = json!({ "name": "main", "provider": provider, "secret": secret });
        let added = self.world.api.post(&self.world.of_org("/credentials"), &body).unwrap().ok().unwrap();
        let credential = &added["credential"]["id"];
        self.wish = json!({ "credential": credential, "location": location, "machine_type": machine_type, "image": image });
    }

    pub(super) fn counts(&self) -> Counts {
        self.cloud.counts()
    }

    pub(super) fn cloud(&self) -> &dyn At {
        &*self.cloud
    }

    fn of_leftovers(&self, rest: &str) -> String {
        self.world.of_org(&format!("/credentials/{}/leftovers{rest}", text(&self.wish["credential"])))
    }

    /// What is ours at the cloud and nobody's.
    pub(super) fn leftovers(&self) -> Vec<Value> {
        self.world.api.get(&self.of_leftovers("")).unwrap().ok().unwrap()["items"].as_array().unwrap().clone()
    }

    pub(super) fn remove_leftover(&self, left: &Value) {
        self.world.api.post(&self.of_leftovers("/remove"), &json!({ "reference": left["reference"] })).unwrap().ok().unwrap();
    }

    pub(super) fn of_node(&self, node: &str) -> String {
        self.world.of_org(&format!("/nodes/{node}"))
    }

    /// A node's creation, under a name that is not used yet.
    pub(super) fn wish(&mut self) -> Value {
        self.nodes += 1;
        json!({ "name": format!("n{}", self.nodes), "cloud": self.wish })
    }

    /// Asks for a node, always with one key; the node. Whoever gets no answer asks again.
    pub(super) fn ask(&self, wish: &Value) -> anyhow::Result<String> {
        let key = text(&wish["name"]);
        let path = self.world.of_org("/nodes");
        let answer = self.world.api.send("POST", &path, Some(&wish.to_string()), &[("Idempotency-Key", &key)])?;
        Ok(text(&answer.ok()?["node"]["id"]))
    }

    pub(super) fn create(&mut self) -> String {
        let wish = self.wish();
        self.ask(&wish).unwrap()
    }

    /// Whether the node of this wish has its machine, and its agent is waited for.
    pub(super) fn awaits_handshake(&self, wish: &Value) -> bool {
        let node = self.ask(wish).and_then(|node| self.world.node(&node));
        node.is_ok_and(|node| shown(&node) == "✓✓▸·")
    }

    /// Asks for a deletion again, if nobody has `told` that it goes.
    pub(super) fn delete_again(&self, node: &str, told: bool) {
        if !told {
            let again = self.world.api.delete(&self.of_node(node)).unwrap();
            assert!(again.status < 300 || again.status == 404 || again.code() == "node_deleting", "{again:?}");
        }
    }

    pub(super) fn delete(&self, node: &str) {
        self.world.api.delete(&self.of_node(node)).unwrap().ok().unwrap();
    }

    pub(super) fn is(&self, node: &str, state: &str) -> bool {
        self.world.node(node).is_ok_and(|seen| seen["status"]["state"] == state)
    }

    pub(super) fn is_gone(&self, node: &str) -> bool {
        self.world.api.get(&self.of_node(node)).is_ok_and(|answer| answer.status == 404)
    }

    pub(super) fn wait_online(&self, node: &str) {
        self.wait(&format!("{node} online"), || {
            let seen = self.world.node(node)?;
            anyhow::ensure!(seen["status"]["state"] == "online", "{} {}", seen["status"], seen["provision"]);
            Ok(Some(()))
        });
    }

    pub(super) fn wait_gone(&self, node: &str) {
        self.wait(&format!("{node} gone"), || {
            anyhow::ensure!(self.is_gone(node), "{:?}", self.world.node(node)?["provision"]);
            Ok(Some(()))
        });
    }

    pub(super) fn wait<T>(&self, what: &str, so: impl FnMut() -> anyhow::Result<Option<T>>) -> T {
        wait_for(&format!("{:?}: {what}", self.which), 2 * SOON, so).unwrap()
    }

    /// `kill -9`, and a new server, with what was planned to go wrong forgotten.
    pub(super) fn kill(&mut self) {
        self.world.server.kill().unwrap();
        self.plan.clear();
        self.world.server = self.world.start.run().unwrap();
    }

    /// A new server that ends itself at this failpoint.
    pub(super) fn arm(&mut self, failpoint: &str) {
        self.world.server.kill().unwrap();
        self.world.start.env = vec![("SPUNTO_FAILPOINT".to_owned(), failpoint.to_owned())];
        self.world.server = self.world.start.run().unwrap();
        self.world.start.env.clear();
    }

    /// Waits until the server has ended itself, and starts a new one that does not.
    pub(super) fn wait_dead(&mut self, failpoint: &str) {
        let status = self.world.server.ended(SOON).unwrap_or_else(|error| panic!("{failpoint} was not met: {error}"));
        assert_eq!(status.signal(), Some(ABORTED), "{failpoint}");
        self.world.server = self.world.start.run().unwrap();
    }

    /// The end: the server stops, and its log is what was written and holds together.
    pub(super) fn verify(mut self) {
        self.world.server.stop().unwrap();
        let verdict = verify(Source::directory(&self.world.start.data), true).unwrap();
        assert!(verdict.sound && verdict.events > 0, "{verdict:?}");
    }
}

/// One test for each of these, at the same time: most of it is waiting.
pub(super) fn each_at_once<T: Copy + Send + Sync + std::fmt::Debug>(all: &[T], test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let running: Vec<_> = all.iter().map(|each| (each, scope.spawn(|| test(*each)))).collect();
        let failed: Vec<String> = running.into_iter().filter_map(|(each, run)| run.join().is_err().then(|| format!("{each:?}"))).collect();
        assert!(failed.is_empty(), "failed for {failed:?}; what each says is above");
    });
}
