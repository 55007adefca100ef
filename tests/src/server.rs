//! A real server process with its data directory: started, killed, started again.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::api::Api;
use crate::paths::server_binary;

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its data.
    pub data: PathBuf,
    /// Where it listens; the first is where the client goes.
    pub listen: Vec<String>,
    /// More flags.
    pub flags: Vec<String>,
    /// More environment.
    pub env: Vec<(String, String)>,
    /// Where its log goes.
    pub log: PathBuf,
    /// The certificate (PEM, for `localhost`) that it is given in the flags, where it speaks TLS.
    pub trusts: Option<String>,
}

/// A server that runs. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// The first owner's token, where there is no owner yet.
    pub setup_token: Option<String>,
}

impl Start {
    /// A server with data in this directory, on these addresses.
    #[must_use]
    pub fn new(data: &Path, listen: &[&str]) -> Self {
        Self {
            data: data.to_owned(),
            listen: listen.iter().map(|address| (*address).to_owned()).collect(),
            flags: Vec::new(),
            env: Vec::new(),
            log: data.with_extension("log"),
            trusts: None,
        }
    }

    /// The command line, to be run in whatever way.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(server_binary());
        command.arg("serve").arg("--data-dir").arg(&self.data);
        for address in &self.listen {
            command.arg("--listen").arg(address);
        }
        command.args(&self.flags).envs(self.env.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// It ended before; with what it said.
    pub fn run(&self) -> anyhow::Result<Server> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut child =
            self.command().stdout(Stdio::piped()).stderr(log).spawn().context("starting spunto; is it built? make test builds it")?;
        let stdout = child.stdout.take().context("the server has no output")?;
        let (mut addresses, mut setup_token) = (Vec::new(), None);
        let mut lines = BufReader::new(stdout).lines();
        while addresses.len() < self.listen.len() {
            let Some(Ok(line)) = lines.next() else {
                let status = child.wait()?;
                bail!("the server ended with {status}: {}", std::fs::read_to_string(&self.log).unwrap_or_default());
            };
            addresses.extend(line.strip_prefix("listening on ").map(str::to_owned));
        }
        let first = addresses.first().map_or("", String::as_str);
        let api = match &self.trusts {
            None => Api::new(first),
            Some(pem) => Api::trusting(&first.replace("127.0.0.1", "localhost"), pem)?,
        };
        let needed = api.get("/api/setup")?.ok()?["needed"] == true;
        if needed {
            let line = lines.next().context("the server printed no setup link")??;
            setup_token = line.split_once('#').map(|(_, token)| token.to_owned());
        }
        // Nothing more comes; a pipe that nobody reads must not stop the server either.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server { child, addresses, setup_token })
    }
}

impl Server {
    /// A client that nobody knows.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(self.addresses.first().map_or("", String::as_str))
    }

    /// The process's id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether its process lives.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// It could not be waited for.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        // Dead already is dead.
        let _ = self.child.kill();
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself, as at a failpoint; its exit status.
    ///
    /// # Errors
    /// It did not end in time.
    pub fn ended(&mut self, within: Duration) -> anyhow::Result<std::process::ExitStatus> {
        crate::api::wait_for("the server's end", within, || Ok(self.child.try_wait()?))
    }

    /// Asks it to stop, and waits until it has; its exit status.
    ///
    /// # Errors
    /// It did not stop in time.
    pub fn stop(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).context("the server's process id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        crate::api::wait_for("the server's graceful stop", Duration::from_secs(20), || Ok(self.child.try_wait()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
