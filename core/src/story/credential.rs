//! Sentences about credentials at cloud providers, and about what is left there.

use super::{Sentence, Told, Tone};
use crate::event::*;
use crate::names::Names;

fn plain(text: impl Into<String>) -> Sentence {
    Sentence::new(Tone::Plain, text)
}

fn account(account: Option<&String>) -> String {
    account.map_or_else(String::new, |account| format!(" for {account}"))
}

impl Told for CredentialAdded {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("credential \"{}\" of {} added{}", self.name, self.provider, account(self.account.as_ref())))
    }
}

impl Told for CredentialReplaced {
    fn told(&self, names: &Names) -> Sentence {
        let name = names.credential(self.credential);
        plain(format!("credential \"{name}\" has another secret (version {}){}", self.version, account(self.account.as_ref())))
    }
}

impl Told for CredentialDeleted {
    fn told(&self, names: &Names) -> Sentence {
        let name = names.credential(self.credential);
        if self.forced {
            Sentence::new(Tone::Warning, format!("credential \"{name}\" deleted by force: machines that needed it were given up"))
        } else {
            plain(format!("credential \"{name}\" deleted, its secret erased"))
        }
    }
}

impl Told for LeftoverRemovalRequested {
    fn told(&self, names: &Names) -> Sentence {
        let of = self.node.map_or_else(String::new, |node| format!(", made for {}", names.node(node)));
        plain(format!("{} ({}){of}, which no node needs, is to be removed at the provider", self.name, self.reference))
    }
}
