//! What a certificate says of itself: how long it is valid, and for which names. Judged by the very code that agents judge it by.
//! Must not know files or servers.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use spunto_core::time::Timestamp;
use webpki::{EndEntityCert, Error, KeyUsage};

/// A time after every certificate's end.
const FOR_EVER_S: u64 = u64::MAX / 2;

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From here on.
    pub from: Timestamp,
    /// Until here.
    pub until: Timestamp,
}

/// Reads when a certificate is valid.
///
/// # Errors
/// It is no certificate that TLS could use; in words.
pub fn validity(certificate: &CertificateDer<'_>) -> Result<Validity, String> {
    let parsed = EndEntityCert::try_from(certificate).map_err(|error| error.to_string())?;
    // The verifier looks at the dates first and tells the one that is broken: it is asked at both ends of time.
    let asked_at = |seconds: u64| {
        let no_algorithms: &[&dyn SignatureVerificationAlgorithm] = &[];
        let no_anchors: &[TrustAnchor<'_>] = &[];
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        parsed.verify_for_usage(no_algorithms, no_anchors, &[], at, KeyUsage::server_auth(), None, None).err()
    };
    let from = match asked_at(0) {
        Some(Error::CertNotValidYet { not_before, .. }) => timestamp(not_before),
        // Valid since before there was time.
        _ => Timestamp::default(),
    };
    match asked_at(FOR_EVER_S) {
        Some(Error::CertExpired { not_after, .. }) => Ok(Validity { from, until: timestamp(not_after) }),
        Some(error) => Err(error.to_string()),
        None => Err("it says nothing of when it ends".to_owned()),
    }
}

fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp::from_ms(time.as_secs().saturating_mul(1000))
}

/// Why agents would refuse a certificate whatever authority they trust; none when they would not. `at` is a time at which it is
/// valid.
#[must_use]
pub fn refusal(certificate: &CertificateDer<'_>, at: Timestamp) -> Option<&'static str> {
    let parsed = EndEntityCert::try_from(certificate).ok()?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.ms() / 1000));
    // What it is itself is looked at before who signed it: without an authority to trust, a good one fails only later.
    match parsed.verify_for_usage(&[], &[], &[], at, KeyUsage::server_auth(), None, None).err()? {
        Error::CaUsedAsEndEntity => Some("it is an authority's own certificate (CA:TRUE), as `openssl req -x509` makes them"),
        Error::RequiredEkuNotFoundContext(_) => Some("it is not for servers (extended key usage)"),
        _ => None,
    }
}

/// Whether a certificate is for a host: a name or an address, without brackets.
#[must_use]
pub fn is_for(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let (Ok(parsed), Ok(name)) = (EndEntityCert::try_from(certificate), ServerName::try_from(host)) else { return false };
    parsed.verify_is_valid_for_subject_name(&name).is_ok()
}

/// The names a certificate is for.
#[must_use]
pub fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    EndEntityCert::try_from(certificate).map(|parsed| parsed.valid_dns_names().map(str::to_owned).collect()).unwrap_or_default()
}
