//! What becomes of webhooks: sent, doubled, held back until asked, lost.

use std::collections::{BTreeSet, VecDeque};

/// What becomes of the webhooks of a simulator from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Webhooks {
    /// Each is sent once, at once.
    #[default]
    Sent,
    /// Each is sent twice.
    Doubled,
    /// None is sent until they are released.
    Held,
    /// None is ever sent.
    Lost,
}

/// The webhooks of one kind. What nobody answered with success waits here together with what is held, in order.
pub struct Post<T> {
    /// What becomes of new ones.
    pub mode: Webhooks,
    waiting: VecDeque<T>,
}

impl<T> Default for Post<T> {
    fn default() -> Self {
        Self { mode: Webhooks::default(), waiting: VecDeque::new() }
    }
}

impl<T: Clone> Post<T> {
    /// Something happened. The result is what shall be sent now.
    pub fn post(&mut self, item: T) -> Vec<T> {
        match self.mode {
            Webhooks::Sent => vec![item],
            Webhooks::Doubled => vec![item.clone(), item],
            Webhooks::Held => {
                self.waiting.push_back(item);
                Vec::new()
            }
            Webhooks::Lost => Vec::new(),
        }
    }

    /// Keeps what nobody answered, for another try.
    pub fn keep(&mut self, item: T) {
        self.waiting.push_back(item);
    }

    /// What waits, in order.
    #[must_use]
    pub fn waiting(&self) -> Vec<T> {
        self.waiting.iter().cloned().collect()
    }

    /// Takes everything that waits, in order.
    pub fn release(&mut self) -> Vec<T> {
        self.waiting.drain(..).collect()
    }
}

/// Which of two queues a webhook goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// What became of messages that the API took.
    Receipt,
    /// Everything else.
    Event,
}

/// The webhooks of a simulator that tells what becomes of messages: those receipts have a switch of their own.
pub struct Posts<T> {
    events: Post<T>,
    receipts: Post<T>,
}

impl<T> Default for Posts<T> {
    fn default() -> Self {
        Self { events: Post::default(), receipts: Post::default() }
    }
}

impl<T: Clone> Posts<T> {
    /// What becomes of all new ones.
    pub fn set_mode(&mut self, mode: Webhooks) {
        self.events.mode = mode;
        self.receipts.mode = mode;
    }

    /// What becomes of new ones, receipts apart.
    #[must_use]
    pub fn mode(&self) -> Webhooks {
        self.events.mode
    }

    /// What becomes of new receipts.
    pub fn set_receipts(&mut self, mode: Webhooks) {
        self.receipts.mode = mode;
    }

    fn of(&mut self, queue: Queue) -> &mut Post<T> {
        match queue {
            Queue::Receipt => &mut self.receipts,
            Queue::Event => &mut self.events,
        }
    }

    /// Something happened. The result is what shall be sent now.
    pub fn post(&mut self, queue: Queue, item: T) -> Vec<T> {
        self.of(queue).post(item)
    }

    /// Keeps what nobody answered, for another try.
    pub fn keep(&mut self, queue: Queue, item: T) {
        self.of(queue).keep(item);
    }

    /// What waits: of each queue in order, receipts last.
    #[must_use]
    pub fn waiting(&self) -> Vec<T> {
        [self.events.waiting(), self.receipts.waiting()].concat()
    }

    /// Takes everything that waits: of each queue in order, receipts last.
    pub fn release(&mut self) -> Vec<(Queue, T)> {
        let events: Vec<(Queue, T)> = self.events.release().into_iter().map(|one| (Queue::Event, one)).collect();
        events.into_iter().chain(self.receipts.release().into_iter().map(|one| (Queue::Receipt, one))).collect()
    }
}

/// The marks that more than one message carried, one for each surplus message.
pub fn surplus(marks: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    marks.filter(|mark| !seen.insert(mark.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_have_a_switch_of_their_own() {
        let mut posts = Posts::default();
        posts.set_receipts(Webhooks::Held);
        assert_eq!((posts.post(Queue::Event, 1), posts.post(Queue::Receipt, 2)), (vec![1], vec![]));
        posts.keep(Queue::Event, 1);
        assert_eq!(posts.waiting(), [1, 2]);
        assert_eq!(posts.release(), [(Queue::Event, 1), (Queue::Receipt, 2)]);
        posts.set_mode(Webhooks::Lost);
        assert!(posts.post(Queue::Receipt, 3).is_empty() && posts.post(Queue::Event, 4).is_empty());
        assert_eq!(surplus(["a", "b", "a", "a"].map(str::to_owned).into_iter()), ["a", "a"]);
    }

    #[test]
    fn what_is_held_or_unanswered_waits_and_what_is_lost_does_not() {
        let mut post = Post::default();
        assert_eq!(post.post(1), [1]);
        post.mode = Webhooks::Doubled;
        assert_eq!(post.post(2), [2, 2]);
        post.keep(2);
        post.mode = Webhooks::Held;
        assert!(post.post(3).is_empty());
        post.mode = Webhooks::Lost;
        assert!(post.post(4).is_empty());
        assert_eq!((post.waiting(), post.release(), post.release()), (vec![2, 3], vec![2, 3], vec![]));
    }
}
