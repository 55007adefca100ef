//! What a machine does when it starts, as the tools of the trade judge it.

use std::process::Command;

use spunto_actors::cloud::user_data::{Boot, cloud_config, startup_script};
use spunto_core::secret::Secret;

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
