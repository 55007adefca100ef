//! A compose file as `docker run` would have it said: so that what the file says can be run where no compose is installed.
//!
//! Knows only what our file uses, and refuses the rest: a line that is not understood would be a line that is not tested.

use std::path::Path;

use anyhow::{Context, bail};
use serde_yaml_ng::{Mapping, Value};

/// One service of a compose file.
#[derive(Clone, Debug)]
pub struct Service(Mapping);

/// What differs from run to run, where a compose project would fill in its own.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// Stands for the variable image.
    pub image: &'a str,
    /// The container's name.
    pub name: &'a str,
    /// The named volume.
    pub volume: &'a str,
    /// Address and port of the host, in the place of the file's port.
    pub publish: &'a str,
    /// The directory that relative paths start from.
    pub directory: &'a Path,
}

impl Service {
    /// Reads the one service of a file.
    ///
    /// # Errors
    /// It is no compose file with one service.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(path)?)?;
        let services = file.get("services").and_then(Value::as_mapping).context("no services")?;
        let mut all = services.values();
        match (all.next().and_then(Value::as_mapping), all.next()) {
            (Some(service), None) => Ok(Self(service.clone())),
            _ => bail!("one service is expected"),
        }
    }

    /// The words after `docker`.
    ///
    /// # Errors
    /// The file says something that is not known here.
    pub fn run(&self, place: &Place<'_>) -> anyhow::Result<Vec<String>> {
        let mut words = vec!["run".to_owned(), "-d".to_owned(), "--name".to_owned(), place.name.to_owned()];
        for (key, value) in &self.0 {
            let key = key.as_str().context("a key is a text")?;
            let more = match key {
                // The image stands last, and the name is the place's.
                "image" | "container_name" => text(value).map(|_| Vec::new())?,
                "restart" => vec![format!("--restart={}", text(value)?)],
                "env_file" => each(value, |file| Ok(format!("--env-file={}", place.directory.join(file).display())))?,
                "ports" => each(value, |port| {
                    let (_, inside) = port.split_once(':').context("a port is published on one of the host's")?;
                    Ok(format!("--publish={}:{inside}", place.publish))
                })?,
                "volumes" => each(value, |volume| Ok(format!("--volume={}", mount(volume, place)?)))?,
                "healthcheck" => health(value)?,
                "stop_grace_period" => vec![format!("--stop-timeout={}", text(value)?.trim_end_matches('s').parse::<u32>()?)],
                "read_only" => vec![format!("--read-only={}", value.as_bool().context("read_only is true or false")?)],
                "tmpfs" => each(value, |path| Ok(format!("--tmpfs={path}")))?,
                "cap_drop" => each(value, |name| Ok(format!("--cap-drop={name}")))?,
                "security_opt" => each(value, |option| Ok(format!("--security-opt={option}")))?,
                "logging" => logging(value)?,
                other => bail!("{other} is not known here; teach it, so that it is tested"),
            };
            words.extend(more);
        }
        words.push(place.image.to_owned());
        Ok(words)
    }
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("{value:?} should be a text"))
}

fn each(value: &Value, say: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Vec<String>> {
    value.as_sequence().context("a list is expected")?.iter().map(|item| say(text(item)?)).collect()
}

fn mount(volume: &str, place: &Place<'_>) -> anyhow::Result<String> {
    let (from, to) = volume.split_once(':').context("a volume has a place inside")?;
    Ok(match from.strip_prefix("./") {
        Some(relative) => format!("{}:{to}", place.directory.join(relative).display()),
        None => format!("{}:{to}", place.volume),
    })
}

fn health(value: &Value) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    for (key, value) in value.as_mapping().context("a health check has parts")? {
        match key.as_str().unwrap_or_default() {
            // `docker run` takes only a line for a shell, which this image does not have: the image's own check is the same.
            "test" => {
                let parts: Vec<&str> = value.as_sequence().into_iter().flatten().filter_map(Value::as_str).collect();
                if parts != ["CMD", "/spunto", "health"] {
                    bail!("the health check is not the image's own: {parts:?}");
                }
            }
            "retries" => words.push(format!("--health-retries={}", value.as_u64().context("a number")?)),
            "start_period" => words.push(format!("--health-start-period={}", text(value)?)),
            part @ ("interval" | "timeout") => words.push(format!("--health-{part}={}", text(value)?)),
            other => bail!("healthcheck: {other} is not known here"),
        }
    }
    Ok(words)
}

fn logging(value: &Value) -> anyhow::Result<Vec<String>> {
    let mut words = vec![format!("--log-driver={}", text(&value["driver"])?)];
    for (name, option) in value["options"].as_mapping().context("options of the log")? {
        words.push(format!("--log-opt={}={}", text(name)?, text(option)?));
    }
    Ok(words)
}
