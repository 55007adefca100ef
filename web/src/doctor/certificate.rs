//! The certificate: can it be served, for how long, is it for the name that nodes are told, and is it the one that is served?

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use spunto_core::time::Timestamp;

use super::address::host_of;
use super::{Finding, server};
use crate::certificate::{Validity, is_for, names, refusal, validity};
use crate::config::Serve;
use crate::tls::{LOOK_EVERY, Pair};

const CHECK: &str = "certificate";
/// With fewer days left, renewal has not worked: it is usual a month before the end.
const RENEW_DAYS: u64 = 14;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    cert: String,
    key: String,
    pair: Result<Facts, String>,
    /// Mode of the key's file.
    key_mode: u32,
    /// Whether the running server serves the one in the file.
    served: Option<bool>,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    valid: Result<Validity, String>,
    /// Why agents refuse it, whomever they trust.
    refusal: Option<&'static str>,
    /// The host that nodes are told, and whether the certificate is for it.
    host: Option<(String, bool)>,
    names: Vec<String>,
}

fn facts(leaf: &CertificateDer<'_>, public_url: Option<&str>) -> Facts {
    let host = public_url.map(host_of).map(|host| (host.to_owned(), is_for(leaf, host)));
    let valid = validity(leaf);
    let refusal = valid.as_ref().ok().and_then(|valid| refusal(leaf, valid.from));
    Facts { valid, refusal, host, names: names(leaf) }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0, |meta| meta.mode() & 0o7777)
}

/// None when TLS is off.
pub(super) fn measure(serve: &Serve, server: Option<&server::Seen>) -> Option<Seen> {
    let (cert, key) = (serve.tls_cert.clone()?, serve.tls_key.clone()?);
    let pair = Pair { cert, key };
    let leaf = pair.load().and_then(|loaded| Ok(loaded.end_entity_cert()?.clone().into_owned())).map_err(|error| format!("{error:#}"));
    let served = server.and_then(|server| server.certificate.as_ref()).zip(leaf.as_ref().ok()).map(|(served, leaf)| served == leaf);
    Some(Seen {
        cert: pair.cert.display().to_string(),
        key: pair.key.display().to_string(),
        pair: leaf.map(|leaf| facts(&leaf, serve.public_url.as_deref())),
        key_mode: mode(&pair.key),
        served,
    })
}

