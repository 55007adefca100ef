//! No credential and no token stands anywhere in the clear: not in the data directory, not in the log's events, not in what the server,
//! the agents and their machines print, not in what the API tells. A control that was written down is found in each of these.

use spunto_events::log::sled::StoppedLog;
use spunto_tests::cloud::google::{self, Google};
use spunto_tests::secrecy::{Search, forms};
use spunto_tests::vm::{self, Vms};

use super::*;

/// Written down on purpose, as a reason that people give; it has what JSON and URLs write otherwise.
const CONTROL: &str = "control \"7f3a91c2\" of 24 b";
const IMAGES: [&str; 1] = ["spunto-agent:local"];

/// Two clouds whose machines run for real, and a control plane that they reach.
struct Ground {
    vms: Vms,
    _hetzner: Running<Hetzner>,
    _google: Running<Google>,
    world: World,
    _data: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let vms = Vms::with_images(&IMAGES).unwrap();
        let hetzner = Running::start(Hetzner::with_hook(vms.hook())).unwrap();
        let google = Running::start(Google::with_hook(vms.hook())).unwrap();
        let data = tempfile::tempdir().unwrap();
        let flags = [
            format!("--cloud-base=hetzner={}/v1", hetzner.url),
            format!("--cloud-base=google={}/compute/v1", google.url),
            format!("--cloud-base=google-token={}", google.url),
            "--log=debug".to_owned(),
        ];
        let world = World::reachable(&data.path().join("data"), &flags).unwrap();
        Self { vms, _hetzner: hetzner, _google: google, world, _data: data }
    }

    /// A credential, and a node made with it that has come online.
    fn node(&self, provider: &str, secret: &str, wish: [&str; 3]) -> (String, String) {
        let body = json!({ "name": provider, "provider": provider, "secret": secret });
        let added = self.world.api.post(&self.world.of_org("/credentials"), &body).unwrap().ok().unwrap();
        let cloud = json!({ "credential": added["credential"]["id"], "location": wish[0], "machine_type": wish[1], "image": wish[2] });
        let created =
            self.world.api.post(&self.world.of_org("/nodes"), &json!({ "name": provider, "cloud": cloud })).unwrap().ok().unwrap();
        let node = text(&created["node"]["id"]);
        let seen = self.world.wait_node(&node, "online").unwrap();
        (node, text(&seen["provision"]["machine"]["name"]))
    }

    /// What a command line in a machine prints.
    fn on(&self, machine: &str, line: &str) -> String {
        let printed = self.vms.run(machine, &["sh".to_owned(), "-c".to_owned(), line.to_owned()]).unwrap();
        printed.trim().to_owned()
    }

    /// Everything that the API tells of the organisation.
    fn told(&self) -> String {
        let get = |path: &str| self.world.api.get(&self.world.of_org(path)).unwrap();
        ["/events?limit=1000", "/nodes", "/credentials"].map(|path| get(path).text).concat()
    }

    /// The log's frames, read as a tool reads them.
    fn frames(&self) -> Vec<u8> {
        let scratch = tempfile::tempdir().unwrap();
        let log = StoppedLog::open(&self.world.start.data.join("log"), scratch.path()).unwrap();
        let (mut frames, mut from) = (Vec::new(), 1);
        while from <= log.head().seq {
            for group in log.read(from, 1 << 20).unwrap() {
                frames.extend_from_slice(&group.frames);
                from = group.last + 1;
            }
        }
        frames
    }
}

/// A private key's parts: lines of its text, and what the middle one stands for.
fn key_parts(search: &mut Search) {
    let key: Value = serde_json::from_str(&google::account()).unwrap();
    let pem = text(&key["private_key"]);
    let lines: Vec<&str> = pem.lines().filter(|line| line.len() == 64).collect();
    assert!(lines.len() > 10);
    for place in [1, lines.len() / 2, lines.len() - 1] {
        search.text("a line of Google's key", lines[place]);
        search.bytes("a part of Google's key", &data_encoding::BASE64.decode(lines[place].as_bytes()).unwrap());
    }
    search.text("Google's key", &pem);
}

/// Every form of the control that is text, each as the reason of a maintenance.
fn plant(ground: &Ground, node: &str) -> usize {
    let texts: Vec<String> = forms(CONTROL.as_bytes())
        .into_iter()
        .filter_map(|(_, bytes)| String::from_utf8(bytes).ok())
        .filter(|text| text.len() <= 200 && !text.chars().any(char::is_control))
        .collect();
    for reason in &texts {
        ground.world.operate(node, "maintenance", &json!({ "reason": reason })).unwrap().ok().unwrap();
        ground.world.api.delete(&ground.world.of_org(&format!("/nodes/{node}/maintenance"))).unwrap().ok().unwrap();
    }
    texts.len()
}

#[test]
fn no_secret_stands_anywhere_in_the_clear() {
    if let Err(why) = vm::available() {
        println!("SKIPPED, nothing was searched: {why}");
        return;
    }
    let mut ground = Ground::new();
    let image = "projects/debian-cloud/global/images/family/debian-12";
    let nodes = [
        ground.node("hetzner", TOKEN, ["fsn1", "cx23", "debian-12"]),
        ground.node("google", &google::account(), ["us-central1-a", "e2-medium", image]),
    ];
    let (mut secrets, mut control, mut printed) = (Search::default(), Search::default(), Vec::new());
    secrets.text("Hetzner's token", TOKEN);
    key_parts(&mut secrets);
    for (node, machine) in &nodes {
        let enrolment = ground.on(machine, "sed -n 's/^ENROLMENT_TOKEN=//p' /var/lib/spunto/agent.env");
        let kept = ground.on(machine, "cat \"$(docker volume inspect --format '{{.Mountpoint}}' spunto-agent)/node-token\"");
        assert!(enrolment.starts_with("spe_") && kept.starts_with("spn_"), "they are where they belong");
        secrets.token("an enrolment token", &enrolment);
        secrets.token("a node's token", &kept);
        let agent = ground.on(machine, "docker logs spunto-agent 2>&1");
        assert!(agent.contains(node), "the agent says which node it is: {agent}");
        let console = ground.vms.console(machine).unwrap();
        assert!(console.contains("spunto: starting_agent"), "{console}");
        printed.extend([agent, console]);
    }
    let planted = plant(&ground, &nodes[0].0);
    assert!(planted >= 8, "{planted} forms are text");
    control.text("the control", CONTROL);
    let told = ground.told();
    ground.world.server.kill().unwrap();
    let (frames, log) = (ground.frames(), std::fs::read(&ground.world.start.log).unwrap());
    assert!(String::from_utf8_lossy(&log).contains(&nodes[0].0), "the server's log has something to be searched");

    // The control is found, in as many forms as it was written in; two of them are others in the API's JSON, because of the quotes.
    assert!(control.found_in(told.as_bytes()).len() >= planted - 2, "{:?}", control.found_in(told.as_bytes()));
    assert!(control.found_in(&frames).len() >= planted, "{:?}", control.found_in(&frames));
    assert!(control.found_below(&ground.world.start.data).unwrap().len() >= planted);
    // No secret is.
    let mut found = secrets.found_below(&ground.world.start.data).unwrap();
    for (place, hay) in [("what the API tells", told.as_bytes()), ("the log's frames", &frames), ("the server's log", &log)] {
        found.extend(secrets.found_in(hay).into_iter().map(|what| format!("{what} in {place}")));
    }
    found.extend(printed.iter().flat_map(|text| secrets.found_in(text.as_bytes())).map(|what| format!("{what} in what a machine prints")));
    assert!(found.is_empty(), "{found:#?}");
}
