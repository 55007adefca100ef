//! A node's story, told of its own events with what the organisation's history knows: the same as `spunto-replay story` tells, by the
//! same functions.

use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::StreamId;
use spunto_core::stats::Statistics;
use spunto_core::story::{Story, node_advice, node_stands};

use super::pick::Picker;
use super::{Archive, EVENTS_MAX, PastError};
use crate::directory::Directory;

/// Newest lines of a story that are told.
pub const LINES_MAX: usize = 1_000;

/// A node's life in sentences.
#[derive(Clone, Debug)]
pub struct NodeStory {
    /// What it is, or was, called.
    pub name: String,
    /// Where it stands now.
    pub stands: String,
    /// The step to take next; none when there is nothing to do.
    pub next: Option<String>,
    /// What happened.
    pub story: Story,
    /// Older lines that are left out.
    pub omitted: usize,
}

/// Tells the life of a node, also of one that is gone. Blocks on the disk.
///
/// # Errors
/// There never was such a node in this organisation; too much happened to it; the log can't be read, or is being read too much.
pub fn story(directory: &Directory, archive: &Archive, org: OrgId, node: NodeId) -> Result<NodeStory, PastError> {
    let stream = StreamId::Node(node);
    let seqs = directory.view().timeline(stream).to_vec();
    if seqs.len() > EVENTS_MAX {
        return Err(PastError::TooLong { events: seqs.len() });
    }
    let mut picker = Picker::new(directory.feed().log());
    let first = picker.record(*seqs.first().ok_or(PastError::Unknown)?, None)?;
    if first.org != Some(org) {
        return Err(PastError::Unknown);
    }
    let known = archive.chronicle(directory, org)?;
    let (mut names, mut statistics, mut story) = (known.names.clone(), Statistics::default(), Story::of(stream));
    for (number, seq) in seqs.iter().enumerate() {
        let record = picker.record(*seq, seqs.get(number + 1).copied())?;
        names.observe(&record);
        let took = statistics.observe(&record);
        story.tell(&record, &names, took);
    }
    let omitted = story.shorten(LINES_MAX);
    story.compare(|step, place| known.statistics.usual(*step, place));
    let (stands, next) = directory.read(|state| {
        let now = state.orgs.get(&org).and_then(|org| org.fleet.node(node));
        now.map_or_else(|| ("deleted".to_owned(), None), |node| (node_stands(node), node_advice(node)))
    });
    Ok(NodeStory { name: names.node(node), stands, next, story, omitted })
}
