//! Files of conversations that stand under another name now: they follow their conversations. A file that is the only copy
//! of its beginning goes as it is; of any other one the journal holds everything.

use super::blocking::blocking;
use super::conversation_file::path_of;
use super::in_the_way::InTheWay;
use crate::shared::files::output::{Output, RelativePath, ToDisk};
use crate::shared::journal::{Conversation, Journal, JournalError, MovedFile, Pruned};

/// How many files one step lets follow at most.
const STEP: i64 = 100;

/// Lets files follow. Nobody else may make files meanwhile. What stands in the way of one stops no other. The inner error is the
/// disk's; what is left then is tried again.
pub(super) async fn follow(
    journal: &Journal,
    output: &Output,
    in_the_way: &InTheWay,
) -> Result<std::io::Result<()>, JournalError> {
    loop {
        let moved = journal.list_moved_files(STEP.saturating_add(in_the_way.count())).await?;
        let mut done = Vec::new();
        for moved_file in moved {
            let (from, to) = (moved_file.from.clone(), moved_file.to.clone());
            let beginnings =
                journal.look(move |reader| Ok([reader.find_pruned(&from)?, reader.find_pruned(&to)?])).await?;
            let (file, output) = (moved_file.clone(), output.clone());
            let followed = blocking(move || follow_one(&output, &file, beginnings)).await;
            match in_the_way.note(&moved_file.from, followed) {
                Ok(true) => done.push(moved_file),
                Ok(false) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        if done.is_empty() {
            return Ok(Ok(()));
        }
        let names = output.clone();
        if let Err(error) = blocking(move || names.sync()).await {
            return Ok(Err(error));
        }
        journal.forget_moved_files(done).await?;
    }
}

fn follow_one(output: &Output, file: &MovedFile, [own, new]: [Option<Pruned>; 2]) -> std::io::Result<()> {
    let MovedFile { from, to } = file;
    if own.is_some() {
        tracing::warn!(
            channel = from.channel,
            account = from.account,
            "the file of a person's old name stays: it and the new one are both the only copies of their beginnings"
        );
        return Ok(());
    }
    let has_beginning = |old: &[u8]| new.as_ref().is_some_and(|new| new.is_beginning_of(old));
    follow_as(output, [path_of(from)?, path_of(to)?], has_beginning)?;
    follow_as(output, [index_of(from)?, index_of(to)?], |_| false)
}

/// Gives the file its new name. Where there is one already, it stays unless the old one has to take its place.
fn follow_as(output: &Output, [from, to]: [RelativePath; 2], replaces: impl Fn(&[u8]) -> bool) -> std::io::Result<()> {
    let Some((old, _)) = output.read(&from)? else { return Ok(()) };
    if output.stamp(&to)?.is_none() || replaces(&old) {
        output.replace(&to, &old, ToDisk::First)?;
    }
    output.remove_aside(&from)?;
    output.remove(&from)
}

/// Which message of a person brought which attachment.
fn index_of(conversation: &Conversation) -> std::io::Result<RelativePath> {
    let file = format!("{}.json", conversation.person);
    RelativePath::new(&[&conversation.channel, &conversation.account, "media", "index", &file])
}
