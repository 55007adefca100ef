//! What the fake sells: a part of what Hetzner sells, in its shapes.

use serde_json::{Value, json};

use crate::cloud::wire::Request;

/// Name, city, country, network zone.
const LOCATIONS: [(&str, &str, &str, &str); 4] = [
    ("fsn1", "Falkenstein", "DE", "eu-central"),
    ("nbg1", "Nuremberg", "DE", "eu-central"),
    ("hel1", "Helsinki", "FI", "eu-central"),
    ("hil", "Hillsboro, OR", "US", "us-west"),
];
/// Name, cores, memory in GiB, disk in GB, architecture, price for an hour, where it is sold.
type ServerType = (&'static str, u32, f64, u32, &'static str, &'static str, &'static [&'static str]);
const SERVER_TYPES: [ServerType; 4] = [
    ("cx23", 2, 4.0, 40, "x86", "0.0056", &["fsn1", "nbg1", "hel1"]),
    ("cpx11", 2, 2.0, 40, "x86", "0.0070", &["fsn1", "nbg1", "hel1", "hil"]),
    ("cax11", 2, 4.0, 40, "arm", "0.0061", &["fsn1", "hel1"]),
    ("ccx13", 2, 8.0, 80, "x86", "0.0200", &["fsn1", "hil"]),
];
/// Name, description, flavour, architecture.
const IMAGES: [(&str, &str, &str, &str); 6] = [
    ("debian-12", "Debian 12", "debian", "x86"),
    ("debian-12", "Debian 12", "debian", "arm"),
    ("ubuntu-24.04", "Ubuntu 24.04", "ubuntu", "x86"),
    ("ubuntu-24.04", "Ubuntu 24.04", "ubuntu", "arm"),
    ("fedora-42", "Fedora 42", "fedora", "x86"),
    ("debian-10", "Debian 10", "debian", "x86"),
];

pub(super) fn is_location(name: &str) -> bool {
    LOCATIONS.iter().any(|(known, ..)| *known == name)
}

pub(super) fn is_server_type(name: &str) -> bool {
    SERVER_TYPES.iter().any(|(known, ..)| *known == name)
}

pub(super) fn is_image(name: &str) -> bool {
    IMAGES.iter().any(|(known, ..)| *known == name)
}

pub(super) fn is_sold(server_type: &str, location: &str) -> bool {
    SERVER_TYPES.iter().any(|(name, .., sold)| *name == server_type && sold.contains(&location))
}

pub(super) fn location(name: &str) -> Value {
    let found = LOCATIONS.iter().enumerate().find(|(_, (known, ..))| *known == name);
    found.map_or(Value::Null, |(place, (name, city, country, zone))| {
        json!({ "id": place + 1, "name": name, "description": format!("{city} DC Park 1"), "country": country, "city": city,
            "latitude": 50.47612, "longitude": 12.370071, "network_zone": zone })
    })
}

pub(super) fn locations() -> Vec<Value> {
    LOCATIONS.iter().map(|(name, ..)| location(name)).collect()
}

pub(super) fn server_types(sold_out: &[(String, String)]) -> Vec<Value> {
    SERVER_TYPES.iter().map(|(name, ..)| server_type(name, sold_out)).collect()
}

pub(super) fn server_type(name: &str, sold_out: &[(String, String)]) -> Value {
    let found = SERVER_TYPES.iter().enumerate().find(|(_, (known, ..))| *known == name);
    let Some((place, (name, cores, memory, disk, architecture, hourly, sold))) = found else { return Value::Null };
    let price = |location: &&str| {
        json!({ "location": location, "price_hourly": { "net": hourly, "gross": format!("{hourly}19") },
            "price_monthly": { "net": "3.4900", "gross": "4.1531" }, "included_traffic": 21_990_232_555_520_u64,
            "price_per_tb_traffic": { "net": "1.0000", "gross": "1.1900" } })
    };
    let there = |location: &&str| {
        let available = !sold_out.iter().any(|(kind, at)| kind == name && at == location);
        let id = LOCATIONS.iter().position(|(known, ..)| known == location).map_or(0, |place| place + 1);
        json!({ "id": id, "name": location, "available": available, "recommended": available, "deprecation": null })
    };
    json!({ "id": 100 + place, "name": name, "description": name.to_uppercase(), "category": "Shared vCPU", "cores": cores,
        "memory": memory, "disk": disk, "deprecated": false, "deprecation": null, "storage_type": "local", "cpu_type": "shared",
        "architecture": architecture, "included_traffic": null,
        "prices": sold.iter().map(price).collect::<Vec<_>>(), "locations": sold.iter().map(there).collect::<Vec<_>>() })
}

fn image_at(place: usize) -> Value {
    let (name, description, flavour, architecture) = IMAGES[place];
    let deprecated = (name == "debian-10").then_some("2024-06-30T00:00:00+00:00");
    json!({ "id": 200 + place, "type": "system", "status": "available", "name": name, "description": description, "image_size": null,
        "disk_size": 5, "created": "2025-01-15T11:34:45+00:00", "created_from": null, "bound_to": null, "os_flavor": flavour,
        "os_version": null, "rapid_deploy": true, "protection": { "delete": false }, "deprecated": deprecated, "deleted": null,
        "labels": {}, "architecture": architecture })
}

pub(super) fn image(name: &str) -> Value {
    IMAGES.iter().position(|(known, ..)| *known == name).map_or(Value::Null, image_at)
}

pub(super) fn images(request: &Request) -> Vec<Value> {
    let asked = |image: &Value, parameter: &str| request.query(parameter).is_none_or(|wanted| image[parameter] == wanted);
    (0..IMAGES.len()).map(image_at).filter(|image| asked(image, "architecture") && asked(image, "type")).collect()
}

pub(super) fn pricing() -> Value {
    json!({ "pricing": { "currency": "EUR", "vat_rate": "19.00", "primary_ips": [], "floating_ips": [], "load_balancer_types": [],
        "server_types": [], "server_backup": { "percentage": "20.00" } } })
}
