//! What names, labels and other short texts may look like. Each rule says, when broken, what to do.

use std::collections::BTreeMap;

/// Longest name of a node, worker, project, deployment or service, in characters: a DNS label.
pub const NAME_CHARS_MAX: usize = 63;
/// Longest free text: reasons, names of people and organisations, in bytes.
pub const TEXT_BYTES_MAX: usize = 200;
/// Most labels on one node.
pub const LABELS_MAX: usize = 32;

/// A text breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Not a name.
    #[error(
        "{field} must be 1 to {NAME_CHARS_MAX} lower-case letters, digits and hyphens, and start and end with a letter or digit, like prod-eu-1"
    )]
    Name {
        /// Which field.
        field: &'static str,
    },
    /// Too long, empty, or with control characters.
    #[error("{field} must be 1 to {TEXT_BYTES_MAX} bytes long, without control characters")]
    Text {
        /// Which field.
        field: &'static str,
    },
    /// Not an e-mail address.
    #[error("that is not an e-mail address; write it like ada@example.com")]
    Email,
    /// Not an image reference.
    #[error("image must be 1 to 255 characters without spaces, like debian:12")]
    Image,
    /// Not an environment variable.
    #[error("environment variable names must be letters, digits and underscores, at most 128, and not start with a digit")]
    EnvName,
    /// Not labels.
    #[error(
        "labels are at most {LABELS_MAX} pairs; keys are letters, digits, dots, slashes, hyphens and underscores, at most 63; values at most 63 bytes"
    )]
    Labels,
    /// Not something that a provider's list names.
    #[error("{field} must be 1 to {TEXT_BYTES_MAX} visible ASCII characters, as the provider's list has it")]
    Choice {
        /// Which field.
        field: &'static str,
    },
    /// Not a password that holds.
    #[error("a password has 10 to 200 characters")]
    Password,
}

/// Checks a name: a DNS label, so that it may become a host name.
///
/// # Errors
/// [`InvalidText::Name`]
pub fn check_name(field: &'static str, text: &str) -> Result<(), InvalidText> {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().is_some_and(|c| inner(*c)) && bytes.last().is_some_and(|c| inner(*c));
    if ends && bytes.len() <= NAME_CHARS_MAX && bytes.iter().all(|c| inner(*c) || *c == b'-') {
        Ok(())
    } else {
        Err(InvalidText::Name { field })
    }
}

/// Checks a free text that must say something.
///
/// # Errors
/// [`InvalidText::Text`]
pub fn check_text(field: &'static str, text: &str) -> Result<(), InvalidText> {
    if text.trim().is_empty() {
        return Err(InvalidText::Text { field });
    }
    check_remark(field, text)
}

/// Checks a free text that may be empty.
///
/// # Errors
/// [`InvalidText::Text`]
pub fn check_remark(field: &'static str, text: &str) -> Result<(), InvalidText> {
    if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) { Err(InvalidText::Text { field }) } else { Ok(()) }
}

/// Checks an e-mail address, as loosely as mail servers do.
///
/// # Errors
/// [`InvalidText::Email`]
pub fn check_email(text: &str) -> Result<(), InvalidText> {
    let printable = text.len() <= 254 && text.bytes().all(|c| c.is_ascii_graphic() || c >= 0x80);
    match text.rsplit_once('@') {
        Some((local, host)) if printable && !local.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') => {
            Ok(())
        }
        _ => Err(InvalidText::Email),
    }
}

/// Checks an image reference's outer shape; Docker has the last word, and its words are shown.
///
/// # Errors
/// [`InvalidText::Image`]
pub fn check_image(text: &str) -> Result<(), InvalidText> {
    let fits = !text.is_empty() && text.len() <= 255 && text.bytes().all(|c| c.is_ascii_graphic()) && !text.starts_with('-');
    if fits { Ok(()) } else { Err(InvalidText::Image) }
}

/// Checks the name of an environment variable.
///
/// # Errors
/// [`InvalidText::EnvName`]
pub fn check_env_name(text: &str) -> Result<(), InvalidText> {
    let fits = (1..=128).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    if fits { Ok(()) } else { Err(InvalidText::EnvName) }
}

/// Checks something chosen from a provider's list: a location, a machine type, an image. The provider has the last word.
///
/// # Errors
/// [`InvalidText::Choice`]
pub fn check_choice(field: &'static str, text: &str) -> Result<(), InvalidText> {
    let fits = (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
    if fits { Ok(()) } else { Err(InvalidText::Choice { field }) }
}

/// Checks a set of labels.
///
/// # Errors
/// [`InvalidText::Labels`]
pub fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), InvalidText> {
    let key_fits = |key: &String| {
        (1..=63).contains(&key.len()) && key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'/' | b'-' | b'_'))
    };
    let value_fits = |value: &String| value.len() <= 63 && !value.chars().any(char::is_control);
    if labels.len() <= LABELS_MAX && labels.iter().all(|(key, value)| key_fits(key) && value_fits(value)) {
        Ok(())
    } else {
        Err(InvalidText::Labels)
    }
}

/// Checks a new password's length; more rules make worse passwords.
///
/// # Errors
/// [`InvalidText::Password`]
pub fn check_password(text: &str) -> Result<(), InvalidText> {
    if (10..=200).contains(&text.chars().count()) { Ok(()) } else { Err(InvalidText::Password) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for name in ["a", "prod-eu-1", "0", &"a".repeat(63)] {
            assert_eq!(check_name("name", name), Ok(()), "{name}");
        }
        for name in ["", "-a", "a-", "A", "a b", "ä", "a.b", "a/../b", "a\n", &"a".repeat(64)] {
            assert!(check_name("name", name).is_err(), "{name}");
        }
    }

    #[test]
    fn emails_env_names_images_and_labels_keep_their_shape() {
        assert!(check_email("ada@example.com").is_ok());
        for text in ["", "ada", "@example.com", "a@b", "a b@c.d", "a@.d"] {
            assert!(check_email(text).is_err(), "{text}");
        }
        assert!(check_env_name("PATH_2").is_ok());
        for text in ["", "2A", "A=B", "A B", &"A".repeat(129)] {
            assert!(check_env_name(text).is_err(), "{text}");
        }
        assert!(check_image("registry.example.com:5000/a/b@sha256:00").is_ok());
        for text in ["", "a b", "-rm", &"a".repeat(256)] {
            assert!(check_image(text).is_err(), "{text}");
        }
        assert!(check_choice("image", "projects/debian-cloud/global/images/family/debian-12").is_ok());
        for text in ["", "a b", "ä", "a\n", &"a".repeat(201)] {
            assert!(check_choice("image", text).is_err(), "{text}");
        }
        assert!(check_labels(&BTreeMap::from([("zone".into(), "eu".into())])).is_ok());
        assert!(check_labels(&BTreeMap::from([("zo ne".into(), "eu".into())])).is_err());
        assert!(check_labels(&(0..33).map(|n| (n.to_string(), String::new())).collect()).is_err());
    }
}
