//! On machines that run for real: what real agents and machines print holds no credential and no token, nor does what the server
//! keeps and tells of them. A control that was written down on purpose is found in each of these places.

use spunto_core::name::TEXT_BYTES_MAX;
use spunto_events::log::sled::StoppedLog;
use spunto_tests::cloud::google::{self, Google};
use spunto_tests::traces::Traces;
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
            "--log=trace".to_owned(),
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

/// Every form of the control that is text, each as the reason of a maintenance.
fn plant(ground: &Ground, node: &str) -> Vec<String> {
    let control = Traces::default().with_text(CONTROL);
    let forms = control.forms().iter().filter_map(|form| String::from_utf8(form.clone()).ok());
    let texts: Vec<String> = forms.filter(|text| text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control)).collect();
    for reason in &texts {
        ground.world.operate(node, "maintenance", &json!({ "reason": reason })).unwrap().ok().unwrap();
        ground.world.api.delete(&ground.world.of_org(&format!("/nodes/{node}/maintenance"))).unwrap().ok().unwrap();
    }
    texts
}

/// What a machine and its agent print, and the two tokens that are on it.
fn printed(ground: &Ground, node: &str, machine: &str) -> (String, [String; 2]) {
    let enrolment = ground.on(machine, "sed -n 's/^ENROLMENT_TOKEN=//p' /var/lib/spunto/agent.env");
    let kept = ground.on(machine, "cat \"$(docker volume inspect --format '{{.Mountpoint}}' spunto-agent)/node-token\"");
    assert!(enrolment.starts_with("spe_") && kept.starts_with("spn_"), "they are where they belong");
    let agent = ground.on(machine, "docker logs spunto-agent 2>&1");
    assert!(agent.contains(node), "the agent says which node it is: {agent}");
    let console = ground.vms.console(machine).unwrap();
    assert!(console.contains("spunto: starting_agent"), "{console}");
    (agent + &console, [enrolment, kept])
}

#[test]
fn what_real_machines_print_and_what_is_kept_of_them_holds_no_secret() {
    if let Err(why) = vm::available() {
        println!("SKIPPED: {why}");
        return;
    }
    let mut ground = Ground::new();
    let image = "projects/debian-cloud/global/images/family/debian-12";
    let nodes = [
        ground.node("hetzner", TOKEN, ["fsn1", "cx23", "debian-12"]),
        ground.node("google", &google::account(), ["us-central1-a", "e2-medium", image]),
    ];
    let key: Value = serde_json::from_str(&google::account()).unwrap();
    let mut secrets = Traces::default().with_text(TOKEN).with_pem(&text(&key["private_key"]));
    let mut places = Vec::new();
    for (node, machine) in &nodes {
        let (text, tokens) = printed(&ground, node, machine);
        secrets = tokens.iter().fold(secrets, |secrets, token| secrets.with_token(token));
        places.push((format!("what {machine} prints"), text.into_bytes()));
    }
    let planted = plant(&ground, &nodes[0].0);
    assert!(planted.len() >= 7, "{planted:?}");
    let told = ground.told();
    ground.world.server.kill().unwrap();
    let (frames, log) = (ground.frames(), std::fs::read(&ground.world.start.log).unwrap());
    assert!(String::from_utf8_lossy(&log).contains(&nodes[0].0), "the server's log has something to be searched");

    // The control is found in every form that was written down; in the API's answers as JSON has it.
    let in_frames = |form: &&String| !frames.windows(form.len()).any(|window| window == form.as_bytes());
    assert_eq!(planted.iter().filter(in_frames).collect::<Vec<_>>(), Vec::<&String>::new());
    let in_answers = |form: &&String| !told.contains(json!(form).to_string().trim_matches('"'));
    assert_eq!(planted.iter().filter(in_answers).collect::<Vec<_>>(), Vec::<&String>::new());
    let control = Traces::default().with_text(CONTROL);
    assert!(control.are_in(told.as_bytes()) && control.are_in(&frames) && !control.below(&ground.world.start.data).is_empty());
    // No secret is.
    places.extend([("the API's answers".to_owned(), told.into_bytes()), ("the log's frames".to_owned(), frames)]);
    places.push(("the server's log".to_owned(), log));
    let found: Vec<&String> = places.iter().filter(|(_, hay)| secrets.are_in(hay)).map(|(place, _)| place).collect();
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(secrets.below(&ground.world.start.data), Vec::<String>::new());
}
