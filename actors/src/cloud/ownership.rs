//! How our machines are told from others: a name that follows from the node, and labels that say whose it is.
//!
//! Two control planes in one cloud project don't see each other's machines: everything is found by the installation's label.
//! The forms are those that every provider takes: lower-case letters, digits, `-` and `_`, up to 63 characters.

use spunto_core::id::{self, NodeId, OrgId};

/// Says which installation made it.
pub const LABEL_INSTALLATION: &str = "spunto-installation";
/// Says for which organisation.
pub const LABEL_ORG: &str = "spunto-org";
/// Says for which node.
pub const LABEL_NODE: &str = "spunto-node";
/// Says in which attempt.
pub const LABEL_ATTEMPT: &str = "spunto-attempt";

/// One control plane, as its machines' labels name it: the number of its first log, so that a restored copy is the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation(u64);

impl Installation {
    /// The one whose first log has this number.
    #[must_use]
    pub const fn of_log(incarnation: u64) -> Self {
        Self(incarnation)
    }

    /// The label's value.
    #[must_use]
    pub fn label(self) -> String {
        id::encode(self.0)
    }
}

/// A node's machine is called so, whatever the attempt: a second one can't be made beside it.
#[must_use]
pub fn machine_name(node: NodeId) -> String {
    format!("spunto-{}", id::encode(node.as_u64()))
}

/// All labels of a machine.
#[must_use]
pub fn labels(installation: Installation, org: OrgId, node: NodeId, attempt: u32) -> [(&'static str, String); 4] {
    [
        (LABEL_INSTALLATION, installation.label()),
        (LABEL_ORG, org.to_string()),
        (LABEL_NODE, node.to_string()),
        (LABEL_ATTEMPT, attempt.to_string()),
    ]
}

/// What a machine's labels say of it; none when it is not this installation's.
pub(crate) fn read<'a>(installation: Installation, label: impl Fn(&str) -> Option<&'a str>) -> Option<Owned> {
    if label(LABEL_INSTALLATION)? != installation.label() {
        return None;
    }
    let node = label(LABEL_NODE).and_then(|text| text.parse().ok());
    let org = label(LABEL_ORG).and_then(|text| text.parse().ok());
    let attempt = label(LABEL_ATTEMPT).and_then(|text| text.parse().ok());
    Some(Owned { org, node, attempt })
}

/// What labels say; a part that somebody changed by hand is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) org: Option<OrgId>,
    pub(crate) node: Option<NodeId>,
    pub(crate) attempt: Option<u32>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what is missing fails the test")]
    use super::*;

    #[test]
    fn names_and_labels_fit_every_provider() {
        let fits = |text: &str| {
            let inside = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_');
            inside && text.len() <= 63 && !text.ends_with(['-', '_'])
        };
        for number in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let name = machine_name(NodeId::from_u64(number));
            assert!(fits(&name) && name.starts_with(|char: char| char.is_ascii_lowercase()) && !name.contains('_'), "{name}");
            let labels = labels(Installation::of_log(number), OrgId::from_u64(number), NodeId::from_u64(number), 7);
            assert!(labels.iter().all(|(key, value)| fits(key) && fits(value)), "{labels:?}");
            let read =
                read(Installation::of_log(number), |key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str()));
            let expected = Owned { org: Some(OrgId::from_u64(number)), node: Some(NodeId::from_u64(number)), attempt: Some(7) };
            assert_eq!(read.unwrap(), expected);
        }
        assert!(read(Installation::of_log(1), |_| Some("somebody else's")).is_none());
    }
}
