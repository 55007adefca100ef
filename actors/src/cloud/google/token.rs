//! Access tokens: a signed statement of the service account is exchanged for one at Google's token endpoint, and kept until shortly
//! before its end. The exchange, where the statement itself would do, because it says much better what is wrong with a key.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};
use spunto_core::secret::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::errors;
use super::key::Key;
use crate::clock::Clock;
use crate::cloud::fault::Fault;
use crate::cloud::http::{Call, Http};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Whom the statement is for: Google's endpoint, wherever it is reached.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// How long a statement is good for; Google takes no longer one.
const STATEMENT_S: u64 = 3_600;
/// A token is not used any more so long before its end.
const MARGIN: Duration = Duration::from_secs(300);
/// A token whose end is not told is good for so long.
const UNTOLD_S: u64 = 600;

/// The tokens of a service account. Those who need one at the same time share one exchange.
pub(super) struct Tokens {
    exchange: Http,
    key: Key,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<(Secret<String>, Instant)>>,
}

impl Tokens {
    pub(super) fn new(exchange: Http, key: Key, clock: Arc<dyn Clock>) -> Self {
        Self { exchange, key, clock, kept: Mutex::new(None) }
    }

    /// A token that is good.
    pub(super) async fn get(&self) -> Result<Secret<String>, Fault> {
        let mut kept = self.kept.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (token, good) = self.exchange().await?;
        *kept = Some((token.clone(), Instant::now() + good.saturating_sub(MARGIN)));
        Ok(token)
    }

    /// The next one who asks gets a new token: this one was refused.
    pub(super) async fn forget(&self) {
        *self.kept.lock().await = None;
    }

    async fn exchange(&self) -> Result<(Secret<String>, Duration), Fault> {
        let statement = self.statement()?;
        let form = format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={}", statement.expose());
        let answer = self.exchange.send(Call::form(&["token"], Secret::new(form)), None).await?.hiding(statement);
        if !answer.ok() {
            return Err(errors::of_exchange(&answer));
        }
        let value: Value = answer.read()?;
        let token = value["access_token"].as_str().ok_or_else(|| answer.unreadable())?;
        let good_s = value["expires_in"].as_u64().unwrap_or(UNTOLD_S).min(STATEMENT_S);
        Ok((Secret::new(token.to_owned()), Duration::from_secs(good_s)))
    }

    /// RFC 7515 and 7519 in a few lines: the one algorithm that Google takes from a service account.
    fn statement(&self) -> Result<Secret<String>, Fault> {
        let now_s = self.clock.now().ms() / 1_000;
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key.id });
        let claims =
            json!({ "iss": self.key.email, "scope": SCOPE, "aud": AUDIENCE, "iat": now_s, "exp": now_s.saturating_add(STATEMENT_S) });
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.pair.public().modulus_len()];
        let sign = self.key.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        sign.map_err(|_| self.exchange.denied("the key's private part can't sign; make a new key"))?;
        Ok(Secret::new(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))))
    }
}
