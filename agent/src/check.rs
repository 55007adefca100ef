//! `spunto-agent check`: what is wrong, in plain words, from Docker's socket to the clock.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::{Config, Settings};
use crate::docker::Docker;
use crate::enrol;
use crate::http::{self, Answer, Exchange};
use crate::link::{LinkError, connect};

/// The oldest Docker API that works.
const API_MIN: (u32, u32) = (1, 41);
/// A clock that is wrong by more than this confuses whoever reads times.
const SKEW_S_MAX: u64 = 30;

/// Said of a machine whose agent has no node token yet.
const NOT_ENROLLED: &str = "the enrolment token was not traded for a node token yet; the agent's log says why";

struct Report {
    failed: bool,
}

impl Report {
    fn line(&mut self, what: &str, found: Result<String, String>) -> bool {
        let (mark, text) = match &found {
            Ok(text) => ("✓", text),
            Err(text) => ("✗", text),
        };
        self.failed |= found.is_err();
        // With nobody reading, the exit code still tells.
        let _ = writeln!(std::io::stdout(), "{mark} {what}: {text}");
        found.is_ok()
    }
}

/// Checks everything that can be checked from here; true when all is well.
pub async fn check(settings: &Settings) -> bool {
    let mut report = Report { failed: false };
    let config = enrol::kept(settings).map_err(|error| error.to_string());
    let config = config.and_then(|config| config.ok_or_else(|| NOT_ENROLLED.to_owned()));
    report.line("settings", config.as_ref().map(|config| format!("API_URL is {}", config.server.authority())).map_err(Clone::clone));
    let node = config.as_ref().map_or_else(|_| spunto_core::id::NodeId::from_u64(0), |config| config.token.node);
    report.line("Docker", docker(&settings.docker_socket, node).await);
    if let Ok(config) = config {
        server(&config, &mut report).await;
    }
    !report.failed
}

async fn docker(socket: &str, node: spunto_core::id::NodeId) -> Result<String, String> {
    if let Err(error) = tokio::net::UnixStream::connect(socket).await {
        return Err(match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("{socket} is not there; start Docker, and keep -v {socket}:{socket} in the docker command")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("{socket} may not be opened; run the agent as root, or allow it in SELinux or AppArmor")
            }
            _ => format!("{socket}: {error}; start Docker on this machine"),
        });
    }
    let docker = Docker::connect(socket, node).await.map_err(|fault| fault.to_string())?;
    let engine = docker.engine().await.map_err(|fault| fault.to_string())?;
    let version = engine.api.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    if version.is_none_or(|version: (u32, u32)| version < API_MIN) {
        return Err(format!(
            "Docker Engine {} speaks API {}; at least 20.10 with API 1.41 is needed: update Docker",
            engine.version, engine.api
        ));
    }
    Ok(format!("Engine {}, API {}, on {}", engine.version, engine.api, engine.os))
}

async fn server(config: &Config, report: &mut Report) {
    let server = &config.server;
    if server.host.parse::<std::net::IpAddr>().is_err() {
        let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
        let found = found.map(|addresses| addresses.map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", "));
        if !report
            .line("name", found.map_err(|error| format!("{} is not found: {error}; check the name and this machine's DNS", server.host)))
        {
            return;
        }
    }
    let connected = connect(server).await;
    let how = if server.tls { "connected, certificate is trusted" } else { "connected, without TLS" };
    if let Err(error) = &connected {
        let advice = match error {
            LinkError::Tcp(..) | LinkError::Timeout(_) => "; is the address right, and does a firewall let this machine out?",
            LinkError::Proxy(..) => "; check HTTPS_PROXY and NO_PROXY",
            LinkError::Tls(..) | LinkError::Refused { .. } => "",
        };
        report.line("connection", Err(format!("{error}{advice}")));
        return;
    }
    report.line("connection", Ok(how.to_owned()));
    drop(connected);
    let exchange = Exchange { method: "GET", path: "/api/agent/check", token: &config.token_text, body: None };
    let answer = http::ask(server, &exchange).await.unwrap_or(Answer { status: 0, text: String::new() });
    let token = match answer.status {
        0 => Err("no answer; is API_URL the address of a Spunto control plane?".to_owned()),
        204 => Ok("accepted".to_owned()),
        401 => Err(answer.detail()),
        _ => Err(format!("{}; is API_URL the address of a Spunto control plane?", answer.detail())),
    };
    report.line("token", token);
    report.line("clock", clock(&answer.text));
}

fn clock(answer: &str) -> Result<String, String> {
    let theirs = answer.lines().find_map(|line| line.to_lowercase().strip_prefix("date: ").map(|_| line[6..].trim().to_owned()));
    let Some(theirs) = theirs.and_then(|text| http_date(&text)) else { return Ok("the server told no time to compare with".into()) };
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let skew = ours.abs_diff(theirs);
    if skew > SKEW_S_MAX {
        return Err(format!("this machine's clock differs from the server's by {skew} s; set it (timedatectl set-ntp true)"));
    }
    Ok(format!("within {skew} s of the server's"))
}

/// Seconds since the Unix epoch of an HTTP date such as `Tue, 24 Nov 2026 12:00:00 GMT`.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut fields = text.split_whitespace().skip(1);
    let (day, month, year, time) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = day.parse().ok()?;
    let stamp = spunto_core::time::Timestamp::parse(&format!("{year}-{month:02}-{day:02}T{time}Z")).ok()?;
    Some(stamp.ms() / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_read() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:01:00 GMT"), Some(60));
        assert_eq!(http_date("nonsense"), None);
        assert!(clock("HTTP/1.1 204 No Content\r\ndate: Thu, 01 Jan 1970 00:01:00 GMT\r\n\r\n").is_err());
        assert!(clock("HTTP/1.1 204 No Content\r\n\r\n").is_ok());
    }
}
