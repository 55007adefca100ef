//! A service account's key as people paste it. Only what proves who we are is read: the addresses in it (`token_uri` and others)
//! would let whoever pastes a key choose where the server sends things.

use ring::signature::RsaKeyPair;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use spunto_core::secret::Secret;

/// Who signs.
pub(super) struct Key {
    pub(super) project: String,
    pub(super) email: String,
    pub(super) id: String,
    pub(super) pair: RsaKeyPair,
}

/// Reads a key.
///
/// # Errors
/// In words, what is wrong with it; nothing of it is repeated.
pub(super) fn read(credential: &Secret<String>) -> Result<Key, String> {
    let value: Value = serde_json::from_str(credential.expose())
        .map_err(|_| "the credential is no JSON; paste the whole file that Google Cloud gave for the service account's key".to_owned())?;
    if value["type"].as_str() != Some("service_account") {
        return Err(
            "the credential is no service account's key (\"type\" is another); make one under IAM, Service accounts, Keys".to_owned()
        );
    }
    if value["universe_domain"].as_str().is_some_and(|domain| domain != "googleapis.com") {
        return Err("the key belongs to another cloud than Google's public one".to_owned());
    }
    let field = |name: &str| {
        let text = value[name].as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| format!("the key has no \"{name}\"; paste the whole file"))
    };
    let (project, email, id) = (field("project_id")?, field("client_email")?, field("private_key_id")?);
    let pem = Secret::new(field("private_key")?);
    let broken = |_| "the key's private part can't be read; paste the whole file as it was given".to_owned();
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| broken(()))?;
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| broken(()))?;
    Ok(Key { project, email, id, pair })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_key_is_told_without_repeating_it() {
        let pem = "-----BEGIN PRIVATE KEY-----\\nbm90IGEga2V5\\n-----END PRIVATE KEY-----\\n";
        let whole =
            format!(r#"{{"type":"service_account","project_id":"p","client_email":"a@b","private_key_id":"k","private_key":"{pem}"}}"#);
        let told = |text: &str| read(&Secret::new(text.to_owned())).err().unwrap_or_default();
        assert!(told("my-token").contains("no JSON"));
        assert!(told(r#"{"type":"authorized_user"}"#).contains("service account's key"));
        assert!(told(&whole.replace("project_id", "project")).contains("\"project_id\""));
        assert!(told(&whole.replace(r#""project_id""#, r#""universe_domain":"evil.example","project_id""#)).contains("another cloud"));
        let broken = told(&whole);
        assert!(broken.contains("private part") && !broken.contains("bm90"), "{broken}");
    }
}
