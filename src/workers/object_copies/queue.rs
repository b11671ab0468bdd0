//! Whose turn it is: files that are due, each once, a few hundred at a time.

use std::collections::{HashMap, VecDeque};

use crate::shared::store::DueCopy;

/// How many requests are under way at once.
pub const AT_ONCE: usize = 8;

/// How many files wait in memory at most. All others are rows.
const MOST: usize = 512;

/// When so few are left of them, more are read.
const FEW: usize = MOST / 4;

/// The files that are due and under way.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<DueCopy>,
    /// Files that wait here, are under way, or whose result is not written down yet: each with the folder of its account.
    busy: HashMap<String, String>,
    /// How many tasks take turns.
    runners: usize,
    /// Accounts of which nothing is sent, by their folders, and how often they are held.
    held: HashMap<String, usize>,
}

impl Queue {
    /// How many rows are to be read; `None`: enough are here. Those that are here already are among the rows.
    pub(super) fn room(&self) -> Option<usize> {
        (self.waiting.len() <= FEW).then(|| MOST - self.waiting.len() + self.busy.len())
    }

    /// Whether it is time to read more: so few are left just now.
    pub(super) fn is_low(&self) -> bool {
        self.waiting.len() == FEW
    }

    /// Whether no file waits here.
    pub(super) fn is_dry(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes these in, but for those that are here already, are held, or are being changed. Gives how many were taken in, and
    /// how many tasks are to be started.
    pub(super) fn add(&mut self, due: Vec<DueCopy>, is_changing: impl Fn(&str) -> bool) -> (usize, usize) {
        let mut added = 0;
        for due in due {
            let is_held = self.held.contains_key(&due.folder);
            if is_held || self.busy.contains_key(&due.path) || is_changing(&due.path) || self.waiting.len() >= MOST {
                continue;
            }
            self.busy.insert(due.path.clone(), due.folder.clone());
            self.waiting.push_back(due);
            added += 1;
        }
        let wanted = self.waiting.len().min(AT_ONCE).saturating_sub(self.runners);
        self.runners += wanted;
        (added, wanted)
    }

    /// The next file; `None`: there is none, and the task that asks is over.
    pub(super) fn take(&mut self) -> Option<DueCopy> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            self.end_runner();
        }
        next
    }

    /// A task takes no more turns.
    pub(super) fn end_runner(&mut self) {
        self.runners = self.runners.saturating_sub(1);
    }

    /// Nothing that waits here is done now: it stays due.
    pub(super) fn clear(&mut self) {
        for due in self.waiting.drain(..) {
            self.busy.remove(&due.path);
        }
    }

    /// A file is no longer under way.
    pub(super) fn release(&mut self, path: &str) {
        self.busy.remove(path);
    }

    /// Nothing of this account begins until [`Queue::let_go`].
    pub(super) fn hold(&mut self, folder: &str) {
        *self.held.entry(folder.to_owned()).or_default() += 1;
        let busy = &mut self.busy;
        self.waiting.retain(|due| {
            let is_held = due.folder == folder;
            if is_held {
                busy.remove(&due.path);
            }
            !is_held
        });
    }

    pub(super) fn let_go(&mut self, folder: &str) {
        if let Some(count) = self.held.get_mut(folder) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(folder);
            }
        }
    }

    pub(super) fn is_held(&self, folder: &str) -> bool {
        self.held.contains_key(folder)
    }

    /// Whether a file of this account is under way.
    pub(super) fn is_busy(&self, folder: &str) -> bool {
        self.busy.values().any(|of| of == folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(path: &str) -> DueCopy {
        let folder = path.split('/').next().unwrap_or_default().to_owned();
        DueCopy {
            path: path.to_owned(),
            folder,
            generation: 1,
            not_before: 0,
            attempts: 0,
            is_unsure: false,
            owner: None,
            sha256: None,
        }
    }

    #[test]
    fn a_file_is_here_once_and_at_most_eight_take_turns() {
        let mut queue = Queue::default();
        let all = || (0..20).map(|number| due(&format!("a/{number}"))).collect::<Vec<_>>();
        assert_eq!(queue.add(all(), |path| path == "a/3"), (19, 8));
        assert_eq!(queue.add(all(), |path| path == "a/3"), (0, 0));
        let first = queue.take().expect("a file");
        assert_eq!(queue.add(all(), |_| false), (1, 0), "one under way is not begun again");
        queue.release(&first.path);
        assert_eq!(queue.add(vec![first], |_| false), (1, 0));
        while queue.take().is_some() {}
        assert_eq!(queue.runners, 7);
    }

    #[test]
    fn more_are_read_when_few_are_left_and_never_more_than_fit() {
        let mut queue = Queue::default();
        assert_eq!(queue.room(), Some(MOST));
        let all: Vec<DueCopy> = (0..2 * MOST).map(|number| due(&format!("a/{number}"))).collect();
        assert_eq!(queue.add(all.clone(), |_| false), (MOST, 8));
        while queue.room().is_none() {
            assert!(!queue.is_low() && queue.take().is_some());
        }
        assert!(queue.is_low() && !queue.is_dry());
        // Nothing is written down yet of those that were taken: they are among the rows that are read again.
        let room = queue.room().unwrap_or_default();
        assert_eq!(queue.add(all.into_iter().take(room).collect(), |_| false), (MOST - FEW, 0));
        assert_eq!(queue.room(), None);
    }

    #[test]
    fn nothing_of_an_account_that_is_held_begins() {
        let mut queue = Queue::default();
        queue.add(vec![due("a/1"), due("b/1"), due("a/2")], |_| false);
        let first = queue.take().expect("a file");
        queue.hold("a");
        assert!(queue.is_busy("a"));
        assert_eq!(queue.take().map(|due| due.path).as_deref(), Some("b/1"));
        assert_eq!(queue.take(), None);
        queue.release(&first.path);
        assert!(!queue.is_busy("a") && queue.is_held("a"));
        assert_eq!(queue.add(vec![due("a/1")], |_| false).0, 0);
        queue.let_go("a");
        assert_eq!(queue.add(vec![due("a/1")], |_| false).0, 1);
    }
}
