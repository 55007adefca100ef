//! Sentences about the installation itself.

use super::{Sentence, Told, Tone};
use crate::event::*;
use crate::names::Names;

impl Told for InstallationRestored {
    fn told(&self, _: &Names) -> Sentence {
        let Self { from, seq, taken_at, .. } = self;
        let text = format!("restored from the backup of log {from:016x} at event {seq}, made {taken_at}; the server only observes");
        Sentence::new(Tone::Plain, text)
    }
}

impl Told for InstallationConfirmed {
    fn told(&self, _: &Names) -> Sentence {
        Sentence::new(Tone::Plain, "the difference was confirmed; the server acts again")
    }
}