pub(super) fn judge(seen: &Seen, now: Timestamp) -> Finding {
    const RENEW: &str = "renew it and put the files in place; the server serves them within seconds, or at once on SIGHUP";
    let cert = &seen.cert;
    let facts = match &seen.pair {
        Ok(facts) => facts,
        Err(why) => {
            return Finding::wrong(
                CHECK,
                format!("it can't be served: {why}"),
                "put a chain and its key there, in PEM, readable to the server's user",
            );
        }
    };
    let valid = match &facts.valid {
        Ok(valid) => valid,
        Err(why) => return Finding::wrong(CHECK, format!("{cert} can't be read: {why}"), RENEW),
    };
    let days = valid.until.ms_since(now) / DAY_MS;
    if valid.until <= now {
        let ago = now.ms_since(valid.until) / DAY_MS;
        return Finding::wrong(CHECK, format!("{cert} expired {ago} days ago, at {}: agents and browsers refuse it", valid.until), RENEW);
    }
    if valid.from > now {
        let advice = "wait, or set this machine's clock right";
        return Finding::wrong(CHECK, format!("{cert} is valid from {} on, and it is {now}", valid.from), advice);
    }
    if let Some(why) = facts.refusal {
        let advice = "have one signed for this server; a self-signed one is made with -addext basicConstraints=critical,CA:FALSE";
        return Finding::wrong(CHECK, format!("agents refuse {cert}: {why}"), advice);
    }
    if let Some((host, false)) = &facts.host {
        let names = if facts.names.is_empty() { "no name".to_owned() } else { facts.names.join(", ") };
        let found = format!("{cert} is for {names}, and nodes are told {host}: they will refuse it");
        return Finding::wrong(CHECK, found, format!("get one for {host}, or set --public-url to a name that it is for"));
    }
    if seen.served == Some(false) {
        let found = format!("the server still serves another certificate than the one in {cert}");
        let advice = format!("wait {} s, or send it SIGHUP; if it stays so, its log says why", LOOK_EVERY.as_secs());
        return Finding::look(CHECK, found, advice);
    }
    if days < RENEW_DAYS {
        return Finding::look(CHECK, format!("{cert} ends in {days} days, at {}", valid.until), RENEW);
    }
    if seen.key_mode & 0o007 != 0 {
        let key = &seen.key;
        let found = format!("valid for {days} days, but every user of this machine can read {key} (mode {:04o})", seen.key_mode);
        return Finding::look(CHECK, found, format!("chmod 600 {key}, owned by the server's user"));
    }
    let host = facts.host.as_ref().map_or_else(String::new, |(host, _)| format!(" for {host}"));
    Finding::good(CHECK, format!("valid{host} for {days} days, until {}", valid.until))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    const NOW: Timestamp = Timestamp::from_ms(100 * DAY_MS);

    fn seen() -> Seen {
        let valid = Validity { from: Timestamp::from_ms(0), until: Timestamp::from_ms(150 * DAY_MS) };
        let facts = Facts { valid: Ok(valid), refusal: None, host: Some(("a.example".into(), true)), names: vec!["a.example".into()] };
        Seen { cert: "c.pem".into(), key: "k.pem".into(), pair: Ok(facts), key_mode: 0o600, served: Some(true) }
    }

    fn with(change: impl FnOnce(&mut Facts)) -> Seen {
        let mut seen = seen();
        let Ok(facts) = &mut seen.pair else { return seen };
        change(facts);
        seen
    }

    fn check(seen: &Seen, mark: Mark, word: &str) {
        let finding = judge(seen, NOW);
        assert_eq!(finding.mark, mark, "{finding}");
        assert!(finding.to_string().contains(word), "{finding}");
    }

    #[test]
    fn a_certificate_is_valid_now_and_for_a_while() {
        let until =
            |days: u64| with(|facts| facts.valid = Ok(Validity { from: Timestamp::from_ms(0), until: Timestamp::from_ms(days * DAY_MS) }));
        check(&seen(), Mark::Good, "50 days");
        check(&until(100), Mark::Wrong, "expired 0 days ago");
        check(&until(97), Mark::Wrong, "expired 3 days ago");
        check(&until(113), Mark::Look, "13 days");
        check(&until(114), Mark::Good, "14 days");
        let later = Validity { from: Timestamp::from_ms(101 * DAY_MS), until: Timestamp::from_ms(200 * DAY_MS) };
        check(&with(|facts| facts.valid = Ok(later)), Mark::Wrong, "valid from");
        check(&with(|facts| facts.valid = Err("bad DER".into())), Mark::Wrong, "bad DER");
    }

    #[test]
    fn a_certificate_can_be_served_and_is_for_the_name() {
        check(&Seen { pair: Err("k.pem: Permission denied".into()), ..seen() }, Mark::Wrong, "Permission denied");
        check(&with(|facts| facts.host = Some(("b.example".into(), false))), Mark::Wrong, "get one for b.example");
        check(&with(|facts| facts.refusal = Some("it is an authority's")), Mark::Wrong, "CA:FALSE");
        check(&with(|facts| facts.host = None), Mark::Good, "valid for 50 days");
        check(&Seen { served: Some(false), ..seen() }, Mark::Look, "SIGHUP");
        check(&Seen { key_mode: 0o644, ..seen() }, Mark::Look, "chmod 600 k.pem");
        check(&Seen { key_mode: 0o640, served: None, ..seen() }, Mark::Good, "50 days");
    }
}
