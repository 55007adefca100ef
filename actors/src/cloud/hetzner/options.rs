//! What Hetzner Cloud offers. An entry that says too little to be ordered is left out.

use serde_json::Value;

use crate::cloud::options::{Architecture, Availability, Image, Location, MachineType, Price};

pub(super) const fn architecture(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86 => "x86",
        Architecture::Arm => "arm",
    }
}

pub(super) fn location(found: &Value) -> Option<Location> {
    let id = found["name"].as_str()?.to_owned();
    let title = match (found["city"].as_str(), found["country"].as_str()) {
        (Some(city), Some(country)) => format!("{city}, {country}"),
        _ => found["description"].as_str().unwrap_or(&id).to_owned(),
    };
    Some(Location { id, title })
}

/// A server type as it is sold at a location; none where it is not.
pub(super) fn machine_type(found: &Value, location: &str, currency: &str) -> Option<MachineType> {
    let id = found["name"].as_str()?;
    let price = found["prices"].as_array()?.iter().find(|price| price["location"] == location)?;
    let gross = |period: &str| price[period]["gross"].as_str().map(str::to_owned);
    let there = found["locations"].as_array().into_iter().flatten().find(|there| there["name"] == location);
    let availability = match there.and_then(|there| there["available"].as_bool()) {
        Some(true) => Availability::Available,
        Some(false) => Availability::SoldOut,
        None => Availability::Untold,
    };
    Some(MachineType {
        id: id.to_owned(),
        title: found["description"].as_str().unwrap_or(id).to_owned(),
        cpus: u32::try_from(found["cores"].as_u64()?).ok()?,
        memory_mib: mib(&found["memory"])?,
        disk_gb: found["disk"].as_u64(),
        architecture: match found["architecture"].as_str() {
            Some("x86") => Some(Architecture::X86),
            Some("arm") => Some(Architecture::Arm),
            _ => None,
        },
        price: gross("price_hourly").zip(gross("price_monthly")).map(|(hourly, monthly)| Price {
            currency: currency.to_owned(),
            hourly,
            monthly,
        }),
        availability,
    })
}

/// Memory comes in GiB, some with a half.
fn mib(memory: &Value) -> Option<u64> {
    let gib = memory.as_f64().filter(|gib| (0.0..1e6).contains(gib))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1e9")]
    Some((gib * 1024.0).round() as u64)
}

/// Where else a server type is available.
pub(super) fn available<'a>(found: &'a Value, but: &'a str) -> impl Iterator<Item = String> + 'a {
    let there = found["locations"].as_array().into_iter().flatten();
    there
        .filter(move |there| there["available"] == true && there["name"] != but)
        .filter_map(|there| there["name"].as_str().map(str::to_owned))
}

pub(super) fn image(found: &Value) -> Option<Image> {
    let id = found["name"].as_str()?;
    // Only systems that the boot script knows, and that are still offered.
    let known = matches!(found["os_flavor"].as_str(), Some("debian" | "ubuntu"));
    if !known || found["deprecated"].is_string() || found["status"].as_str().is_some_and(|status| status != "available") {
        return None;
    }
    Some(Image { id: id.to_owned(), title: found["description"].as_str().unwrap_or(id).to_owned() })
}
