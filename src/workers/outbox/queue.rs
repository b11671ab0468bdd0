//! Whose turn it is: nothing here is stored, asks a database or waits.
//!
//! Every account has a lane with an allowance of its own. Within a lane people take turns, a part at a time; of one person
//! there is never more than one part under way, in the order in which messages were accepted.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::shared::channel::dialogue::{PersonRate, Profile, Rate};
use crate::shared::journal::{Account, Conversation};

/// How many calls of one account are under way at once.
const AT_ONCE_OF_ACCOUNT: usize = 16;

/// How many calls are under way at once.
const AT_ONCE: usize = 64;

/// What an audio or video costs of an allowance in which a text costs one.
fn weight_of(rate: Rate, is_heavy: bool) -> f64 {
    if is_heavy { f64::from(rate.parts) / f64::from(rate.heavy.max(1)) } else { 1.0 }
}

/// What waits.
#[derive(Default)]
pub(super) struct Queue {
    lanes: BTreeMap<Account, Lane>,
    /// Until when nothing of an account goes out, in milliseconds since 1970.
    paused: BTreeMap<Account, i64>,
    under_way: usize,
    /// The account whose turn was last: the next one begins.
    last: Option<Account>,
}

struct Lane {
    people: HashMap<String, Person>,
    /// Those who may be looked at, in turn.
    ready: VecDeque<String>,
    /// Those who wait for a time, by it.
    later: BTreeSet<(i64, String)>,
    under_way: usize,
    allowance: Allowance,
    /// What may still go to people who were written to lately, where one person's share is limited.
    of_people: HashMap<String, Allowance>,
}

#[derive(Default)]
struct Person {
    messages: VecDeque<i64>,
    /// A message that was added while it was under way: whatever its turn says, it has another one.
    again: Option<i64>,
    /// The message that is under way. An older one may be put before it meanwhile.
    under_way: Option<i64>,
    /// Whether it has one of the places of those who are called.
    has_place: bool,
    waits_until: Option<i64>,
}

/// How much may go out now: a burst, and so much more with time.
struct Allowance {
    left: f64,
    filled_at: i64,
}

/// What becomes of a person after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The message is done with; the next one of the person has its turn.
    Done,
    /// The message goes on, in its turn.
    GoesOn,
    /// The message goes on, not before this time (milliseconds since 1970).
    Waits(i64),
    /// Nothing was called. The message goes on, not before this time (milliseconds since 1970).
    Postponed(i64),
}

/// How much may go out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// Of an account.
    pub account: Rate,
    /// To one person.
    pub person: Option<PersonRate>,
}

impl Rates {
    /// As much as there is.
    pub const UNPACED: Self = Self {
        account: Rate { parts: u32::MAX, per: std::time::Duration::from_secs(1), heavy: u32::MAX },
        person: None,
    };

    /// Those of a channel.
    pub fn of(profile: &Profile) -> Self {
        Self { account: profile.rate, person: profile.person_rate }
    }
}

impl PersonRate {
    /// The same as so many in so long.
    fn as_rate(self) -> Rate {
        Rate { parts: self.burst, per: self.every * self.burst, heavy: self.burst }
    }
}

impl Queue {
    /// A message waits for its turn. One that waits already stays where it is.
    pub fn add(&mut self, number: i64, to: &Conversation, rates: Rates) {
        let burst = f64::from(rates.account.parts);
        let lane = self.lanes.entry((to.channel.clone(), to.account.clone())).or_insert_with(|| Lane {
            people: HashMap::new(),
            ready: VecDeque::new(),
            later: BTreeSet::new(),
            under_way: 0,
            allowance: Allowance { left: burst, filled_at: 0 },
            of_people: HashMap::new(),
        });
        let is_new = !lane.people.contains_key(&to.person);
        let person = lane.people.entry(to.person.clone()).or_default();
        if !person.messages.contains(&number) {
            // Numbers are given in order, and handed over in nearly that order.
            let at = person.messages.partition_point(|other| *other < number);
            person.messages.insert(at, number);
        } else if person.under_way == Some(number) {
            person.again = Some(number);
        }
        if is_new {
            lane.ready.push_back(to.person.clone());
        }
    }

