//! What `deploy/` gives an operator, used as it stands: the image by the compose file, the unit, the samples of settings.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use spunto_tests::api::{Api, wait_for};
use spunto_tests::compose::{Place, Service};
use spunto_tests::engine::{bridge_gateway, docker, paste, remove_all_of};
use spunto_tests::paths::{repository, server_binary};
use spunto_tests::world::{AGENT_IMAGE, SOON, renamed};

/// The user of the server's image.
const IMAGE_USER: u32 = 65532;

/// The image under test: `make test` builds it, and SPUNTO_SERVER_IMAGE names another.
fn image() -> String {
    std::env::var("SPUNTO_SERVER_IMAGE").unwrap_or_else(|_| "spunto:test".to_owned())
}

/// A server in its container; all of it is gone when the test ends.
struct Deployed {
    directory: tempfile::TempDir,
    name: String,
    host: String,
    url: String,
    pem: String,
    nodes: Vec<String>,
}

impl Drop for Deployed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = Command::new("docker").args(["logs", "--tail", "30", &self.name]).output().unwrap();
            eprintln!("--- the server says:\n{}", String::from_utf8_lossy(&[log.stdout, log.stderr].concat()));
        }
        // What was never made can't be removed.
        let _ = docker(&["rm", "-f", &self.name, &self.agent()]);
        let _ = docker(&["volume", "rm", "-f", &self.name]);
        for node in &self.nodes {
            let _ = remove_all_of(node);
        }
    }
}

/// A port of an address that nobody has now.
fn free_port(host: &str) -> u16 {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().port()
}

impl Deployed {
    /// Copies `deploy/`, fills in address and certificate as its README says, and runs what the compose file says.
    fn up() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = bridge_gateway().unwrap();
        let url = format!("https://{host}:{}", free_port(&host));
        let name = format!("spunto-deploy-{}", url.rsplit(':').next().unwrap());
        for file in ["compose.yaml", "spunto.env"] {
            fs::copy(repository().join("deploy").join(file), directory.path().join(file)).unwrap();
        }
        let env = directory.path().join("spunto.env");
        let settings = fs::read_to_string(&env).unwrap().replace("https://spunto.example", &url);
        assert!(settings.contains(&url));
        fs::write(&env, format!("{settings}\nSPUNTO_AGENT_IMAGE={AGENT_IMAGE}\n")).unwrap();
        let pem = certificate(&directory.path().join("tls"), &host);
        let deployed = Self { directory, name, host, url, pem, nodes: Vec::new() };
        deployed.start();
        deployed
    }

    fn agent(&self) -> String {
        format!("{}-agent", self.name)
    }

    fn start(&self) {
        let publish = self.url.trim_start_matches("https://");
        let image = image();
        let place = Place { image: &image, name: &self.name, volume: &self.name, publish, directory: self.directory.path() };
        let service = Service::read(&self.directory.path().join("compose.yaml")).unwrap();
        let words = service.run(&place).unwrap();
        docker(&words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    }

    fn wait_healthy(&self) {
        wait_for("the container to be healthy", SOON, || {
            Ok((docker(&["inspect", "-f", "{{.State.Health.Status}}", &self.name])? == "healthy").then_some(()))
        })
        .unwrap();
    }

    /// A client that knows the certificate of now, once the server serves it.
    fn api(&self) -> Api {
        let api = Api::trusting(&self.url, &self.pem).unwrap();
        wait_for("the server with its certificate", SOON, || Ok(api.get("/healthz").ok())).unwrap();
        api
    }

    fn doctor(&self) -> Value {
        serde_json::from_str(&docker(&["exec", &self.name, "/spunto", "doctor", "--json"]).unwrap()).unwrap()
    }

    /// Opens the setup link, makes a node, and runs the command that is shown, with the authority's certificate given along.
    fn join(&mut self) -> (Api, String) {
        let link = docker(&["exec", &self.name, "/spunto", "admin", "setup-link"]).unwrap();
        let (page, token) = link.lines().next().unwrap().split_once('#').unwrap();
        assert_eq!(page, format!("{}/setup", self.url));
        assert!(docker(&["logs", &self.name]).unwrap().contains(token), "the log shows the link too");
        let api = self.api().set_up(token, "ada@example.com", "correct horse").unwrap();
        let (org, _) = api.home().unwrap();
        let reply = api.post(&format!("/api/orgs/{org}/nodes"), &json!({ "name": "n1" })).unwrap().ok().unwrap();
        let node = format!("/api/orgs/{org}/nodes/{}", reply["node"]["id"].as_str().unwrap());
        self.nodes.push(reply["node"]["id"].as_str().unwrap().to_owned());
        let cert = self.directory.path().join("tls/cert.pem");
        let trust = format!("docker run -v {}:/ca.pem:ro -e SSL_CERT_FILE=/ca.pem ", cert.display());
        let command = renamed(reply["command"].as_str().unwrap(), &self.agent()).replacen("docker run ", &trust, 1);
        paste(&command).unwrap();
        wait_online(&api, &node);
        (api, node)
    }
}

