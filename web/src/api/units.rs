//! What workers and services share in requests: what to run, and an environment that goes to the vault.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::secrets::Put;
use spunto_core::event::{RestartPolicy, UnitSpec};
use spunto_core::id::{NodeId, OrgId, UnitId};
use spunto_core::secret::Secret;

use crate::app::App;
use crate::problem::Problem;

/// Most bytes of an environment, names and values together: with JSON's escapes it stays below a frame's limit.
const ENV_BYTES_MAX: usize = 32 * 1024;

/// A text that is a secret.
#[derive(Clone)]
pub struct Value(Secret<String>);

impl JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretText".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "writeOnly": true, "description": "Kept in the vault; never shown again." })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// When Docker starts a container again: Docker's own words, or ours.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Restart {
    No,
    Always,
    #[serde(alias = "unless_stopped")]
    UnlessStopped,
    #[serde(alias = "on_failure")]
    OnFailure {
        #[serde(alias = "max_retries")]
        max: u32,
    },
}

/// What to run.
#[derive(Deserialize, JsonSchema)]
pub struct Wanted {
    image: String,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, Value>,
    cpu_millis: Option<u32>,
    memory_bytes: Option<u64>,
    restart: Option<Restart>,
}

impl Wanted {
    /// What the log may know, and what only the vault may.
    ///
    /// # Errors
    /// The environment is too large.
    pub fn split(self) -> Result<(UnitSpec, BTreeMap<String, Secret<String>>), Problem> {
        let env: BTreeMap<String, Secret<String>> = self.env.into_iter().map(|(name, value)| (name, value.0)).collect();
        let bytes: usize = env.iter().map(|(name, value)| name.len() + value.expose().len()).sum();
        let broken = env.values().any(|value| value.expose().contains('\0'));
        if bytes > ENV_BYTES_MAX || broken {
            let detail = "an environment is at most 32 KiB, names and values together, without NUL characters";
            return Err(Problem::new(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, "out_of_range", detail));
        }
        let restart = match self.restart {
            None | Some(Restart::No) => RestartPolicy::No,
            Some(Restart::Always) => RestartPolicy::Always,
            Some(Restart::UnlessStopped) => RestartPolicy::UnlessStopped,
            Some(Restart::OnFailure { max }) => RestartPolicy::OnFailure { max_retries: max },
        };
        let env_names = env.keys().cloned().collect();
        let Self { image, command, cpu_millis, memory_bytes, .. } = self;
        Ok((UnitSpec { image, command, env_names, cpu_millis, memory_bytes, restart }, env))
    }
}

/// Keeps an environment before the event that names it; nothing to keep where it is empty.
pub(super) async fn keep(app: &App, unit: UnitId, env: &BTreeMap<String, Secret<String>>) -> Result<Option<Put>, Problem> {
    if env.is_empty() { Ok(None) } else { Ok(Some(app.secrets.put_unit_env(unit, env).await?)) }
}

/// Names each node's reason where no node could take it: ids alone say little to a person.
pub(super) fn name_reasons(app: &App, org: OrgId, problem: Problem) -> Problem {
    if problem.code() != "no_node_available" {
        return problem;
    }
    let view = app.view();
    let Some(known) = view.state.orgs.get(&org) else { return problem };
    let reasons = problem.nodes().iter().map(|(node, why)| {
        let name = known.fleet.node(*node).map(|known| known.name.clone());
        serde_json::json!({ "node": node, "name": name, "reason": why, "detail": why.words() })
    });
    let nodes = serde_json::Value::Array(reasons.collect());
    let words = named_words(&view, org, problem.nodes());
    problem.with("nodes", nodes).saying(words)
}

fn named_words(view: &spunto_actors::directory::View, org: OrgId, nodes: &[(NodeId, spunto_core::place::Ineligible)]) -> Option<String> {
    /// Nodes named in the sentence; the list in `nodes` has more.
    const NAMED_MAX: usize = 5;
    let known = view.state.orgs.get(&org)?;
    let told: Vec<String> = nodes
        .iter()
        .take(NAMED_MAX)
        .filter_map(|(node, why)| Some(format!("{}: {}", known.fleet.node(*node)?.name, why.words())))
        .collect();
    let more = nodes.len().saturating_sub(NAMED_MAX);
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    (!told.is_empty()).then(|| format!("no node can take it. {}{rest}", told.join("; ")))
}
