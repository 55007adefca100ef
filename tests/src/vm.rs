//! Machines of a fake cloud, run for real: each has a root, a network, processes and a Docker Engine of its own, and does what its
//! user-data says, as cloud-init or Google's agent would have it done. What it takes of the system is in `vm/power.sh`.
//!
//! Needs root and namespaces; [`available`] says whether they are to be had.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use parking_lot::Mutex;

use crate::cloud::{Happening, Hook};
use crate::engine::docker;
use crate::paths::repository;

mod boot;

/// How long a machine may take to do what it is told by its switches.
const WITHIN: Duration = Duration::from_secs(60);
/// How many lines of a machine's last words are told.
const LAST_LINES: usize = 20;
/// The path inside a machine, as a system sets it.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether machines can be run here; the reason where they can't.
///
/// # Errors
/// In words for whoever reads why a test was skipped.
pub fn available() -> Result<(), String> {
    let tried = Command::new("unshare").args(["--mount", "--net", "--pid", "--fork", "ip", "link", "add", "type", "veth"]).output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("no namespaces to be had here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("no namespaces to be had here: unshare: {error}")),
    }
}

/// One machine, from its order to its deletion; dropping it is the latter.
#[derive(Debug)]
struct Vm {
    directory: PathBuf,
    power: Child,
    switches: Option<ChildStdin>,
    told: Receiver<String>,
    /// Its first process as seen from here, and where its root is for it.
    seat: Option<(String, String)>,
}

