//! The token endpoint: signatures are really checked. The keys beside this file were made for these tests and open nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::PROJECT;
use crate::cloud::wire::Response;

const EMAIL: &str = "spunto@spunto-fake.iam.gserviceaccount.com";
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCOUNT: &str = include_str!("account.pem");
const STRANGER: &str = include_str!("stranger.pem");
/// How far a clock may be off.
const SKEW_S: u64 = 600;

fn key(pem: &str, email: &str) -> String {
    // As Google's console gives it. The addresses in it lead nowhere: whoever followed them would find nobody.
    let key = json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "0123456789abcdef0123456789abcdef01234567",
        "private_key": pem,
        "client_email": email,
        "client_id": "100000000000000000001",
        "auth_uri": "http://127.0.0.1:9/auth",
        "token_uri": "http://127.0.0.1:9/token",
        "auth_provider_x509_cert_url": "http://127.0.0.1:9/certs",
        "client_x509_cert_url": "http://127.0.0.1:9/cert",
        "universe_domain": "googleapis.com",
    });
    key.to_string()
}

/// The key of the account that there is.
#[must_use]
pub fn account() -> String {
    key(ACCOUNT, EMAIL)
}

/// A key of the same account that was deleted since: its signatures are not known.
#[must_use]
pub fn key_of_a_stranger() -> String {
    key(STRANGER, EMAIL)
}

/// The tokens that are good.
#[derive(Debug, Default)]
pub(super) struct Issued {
    tokens: BTreeSet<String>,
    given: usize,
}

impl Issued {
    /// All that are good.
    pub(super) fn good(&self) -> Vec<String> {
        self.tokens.iter().cloned().collect()
    }

    pub(super) const fn given(&self) -> usize {
        self.given
    }

    pub(super) fn is_good(&self, token: &str) -> bool {
        self.tokens.contains(token)
    }

    /// A token for a statement that holds, or why it does not.
    pub(super) fn exchange(&mut self, form: &BTreeMap<String, String>) -> Response {
        let refused = |error: &str, why: &str| Response::json(400, &json!({ "error": error, "error_description": why }));
        if form.get("grant_type").map(String::as_str) != Some(GRANT) {
            return refused("unsupported_grant_type", "Invalid grant_type: ");
        }
        if let Err(why) = check(form.get("assertion").map(String::as_str).unwrap_or_default()) {
            return refused("invalid_grant", why);
        }
        self.given += 1;
        // No two alike, not even after they were revoked.
        let token = format!("ya29.{}-{}", self.given, now_ns());
        self.tokens.insert(token.clone());
        Response::json(200, &json!({ "access_token": token, "expires_in": 3_599, "token_type": "Bearer" }))
    }
}

fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

fn check(statement: &str) -> Result<(), &'static str> {
    let bad = "Bad Request";
    let (signed, signature) = statement.rsplit_once('.').ok_or(bad)?;
    let (header, claims) = signed.split_once('.').ok_or(bad)?;
    let read = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let (header, claims) = (read(header).ok_or(bad)?, read(claims).ok_or(bad)?);
    if header["alg"] != "RS256" {
        return Err("Invalid JWT: algorithm");
    }
    if claims["iss"] != EMAIL {
        return Err("Invalid grant: account not found");
    }
    let der = PrivatePkcs8KeyDer::from_pem_slice(ACCOUNT.as_bytes()).map_err(|_| bad)?;
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| bad)?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| bad)?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(signed.as_bytes(), &signature).map_err(|_| "Invalid JWT Signature.")?;
    if claims["aud"] != AUDIENCE {
        return Err("Invalid JWT: Failed audience check.");
    }
    let (issued, ends) = (claims["iat"].as_u64().ok_or(bad)?, claims["exp"].as_u64().ok_or(bad)?);
    let now = u64::try_from(now_ns() / 1_000_000_000).unwrap_or(u64::MAX);
    if ends.saturating_sub(issued) > 3_600 || issued.abs_diff(now) > SKEW_S || ends < now {
        return Err(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
        );
    }
    if !claims["scope"]
        .as_str()
        .is_some_and(|scope| scope.split(' ').any(|each| each.ends_with("/auth/cloud-platform") || each.ends_with("/auth/compute")))
    {
        return Err("invalid_scope");
    }
    Ok(())
}
