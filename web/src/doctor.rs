//! `spunto doctor`: looks at everything a server stands on, and says in plain words what was found and what to do.
//!
//! Each check is a file: it measures, and a pure function judges what was measured. Nothing is repaired here, and nothing is
//! sent anywhere but to this machine's own server.

use std::fmt;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::config::Doctor;

mod address;
mod certificate;
mod clock;
mod conntrack;
mod directory;
mod file_system;
mod keys;
mod log;
mod open_files;
mod server;
mod setup;
mod space;

/// What a finding means for whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Nothing to do.
    Good,
    /// Works, and should be looked at.
    Look,
    /// Something must be done.
    Wrong,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check; the same word for ever.
    pub check: &'static str,
    /// What it means.
    pub mark: Mark,
    /// What was found.
    pub found: String,
    /// What to do; none where there is nothing to do.
    #[serde(rename = "do")]
    pub advice: Option<String>,
}

impl Finding {
    fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, mark: Mark::Good, found: found.into(), advice: None }
    }

    fn look(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, mark: Mark::Look, found: found.into(), advice: Some(advice.into()) }
    }

    fn wrong(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, mark: Mark::Wrong, found: found.into(), advice: Some(advice.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.mark {
            Mark::Good => '✓',
            Mark::Look => '!',
            Mark::Wrong => '✗',
        };
        write!(f, "{mark} {}: {}", self.check, self.found)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, "\n  → {advice}"))
    }
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report(pub Vec<Finding>);

impl Report {
    fn count(&self, mark: Mark) -> usize {
        self.0.iter().filter(|finding| finding.mark == mark).count()
    }

    /// 0 when nothing must be done, warnings or not; 1 when something must.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(self.count(Mark::Wrong) > 0)
    }

    /// For scripts.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        json!({ "version": env!("CARGO_PKG_VERSION"), "wrong": self.count(Mark::Wrong), "look": self.count(Mark::Look), "findings": self.0 })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.0 {
            writeln!(f, "{finding}")?;
        }
        match (self.count(Mark::Wrong), self.count(Mark::Look)) {
            (0, 0) => write!(f, "All is well."),
            (0, look) => write!(f, "Nothing must be done; {look} to look at."),
            (wrong, look) => write!(f, "{wrong} must be done (✗), {look} to look at (!)."),
        }
    }
}

/// Looks at everything.
#[must_use]
pub fn examine(asked: &Doctor) -> Report {
    let (serve, data) = (&asked.serve, &asked.serve.data);
    let here = directory::Directory::measure(&data.data_dir);
    let seen = log::measure(data, &here);
    let server = match &seen {
        log::Seen::Held { .. } => Some(server::Seen::measure(serve)),
        _ => None,
    };
    let expected = asked.agents.max(seen.nodes());
    let mut all = vec![here.judge()];
    all.extend(file_system::FileSystem::measure(&data.data_dir).map(file_system::FileSystem::judge));
    all.extend(space::Space::measure(&data.data_dir).map(|space| space.judge()));
    all.push(keys::judge(&keys::measure(data)));
    all.push(log::judge(&seen));
    all.extend(server.as_ref().map(server::Seen::judge));
    all.push(setup::judge(&setup::measure(&seen, server.as_ref())));
    all.push(open_files::OpenFiles::measure(&seen).judge(expected));
    all.push(conntrack::judge(conntrack::measure(), expected));
    all.push(clock::judge(&clock::measure(&seen)));
    all.push(address::judge(&address::Address::of(serve)));
    all.extend(certificate::measure(serve, server.as_ref()).map(|seen| certificate::judge(&seen, crate::doctor::clock::now())));
    Report(all)
}

/// Looks at everything and prints it.
///
/// # Errors
/// Nobody reads.
pub fn doctor(asked: &Doctor) -> anyhow::Result<ExitCode> {
    use std::io::Write;
    let report = examine(asked);
    let mut out = std::io::stdout();
    match asked.json {
        true => writeln!(out, "{}", report.json())?,
        false => writeln!(out, "{report}")?,
    }
    Ok(ExitCode::from(report.exit_code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_done_fails() {
        let (good, look, wrong) = (Finding::good("a", "x"), Finding::look("b", "y", "z"), Finding::wrong("c", "y", "z"));
        let code = |findings: &[&Finding]| Report(findings.iter().map(|finding| (*finding).clone()).collect()).exit_code();
        assert_eq!((code(&[&good]), code(&[&good, &look]), code(&[&wrong, &look])), (0, 0, 1));
        let report = Report(vec![good, look, wrong]);
        assert_eq!(report.to_string(), "✓ a: x\n! b: y\n  → z\n✗ c: y\n  → z\n1 must be done (✗), 1 to look at (!).");
        assert_eq!(report.json()["findings"][2], serde_json::json!({ "check": "c", "mark": "wrong", "found": "y", "do": "z" }));
    }
}
