//! What Google Compute Engine offers. An entry that says too little to be ordered is left out. The API has no prices and does not
//! say what is free.

use serde_json::Value;

use crate::cloud::options::{Architecture, Availability, Image, Location, MachineType};

/// What the API gives at most.
pub(super) const PAGE: &str = "500";

/// Public images that the boot script knows, by project and family; a family stands for its newest image.
const FAMILIES: [(Architecture, &str, &str); 8] = [
    (Architecture::X86, "debian-cloud", "debian-12"),
    (Architecture::X86, "debian-cloud", "debian-13"),
    (Architecture::X86, "ubuntu-os-cloud", "ubuntu-2204-lts"),
    (Architecture::X86, "ubuntu-os-cloud", "ubuntu-2404-lts-amd64"),
    (Architecture::Arm, "debian-cloud", "debian-12-arm64"),
    (Architecture::Arm, "debian-cloud", "debian-13-arm64"),
    (Architecture::Arm, "ubuntu-os-cloud", "ubuntu-2204-lts-arm64"),
    (Architecture::Arm, "ubuntu-os-cloud", "ubuntu-2404-lts-arm64"),
];

pub(super) fn families(architecture: Architecture) -> impl Iterator<Item = (&'static str, &'static str)> {
    FAMILIES.iter().filter(move |(of, ..)| *of == architecture).map(|(_, project, family)| (*project, *family))
}

pub(super) fn items(pages: &[Value]) -> impl Iterator<Item = &Value> {
    pages.iter().flat_map(|page| page["items"].as_array().into_iter().flatten())
}

fn is_deprecated(found: &Value) -> bool {
    matches!(found["deprecated"]["state"].as_str(), Some("DEPRECATED" | "OBSOLETE" | "DELETED"))
}

pub(super) fn location(found: &Value) -> Option<Location> {
    let id = found["name"].as_str()?;
    let down = found["status"].as_str().is_some_and(|status| status != "UP");
    if down || is_deprecated(found) {
        return None;
    }
    Some(Location { id: id.to_owned(), title: found["description"].as_str().unwrap_or(id).to_owned() })
}

pub(super) fn machine_type(found: &Value) -> Option<MachineType> {
    if is_deprecated(found) {
        return None;
    }
    let id = found["name"].as_str()?;
    Some(MachineType {
        id: id.to_owned(),
        title: found["description"].as_str().unwrap_or(id).to_owned(),
        cpus: u32::try_from(found["guestCpus"].as_u64()?).ok()?,
        memory_mib: found["memoryMb"].as_u64()?,
        disk_gb: None,
        architecture: match found["architecture"].as_str() {
            // Not told for the oldest families, which are all of this one.
            Some("X86_64") | None => Some(Architecture::X86),
            Some("ARM64") => Some(Architecture::Arm),
            Some(_) => None,
        },
        price: None,
        availability: Availability::Untold,
    })
}

pub(super) fn image(project: &str, family: &str, found: &Value) -> Option<Image> {
    let name = found["name"].as_str()?;
    if is_deprecated(found) {
        return None;
    }
    Some(Image {
        id: format!("projects/{project}/global/images/family/{family}"),
        title: found["description"].as_str().unwrap_or(name).to_owned(),
    })
}
