//! What becomes of webhooks: sent, doubled, held back until asked, lost.

use std::collections::VecDeque;

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

#[cfg(test)]
mod tests {
    use super::*;

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
