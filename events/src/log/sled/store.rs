//! The active segment: one sled database. The only file, with `pack.rs`, that names the crate sled.
//!
//! Groups are put into sled as packs: stored groups one after the other, cut into values. Key: first event of the pack u64,
//! number of the value u16, both big-endian. A pack is one batch of sled's, so its groups are there whole or not at all.
//!
//! sled writes a leaf anew with all it holds at its tenth change, and both halves when it splits, so that one growing tree
//! costs its values almost five times over. Here a tree takes no more than [`TREE_VALUES_MAX`], then the next one begins: every
//! value is written once. The first tree is sled's default one, the others are named by the first event that they may hold.
//!
//! sled's `flush` alone is not durable (it never syncs), and it writes pages over a quarter of its segment size to files that
//! it never syncs at all; hence [`Store::settle`], the segment size, and the check for such files.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::guard::guarded;
use super::pack::{Unpacking, cut_into};
use crate::group::{Group, GroupError};
use crate::log::disk::{Disk, Step};
use crate::log::stored::{self, Check};

/// Most values of a tree, but for a group that needs more: one fewer than sled's changes of a leaf before it is written anew.
pub(super) const TREE_VALUES_MAX: usize = 9;
/// Most bytes of a pack, unless one group alone has more: what a busy journal makes of one batch, and a little.
pub(super) const PACK_BYTES_MAX: usize = TREE_VALUES_MAX * (120 << 10);
/// More than four times the largest page, be it [`TREE_VALUES_MAX`] values of a pack or a full leaf of 17 values of 64 KiB.
const SEGMENT_BYTES: usize = 8 << 20;
/// Aim for what sled keeps in memory; it is no bound, the size of a segment is.
const CACHE_BYTES: u64 = 64 << 20;
/// sled's threads let go of the lock a little after its value is dropped.
const LOCK_TRIES_MAX: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// One open sled database.
pub(super) struct Store {
    db: ::sled::Db,
    file: File,
    directory: PathBuf,
    path: PathBuf,
    first: u64,
    /// In the order of their first events; never empty.
    trees: RwLock<Vec<Stretch>>,
}

/// A tree, and what of the segment it holds.
#[derive(Clone)]
struct Stretch {
    /// It holds no event before this one.
    first: u64,
    tree: ::sled::Tree,
    /// How many values are in it, or at least [`TREE_VALUES_MAX`].
    values: usize,
}

/// Why groups could not be had from sled.
#[derive(Debug)]
pub(super) enum ScanError {
    /// What it holds is no sound group.
    Group(GroupError),
    /// sled itself failed.
    Sled(String),
}

impl Store {
    /// Makes the database of the segment that starts with event `first`; durable when it returns, name and all.
    pub(super) fn create(disk: &Disk, directory: &Path, first: u64) -> Result<Self, String> {
        disk.create_directory(directory).map_err(text)?;
        let store = Self::open(directory, first)?;
        store.settle(disk)?;
        disk.sync_directory(directory).map_err(text)?;
        disk.sync_directory(directory.parent().unwrap_or(Path::new("."))).map_err(text)?;
        Ok(store)
    }

    /// Opens the database.
    pub(super) fn open(directory: &Path, first: u64) -> Result<Self, String> {
        let open = || {
            let config = ::sled::Config::new().path(directory).flush_every_ms(None).segment_size(SEGMENT_BYTES).cache_capacity(CACHE_BYTES);
            let mut tries = 0;
            loop {
                match config.open() {
                    Err(::sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") && tries < LOCK_TRIES_MAX => {
                        tries += 1;
                        std::thread::sleep(LOCK_PAUSE);
                    }
                    opened => return opened.map_err(text),
                }
            }
        };
        let db = guarded(open)?;
        let path = directory.join("db");
        let file = File::open(&path).map_err(text)?;
        let trees = RwLock::new(guarded(|| stretches(&db, first))?);
        Ok(Self { db, file, directory: directory.to_owned(), path, first, trees })
    }

    /// First event of the segment.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds groups in order, each whole or not at all. Readable at once, durable after [`Store::settle`].
    pub(super) fn insert(&self, disk: &Disk, groups: &[Arc<Group>]) -> Result<(), String> {
        let mut rest = groups;
        let mut bytes = Vec::new();
        while let Some(first) = rest.first().map(|group| group.first) {
            bytes.clear();
            let mut count = 0;
            while let Some(group) = rest.get(count).filter(|group| count == 0 || bytes.len() + stored::size(group) <= PACK_BYTES_MAX) {
                stored::encode(group, 0, &mut bytes);
                count += 1;
            }
            self.insert_pack(first, &bytes)?;
            disk.pass(&Step::Absorb(rest[count - 1].last)).map_err(text)?;
            rest = &rest[count..];
        }
        Ok(())
    }