fn wait_online(api: &Api, node: &str) {
    wait_for("the node to be online", SOON, || Ok((api.get(node)?.ok()?["status"]["state"] == "online").then_some(()))).unwrap();
}

/// A certificate for an address and its key, readable to the image's user as the README says; it, in PEM.
fn certificate(directory: &Path, host: &str) -> String {
    let signed = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    fs::create_dir_all(directory).unwrap();
    let key = directory.join("key.pem");
    fs::write(directory.join("cert.pem"), signed.cert.pem()).unwrap();
    fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&key, Some(IMAGE_USER), Some(IMAGE_USER)).unwrap();
    signed.cert.pem()
}

#[test]
fn the_compose_file_gives_a_server_that_a_node_joins_and_whose_doctor_is_content() {
    let mut deployed = Deployed::up();
    deployed.wait_healthy();
    let (api, node) = deployed.join();
    let report = deployed.doctor();
    assert_eq!((&report["wrong"], &report["look"]), (&json!(0), &json!(0)), "{report:#}");
    let said = |check: &str| {
        let all = report["findings"].as_array().unwrap();
        all.iter().find(|finding| finding["check"] == check).unwrap()["found"].as_str().unwrap().to_owned()
    };
    assert!(said("certificate").contains(&format!("for {}", deployed.host)), "{report:#}");
    assert!(said("event log").contains("process 1"), "{report:#}");

    let inspect = |what: &str| docker(&["inspect", "-f", what, &deployed.name]).unwrap();
    assert_eq!(inspect("{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}"), "65532:65532 true [ALL]");
    let status = fs::read_to_string(format!("/proc/{}/status", inspect("{{.State.Pid}}"))).unwrap();
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Uid:\t65532\t65532"] {
        assert!(status.contains(line), "{line}: {status}");
    }

    let beside = Command::new("docker").args(["exec", &deployed.name, "spunto-replay", "failures"]).output().unwrap();
    let said = String::from_utf8_lossy(&beside.stderr).into_owned();
    assert!(beside.status.code() == Some(4) && said.contains("a server runs on /data/log: ask it with --url"), "{said}");

    // A renewal: put in place, signalled, served, and the agent's session is not cut.
    let sessions = |api: &Api| api.get(&format!("{node}/events?limit=100")).unwrap().ok().unwrap()["items"].as_array().unwrap().len();
    let before = sessions(&api);
    deployed.pem = certificate(&deployed.directory.path().join("tls"), &deployed.host);
    docker(&["kill", "-s", "HUP", &deployed.name]).unwrap();
    let renewed = deployed.api().sign_in("ada@example.com", "correct horse").unwrap();
    assert_eq!(sessions(&renewed), before, "no session ended or began");

    // Stopped in time and whole; another container on the same volume goes on.
    docker(&["stop", &deployed.name]).unwrap();
    assert_eq!(docker(&["inspect", "-f", "{{.State.ExitCode}}", &deployed.name]).unwrap(), "0");
    let volume = format!("{}:/data", deployed.name);
    let env = format!("--env-file={}", deployed.directory.path().join("spunto.env").display());
    let tls = format!("{}:/tls:ro", deployed.directory.path().join("tls").display());
    let told = docker(&["run", "--rm", "-v", &volume, "-v", &tls, &env, &image(), "doctor"]).unwrap();
    assert!(told.contains("✓ event log: verified whole") && told.contains("All is well."), "{told}");
    let alone = ["run", "--rm", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--entrypoint=spunto-replay", "-v", &volume, &image()];
    let told = docker(&[&alone[..], &["story", "n1"]].concat()).unwrap();
    assert!(told.contains("node n1") && told.contains("connected"), "{told}");
    docker(&["rm", &deployed.name]).unwrap();
    deployed.start();
    let back = deployed.api().sign_in("ada@example.com", "correct horse").unwrap();
    assert_eq!(back.get(&node).unwrap().status, 200);
}