    /// How many messages of an account wait.
    pub fn waiting(&self, channel: &str, account: &str) -> usize {
        let lane = self.lanes.get(&(channel.to_owned(), account.to_owned()));
        lane.map_or(0, |lane| lane.people.values().map(|person| person.messages.len()).sum())
    }

    /// The next message whose turn it is; it counts as under way until [`Queue::end`]. `rates`: of a channel.
    pub fn take(&mut self, now_ms: i64, rates: impl Fn(&str) -> Rates) -> Option<(i64, Conversation)> {
        if self.under_way >= AT_ONCE {
            return None;
        }
        let start = self.last.clone();
        let after = |account: &&Account| start.as_ref().is_none_or(|last| *account > last);
        let accounts: Vec<Account> = self
            .lanes
            .keys()
            .filter(after)
            .chain(self.lanes.keys().filter(|account| !after(account)))
            .cloned()
            .collect();
        for account in accounts {
            let Some(lane) = self.lanes.get_mut(&account) else { continue };
            if let Some((number, person)) = lane.take(now_ms, rates(&account.0)) {
                self.under_way += 1;
                self.last = Some(account.clone());
                let (channel, account) = account;
                return Some((number, Conversation { channel, account, person }));
            }
        }
        None
    }

    /// The call of a turn is over, and what came of it is not stored yet: another one may be called meanwhile, of another
    /// person.
    pub fn was_called(&mut self, of: &Conversation) {
        let Some(lane) = self.lanes.get_mut(&(of.channel.clone(), of.account.clone())) else { return };
        let Some(person) = lane.people.get_mut(&of.person) else { return };
        if std::mem::take(&mut person.has_place) {
            self.under_way = self.under_way.saturating_sub(1);
            lane.under_way = lane.under_way.saturating_sub(1);
        }
    }

    /// A turn is over.
    pub fn end(&mut self, number: i64, of: &Conversation, turn: Turn) {
        self.was_called(of);
        let account = (of.channel.clone(), of.account.clone());
        let Some(lane) = self.lanes.get_mut(&account) else { return };
        if matches!(turn, Turn::Postponed(_)) {
            lane.give_back(&of.person);
        }
        let Some(person) = lane.people.get_mut(&of.person) else { return };
        person.under_way = None;
        let turn = if person.again.take() == Some(number) && turn == Turn::Done { Turn::GoesOn } else { turn };
        match turn {
            Turn::Done => {
                person.messages.retain(|other| *other != number);
                if person.messages.is_empty() {
                    lane.people.remove(&of.person);
                } else {
                    lane.ready.push_back(of.person.clone());
                }
            }
            Turn::GoesOn => lane.ready.push_back(of.person.clone()),
            Turn::Waits(until) | Turn::Postponed(until) => {
                person.waits_until = Some(until);
                lane.later.insert((until, of.person.clone()));
            }
        }
    }

    /// A person who waits for a time has a turn now: something was decided about a message.
    pub fn wake(&mut self, of: &Conversation) {
        let Some(lane) = self.lanes.get_mut(&(of.channel.clone(), of.account.clone())) else { return };
        let Some(person) = lane.people.get_mut(&of.person) else { return };
        if let Some(until) = person.waits_until.take() {
            lane.later.remove(&(until, of.person.clone()));
            lane.ready.push_back(of.person.clone());
        }
    }

    /// Until when nothing of this account goes out, in milliseconds since 1970. Messages have their turns all the same: what is
    /// too old by then has failed at its own time, and not at the end of a pause that may last for a day.
    pub fn paused_until(&self, channel: &str, account: &str) -> i64 {
        self.paused.get(&(channel.to_owned(), account.to_owned())).copied().unwrap_or(0)
    }