    fn insert_pack(&self, first: u64, bytes: &[u8]) -> Result<(), String> {
        let mut batch = ::sled::Batch::default();
        let values = cut_into(bytes);
        let count = values.len();
        for (number, value) in values.enumerate() {
            batch.insert(&key(first, u16::try_from(number).map_err(text)?), value);
        }
        let tree = self.tree_for(first, count)?;
        guarded(|| tree.apply_batch(batch).map_err(text))
    }

    /// The tree that takes so many values from event `first` on: the last one, or a new one.
    fn tree_for(&self, first: u64, values: usize) -> Result<::sled::Tree, String> {
        let mut trees = self.trees.write();
        if let Some(last) = trees.last_mut().filter(|last| last.values == 0 || last.values + values <= TREE_VALUES_MAX) {
            last.values += values;
            return Ok(last.tree.clone());
        }
        let tree = guarded(|| self.db.open_tree(first.to_be_bytes()).map_err(text))?;
        trees.push(Stretch { first, tree: tree.clone(), values });
        Ok(tree)
    }

    /// Makes everything that was added durable.
    pub(super) fn settle(&self, disk: &Disk) -> Result<(), String> {
        guarded(|| self.db.flush().map_err(text))?;
        disk.pass(&Step::Flush(self.path.clone())).map_err(text)?;
        disk.sync(&self.file, &self.path).map_err(text)?;
        match std::fs::read_dir(self.directory.join("blobs")).and_then(|mut entries| entries.next().transpose()) {
            Ok(None) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Ok(Some(_)) => {
                Err("sled has made files under blobs/, which it never syncs: nothing in them is safe from a power cut".to_owned())
            }
            Err(error) => Err(text(error)),
        }
    }

    /// Shows groups in order, from the one that holds event `from`, until `each` has enough.
    pub(super) fn scan(&self, from: u64, check: Check, each: impl FnMut(Group) -> ControlFlow<()>) -> Result<(), ScanError> {
        let mut fault = None;
        let scanned = guarded(|| {
            match self.scan_unguarded(from, check, each) {
                Err(ScanError::Sled(why)) => return Err(why),
                Err(ScanError::Group(group)) => fault = Some(group),
                Ok(()) => {}
            }
            Ok(())
        });
        scanned.map_err(ScanError::Sled)?;
        fault.map_or(Ok(()), |fault| Err(ScanError::Group(fault)))
    }

    fn scan_unguarded(&self, from: u64, check: Check, mut each: impl FnMut(Group) -> ControlFlow<()>) -> Result<(), ScanError> {
        let trees: Vec<Stretch> = {
            let trees = self.trees.read();
            let start = trees.partition_point(|stretch| stretch.first <= from).saturating_sub(1);
            trees[start..].to_vec()
        };
        for stretch in trees {
            if scan_tree(&stretch, from, check, &mut each)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The trees of a segment that starts with event `first`.
fn stretches(db: &::sled::Db, first: u64) -> Result<Vec<Stretch>, String> {
    let mut stretches = vec![Stretch { first, tree: ::sled::Tree::clone(db), values: 0 }];
    for name in db.tree_names().into_iter().filter(|name| **name != *db.name()) {
        let from = name.as_ref().try_into().map(u64::from_be_bytes).map_err(|_| format!("it holds a tree {name:?}, which is not ours"))?;
        stretches.push(Stretch { first: from, tree: db.open_tree(&name).map_err(text)?, values: TREE_VALUES_MAX });
    }
    stretches.sort_by_key(|stretch| stretch.first);
    if let Some(last) = stretches.last_mut() {
        last.values = last.tree.iter().keys().take(TREE_VALUES_MAX).count();
    }
    Ok(stretches)
}

fn scan_tree(
    stretch: &Stretch,
    from: u64,
    check: Check,
    each: &mut impl FnMut(Group) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ScanError> {
    let sled = |error: ::sled::Error| ScanError::Sled(text(error));
    let before = stretch.tree.range(..=key(from, u16::MAX)).next_back().transpose().map_err(sled)?;
    let start = before.and_then(|(found, _)| split(&found)).map_or(stretch.first, |(first, _)| first);
    let mut unpacking = Unpacking::new(start, from, check);
    for entry in stretch.tree.range(key(start, 0)..) {
        let (found, value) = entry.map_err(sled)?;
        if unpacking.take(split(&found), &value, each).map_err(ScanError::Group)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    unpacking.end().map_err(ScanError::Group)?;
    Ok(ControlFlow::Continue(()))
}

fn key(first: u64, chunk: u16) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&first.to_be_bytes());
    key[8..].copy_from_slice(&chunk.to_be_bytes());
    key
}

fn split(key: &[u8]) -> Option<(u64, u16)> {
    let (first, chunk) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*first), u16::from_be_bytes(chunk.try_into().ok()?)))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
