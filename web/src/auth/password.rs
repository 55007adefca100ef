//! Password hashes: argon2id with the crate's defaults (19 MiB, 2 passes), off the arbiter and few at a time.

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use spunto_core::secret::Secret;
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// A hash of no password, so that an unknown user costs as much time as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3B1bnRvLW5vYm9keS1oZXJl$Q2Jm3kq0yJrIaZ0m1w8mF3yQz2Jr6k9v1dPpXb0nT2s";

/// Hashes a password.
///
/// # Errors
/// The hash can't be computed: no memory.
pub fn hash_now(password: &Secret<String>) -> Result<Secret<String>, argon2::password_hash::Error> {
    let salt = SaltString::generate(&mut OsRng);
    Argon2::default().hash_password(password.expose().as_bytes(), &salt).map(|hash| Secret::new(hash.to_string()))
}

/// Hashes a password, when there is room.
///
/// # Errors
/// The hash can't be computed.
pub async fn hash(room: &Semaphore, password: Secret<String>) -> Result<Secret<String>, Problem> {
    let _room = room.acquire().await.map_err(|error| Problem::fault(&error))?;
    let hashed = tokio::task::spawn_blocking(move || hash_now(&password)).await.map_err(|error| Problem::fault(&error))?;
    hashed.map_err(|error| Problem::fault(&error))
}

/// Whether a password is the one with this hash; takes as long with none.
///
/// # Errors
/// The server is going down.
pub async fn verify(room: &Semaphore, password: Secret<String>, hash: Option<Secret<String>>) -> Result<bool, Problem> {
    let _room = room.acquire().await.map_err(|error| Problem::fault(&error))?;
    let verified = tokio::task::spawn_blocking(move || {
        let text = hash.as_ref().map_or(NOBODY, |hash| hash.expose());
        let same =
            PasswordHash::new(text).is_ok_and(|parsed| Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok());
        same && hash.is_some()
    });
    verified.await.map_err(|error| Problem::fault(&error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed hash is a failed test")]
    use super::*;

    #[test]
    fn a_password_matches_its_hash_and_no_other() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let secret = |text: &str| Secret::new(text.to_owned());
        runtime.block_on(async {
            let room = Semaphore::new(1);
            let hashed = hash(&room, secret("correct horse")).await.unwrap();
            assert!(!hashed.expose().contains("correct"));
            assert!(verify(&room, secret("correct horse"), Some(hashed.clone())).await.unwrap());
            assert!(!verify(&room, secret("wrong horse"), Some(hashed)).await.unwrap());
            assert!(!verify(&room, secret("anything"), None).await.unwrap());
        });
    }

    #[test]
    fn the_hash_of_nobody_is_a_hash() {
        assert!(PasswordHash::new(NOBODY).unwrap().hash.is_some());
    }
}
