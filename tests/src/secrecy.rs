//! A search for secrets in whatever was written down: each as it is, and in the forms that it takes on its way through programs.
//!
//! What is sealed or packed can't be searched; whoever searches unpacks first. A secret that is cut in two by the edge of a page is
//! not found in a file; hence the log's frames are searched as well, as they are read.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// How much of the start of a form is looked up; nothing shorter is searched for.
const START: usize = 8;

/// What is searched for.
#[derive(Debug, Default)]
pub struct Search {
    /// What and in which form, and its bytes.
    needles: Vec<(String, Vec<u8>)>,
    /// By their first bytes.
    starts: HashMap<[u8; START], Vec<usize>>,
}

impl Search {
    /// Searches for this text as well, in every form.
    pub fn text(&mut self, what: &str, secret: &str) {
        for (form, bytes) in forms(secret.as_bytes()) {
            self.add(format!("{what} ({form})"), bytes);
        }
    }

    /// Searches for a token as well: its text, and the random bytes that its last 52 characters stand for.
    pub fn token(&mut self, what: &str, token: &str) {
        self.text(what, token);
        let secret = &token[token.len().saturating_sub(52)..];
        self.text(&format!("{what}'s secret"), secret);
        if let Ok(bytes) = BASE32_NOPAD.decode(secret.to_ascii_uppercase().as_bytes()) {
            self.bytes(&format!("{what}'s bytes"), &bytes);
        }
    }

    /// Searches for these bytes as well, in every form.
    pub fn bytes(&mut self, what: &str, secret: &[u8]) {
        for (form, bytes) in forms(secret) {
            self.add(format!("{what} ({form})"), bytes);
        }
    }

    fn add(&mut self, name: String, bytes: Vec<u8>) {
        let start: [u8; START] = bytes[..START].try_into().expect("what is searched for is longer");
        self.starts.entry(start).or_default().push(self.needles.len());
        self.needles.push((name, bytes));
    }

    /// What was found, each once.
    #[must_use]
    pub fn found_in(&self, hay: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        // Most places are passed over by their first byte.
        let mut first = [false; 256];
        self.starts.keys().for_each(|start| first[usize::from(start[0])] = true);
        for at in 0..hay.len().saturating_sub(START - 1) {
            if !first[usize::from(hay[at])] {
                continue;
            }
            let Some(those) = hay[at..at + START].try_into().ok().and_then(|start: [u8; START]| self.starts.get(&start)) else { continue };
            found.extend(those.iter().copied().filter(|needle| hay[at..].starts_with(&self.needles[*needle].1)));
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|needle| self.needles[needle].0.as_str()).collect()
    }

    /// What was found in the files below a directory, each with its file.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn found_below(&self, directory: &Path) -> std::io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                found.extend(self.found_below(&path)?);
            } else {
                // A file may go while one looks.
                let hay = fs::read(&path).unwrap_or_default();
                found.extend(self.found_in(&hay).into_iter().map(|what| format!("{what} in {}", path.display())));
            }
        }
        Ok(found)
    }
}

/// A secret as it may be written down: by name of the form, none twice.
#[must_use]
pub fn forms(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("as it is".to_owned(), secret.to_vec()),
        ("hex".to_owned(), HEXLOWER.encode(secret).into_bytes()),
        ("HEX".to_owned(), HEXUPPER.encode(secret).into_bytes()),
        // Numbers in a list, as a derived text of bytes or a JSON array has them.
        ("numbers".to_owned(), numbers(secret, ", ")),
        ("tight numbers".to_owned(), numbers(secret, ",")),
        ("turned around".to_owned(), secret.iter().rev().copied().collect()),
    ];
    for offset in 0..3 {
        all.push((format!("base64, {offset} bytes in"), inside(&BASE64_NOPAD, secret, offset)));
        all.push((format!("base64url, {offset} bytes in"), inside(&BASE64URL_NOPAD, secret, offset)));
    }
    if let Ok(text) = std::str::from_utf8(secret) {
        let (once, twice) = (escaped(text), escaped(&escaped(text)));
        all.push(("JSON".to_owned(), once.into_bytes()));
        all.push(("JSON in JSON".to_owned(), twice.into_bytes()));
        all.push(("UTF-16".to_owned(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        all.push(("URL".to_owned(), percent(secret)));
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|(_, bytes)| seen.insert(bytes.clone()));
    all
}

/// The characters of base64 that a secret alone decides, where it stands so many bytes inside something longer.
fn inside(encoding: &data_encoding::Encoding, secret: &[u8], offset: usize) -> Vec<u8> {
    let encoded = encoding.encode(&[&vec![0; offset], secret].concat());
    let (from, to) = ((offset * 8).div_ceil(6), (offset + secret.len()) * 8 / 6);
    encoded.as_bytes()[from..to].to_vec()
}

/// A text as it stands between the quotes of JSON.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn numbers(secret: &[u8], between: &str) -> Vec<u8> {
    secret.iter().map(u8::to_string).collect::<Vec<_>>().join(between).into_bytes()
}

fn percent(secret: &[u8]) -> Vec<u8> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    secret.iter().flat_map(|&byte| if plain(byte) { vec![byte] } else { format!("%{byte:02X}").into_bytes() }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what is missing fails the test")]
    use super::*;

    const SECRET: &str = "pass \"word\"\n?>?>?>?> of some ümlaut";

    #[test]
    fn every_form_is_found_wherever_it_stands_and_nothing_else() {
        let mut search = Search::default();
        search.text("it", SECRET);
        assert_eq!(forms(SECRET.as_bytes()).len(), 16);
        for (form, bytes) in forms(SECRET.as_bytes()) {
            for before in 0..3 {
                let hay = [&vec![b'.'; before], bytes.as_slice(), b"..."].concat();
                assert!(search.found_in(&hay).contains(&format!("it ({form})").as_str()), "{form}, {before} bytes in");
            }
            assert!(search.found_in(&bytes[1..]).is_empty(), "{form} without its first byte");
        }
        assert!(search.found_in(b"").is_empty() && search.found_in(&[b'p'; 4096]).is_empty());
    }

    #[test]
    fn what_programs_write_is_found() {
        let mut search = Search::default();
        search.text("it", SECRET);
        let written = [
            format!("{:?}", SECRET.as_bytes()),
            serde_json::json!({ "inner": serde_json::json!({ "key": SECRET }).to_string() }).to_string(),
            BASE64_NOPAD.encode(format!("Basic ada:{SECRET}!").as_bytes()),
            BASE64URL_NOPAD.encode(format!("a:{SECRET}").as_bytes()),
        ];
        for text in written {
            assert!(!search.found_in(text.as_bytes()).is_empty(), "{text}");
        }
        let token = format!("spe_{}", BASE32_NOPAD.encode(&[7; 32]).to_ascii_lowercase());
        let mut search = Search::default();
        search.token("token", &token);
        assert_eq!(search.found_in(&[[0; 3].as_slice(), &[7; 32]].concat()), ["token's bytes (as it is)"]);
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("inner")).unwrap();
        fs::write(directory.path().join("inner/file"), &token).unwrap();
        assert_eq!(search.found_below(directory.path()).unwrap().len(), 2);
    }
}
