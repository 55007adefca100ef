//! What a new machine does when it starts: one script for every provider, and the wrapping that a provider takes.
//!
//! The provider keeps this text, and every process on the machine can read it there. So the only secret in it is the enrolment
//! token, which is short-lived and dead once an agent has used it.

use spunto_core::secret::Secret;

/// Longest text, well below what any provider takes (16 KiB at the strictest).
pub const USER_DATA_BYTES_MAX: usize = 12 * 1024;
/// Where the script tells its stages, below the control plane's address: `POST` of `{"stage": "installing_docker" | "pulling_agent" |
/// "starting_agent"}` or `{"stage": "failed", "message": "…"}`, with the enrolment token as bearer.
pub const PROGRESS_PATH: &str = "/api/agent/progress";
/// The agent's environment variable for the enrolment token.
pub const ENROLMENT_VARIABLE: &str = "ENROLMENT_TOKEN";
/// Longest value that is put into the script.
const VALUE_BYTES_MAX: usize = 512;

const SCRIPT: &str = include_str!("user_data/start.sh");

/// What the script needs to know.
#[derive(Clone, Debug)]
pub struct Boot {
    /// Where the control plane is, e.g. `https://spunto.example`.
    pub api_url: String,
    /// The agent's image.
    pub agent_image: String,
    /// What the agent trades for its node token.
    pub enrolment_token: Secret<String>,
}

/// A value can't be put into the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootError {
    /// It is empty, too long, or has characters that it never has.
    #[error("{0} can't be put into a machine's start script: it is empty, longer than {VALUE_BYTES_MAX} bytes or has unusual characters")]
    Value(&'static str),
    /// It is no web address.
    #[error("the control plane's address must start with https:// or http://")]
    Address,
}

/// The script itself, for providers that run one at every boot.
///
/// # Errors
/// A value that could mean something else to a shell.
pub fn startup_script(boot: &Boot) -> Result<Secret<String>, BootError> {
    let token = boot.enrolment_token.expose();
    // Characters that neither a shell nor YAML gives a meaning to where they stand.
    let plain = |text: &str, more: &str| {
        let inside = text.chars().all(|char| char.is_ascii_alphanumeric() || more.contains(char));
        !text.is_empty() && text.len() <= VALUE_BYTES_MAX && inside
    };
    let values = [
        ("the control plane's address", boot.api_url.as_str(), "-._:/[]~"),
        ("the agent's image", boot.agent_image.as_str(), "-._:/@"),
        ("the enrolment token", token.as_str(), "-._"),
    ];
    if let Some((name, ..)) = values.iter().find(|(_, value, more)| !plain(value, more)) {
        return Err(BootError::Value(name));
    }
    if !boot.api_url.starts_with("https://") && !boot.api_url.starts_with("http://") {
        return Err(BootError::Address);
    }
    let script = SCRIPT
        .replace("@API_URL@", boot.api_url.trim_end_matches('/'))
        .replace("@AGENT_IMAGE@", &boot.agent_image)
        .replace("@PROGRESS_PATH@", PROGRESS_PATH)
        .replace("@ENROLMENT_VARIABLE@", ENROLMENT_VARIABLE)
        .replace("@ENROLMENT_TOKEN@", token);
    debug_assert!(script.len() <= USER_DATA_BYTES_MAX);
    Ok(Secret::new(script))
}

/// The script wrapped for cloud-init: one file, which cloud-init runs at every boot. Nobody gets in by a password over SSH.
///
/// # Errors
/// As [`startup_script`].
pub fn cloud_config(boot: &Boot) -> Result<Secret<String>, BootError> {
    let script = startup_script(boot)?;
    let mut config = String::from(
        "#cloud-config\nssh_pwauth: false\nwrite_files:\n  - path: /var/lib/cloud/scripts/per-boot/spunto-node\n    owner: root:root\n    permissions: '0700'\n    content: |\n",
    );
    for line in script.expose().lines() {
        if !line.is_empty() {
            config.push_str("      ");
            config.push_str(line);
        }
        config.push('\n');
    }
    Ok(Secret::new(config))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what is missing fails the test")]
    use super::*;

    fn boot() -> Boot {
        Boot {
            api_url: "https://spunto.example/".to_owned(),
            agent_image: "registry.example:5000/spunto/agent:1.0@sha256".to_owned(),
            enrolment_token: Secret::new(format!("spe_{}", "x".repeat(VALUE_BYTES_MAX - 4))),
        }
    }

    #[test]
    fn the_text_is_whole_and_fits_even_with_the_longest_values() {
        for text in [startup_script(&boot()).unwrap(), cloud_config(&boot()).unwrap()] {
            let text = text.expose();
            assert!(text.len() < USER_DATA_BYTES_MAX - 2 * VALUE_BYTES_MAX, "{} bytes", text.len());
            assert!(
                !text.contains('@')
                    || text.lines().filter(|line| line.contains('@')).all(|line| !line.contains("@ENROL")
                        && !line.contains("@API")
                        && !line.contains("@AGENT")
                        && !line.contains("@PROGRESS"))
            );
            assert!(text.contains("api_url='https://spunto.example'"));
        }
    }

    #[test]
    fn the_token_stands_only_in_files_that_are_written() {
        let text = startup_script(&boot()).unwrap();
        let token = boot().enrolment_token.into_exposed();
        let with: Vec<&str> = text.expose().lines().filter(|line| line.contains(&token)).collect();
        assert_eq!(with, [format!("Authorization: Bearer {token}"), format!("{ENROLMENT_VARIABLE}={token}")]);
        assert!(!format!("{:?} {text:?}", boot()).contains(&token));
    }

    #[test]
    fn what_a_shell_could_read_otherwise_is_refused() {
        for evil in ["", "https://a'; reboot; '", "https://$(id)", "https://a\nb", "https://a b", "https://`id`", "https://a\\"] {
            assert!(startup_script(&Boot { api_url: evil.to_owned(), ..boot() }).is_err(), "{evil}");
            assert!(cloud_config(&Boot { agent_image: evil.replace("https:", "x$"), ..boot() }).is_err(), "{evil}");
            assert!(startup_script(&Boot { enrolment_token: Secret::new(evil.replace("https:", "x$")), ..boot() }).is_err(), "{evil}");
        }
        assert_eq!(startup_script(&Boot { api_url: "ftp://a".to_owned(), ..boot() }).err(), Some(BootError::Address));
    }
}