#[test]
fn the_compose_file_is_one_that_compose_takes() {
    let file = repository().join("deploy/compose.yaml");
    let present = |words: &[&str]| Command::new(words[0]).args(&words[1..]).arg("version").output().is_ok_and(|told| told.status.success());
    let candidates: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    let Some(compose) = candidates.into_iter().find(|words| present(words)) else {
        eprintln!("neither docker compose nor docker-compose is here: the file is only run by hand, in the test above");
        return;
    };
    let told = Command::new(compose[0]).args(&compose[1..]).arg("-f").arg(&file).args(["config", "-q"]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_line_of_a_compose_file_that_is_not_understood_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("compose.yaml");
    let place = Place { image: "i", name: "n", volume: "v", publish: "127.0.0.1:1", directory: directory.path() };
    let run = |text: &str| {
        fs::write(&file, format!("services:\n  a:\n    image: x\n    {text}\n")).unwrap();
        Service::read(&file).unwrap().run(&place)
    };
    assert_eq!(run("cap_drop: [ALL]").unwrap(), ["run", "-d", "--name", "n", "--cap-drop=ALL", "i"]);
    assert_eq!(run("volumes: [\"data:/data\"]").unwrap()[4], "--volume=v:/data");
    assert!(run("privileged: true").unwrap_err().to_string().contains("privileged"));
}

/// Settings of a unit file, in order.
fn settings(unit: &str) -> Vec<(String, String)> {
    let lines = unit.lines().filter(|line| !line.starts_with(['#', '[']));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_unit_is_sound_and_hardened() {
    let unit = fs::read_to_string(repository().join("deploy/spunto.service")).unwrap();
    let settings = settings(&unit);
    let has = |name: &str, value: &str| settings.iter().any(|(n, v)| n == name && v == value);
    for (name, value) in [
        ("Restart", "always"),
        ("User", "spunto"),
        ("StateDirectory", "spunto"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", "CAP_NET_BIND_SERVICE"),
    ] {
        assert!(has(name, value), "{name}={value}");
    }
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("systemd-analyze is not here: the unit is only read");
        return;
    }
    // The binary is not installed here: another that is there stands in for it.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("spunto.service");
    fs::write(&file, unit.replace("/usr/local/bin/spunto", server_binary().to_str().unwrap())).unwrap();
    let analyze = |words: &[&str]| {
        let told = Command::new("systemd-analyze").args(words).arg(&file).output().unwrap();
        (told.status.success(), String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned())
    };
    let (sound, told) = analyze(&["verify"]);
    assert!(sound && told.trim().is_empty(), "{told}");
    // Of 100 for no hardening at all.
    let (hardened, told) = analyze(&["security", "--offline=true", "--threshold=20"]);
    assert!(hardened, "{told}");
}

#[test]
fn the_samples_of_settings_are_understood() {
    let doctor = |command: &mut Command| {
        let told = command.args(["doctor", "--json"]).output().unwrap();
        serde_json::from_slice::<Value>(&told.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)))
    };
    let report = doctor(Command::new(server_binary()).env("SPUNTO_CONFIG", repository().join("deploy/spunto.toml")));
    let address = |report: &Value| {
        let all = report["findings"].as_array().unwrap();
        all.iter().find(|finding| finding["check"] == "address").unwrap()["found"].clone()
    };
    assert_eq!(address(&report), "https://spunto.example, TLS ends here");
    // Lines that are off must be right when they are turned on.
    for (file, mark) in [("spunto.env", "#SPUNTO_"), ("spunto.toml", "#")] {
        let text = fs::read_to_string(repository().join("deploy").join(file)).unwrap();
        let on: String = text
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| line.starts_with(mark) && !rest.starts_with(' ')).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(on != text, "{file} has lines to turn on");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.toml");
        let mut command = Command::new(server_binary());
        if file == "spunto.toml" {
            fs::write(&path, on).unwrap();
            command.env("SPUNTO_CONFIG", &path);
        } else {
            command.envs(on.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')));
        }
        assert_eq!(address(&doctor(&mut command)), "https://spunto.example, TLS ends here", "{file}");
    }
}

#[test]
fn every_command_and_file_that_the_pages_name_is_there() {
    let pages = ["deploy/README.md", "SECURITY.md", "README.md"].map(|page| (page, fs::read_to_string(repository().join(page)).unwrap()));
    let (mut commands, mut links) = (0, 0);
    for (page, text) in &pages {
        let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "`;,()".contains(c)).collect();
        for (at, word) in words.iter().enumerate().filter(|(_, word)| word.ends_with("spunto")) {
            let command: &[&str] = match words.get(at + 1) {
                Some(&"admin") => &words[at + 1..at + 3],
                Some(&("serve" | "doctor" | "health")) => &words[at + 1..at + 2],
                _ => continue,
            };
            let told = Command::new(server_binary()).args(command).arg("--help").output().unwrap();
            assert!(told.status.success(), "{page}: {word} {command:?}");
            commands += 1;
        }
        let folder = repository().join(page);
        for (link, _) in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).filter(|(link, _)| !link.starts_with("http")) {
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { folder.clone() } else { folder.with_file_name("").join(file) };
            let target = fs::read(&file).unwrap_or_else(|_| panic!("{page}: {link}"));
            let target = String::from_utf8_lossy(&target);
            let mut headings = target
                .lines()
                .filter(|line| line.starts_with('#'))
                .map(|line| line.trim_matches(['#', ' ']).to_lowercase().replace(' ', "-").replace(',', ""));
            assert!(part.is_empty() || headings.any(|heading| heading == part), "{page}: {link}");
            links += 1;
        }
    }
    assert!(commands >= 10 && links >= 10, "the search finds them: {commands}, {links}");
}
