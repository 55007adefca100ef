//! Both fake clouds in a process of their own, for whoever is not written in Rust: journeys in a browser, and people. Their machines
//! are run for real where that can be done.
//!
//! Its first line says where they are. Then it takes orders on standard input, a line of JSON each, and answers each with a line of
//! JSON: `{"ok": …}` or `{"error": "…"}`. It ends with its input, and with it all its machines.

use std::io::{BufRead, Write};

use serde::Deserialize;
use serde_json::{Value, json};
use spunto_tests::cloud::google::{self, Google, refusal as at_google};
use spunto_tests::cloud::hetzner::{self, Hetzner, refusal::Refusal};
use spunto_tests::cloud::{Answer, Hook, Running};
use spunto_tests::vm::{self, Vms};

/// What the machines' image brings along.
const IMAGES: [&str; 2] = ["spunto-agent:local", "spunto-busybox:local"];

/// What can be asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Order {
    /// From here on this goes wrong, besides what already does.
    Trouble {
        /// Where.
        cloud: Cloud,
        /// What.
        what: Trouble,
    },
    /// Nothing goes wrong any more.
    Heal,
    /// Operations go on until they are released; or end at once.
    Hold {
        /// Whether they do.
        held: bool,
    },
    /// How many machines there are, were made, run, and what else is left.
    Count,
    /// Runs a command in a machine.
    Run {
        /// Which.
        machine: String,
        /// The command and its arguments.
        words: Vec<String>,
    },
    /// A machine does again what it does at every boot.
    RunScriptAgain {
        /// Which.
        machine: String,
    },
    /// Takes a machine's power away and gives it back.
    Reboot {
        /// Which.
        machine: String,
    },
    /// Plugs a machine's network cable in.
    Plug {
        /// Which.
        machine: String,
    },
    /// What a machine's system printed.
    Console {
        /// Which.
        machine: String,
    },
    /// The last that each machine printed.
    LastWords,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cloud {
    Hetzner,
    Google,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Trouble {
    /// No machine more; at Google the next operation says so.
    Quota,
    /// None of the smallest type at the first place; at Google the next operation says so.
    NoCapacity,
    /// The credential is not good any more.
    BadCredential,
    /// New machines have no way out.
    Unplugged,
}

struct Fakes {
    hetzner: Running<Hetzner>,
    google: Running<Google>,
    vms: Option<Vms>,
}

impl Fakes {
    fn trouble(&self, cloud: Cloud, what: Trouble) {
        let bad_token = || Answer::This(Refusal::BadToken.response());
        match (cloud, what) {
            (Cloud::Hetzner, Trouble::Quota) => self.hetzner.cloud.limit_servers(0),
            (Cloud::Hetzner, Trouble::NoCapacity) => self.hetzner.cloud.sell_out("cx23", "fsn1"),
            (Cloud::Hetzner, Trouble::BadCredential) => {
                self.hetzner.plan.never("GET", "/", bad_token());
                self.hetzner.plan.never("POST", "/", bad_token());
            }
            (Cloud::Google, Trouble::Quota) => self.google.cloud.fail_later(at_google::quota()),
            (Cloud::Google, Trouble::NoCapacity) => self.google.cloud.fail_later(at_google::exhausted_with_details()),
            (Cloud::Google, Trouble::BadCredential) => self.google.cloud.revoke_tokens(true),
            (_, Trouble::Unplugged) => self.vms.iter().for_each(|vms| vms.plug_new(false)),
        }
    }

    fn heal(&self) {
        self.hetzner.plan.clear();
        self.google.plan.clear();
        self.hetzner.cloud.limit_servers(usize::MAX);
        self.hetzner.cloud.restock();
        self.google.cloud.accept_tokens();
        self.vms.iter().for_each(|vms| vms.plug_new(true));
    }

    fn count(&self) -> Value {
        let (hetzner, google) = (&self.hetzner.cloud, &self.google.cloud);
        json!({
            "hetzner": { "machines": hetzner.machines(), "ever_made": hetzner.ever_made() },
            "google": { "machines": google.machines(), "ever_made": google.ever_made(), "disks": google.disks() },
            "running": self.vms.as_ref().map(Vms::running),
            "failures": self.vms.as_ref().map(Vms::failures),
        })
    }

    fn carry_out(&self, order: Order) -> anyhow::Result<Value> {
        let vms = || self.vms.as_ref().ok_or_else(|| anyhow::anyhow!("machines are not run here"));
        Ok(match order {
            Order::Trouble { cloud, what } => json!(self.trouble(cloud, what)),
            Order::Heal => json!(self.heal()),
            Order::Hold { held } => {
                self.hetzner.cloud.pace(|pace| pace.held = held);
                self.google.cloud.pace(|pace| pace.held = held);
                Value::Null
            }
            Order::Count => self.count(),
            Order::Run { machine, words } => json!(vms()?.run(&machine, &words)?),
            Order::RunScriptAgain { machine } => json!(vms()?.run_script_again(&machine)?),
            Order::Reboot { machine } => json!(vms()?.reboot(&machine)?),
            Order::Plug { machine } => json!(vms()?.plug(&machine, true)?),
            Order::LastWords => json!(self.vms.as_ref().map(Vms::last_words)),
            Order::Console { machine } => json!(vms()?.console(&machine)?),
        })
    }
}

fn main() -> anyhow::Result<()> {
    let unavailable = vm::available().err();
    let vms = if unavailable.is_none() { Some(Vms::with_images(&IMAGES)?) } else { None };
    let hook = || -> Hook { vms.as_ref().map_or_else(|| Box::new(|_| ()) as Hook, Vms::hook) };
    let (hetzner, google) = (Running::start(Hetzner::with_hook(hook()))?, Running::start(Google::with_hook(hook()))?);
    let bases =
        [format!("hetzner={}/v1", hetzner.url), format!("google={}/compute/v1", google.url), format!("google-token={}", google.url)];
    let credentials = json!({ "hetzner": hetzner::TOKEN, "google": google::account() });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "bases": bases, "credentials": credentials, "no_machines_because": unavailable }))?;
    let fakes = Fakes { hetzner, google, vms };
    for line in std::io::stdin().lock().lines() {
        let answer = serde_json::from_str(&line?).map_err(anyhow::Error::from).and_then(|order| fakes.carry_out(order));
        let answer = answer.map_or_else(|error| json!({ "error": format!("{error:#}") }), |ok| json!({ "ok": ok }));
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
