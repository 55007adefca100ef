//! Fakes that run, and accounts at them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use spunto_actors::clock::SystemClock;
use spunto_actors::cloud::conformance::{Change, Rig, Trouble};
use spunto_actors::cloud::http::Limits;
use spunto_actors::cloud::{Installation, Provider, Settings};
use spunto_core::secret::Secret;
use spunto_tests::cloud::google::{self, Google};
use spunto_tests::cloud::hetzner::{self, Hetzner};
use spunto_tests::cloud::{Answer, Plan, Running};

/// Our installation.
pub(crate) const OURS: u64 = 1;
/// Somebody else's.
pub(crate) const THEIRS: u64 = 2;

/// What is the same of both fakes, for tests that hold for every provider.
pub(crate) trait Place: Rig {
    /// The provider's name in the table.
    fn name(&self) -> &'static str;
    fn plan(&self) -> &Plan;
    /// A part of the path of a creation, a list, and a look at operations.
    fn paths(&self) -> Paths;
    fn settings(&self, installation: u64) -> Settings;
    fn credential(&self) -> String;

    fn account(&self, settings: &Settings, credential: &str) -> Arc<dyn Provider> {
        let kind = spunto_actors::cloud::kind(self.name()).unwrap();
        (kind.open)(settings, Secret::new(credential.to_owned())).unwrap()
    }

    /// Our account, with a call's deadline and the longest answer.
    fn limited(&self, call_deadline: Duration, answer_bytes_max: usize) -> Arc<dyn Provider> {
        let settings = self.settings(OURS).with_limits(Limits { answer_bytes_max, call_deadline }).unwrap();
        self.account(&settings, &self.credential())
    }
}

/// Parts of paths, to plan what goes wrong where.
pub(crate) struct Paths {
    pub(crate) create: &'static str,
    pub(crate) list: &'static str,
    pub(crate) operations: &'static str,
}

pub(crate) struct AtHetzner(pub(crate) Running<Hetzner>);
pub(crate) struct AtGoogle(pub(crate) Running<Google>);

impl AtHetzner {
    pub(crate) fn new() -> Self {
        Self(Running::start(Hetzner::default()).unwrap())
    }
}

impl AtGoogle {
    pub(crate) const ZONE: &str = "us-central1-a";

    pub(crate) fn new() -> Self {
        Self(Running::start(Google::default()).unwrap())
    }
}

fn settings(installation: u64) -> Settings {
    Settings::new(Installation::of_log(installation), Arc::new(SystemClock)).unwrap()
}

fn plan_trouble(plan: &Plan, method: &str, path: &str, trouble: Trouble) {
    match trouble {
        Trouble::BeforeActing => plan.instead(method, path, Answer::Close),
        Trouble::AfterActing => plan.after(method, path, Answer::Close),
    }
}

impl Place for AtHetzner {
    fn name(&self) -> &'static str {
        "hetzner"
    }
    fn plan(&self) -> &Plan {
        &self.0.plan
    }
    fn paths(&self) -> Paths {
        Paths { create: "/servers", list: "/servers", operations: "/actions" }
    }
    fn settings(&self, installation: u64) -> Settings {
        settings(installation).with_base("hetzner", &format!("{}/v1", self.0.url))
    }
    fn credential(&self) -> String {
        hetzner::TOKEN.to_owned()
    }
}

impl Place for AtGoogle {
    fn name(&self) -> &'static str {
        "google"
    }
    fn plan(&self) -> &Plan {
        &self.0.plan
    }
    fn paths(&self) -> Paths {
        Paths { create: "/instances", list: "/aggregated/instances", operations: "/operations" }
    }
    fn settings(&self, installation: u64) -> Settings {
        settings(installation).with_base("google", &format!("{}/compute/v1", self.0.url)).with_base("google-token", &self.0.url)
    }
    fn credential(&self) -> String {
        google::account()
    }
}

impl Rig for AtHetzner {
    fn ours(&self) -> Arc<dyn Provider> {
        self.account(&self.settings(OURS), hetzner::TOKEN)
    }
    fn theirs(&self) -> Arc<dyn Provider> {
        self.account(&self.settings(THEIRS), hetzner::TOKEN)
    }
    fn denied(&self) -> Arc<dyn Provider> {
        self.account(&self.settings(OURS), "nonsense")
    }
    fn choice(&self) -> (String, String, String) {
        ("fsn1".to_owned(), "cx23".to_owned(), "debian-12".to_owned())
    }
    fn machines(&self) -> usize {
        self.0.cloud.machines()
    }
    fn ever_made(&self) -> usize {
        self.0.cloud.ever_made()
    }
    fn plant(&self, name: &str) {
        self.0.cloud.plant(name);
    }
    fn trouble(&self, change: Change, trouble: Trouble) {
        let method = if change == Change::Create { "POST" } else { "DELETE" };
        plan_trouble(&self.0.plan, method, "/servers", trouble);
    }
    fn fail_later(&self) {
        self.0.cloud.fail_later("resource_unavailable", "error during placement");
    }
    fn hold(&self) {
        self.0.cloud.pace(|pace| pace.held = true);
    }
    fn release(&self) {
        self.0.cloud.pace(|pace| pace.held = false);
    }
}

impl Rig for AtGoogle {
    fn ours(&self) -> Arc<dyn Provider> {
        self.account(&self.settings(OURS), &google::account())
    }
    fn theirs(&self) -> Arc<dyn Provider> {
        self.account(&self.settings(THEIRS), &google::account())
    }
    fn denied(&self) -> Arc<dyn Provider> {
        self.account(&self.settings(OURS), &google::key_of_a_stranger())
    }
    fn choice(&self) -> (String, String, String) {
        let image = "projects/debian-cloud/global/images/family/debian-12";
        (Self::ZONE.to_owned(), "e2-medium".to_owned(), image.to_owned())
    }
    fn machines(&self) -> usize {
        self.0.cloud.machines()
    }
    fn ever_made(&self) -> usize {
        self.0.cloud.ever_made()
    }
    fn plant(&self, name: &str) {
        self.0.cloud.plant(Self::ZONE, name);
    }
    fn trouble(&self, change: Change, trouble: Trouble) {
        let method = if change == Change::Create { "POST" } else { "DELETE" };
        plan_trouble(&self.0.plan, method, "/instances", trouble);
    }
    fn fail_later(&self) {
        self.0.cloud.fail_later(google::refusal::exhausted());
    }
    fn hold(&self) {
        self.0.cloud.pace(|pace| pace.held = true);
    }
    fn release(&self) {
        self.0.cloud.pace(|pace| pace.held = false);
    }
}

/// An answer with this JSON.
pub(crate) fn json_answer(status: u16, body: &serde_json::Value) -> Answer {
    Answer::This(spunto_tests::cloud::Response::json(status, body))
}

/// A list of Hetzner's without an end.
pub(crate) fn endless() -> Answer {
    json_answer(200, &json!({ "servers": [], "items": {}, "nextPageToken": "more", "meta": { "pagination": { "next_page": 1 } } }))
}
