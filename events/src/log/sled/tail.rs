//! The tail: a preallocated file that takes every group first, so that one `fdatasync` makes it durable. sled absorbs the
//! groups behind it. The head of the log stands at its start.
//!
//! After the head come two areas, filled in turn. A group's mark is the number of the filling: what a former one left behind
//! is told apart by it. An area is filled anew only when sled holds its groups durably.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::group::{Group, Hash};
use crate::log::Head;
use crate::log::disk::{Disk, Step};
use crate::log::head::{HEAD_AREA_BYTES, Noted};
use crate::log::stored::{self, Check};

pub(super) const FILE_NAME: &str = "tail";
const FILLER_BYTES: usize = 1 << 20;

/// The tail, open for appending.
pub(super) struct Tail {
    disk: Disk,
    file: File,
    path: PathBuf,
    noted: Noted,
    /// Which filling this is; its parity is the area.
    filling: u64,
    /// Where in the area the next group goes.
    offset: u64,
    /// Last event in each area.
    lasts: [u64; 2],
    buffer: Vec<u8>,
}

/// What an existing tail holds.
pub(super) struct Found {
    pub(super) head: Head,
    /// Groups that are sound, in the order of writing.
    pub(super) groups: Vec<Group>,
    /// Why reading stopped, for the message when something is missing.
    pub(super) stopped: String,
}

/// Whether a group may be written now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Here,
    /// After sled holds everything up to this event durably.
    Behind(u64),
    /// Never.
    TooLarge,
}

impl Tail {
    /// Writes an empty tail to `path`, all of it. Not durable yet.
    pub(super) fn create(disk: &Disk, path: &Path, incarnation: u64, area_bytes: u64) -> io::Result<()> {
        let file = disk.create(path)?;
        let filler = vec![0; FILLER_BYTES];
        let (mut place, end) = (0, HEAD_AREA_BYTES + 2 * area_bytes);
        while place < end {
            let part = filler.len().min(usize::try_from(end - place).unwrap_or(usize::MAX));
            disk.write_at(&file, path, &filler[..part], place)?;
            place += part as u64;
        }
        let head = Head { incarnation, seq: 0, hash: Hash::default() };
        let mut noted = Noted::new(head, area_bytes);
        noted.note(head, disk, &file, path)?;
        noted.note(head, disk, &file, path)?;
        disk.sync(&file, path)
    }

    /// Opens a tail; none when its head or its length is wrong.
    pub(super) fn open(disk: &Disk, path: &Path) -> io::Result<Option<(Self, Found)>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let Some((noted, filled, found)) = read(&file)? else {
            return Ok(None);
        };
        // The note's counter grows with every group, so at least as fast as the fillings; a slot may be one note behind.
        let filling = filled.max(noted.counter()) + 2;
        let (disk, path) = (disk.clone(), path.to_owned());
        Ok(Some((Self { disk, file, path, noted, filling, offset: 0, lasts: [0; 2], buffer: Vec::new() }, found)))
    }

    /// Whether `group` may be written now.
    pub(super) fn room(&self, group: &Group) -> Room {
        let size = stored::size(group) as u64;
        if size > self.noted.area_bytes {
            Room::TooLarge
        } else if self.offset + size <= self.noted.area_bytes {
            Room::Here
        } else {
            Room::Behind(self.lasts[area_of(self.filling + 1)])
        }
    }

    /// Goes on in the other area; what it held must be durable elsewhere.
    pub(super) fn turn(&mut self) -> io::Result<()> {
        self.disk.pass(&Step::Reuse(self.lasts[area_of(self.filling + 1)]))?;
        self.filling += 1;
        self.offset = 0;
        Ok(())
    }

    /// Writes a group; durable when it returns, and the head that it makes is noted.
    pub(super) fn append(&mut self, group: &Group, head: Head) -> io::Result<()> {
        self.buffer.clear();
        stored::encode(group, self.filling, &mut self.buffer);
        let area = area_of(self.filling);
        let place = HEAD_AREA_BYTES + area as u64 * self.noted.area_bytes + self.offset;
        self.disk.write_at(&self.file, &self.path, &self.buffer, place)?;
        self.disk.sync(&self.file, &self.path)?;
        self.offset += self.buffer.len() as u64;
        self.lasts[area] = group.last;
        self.note(head)?;
        self.disk.pass(&Step::Acknowledge(head.seq))
    }

    /// Notes the head of the log.
    pub(super) fn note(&mut self, head: Head) -> io::Result<()> {
        self.noted.note(head, &self.disk, &self.file, &self.path)
    }

    /// Makes the last note durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.file, &self.path)
    }
}

const fn area_of(filling: u64) -> usize {
    (filling % 2) as usize
}

struct Area {
    filling: u64,
    groups: Vec<Group>,
    stopped: String,
}

/// What a tail holds, without opening it for writing; none when its head or its length is wrong.
pub(super) fn inspect(path: &Path) -> io::Result<Option<Found>> {
    Ok(read(&File::open(path)?)?.map(|(_, _, found)| found))
}

/// Reads a tail: its note, its last filling, its groups.
fn read(file: &File) -> io::Result<Option<(Noted, u64, Found)>> {
    let Some(noted) = Noted::read(file)? else {
        return Ok(None);
    };
    if noted.area_bytes.checked_mul(2).and_then(|bytes| bytes.checked_add(HEAD_AREA_BYTES)) != Some(file.metadata()?.len()) {
        return Ok(None);
    }
    let mut areas = [read_area(file, &noted, 0)?, read_area(file, &noted, 1)?];
    areas.sort_by_key(|area| area.filling);
    let (filled, stopped) = (areas[1].filling, areas[1].stopped.clone());
    let groups = areas.into_iter().flat_map(|area| area.groups).collect();
    Ok(Some((noted, filled, Found { head: noted.head, groups, stopped })))
}

/// Reads the groups of the filling that its first group belongs to, as far as they are sound.
fn read_area(file: &File, noted: &Noted, area: usize) -> io::Result<Area> {
    let size = usize::try_from(noted.area_bytes).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, HEAD_AREA_BYTES + area as u64 * noted.area_bytes)?;
    let mut found = Area { filling: 0, groups: Vec::new(), stopped: "the tail ends there".to_owned() };
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let next = found.groups.last().map_or(noted.head.seq, |group: &Group| group.last + 1);
        match stored::decode(rest, next, Check::Chain) {
            Ok((heading, group, after)) if found.groups.is_empty() || heading.mark == found.filling => {
                if area_of(heading.mark) != area {
                    break;
                }
                found.filling = heading.mark;
                found.groups.push(group);
                rest = after;
            }
            Ok(_) => break,
            Err(fault) => {
                found.stopped = fault.to_string();
                break;
            }
        }
    }
    Ok(found)
}
