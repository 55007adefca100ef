//! Two organisations with everything in them, and everybody who might ask.

use serde_json::{Value, json};
use spunto_core::protocol::FromAgent;
use spunto_tests::api::{Api, wait_for};
use spunto_tests::cloud::Running;
use spunto_tests::cloud::hetzner::{Hetzner, TOKEN};
use spunto_tests::scripted::Scripted;
use spunto_tests::world::{SOON, World};

const SCOPES: &[&str] = &[
    "*",
    "nodes:read",
    "nodes:write",
    "workers:read",
    "workers:write",
    "workers:exec",
    "projects:read",
    "projects:write",
    "events:read",
    "keys:write",
];
const PASSWORD: &str = "correct horse battery";

/// Somebody who asks.
pub(super) struct Somebody {
    pub(super) name: String,
    pub(super) api: Api,
    /// Their role in the organisation that is asked about; `nobody` for none.
    pub(super) role: &'static str,
    /// A key's scopes; none for a person.
    pub(super) scopes: Option<Vec<&'static str>>,
    /// Whether they are known at all.
    pub(super) known: bool,
}

/// The ids in an organisation that paths are filled with.
#[derive(Clone)]
pub(super) struct Ids(pub(super) Vec<(&'static str, String)>);

impl Ids {
    pub(super) fn fill(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }

    /// Ids of the right shape that name nothing.
    pub(super) fn absent() -> Self {
        let of = |name, prefix: &str| (name, format!("{prefix}_{}", "a".repeat(13)));
        Self(vec![
            of("org", "org"),
            of("user", "usr"),
            of("project", "prj"),
            of("key", "key"),
            of("node", "nod"),
            of("worker", "wkr"),
            of("deployment", "dep"),
            of("service", "svc"),
            of("credential", "crd"),
            of("location", "loc"),
        ])
    }

    /// These ids, but in that organisation.
    pub(super) fn below(&self, org: &str) -> Self {
        Self(self.0.iter().map(|(name, id)| (*name, if *name == "org" { org.to_owned() } else { id.clone() })).collect())
    }

    pub(super) fn org(&self) -> &str {
        &self.0[0].1
    }
}

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) everybody: Vec<Somebody>,
    pub(super) ids: Ids,
    pub(super) foreign: Ids,
    /// Where both have a credential.
    _cloud: Running<Hetzner>,
    _data: tempfile::TempDir,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn person(world: &World, by: &Api, org: &str, email: &str, role: &str) -> (Api, String) {
    let body = json!({ "email": email, "role": role });
    let invited = by.post(&format!("/api/orgs/{org}/members"), &body).unwrap().ok().unwrap();
    let link = text(&invited["invitation"]["link"]);
    let token = link.split_once('#').unwrap().1;
    let body = json!({ "token": token, "name": role, "password": PASSWORD });
    let accepted = world.server.api().post("/api/invitations/accept", &body).unwrap();
    let cookie = accepted.cookie.clone().unwrap();
    accepted.ok().unwrap();
    (world.server.api().with_cookie(cookie), text(&invited["user"]))
}

fn key(world: &World, by: &Api, org: &str, scopes: &[&str], owner: &str) -> (Api, String) {
    let body = json!({ "name": format!("{owner}-{}", scopes.join("-").replace([':', '*'], "x")), "scopes": scopes, "owner": owner });
    let created = by.post(&format!("/api/orgs/{org}/keys"), &body).unwrap().ok().unwrap();
    (world.server.api().with_key(text(&created["secret"])), text(&created["key"]["id"]))
}

fn wait_node(by: &Api, org: &str, node: &str, state: &str) {
    wait_for("the node", SOON, || Ok((by.get(&format!("/api/orgs/{org}/nodes/{node}"))?.ok()?["status"]["state"] == state).then_some(())))
        .unwrap();
}

/// Fills an organisation by way of an agent.
fn furnish(world: &World, by: &Api, org: &str, user: &str) -> (Ids, Scripted) {
    let post = |path: &str, body: Value| by.post(&format!("/api/orgs/{org}{path}"), &body).unwrap().ok().unwrap();
    let project = text(&post("/projects", json!({ "name": "things" }))["project"]["id"]);
    let node = post("/nodes", json!({ "name": "n1" }));
    let agent = Scripted::session(&world.api.url, &text(&node["token"]), 7).unwrap();
    let node = text(&node["node"]["id"]);
    wait_node(by, org, &node, "online");
    let worker = text(&post(&format!("/projects/{project}/workers"), json!({ "image": "debian" }))["worker"]["id"]);
    let body = json!({ "name": "shop", "services": [{ "name": "db", "image": "debian" }] });
    let deployment = post(&format!("/projects/{project}/deployments"), body)["deployment"].clone();
    let (_, key) = key(world, by, org, &["nodes:read"], "org");
    let credential = post("/credentials", json!({ "name": "main", "provider": "hetzner", "secret": TOKEN }));
    let credential = text(&credential["credential"]["id"]);
    let ids = vec![
        ("org", org.to_owned()),
        ("user", user.to_owned()),
        ("project", project),
        ("key", key),
        ("node", node),
        ("worker", worker),
        ("deployment", text(&deployment["id"])),
        ("service", text(&deployment["services"][0]["id"])),
        ("credential", credential),
        ("location", "fsn1".to_owned()),
    ];
    (Ids(ids), agent)
}

impl Scene {
    pub(super) fn new() -> Self {
        let cloud = Running::start(Hetzner::default()).unwrap();
        let data = tempfile::tempdir().unwrap();
        let world = World::on(&data.path().join("data"), &[format!("--cloud-base=hetzner={}/v1", cloud.url)]).unwrap();
        let (owner, org) = (world.api.clone(), world.org.clone());
        let other = text(&owner.post("/api/orgs", &json!({ "name": "Other" })).unwrap().ok().unwrap()["org"]["id"]);
        let (admin, _) = person(&world, &owner, &org, "admin@example.com", "admin");
        let (member, member_id) = person(&world, &owner, &org, "member@example.com", "member");
        let (stranger, stranger_id) = person(&world, &owner, &other, "stranger@example.com", "owner");
        let (ids, first) = furnish(&world, &owner, &org, &member_id);
        let (foreign, second) = furnish(&world, &stranger, &other, &stranger_id);
        let nobody = world.server.api();
        let of = |name: &str, api: Api, role, scopes: Option<&[&'static str]>, known| Somebody {
            name: name.to_owned(),
            api,
            role,
            scopes: scopes.map(<[&str]>::to_vec),
            known,
        };
        let mut everybody = vec![
            of("nobody", nobody.clone(), "nobody", None, false),
            of("a made-up key", nobody.with_key(format!("spk_{}", "a".repeat(78))), "nobody", Some(&["*"]), false),
            of("a made-up cookie", nobody.with_cookie("spunto_session=x".into()), "nobody", None, false),
            of("owner", owner.clone(), "owner", None, true),
            of("admin", admin, "admin", None, true),
            of("member", member.clone(), "member", None, true),
            of("a stranger", stranger.clone(), "nobody", None, true),
            of("a stranger's key", key(&world, &stranger, &other, &["*"], "user").0, "nobody", Some(&["*"]), true),
            of("another organisation's key", key(&world, &stranger, &other, &["*"], "org").0, "nobody", Some(&["*"]), true),
        ];
        for scope in SCOPES {
            let scopes: &[&'static str] = std::slice::from_ref(scope);
            let name = |who: &str| format!("{who}'s key with {scope}");
            everybody.push(of(&name("the organisation"), key(&world, &owner, &org, scopes, "org").0, "admin", Some(scopes), true));
            everybody.push(of(&name("the owner"), key(&world, &owner, &org, scopes, "user").0, "owner", Some(scopes), true));
        }
        let (revoked, id) = key(&world, &owner, &org, &["*", "nodes:write"], "org");
        owner.delete(&format!("/api/orgs/{org}/keys/{id}")).unwrap().ok().unwrap();
        everybody.push(of("a revoked key", revoked, "nobody", Some(&["*"]), false));
        // Agents that answer no orders are better away: asking for output then says so at once.
        for (mut agent, api, ids) in [(first, &owner, &ids), (second, &stranger, &foreign)] {
            agent.send(&FromAgent::Goodbye { reason: "furnished".into() }).unwrap();
            drop(agent);
            wait_node(api, ids.org(), &ids.0[4].1, "offline");
        }
        Self { world, everybody, ids, foreign, _cloud: cloud, _data: data }
    }
}
