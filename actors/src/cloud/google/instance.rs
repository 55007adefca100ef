//! Instances and disks: how one is asked for, and what a list says of one.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use serde_json::{Map, Value, json};
use spunto_core::secret::Secret;

use crate::cloud::machine::{Order, Resource, ResourceKind};
use crate::cloud::ownership::{self, Installation};
use crate::cloud::user_data::{self, BootError};

/// Instances come with their whole metadata, so a page of them is a small one.
pub(super) const PAGE: &str = "100";
/// Room for Docker's images besides the system.
const BOOT_DISK_GB: &str = "30";
/// Families that start from no other disk than this; the rest do from a balanced one.
const HYPERDISK_FAMILIES: [&str; 4] = ["n4", "c4", "m4", "x4"];
/// RFC 9562's namespace of object identifiers; ours are named below it.
const NAMESPACE: [u8; 16] = [0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

/// What names this order's call to Google: a UUID of version 5, so that the same order has the same.
pub(super) fn request_id(installation: Installation, order: &Order) -> String {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(&NAMESPACE);
    digest.update(format!("spunto {} {} {}", installation.label(), order.node, order.attempt).as_bytes());
    let digest = digest.finish();
    let mut bytes: [u8; 16] = std::array::from_fn(|place| digest.as_ref()[place]);
    bytes[6] = (bytes[6] & 0x0f) | 0x50;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The instance that is asked for. No service account: the machine gets no rights in the cloud.
pub(super) fn body(order: &Order, installation: Installation) -> Result<Value, BootError> {
    let script: Secret<String> = user_data::startup_script(&order.boot)?;
    let labels: Map<String, Value> = ownership::labels(installation, order.org, order.node, order.attempt)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    let family = order.machine_type.split('-').next().unwrap_or_default();
    let hyperdisk = HYPERDISK_FAMILIES.iter().any(|only| family.starts_with(only));
    let disk = if hyperdisk { "hyperdisk-balanced" } else { "pd-balanced" };
    Ok(json!({
        "name": ownership::machine_name(order.node),
        "machineType": format!("zones/{}/machineTypes/{}", order.location, order.machine_type),
        "labels": labels,
        "disks": [{
            "boot": true,
            "autoDelete": true,
            "initializeParams": {
                "sourceImage": order.image,
                "diskSizeGb": BOOT_DISK_GB,
                "diskType": format!("zones/{}/diskTypes/{disk}", order.location),
                "labels": labels,
            },
        }],
        "networkInterfaces": [{
            "network": "global/networks/default",
            // Without it the machine has no way to the Internet.
            "accessConfigs": [{ "type": "ONE_TO_ONE_NAT", "name": "External NAT" }],
        }],
        "metadata": { "items": [{ "key": "startup-script", "value": script.expose() }] },
    }))
}

/// The machine that an order makes, before a list shows it.
pub(super) fn ordered(order: &Order) -> Resource {
    let name = ownership::machine_name(order.node);
    Resource {
        kind: ResourceKind::Machine,
        reference: format!("zones/{}/instances/{name}", order.location),
        name,
        location: order.location.clone(),
        state: "PROVISIONING".to_owned(),
        machine_type: Some(order.machine_type.clone()),
        address: None,
        created: None,
        org: Some(order.org),
        node: Some(order.node),
        attempt: Some(order.attempt),
    }
}

/// An instance or disk; none without name or zone, and nothing where it is not this installation's or goes with its machine.
pub(super) fn resource(kind: ResourceKind, value: &Value, installation: Installation) -> Option<Option<Resource>> {
    let (name, zone) = (value["name"].as_str()?, last(&value["zone"])?);
    let Some(owned) = ownership::read(installation, |label| value["labels"][label].as_str()) else { return Some(None) };
    if kind == ResourceKind::Disk && is_used(value) {
        return Some(None);
    }
    let list = if kind == ResourceKind::Machine { "instances" } else { "disks" };
    let address = value["networkInterfaces"][0]["accessConfigs"][0]["natIP"].as_str();
    Some(Some(Resource {
        kind,
        reference: format!("zones/{zone}/{list}/{name}"),
        name: name.to_owned(),
        location: zone.to_owned(),
        state: value["status"].as_str().unwrap_or_default().to_owned(),
        machine_type: last(&value["machineType"]).map(str::to_owned),
        address: address.map(str::to_owned),
        created: value["creationTimestamp"].as_str().map(str::to_owned),
        org: owned.org,
        node: owned.node,
        attempt: owned.attempt,
    }))
}

/// Whether a machine uses this disk.
pub(super) fn is_used(disk: &Value) -> bool {
    disk["users"].as_array().is_some_and(|users| !users.is_empty())
}

/// Whether a state says that it is on its way out.
pub(super) fn is_going(state: &str) -> bool {
    matches!(state, "STOPPING" | "DEPROVISIONING" | "DELETING")
}

/// A zone that did not answer, where a list over all of them says so.
pub(super) fn unreachable(page: &Value) -> Option<String> {
    let listed = page["unreachables"].as_array().and_then(|all| all.first()).and_then(Value::as_str);
    let warned = |scope: &Value| matches!(scope["warning"]["code"].as_str(), Some("UNREACHABLE" | "PARTIAL_SUCCESS"));
    let scopes = page["items"].as_object().into_iter().flatten();
    listed.map(str::to_owned).or_else(|| scopes.into_iter().find(|(_, scope)| warned(scope)).map(|(name, _)| name.clone()))
}

/// The last part of a URL or path.
fn last(value: &Value) -> Option<&str> {
    value.as_str()?.rsplit('/').next().filter(|part| !part.is_empty())
}
