//! What a machine does when it starts, as the tools of the trade judge it.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use spunto_actors::cloud::user_data::{Boot, PROGRESS_PATH, cloud_config, startup_script};
use spunto_core::secret::Secret;
use spunto_tests::paths::python;

fn boot() -> Boot {
    Boot {
        api_url: "https://spunto.example".to_owned(),
        agent_image: "registry.example/spunto-agent:1.0".to_owned(),
        enrolment_token: Secret::new("spe_token".to_owned()),
    }
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/make/cloud.sh installs it"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

#[test]
fn shellcheck_has_nothing_to_say_about_the_script() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("start.sh");
    std::fs::write(&script, startup_script(&boot()).unwrap().expose()).unwrap();
    passes(Command::new("shellcheck").args(["--shell=sh", "--enable=all", "--exclude=SC2250,SC2310,SC2312"]).arg(&script));
    passes(Command::new("sh").arg("-n").arg(&script));
}

#[test]
fn cloud_init_takes_the_config_and_gets_the_same_script() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("user-data");
    let config = cloud_config(&boot()).unwrap();
    std::fs::write(&file, config.expose()).unwrap();
    passes(Command::new("cloud-init").arg("schema").arg("--config-file").arg(&file));
    let config: serde_json::Value = serde_yaml_ng::from_str(config.expose()).unwrap();
    assert_eq!(config["write_files"][0]["content"].as_str().unwrap(), startup_script(&boot()).unwrap().expose());
    assert_eq!(config["write_files"][0]["permissions"], "0700");
}

/// Whether this machine can be booted once more in namespaces.
fn is_a_debian_of_ours() -> bool {
    rustix::process::geteuid().is_root() && Path::new("/etc/debian_version").exists() && Path::new("/bin/busybox").exists()
}

#[test]
fn a_debian_becomes_a_node_with_it_and_stays_one_when_it_boots_again() {
    if !is_a_debian_of_ours() {
        println!("not tried: it needs a Debian or Ubuntu, root, and busybox-static");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let boot = Boot { api_url: "http://127.0.0.1:8080".to_owned(), ..boot() };
    std::fs::write(directory.path().join("start.sh"), startup_script(&boot).unwrap().expose()).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/cloud");
    std::fs::copy(here.join("progress.py"), directory.path().join("progress.py")).unwrap();
    let python = std::path::absolute(python("python")).unwrap();
    passes(Command::new(here.join("boot.sh")).arg(directory.path()).arg(python));

    let (first, second, third) = (file("first.log"), file("second.log"), file("third.log"));
    println!("{first}");
    for transcript in [&first, &second, &third] {
        assert!(!transcript.contains("spe_token"), "the token is no argument of anything");
    }
    assert!(first.contains("+ persist packages") && !second.contains("+ persist packages"), "what is there is not installed again");
    let rules = |transcript: &str| transcript.split_once("== rules").unwrap().1.matches("tcp dport 80 prohibit").count();
    assert_eq!((rules(&first), rules(&second)), (4, 4), "{second}");
    assert_eq!(
        file("metadata"),
        "host 80: metadata\ncontainer 80: nc: can't connect to remote host (169.254.169.254): No route to host\ncontainer 8081: metadata\n"
    );

    let agent: serde_json::Value = serde_json::from_str(&file("agent.json")).unwrap();
    let (host, config) = (&agent[0]["HostConfig"], &agent[0]["Config"]);
    assert_eq!((&agent[0]["State"]["Running"], &host["RestartPolicy"]["Name"]), (&json!(true), &json!("unless-stopped")));
    let mut binds: Vec<&str> = host["Binds"].as_array().unwrap().iter().filter_map(serde_json::Value::as_str).collect();
    // The engine gives them in any order.
    binds.sort_unstable();
    assert_eq!(binds, ["/var/run/docker.sock:/var/run/docker.sock", "spunto-agent:/state"]);
    let environment = config["Env"].as_array().unwrap();
    assert!(environment.contains(&json!("ENROLMENT_TOKEN=spe_token")) && environment.contains(&json!("API_URL=http://127.0.0.1:8080")));

    let told: Vec<serde_json::Value> = file("told").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told.iter().all(|each| each["path"] == PROGRESS_PATH && each["authorization"] == "Bearer spe_token"));
    let stages: Vec<&str> = told.iter().map(|each| each["body"]["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["installing_docker", "pulling_agent", "starting_agent", "starting_agent", "failed"]);
    let why = told[4]["body"]["message"].as_str().unwrap();
    assert_eq!(why, "the metadata service could not be closed to containers: RTNETLINK: no rules here");
}