    /// Nothing more of this account goes out before this time.
    pub fn pause(&mut self, channel: &str, account: &str, until: i64) {
        let paused = self.paused.entry((channel.to_owned(), account.to_owned())).or_default();
        *paused = until.max(*paused);
    }

    /// An audio or video went out: it costs more than a text.
    pub fn charge_heavy(&mut self, channel: &str, account: &str, rate: Rate) {
        if let Some(lane) = self.lanes.get_mut(&(channel.to_owned(), account.to_owned())) {
            lane.allowance.left -= weight_of(rate, true) - 1.0;
        }
    }
}

impl Queue {
    /// So many messages came in for an account whose platform counts them with those that go out. What is more than a burst is
    /// over by the time it could be counted.
    pub fn charge(&mut self, channel: &str, account: &str, (now_ms, rate): (i64, Rate), parts: u32) {
        if let Some(lane) = self.lanes.get_mut(&(channel.to_owned(), account.to_owned())) {
            lane.allowance.fill(now_ms, rate);
            let left = lane.allowance.left;
            lane.allowance.left = left.min((left - f64::from(parts)).max(0.0));
        }
    }
}

impl Lane {
    fn take(&mut self, now_ms: i64, rates: Rates) -> Option<(i64, String)> {
        if self.under_way >= AT_ONCE_OF_ACCOUNT {
            return None;
        }
        while let Some((_, person)) = self.later.first().filter(|(at, _)| *at <= now_ms) {
            let person = person.clone();
            self.later.pop_first();
            if let Some(waiting) = self.people.get_mut(&person) {
                waiting.waits_until = None;
                self.ready.push_back(person);
            }
        }
        if self.ready.is_empty() || !self.allowance.take(now_ms, rates.account) {
            return None;
        }
        while let Some(name) = self.ready.pop_front() {
            let Some(person) = self.people.get_mut(&name).filter(|person| person.under_way.is_none()) else { continue };
            let Some(number) = person.messages.front().copied() else { continue };
            if let Some(rate) = rates.person
                && let Err(at) = take_of_person(&mut self.of_people, &name, now_ms, rate)
            {
                person.waits_until = Some(at);
                self.later.insert((at, name));
                continue;
            }
            (person.under_way, person.has_place) = (Some(number), true);
            self.under_way += 1;
            return Some((number, name));
        }
        self.allowance.left += 1.0;
        None
    }

    /// A turn in which nothing went out costs nothing.
    fn give_back(&mut self, person: &str) {
        self.allowance.left += 1.0;
        if let Some(allowance) = self.of_people.get_mut(person) {
            allowance.left += 1.0;
        }
    }
}

/// How many people's shares are remembered before those are looked for that are whole again.
const REMEMBERED: usize = 1_000;

/// Takes from one person's share, or says from when on something is left of it (milliseconds since 1970).
fn take_of_person(
    shares: &mut HashMap<String, Allowance>,
    person: &str,
    now_ms: i64,
    rate: PersonRate,
) -> Result<(), i64> {
    let as_rate = rate.as_rate();
    if shares.len() >= REMEMBERED && !shares.contains_key(person) {
        let whole_after = i64::try_from(as_rate.per.as_millis()).unwrap_or(i64::MAX);
        shares.retain(|_, share| now_ms.saturating_sub(share.filled_at) < whole_after);
    }
    let whole = || Allowance { left: f64::from(rate.burst), filled_at: now_ms };
    let share = shares.entry(person.to_owned()).or_insert_with(whole);
    match share.take(now_ms, as_rate) {
        true => Ok(()),
        false => Err(now_ms + i64::try_from(rate.every.as_millis()).unwrap_or(i64::MAX / 2).max(1)),
    }
}

