//! A zip archive of files below the output folder, made while it is sent: nothing of it is kept, in memory or on disk, but
//! a few pieces and the list of names that stands at its end.
//!
//! A thread of its own reads and packs. It stands still while nobody takes what it made, and ends when nobody wants more.
//! An archive that cannot be finished breaks off: it never looks whole.

use std::fs::File;
use std::io::{self, ErrorKind, Write};

use bytes::Bytes;
use chrono::{DateTime, Datelike, Timelike, Utc};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::shared::files::output::{Output, RelativePath};

/// How large a piece is, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// How many pieces may wait for being sent.
const PIECES: usize = 4;

/// From this size on an entry of the archive needs longer numbers.
const LARGE_BYTES: u64 = 0xF000_0000;

/// What is left in memory of an archive under way: pieces, or the error with which it breaks off.
pub type Pieces = Receiver<io::Result<Bytes>>;

/// Makes an archive of these documents, each with its name, and of all files of these folders, whose paths are kept.
/// `guard` is dropped when the last piece is made.
pub fn archive(
    output: Output,
    folders: Vec<RelativePath>,
    documents: Vec<(&'static str, Vec<u8>)>,
    guard: impl Send + 'static,
) -> Pieces {
    let (sender, pieces) = channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let _guard = guard;
        let packed = pack(Packer { sender: sender.clone(), piece: Vec::new() }, &output, &folders, &documents);
        if let Err(error) = packed {
            if error.kind() != ErrorKind::BrokenPipe {
                tracing::warn!(%error, "an export broke off");
            }
            // Nobody may be there any more to hear it.
            let _ = sender.blocking_send(Err(error));
        }
    });
    pieces
}

fn pack(
    packer: Packer,
    output: &Output,
    folders: &[RelativePath],
    documents: &[(&'static str, Vec<u8>)],
) -> io::Result<()> {
    let mut archive = ZipWriter::new_stream(packer);
    for (name, document) in documents {
        archive.start_file(*name, SimpleFileOptions::default().unix_permissions(0o600))?;
        archive.write_all(document)?;
    }
    for folder in folders {
        output.visit(folder, &mut |path, mut file| {
            archive.start_file(format!("{folder}/{path}"), options(path, &file)?)?;
            io::copy(&mut file, &mut archive).map(drop)
        })?;
    }
    archive.finish()?.into_inner().send()
}

fn options(path: &str, file: &File) -> io::Result<SimpleFileOptions> {
    let metadata = file.metadata()?;
    let changed: DateTime<Utc> = metadata.modified()?.into();
    // The format knows the years from 1980 to 2107; other times are left out.
    let changed = u16::try_from(changed.year()).ok().and_then(|year| {
        let [month, day, hour, minute, second] =
            [changed.month(), changed.day(), changed.hour(), changed.minute(), changed.second()]
                .map(|part| u8::try_from(part).unwrap_or_default());
        zip::DateTime::from_date_and_time(year, month, day, hour, minute, second).ok()
    });
    // Pictures and films are packed already. "Stored" would be quicker still, but an entry whose length is not known
    // before it is written can then be read by few programs only.
    let level = if path.ends_with(".json") { None } else { Some(1) };
    Ok(SimpleFileOptions::default()
        .large_file(metadata.len() >= LARGE_BYTES)
        .compression_level(level)
        .unix_permissions(0o600)
        .last_modified_time(changed.unwrap_or_default()))
}

/// Hands on what is written to it in pieces.
struct Packer {
    sender: Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Packer {
    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(Ok(piece)).map_err(|_| ErrorKind::BrokenPipe.into())
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_a_few_pieces_wait_however_long_the_archive_is() {
        let (sender, mut pieces) = channel(PIECES);
        let written = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&written);
        let thread = std::thread::spawn(move || {
            let mut packer = Packer { sender, piece: Vec::new() };
            for _ in 0..100_000 {
                count.fetch_add(1_000, Ordering::SeqCst);
                packer.write_all(&[7; 1_000]).unwrap();
            }
            packer.send().unwrap();
        });
        let mut taken = 0;
        while let Some(piece) = pieces.blocking_recv() {
            taken += piece.unwrap().len();
            let waiting = written.load(Ordering::SeqCst).saturating_sub(taken);
            assert!(waiting <= (PIECES + 2) * PIECE_BYTES, "{waiting}");
        }
        thread.join().unwrap();
        assert_eq!(taken, 100_000_000);
    }

    #[test]
    fn it_ends_when_nobody_wants_more() {
        let (sender, pieces) = channel(PIECES);
        drop(pieces);
        let mut packer = Packer { sender, piece: Vec::new() };
        let error = packer.write_all(&[7; 2 * PIECE_BYTES]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}
