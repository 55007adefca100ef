//! What a machine does with its user-data: the part of cloud-init that Spunto uses, and Google's startup script.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use super::write_file;

/// Where cloud-init looks for what is to be done at every boot.
const PER_BOOT: &str = "/var/lib/cloud/scripts/per-boot/";

/// A cloud-config, strictly: a part that nobody acts on would be a part that is not tried.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloudConfig {
    /// Who may get in by a password; nobody gets in at all here.
    #[serde(rename = "ssh_pwauth")]
    _ssh_pwauth: bool,
    write_files: Vec<WrittenFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    path: String,
    owner: String,
    permissions: String,
    content: String,
}

/// Writes the scripts that run at every boot.
///
/// # Errors
/// It is neither a cloud-config of the known kind nor a script.
pub(super) fn write_scripts(directory: &Path, user_data: &str) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    if user_data.starts_with("#!") {
        return write_file(&directory.join("startup-script"), user_data, 0o700);
    }
    ensure!(user_data.starts_with("#cloud-config\n"), "cloud-init does not take this for a cloud-config");
    let config: CloudConfig = serde_yaml_ng::from_str(user_data).context("the cloud-config")?;
    for file in config.write_files {
        let Some(name) = file.path.strip_prefix(PER_BOOT).filter(|name| !name.contains('/')) else {
            bail!("a file elsewhere: {}", file.path)
        };
        ensure!(file.owner == "root:root", "another owner: {}", file.owner);
        write_file(&directory.join(name), &file.content, u32::from_str_radix(&file.permissions, 8)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what is missing fails the test")]
    use spunto_actors::cloud::user_data::{Boot, cloud_config, startup_script};
    use spunto_core::secret::Secret;

    use super::*;

    #[test]
    fn both_kinds_of_user_data_give_the_same_script() {
        let boot = Boot {
            api_url: "http://172.17.0.1:7780".to_owned(),
            agent_image: "spunto-agent:local".to_owned(),
            enrolment_token: Secret::new("spe_x".to_owned()),
        };
        let written = |user_data: &str, name: &str| {
            let directory = tempfile::tempdir().unwrap();
            write_scripts(directory.path(), user_data).map(|()| fs::read_to_string(directory.path().join(name)).unwrap())
        };
        let script = startup_script(&boot).unwrap().into_exposed();
        assert_eq!(written(&script, "startup-script").unwrap(), script);
        let config = cloud_config(&boot).unwrap().into_exposed();
        assert_eq!(written(&config, "spunto-node").unwrap(), script);
        let unknown = format!("{config}bootcmd: []\n");
        assert!(written(&unknown, "spunto-node").is_err(), "what is not acted on is told");
        assert!(written(&config.replace("#cloud-config", "# cloud-config"), "spunto-node").is_err());
    }
}
