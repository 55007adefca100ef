//! Label selectors: `key`, `!key`, `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, joined by commas.

use std::collections::BTreeMap;

/// Whether labels fit a selector; none where it can't be read.
pub(super) fn fits(selector: &str, labels: &BTreeMap<String, String>) -> Option<bool> {
    let mut all = true;
    for term in terms(selector) {
        all &= term_fits(term.trim(), labels)?;
    }
    Some(all)
}

/// The terms: a comma within parentheses parts nothing.
fn terms(selector: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_i32, 0, Vec::new());
    for (place, char) in selector.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&selector[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    found.push(&selector[start..]);
    found.into_iter().filter(|term| !term.trim().is_empty()).collect()
}

fn term_fits(term: &str, labels: &BTreeMap<String, String>) -> Option<bool> {
    let key_is_one = |key: &str| !key.is_empty() && key.chars().all(|char| char.is_ascii_alphanumeric() || "-_./".contains(char));
    if let Some((key, set)) = term.split_once(" notin ").or_else(|| term.split_once(" in ")) {
        let set = set.trim().strip_prefix('(')?.strip_suffix(')')?;
        let within = labels.get(key.trim()).is_some_and(|value| set.split(',').any(|each| each.trim() == value));
        return Some(within != term.contains(" notin "));
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Some(labels.get(key.trim()).map(String::as_str) != Some(value.trim()));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return key_is_one(key.trim()).then(|| labels.get(key.trim()).map(String::as_str) == Some(value.trim()));
    }
    match term.strip_prefix('!') {
        Some(key) => key_is_one(key).then(|| !labels.contains_key(key)),
        None => key_is_one(term).then(|| labels.contains_key(term)),
    }
}
