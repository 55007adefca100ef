//! `spunto restore-status` and `spunto confirm`: what a restored log means, and the word that lets the server act again.

use std::io::Write;

use anyhow::bail;
use serde_json::Value;

use crate::config::{Chosen, Serve};
use crate::operator::ask;

impl Chosen {
    const fn named(self) -> [(&'static str, bool); 3] {
        [("keep_unseen", self.keep_unseen), ("keep_keys", self.keep_keys), ("remove_unknown", self.remove_unknown)]
    }

    fn query(self) -> String {
        self.named().map(|(name, on)| format!("{name}={on}")).join("&")
    }

    fn flags(self) -> String {
        self.named().iter().filter(|(_, on)| *on).map(|(name, _)| format!(" --{}", name.replace('_', "-"))).collect()
    }
}

fn print(digest: &str, lines: &Value, chosen: Chosen) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    for line in lines.as_array().into_iter().flatten().filter_map(Value::as_str) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\nUntil it is confirmed the server only observes. To confirm exactly this:\n  spunto confirm {digest}{}", chosen.flags())
}

/// Prints the difference.
///
/// # Errors
/// No server runs, or its log does not wait to be confirmed.
pub fn status(serve: &Serve, chosen: Chosen, as_json: bool) -> anyhow::Result<()> {
    let body = ask(serve, "GET", &format!("/api/installation/difference?{}", chosen.query()))?.ok()?;
    if as_json {
        writeln!(std::io::stdout(), "{body}")?;
        return Ok(());
    }
    Ok(print(body["digest"].as_str().unwrap_or_default(), &body["lines"], chosen)?)
}

/// Confirms the difference with this digest.
///
/// # Errors
/// It has changed: then the new one is printed; no server runs; nothing is to be confirmed.
pub fn confirm(serve: &Serve, digest: &str, chosen: Chosen) -> anyhow::Result<()> {
    if digest.len() != 64 || !digest.bytes().all(|char| char.is_ascii_hexdigit()) {
        bail!("this is no digest of a difference: give the one that `spunto restore-status` prints at its end");
    }
    let answer = ask(serve, "POST", &format!("/api/installation/confirm?digest={digest}&{}", chosen.query()))?;
    let status = answer.status;
    let body = answer.json()?;
    if status == 200 {
        writeln!(std::io::stdout(), "Confirmed: the server acts again. Agents come back by themselves within a minute.")?;
        return Ok(());
    }
    if body["code"] == "difference_changed" {
        print(body["digest"].as_str().unwrap_or_default(), &body["lines"], chosen)?;
    }
    bail!("{}", body["detail"].as_str().unwrap_or("the server does not say why not"))
}
