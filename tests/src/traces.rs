//! Traces of secrets: every form in which one could lie around in a file or an answer, and where it does.

use std::fs;
use std::path::Path;

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL, HEXLOWER, HEXUPPER};

/// Secrets to look for, in all their forms.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    forms: Vec<Vec<u8>>,
}

impl Traces {
    /// Looks for this text too: as it is, as in JSON, and in hexadecimal and base64 at every alignment.
    #[must_use]
    pub fn with_text(mut self, secret: &str) -> Self {
        self.add_bytes(secret.as_bytes());
        let quoted = serde_json::to_string(secret).unwrap_or_default();
        let quoted = quoted.trim_matches('"');
        if quoted != secret {
            self.forms.push(quoted.as_bytes().to_vec());
        }
        self
    }

    /// Looks for a token of ours too: as it is shown, and for the 256 bits in it.
    ///
    /// # Panics
    /// It is no token of ours.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        let secret = token.len().checked_sub(52).and_then(|start| BASE32_NOPAD.decode(token[start..].to_uppercase().as_bytes()).ok());
        let mut traces = self.with_text(token);
        traces.add_bytes(&secret.expect("a token ends with 256 bits in base32"));
        traces
    }

    /// Looks for a key in PEM too: whole, as in JSON, and for each of its lines, however they are joined.
    #[must_use]
    pub fn with_pem(self, pem: &str) -> Self {
        let lines = pem.lines().filter(|line| line.len() > 40 && !line.starts_with('-'));
        lines.fold(self, |traces, line| {
            let mut traces = traces.with_text(line);
            traces.forms.extend(BASE64.decode(line.as_bytes()));
            traces
        })
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        self.forms.push(bytes.to_vec());
        self.forms.push(HEXLOWER.encode(bytes).into_bytes());
        self.forms.push(HEXUPPER.encode(bytes).into_bytes());
        for encoding in [&BASE64, &BASE64URL] {
            for before in 0..3 {
                let encoded = encoding.encode(&[&vec![0; before], bytes].concat());
                // Without both ends, which depend on what stands beside.
                let (start, end) = (4 * usize::from(before > 0), encoded.len() - 4);
                self.forms.push(encoded.as_bytes()[start..end].to_vec());
            }
        }
        self.forms.sort();
        self.forms.dedup();
    }

    /// Every form that is looked for; a test plants each of them once, to see that it is found.
    #[must_use]
    pub fn forms(&self) -> &[Vec<u8>] {
        &self.forms
    }

    /// Whether a form of a secret is in these bytes.
    #[must_use]
    pub fn are_in(&self, haystack: &[u8]) -> bool {
        /// Longer than any form; what reaches over a block's end is found in the block that begins half a block later.
        const BLOCK: usize = 8192;
        let blocks = (0..haystack.len()).step_by(BLOCK / 2).map(|start| &haystack[start..haystack.len().min(start + BLOCK)]);
        // Preallocated files are mostly zeros.
        let mut used = blocks.filter(|block| block.iter().any(|byte| *byte != 0));
        used.any(|block| self.forms.iter().any(|form| memchr::memmem::find(block, form).is_some()))
    }

    /// Files below a directory, or the file itself, that hold a secret in any form.
    ///
    /// # Panics
    /// A file can't be read.
    #[must_use]
    pub fn below(&self, path: &Path) -> Vec<String> {
        if !path.is_dir() {
            let holds = self.are_in(&fs::read(path).expect("a file of the test is readable"));
            return holds.then(|| path.display().to_string()).into_iter().collect();
        }
        let entries = fs::read_dir(path).expect("a directory of the test is readable");
        entries.flat_map(|entry| self.below(&entry.expect("it was there").path())).collect()
    }

    /// Plants each form in `file`, one after the other, and tells which are not found there, or which are found elsewhere below
    /// `directory`. Empty when the search can be believed, and nothing else is there.
    ///
    /// # Panics
    /// The file can't be written.
    #[must_use]
    pub fn missed(&self, directory: &Path, file: &Path) -> Vec<String> {
        let mut missed = self.below(directory);
        for (number, form) in self.forms.iter().enumerate() {
            fs::write(file, [b"before".as_slice(), form, b"after"].concat()).expect("a file of the test is writable");
            if self.below(file).is_empty() {
                missed.push(format!("form {number} is not found where it was planted"));
            }
        }
        fs::remove_file(file).expect("it was written");
        missed
    }
}
