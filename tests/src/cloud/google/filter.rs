//! Filters of lists: `field = "value"`, `!=`, `:` for "has", joined by `AND` or by standing side by side in parentheses.

use serde_json::Value;

/// Whether a resource fits a filter; none where it can't be read.
pub(super) fn fits(filter: &str, resource: &Value) -> Option<bool> {
    let mut all = true;
    for term in terms(filter)? {
        all &= term_fits(&term, resource)?;
    }
    Some(all)
}

/// The terms, out of their parentheses.
fn terms(filter: &str) -> Option<Vec<String>> {
    let filter = filter.trim();
    if !filter.starts_with('(') {
        return Some(filter.split(" AND ").map(str::trim).filter(|term| !term.is_empty()).map(str::to_owned).collect());
    }
    let mut found = Vec::new();
    let mut rest = filter;
    while let Some(inside) = rest.strip_prefix('(') {
        let (term, after) = inside.split_once(')')?;
        found.push(term.trim().to_owned());
        rest = after.trim_start();
        rest = rest.strip_prefix("AND").unwrap_or(rest).trim_start();
    }
    rest.is_empty().then_some(found)
}

fn term_fits(term: &str, resource: &Value) -> Option<bool> {
    let place = term.find(['=', '!', ':'])?;
    let (field, rest) = term.split_at(place);
    let (is, value) = match (rest.strip_prefix("!="), rest.strip_prefix(['=', ':'])) {
        (Some(value), _) => (false, value),
        (None, Some(value)) => (true, value),
        (None, None) => return None,
    };
    let value = value.trim().trim_matches('"');
    let field = field.trim();
    let known = field.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char));
    if field.is_empty() || !known {
        return None;
    }
    let found = match field.split_once('.') {
        Some((parent, key)) => &resource[parent][key],
        None => &resource[field],
    };
    let same = if value == "*" { !found.is_null() } else { found.as_str().is_some_and(|text| text == value) };
    Some(same == is)
}
