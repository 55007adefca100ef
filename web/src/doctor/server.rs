//! The server that runs on the log: does it answer where it should, and are its reads up to date?

use rustls_pki_types::CertificateDer;

use super::Finding;
use crate::config::Serve;
use crate::loopback::{self, Answer};

const CHECK: &str = "server";

/// What the running server says.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    place: String,
    /// Its version.
    healthy: Result<String, String>,
    /// The position it is at, and how far reads are behind.
    ready: Result<(bool, String), String>,
    /// Whether it waits for its first owner.
    pub(super) needs_owner: Option<bool>,
    /// The certificate it serves.
    pub(super) certificate: Option<CertificateDer<'static>>,
}

impl Seen {
    pub(super) fn measure(serve: &Serve) -> Self {
        let get = |path: &str| loopback::get(serve, path).map_err(|error| format!("{error:#}"));
        let text = |answer: &Answer, name: &str| answer.body[name].as_str().unwrap_or("?").to_owned();
        let health = get("/healthz");
        let certificate = health.as_ref().ok().and_then(|answer| answer.certificate.clone());
        let is_ours = |answer: Answer| match answer.body["version"].as_str() {
            Some(version) if answer.status == 200 => Ok(version.to_owned()),
            _ => Err(format!("what answers ({}) is no Spunto server", answer.status)),
        };
        Self {
            place: loopback::address(serve).map_or_else(|error| error.to_string(), |address| address.to_string()),
            healthy: health.and_then(is_ours),
            ready: get("/readyz").map(|answer| (answer.status == 200, text(&answer, "position"))),
            needs_owner: get("/api/setup").ok().and_then(|answer| answer.body["needed"].as_bool()),
            certificate,
        }
    }

    pub(super) fn judge(&self) -> Finding {
        let place = &self.place;
        let version = match &self.healthy {
            Ok(version) => version,
            Err(why) => {
                let found = format!("a process has the log open, but nothing of ours answers on {place}: {why}");
                let advice = "give the doctor the server's own settings (--listen, --tls-cert, --config, or the same environment); if they \
                              are the same, look at the server's log";
                return Finding::wrong(CHECK, found, advice);
            }
        };
        match &self.ready {
            Ok((true, position)) => {
                Finding::good(CHECK, format!("version {version} answers on {place} and is ready, at position {position}"))
            }
            Ok((false, position)) => {
                let found = format!("version {version} answers on {place}, but its reads are behind position {position}");
                Finding::look(CHECK, found, "ask again; if it stays so, the machine is too busy, or the server must be started again")
            }
            Err(why) => Finding::wrong(CHECK, format!("it answers on {place}, but not whether it is ready: {why}"), "look at its log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn a_server_answers_and_is_ready() {
        let seen = |healthy: Result<&str, &str>, ready: Result<bool, &str>| Seen {
            place: "127.0.0.1:1".into(),
            healthy: healthy.map(str::to_owned).map_err(str::to_owned),
            ready: ready.map(|ready| (ready, "a.0.7".to_owned())).map_err(str::to_owned),
            needs_owner: None,
            certificate: None,
        };
        let check = |healthy, ready, mark, word: &str| {
            let finding = seen(healthy, ready).judge();
            assert_eq!(finding.mark, mark, "{finding}");
            assert!(finding.to_string().contains(word), "{finding}");
        };
        check(Ok("0.1.0"), Ok(true), Mark::Good, "a.0.7");
        check(Ok("0.1.0"), Ok(false), Mark::Look, "behind");
        check(Ok("0.1.0"), Err("reset"), Mark::Wrong, "reset");
        check(Err("refused"), Err("refused"), Mark::Wrong, "--listen");
    }
}