impl Vm {
    fn switch_on(directory: PathBuf, user_data: &str, images: &Path, plugged: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(&directory)?;
        fs::hard_link(images, directory.join("images.tar"))?;
        boot::write_scripts(&directory.join("per-boot"), user_data)?;
        let mut power = Command::new(repository().join("tests/src/vm/power.sh"))
            .arg(&directory)
            .env("SPUNTO_VM_PLUGGED", if plugged { "yes" } else { "no" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(directory.join("power.log"))?)
            .spawn()
            .context("power.sh")?;
        let lines = BufReader::new(power.stdout.take().context("its output is piped")?).lines();
        let (sender, told) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let switches = power.stdin.take();
        Ok(Self { directory, power, switches, told, seat: None })
    }

    /// Waits until it tells something that begins so.
    fn hear(&mut self, what: &str) -> anyhow::Result<()> {
        loop {
            let line = self.told.recv_timeout(WITHIN).with_context(|| format!("no \"{what}\": {}", self.last_words()))?;
            if let Some((process, root)) = line.strip_prefix("up ").and_then(|rest| rest.split_once(' ')) {
                self.seat = Some((process.to_owned(), root.to_owned()));
            }
            if line.starts_with(what) {
                return Ok(());
            }
        }
    }

    fn order(&mut self, order: &str, answer: &str) -> anyhow::Result<()> {
        if self.seat.is_none() {
            self.hear("up ")?;
        }
        writeln!(self.switches.as_mut().context("it has switches until it goes")?, "{order}")?;
        self.hear(answer)
    }

    /// Runs a command in it, as over SSH; what it printed.
    fn run(&mut self, words: &[String]) -> anyhow::Result<String> {
        if self.seat.is_none() {
            self.hear("up ")?;
        }
        let (process, root) = self.seat.as_ref().context("it is up")?;
        let enter = ["--target", process, "--mount", "--pid", "--net", "chroot", root, "/usr/bin/env", "-i", PATH, "HOME=/root"];
        let output = Command::new("nsenter").args(enter).args(words).output()?;
        if !output.status.success() {
            bail!("{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn last_words(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.directory.join(name)).unwrap_or_default();
        let all = format!("{}{}", read("power.log"), read("console.log"));
        let lines: Vec<&str> = all.lines().filter(|line| !line.contains("level=info")).collect();
        // A panic tells what it is first, and where it was then.
        let panic = lines.iter().position(|line| line.starts_with("panic:")).unwrap_or(lines.len());
        lines[panic.min(lines.len().saturating_sub(LAST_LINES))..].iter().take(LAST_LINES).copied().collect::<Vec<_>>().join(" | ")
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        drop(self.switches.take());
        // Nothing is left to be done where it ended in another way.
        let _ = self.power.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[derive(Debug)]
struct Site {
    directory: tempfile::TempDir,
    images: PathBuf,
    plugged: AtomicBool,
    machines: Mutex<BTreeMap<String, Arc<Mutex<Vm>>>>,
    started: AtomicUsize,
    ending: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

/// The machines of one cloud. Clones share them.
#[derive(Clone, Debug)]
pub struct Vms(Arc<Site>);

impl Vms {
    /// Machines whose image brings along these images of this machine's Docker Engine: there is no registry to fetch them from.
    ///
    /// # Errors
    /// The engine does not have them.
    pub fn with_images(images: &[&str]) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("spunto-vms-").tempdir()?;
        let path = directory.path().join("images.tar");
        let words = [&["save", "--output", path.to_str().context("a path of ASCII")?], images].concat();
        docker(&words)?;
        Ok(Self(Arc::new(Site {
            directory,
            images: path,
            plugged: AtomicBool::new(true),
            machines: Mutex::default(),
            started: AtomicUsize::new(0),
            ending: AtomicUsize::new(0),
            failures: Mutex::default(),
        })))
    }

    /// Who runs them, for the cloud.
    #[must_use]
    pub fn hook(&self) -> Hook {
        let site = Arc::clone(&self.0);
        Box::new(move |happening| match happening {
            Happening::Booted { name, user_data, .. } => {
                let number = site.started.fetch_add(1, Ordering::Relaxed);
                let directory = site.directory.path().join(number.to_string());
                match Vm::switch_on(directory, &user_data, &site.images, site.plugged.load(Ordering::Relaxed)) {
                    Ok(vm) => drop(site.machines.lock().insert(name, Arc::new(Mutex::new(vm)))),
                    Err(error) => site.failures.lock().push(format!("{name}: {error:#}")),
                }
            }
            Happening::Gone { name } => {
                let Some(vm) = site.machines.lock().remove(&name) else { return };
                site.ending.fetch_add(1, Ordering::Relaxed);
                let site = Arc::clone(&site);
                // It takes a moment, and the cloud answers others meanwhile.
                std::thread::spawn(move || {
                    drop(vm);
                    site.ending.fetch_sub(1, Ordering::Relaxed);
                });
            }
        })
    }

    /// Whether machines that boot from here on reach anything outside.
    pub fn plug_new(&self, plugged: bool) {
        self.0.plugged.store(plugged, Ordering::Relaxed);
    }

    /// How many there are, those included that are just ending.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.machines.lock().len() + self.0.ending.load(Ordering::Relaxed)
    }

    /// Machines that did not even start, and why.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.0.failures.lock().clone()
    }

    fn with<T>(&self, name: &str, act: impl FnOnce(&mut Vm) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let vm = self.0.machines.lock().get(name).map(Arc::clone).with_context(|| format!("there is no machine {name}"))?;
        let mut vm = vm.lock();
        act(&mut vm)
    }

    /// Runs a command in a machine, as over SSH; what it printed.
    ///
    /// # Errors
    /// There is no such machine, or the command failed: what it said.
    pub fn run(&self, name: &str, words: &[String]) -> anyhow::Result<String> {
        self.with(name, |vm| vm.run(words))
    }

    /// Does once more what the machine does at every boot.
    ///
    /// # Errors
    /// As [`Vms::run`].
    pub fn run_script_again(&self, name: &str) -> anyhow::Result<String> {
        self.run(
            name,
            &["sh".to_owned(), "-c".to_owned(), "for each in /var/lib/cloud/scripts/per-boot/*; do \"$each\" || exit; done".to_owned()],
        )
    }

    /// Takes a machine's power away and gives it back; its disk stays.
    ///
    /// # Errors
    /// There is no such machine, or it does not start again.
    pub fn reboot(&self, name: &str) -> anyhow::Result<()> {
        self.with(name, |vm| vm.order("reboot", "up "))
    }

    /// Plugs a machine's network cable in, or out.
    ///
    /// # Errors
    /// There is no such machine, or it has ended.
    pub fn plug(&self, name: &str, plugged: bool) -> anyhow::Result<()> {
        let (order, answer) = if plugged { ("plug", "plugged") } else { ("unplug", "unplugged") };
        self.with(name, |vm| vm.order(order, answer))
    }

    /// The last that each machine's system, its script and what runs it printed: for whoever asks why one does not do what it should.
    #[must_use]
    pub fn last_words(&self) -> BTreeMap<String, String> {
        let machines: Vec<_> = self.0.machines.lock().iter().map(|(name, vm)| (name.clone(), Arc::clone(vm))).collect();
        machines.into_iter().map(|(name, vm)| (name, vm.lock().last_words())).collect()
    }

    /// What a machine's system and script printed.
    ///
    /// # Errors
    /// There is no such machine.
    pub fn console(&self, name: &str) -> anyhow::Result<String> {
        let vm = self.0.machines.lock().get(name).map(Arc::clone).with_context(|| format!("there is no machine {name}"))?;
        let path = vm.lock().directory.join("console.log");
        Ok(fs::read_to_string(path)?)
    }
}

/// Makes a file that may be executed where `mode` says so.
fn write_file(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}