impl Allowance {
    fn take(&mut self, now_ms: i64, rate: Rate) -> bool {
        self.fill(now_ms, rate);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }

    /// Adds what time has brought.
    fn fill(&mut self, now_ms: i64, rate: Rate) {
        let (burst, per) = (f64::from(rate.parts), rate.per.as_secs_f64().max(0.001));
        #[allow(clippy::cast_precision_loss, reason = "a difference of times")]
        let passed = (now_ms - self.filled_at).max(0) as f64 / 1000.0;
        self.left = (self.left + passed * burst / per).min(burst);
        self.filled_at = now_ms;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FAST: Rates = of_account(Rate { parts: 1_000, per: Duration::from_secs(1), heavy: 1_000 });

    const fn of_account(account: Rate) -> Rates {
        Rates { account, person: None }
    }

    fn to(account: &str, person: &str) -> Conversation {
        Conversation { channel: "c".to_owned(), account: account.to_owned(), person: person.to_owned() }
    }

    fn queue(waiting: &[(i64, &str, &str)]) -> Queue {
        let mut queue = Queue::default();
        for (number, account, person) in waiting {
            queue.add(*number, &to(account, person), FAST);
        }
        queue
    }

    fn numbers(queue: &mut Queue, now_ms: i64, rates: Rates) -> Vec<i64> {
        std::iter::from_fn(|| queue.take(now_ms, |_| rates)).map(|(number, _)| number).collect()
    }

    #[test]
    fn people_and_accounts_take_turns_and_one_person_has_one_at_a_time() {
        let mut queue = queue(&[(1, "a", "p"), (2, "a", "p"), (3, "a", "q"), (4, "b", "r"), (5, "b", "s")]);
        assert_eq!(numbers(&mut queue, 0, FAST), [1, 4, 3, 5]);
        queue.end(1, &to("a", "p"), Turn::GoesOn);
        queue.add(6, &to("a", "t"), FAST);
        assert_eq!(numbers(&mut queue, 0, FAST), [1, 6], "the same message goes on");
        queue.end(1, &to("a", "p"), Turn::Done);
        assert_eq!(numbers(&mut queue, 0, FAST), [2]);
    }

    #[test]
    fn what_was_called_gives_its_place_to_somebody_else_and_once() {
        let mut queue = Queue::default();
        for number in 0..20 {
            queue.add(number, &to("a", &number.to_string()), FAST);
        }
        queue.add(20, &to("a", "0"), FAST);
        let first: Vec<i64> = (0..16).collect();
        assert_eq!(numbers(&mut queue, 0, FAST), first);
        for _ in 0..2 {
            queue.was_called(&to("a", "0"));
        }
        assert_eq!(numbers(&mut queue, 0, FAST), [16], "the person's own next one waits for the end of their turn");
        queue.end(0, &to("a", "0"), Turn::Done);
        assert_eq!(numbers(&mut queue, 0, FAST), [0_i64; 0], "its place was given already");
        queue.end(1, &to("a", "1"), Turn::Done);
        assert_eq!(numbers(&mut queue, 0, FAST), [17]);
    }

    #[test]
    fn whoever_waits_for_a_time_delays_nobody_and_can_be_woken() {
        let mut queue = queue(&[(1, "a", "p"), (2, "a", "q")]);
        assert_eq!(numbers(&mut queue, 0, FAST), [1, 2]);
        queue.end(1, &to("a", "p"), Turn::Waits(500));
        queue.end(2, &to("a", "q"), Turn::Done);
        queue.add(3, &to("a", "p"), FAST);
        assert_eq!(numbers(&mut queue, 499, FAST), [0_i64; 0], "not before its time, and nothing overtakes");
        assert_eq!(numbers(&mut queue, 500, FAST), [1]);
        queue.end(1, &to("a", "p"), Turn::Waits(9_000));
        queue.wake(&to("a", "p"));
        assert_eq!(numbers(&mut queue, 501, FAST), [1]);
        queue.end(1, &to("a", "p"), Turn::Done);
        assert_eq!(numbers(&mut queue, 502, FAST), [3]);
    }

    #[test]
    fn a_burst_is_one_periods_worth_and_then_time_decides() {
        let slow = Rate { parts: 2, per: Duration::from_secs(1), heavy: 1 };
        let rate = of_account(slow);
        let mut queue = Queue::default();
        for number in 1..=6 {
            queue.add(number, &to("a", &number.to_string()), rate);
        }
        assert_eq!(numbers(&mut queue, 10_000, rate), [1, 2]);
        assert_eq!(numbers(&mut queue, 10_499, rate), [0_i64; 0]);
        assert_eq!(numbers(&mut queue, 10_500, rate), [3]);
        queue.charge_heavy("c", "a", slow);
        assert_eq!(numbers(&mut queue, 11_000, rate), [0_i64; 0], "a video cost two");
        assert_eq!(numbers(&mut queue, 11_500, rate), [4]);
    }

    #[test]
    fn what_comes_in_takes_from_what_may_go_out_and_never_more_than_there_is() {
        let rate = of_account(Rate { parts: 2, per: Duration::from_secs(1), heavy: 1 });
        let mut queue = queue(&[(1, "a", "p"), (2, "a", "q"), (3, "b", "r")]);
        queue.charge("c", "a", (10_000, rate.account), 500);
        assert_eq!(numbers(&mut queue, 10_000, rate), [3], "another account's is its own");
        assert_eq!(numbers(&mut queue, 10_500, rate), [1]);
        queue.charge("c", "nobody", (10_500, rate.account), 1);
    }

    #[test]
    fn one_persons_share_is_a_burst_and_then_one_at_a_time_and_others_go_on() {
        let person = Some(PersonRate { burst: 2, every: Duration::from_secs(6) });
        let rates = Rates { person, ..FAST };
        let mut queue = queue(&[(1, "a", "p"), (2, "a", "p"), (3, "a", "p"), (4, "a", "q")]);
        for expected in [vec![1, 4], vec![2], vec![]] {
            let taken = numbers(&mut queue, 10_000, rates);
            assert_eq!(taken, expected);
            for number in taken {
                queue.end(number, &to("a", if number == 4 { "q" } else { "p" }), Turn::Done);
            }
        }
        assert_eq!(numbers(&mut queue, 15_999, rates), [0_i64; 0]);
        assert_eq!(numbers(&mut queue, 16_000, rates), [3]);
    }

    #[test]
    fn a_turn_in_which_nothing_went_out_costs_nothing() {
        let rate = of_account(Rate { parts: 1, per: Duration::from_secs(60), heavy: 1 });
        let mut queue = queue(&[(1, "a", "p")]);
        for now_ms in [100_000, 100_100, 100_200] {
            assert_eq!(numbers(&mut queue, now_ms, rate), [1]);
            queue.end(1, &to("a", "p"), Turn::Postponed(now_ms + 100));
        }
    }

    #[test]
    fn the_longest_pause_of_an_account_holds_and_is_no_other_accounts() {
        let mut queue = queue(&[(1, "a", "p"), (2, "b", "q")]);
        queue.pause("c", "a", 1_000);
        queue.pause("c", "a", 500);
        assert_eq!((queue.paused_until("c", "a"), queue.paused_until("c", "b")), (1_000, 0));
        // Both have their turns: what is too old has failed also in a pause.
        assert_eq!(numbers(&mut queue, 0, FAST).len(), 2);
    }

    #[test]
    fn a_message_that_waits_already_is_not_added_twice() {
        let mut queue = queue(&[(2, "a", "p"), (1, "a", "p"), (2, "a", "p")]);
        assert_eq!(queue.waiting("c", "a"), 2);
        assert_eq!(numbers(&mut queue, 0, FAST), [1]);
    }
}
