//! What several pages show in the same way: names, times, texts, states.

use std::collections::HashMap;

use chrono::DateTime;
use maud::{Markup, html};

use crate::shared::channel::view::{Message, Shown, Side, clean, shorten, visible};
use crate::shared::languages::{Sentence, date, moment, say};
use crate::shared::store::{Connection, Item, Status, Thread};

/// How much of a message a page shows; the rest has a page of its own.
const MAX_CHARACTERS: usize = 1_200;

/// How many lines of it.
const MAX_LINES: usize = 30;

/// A name of somebody or something; where there is nothing to see in it, the id.
pub fn name_or<'a>(name: Option<&'a str>, id: &'a str) -> String {
    let name = name.and_then(visible).unwrap_or_else(|| clean(id));
    let one_line = name.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&one_line, 80).map_or(one_line.clone(), |short| format!("{short}…"))
}

/// A time as people say it, with the exact one behind it.
pub fn ago(now_ms: i64, then_ms: i64) -> Markup {
    let seconds = (now_ms - then_ms).max(0) / 1000;
    let words = match seconds {
        0..45 => say::just_now(),
        45..3600 => say::minutes_ago((seconds + 30) / 60),
        3600..86_400 => say::hours_ago((seconds + 1800) / 3600),
        86_400..172_800 => say::yesterday(),
        172_800..2_592_000 => say::days_ago(seconds / 86_400),
        _ => date(then_ms),
    };
    html! { time datetime=(utc(then_ms, "%Y-%m-%dT%H:%M:%SZ")) title=(moment(then_ms)) { (words) } }
}

/// A time of day, which the script shows in the reader's own zone.
pub fn time_of_day(at: i64) -> Markup {
    html! { time datetime=(utc(at, "%Y-%m-%dT%H:%M:%SZ")) title=(moment(at)) data-local { (utc(at, "%H:%M")) } }
}

/// A time in UTC.
pub fn utc(at: i64, format: &str) -> String {
    DateTime::from_timestamp_millis(at).map(|time| time.format(format).to_string()).unwrap_or_default()
}

/// How a connection is doing, in a word and a colour.
pub fn state(connection: &Connection) -> Markup {
    let (class, words) = match connection.status {
        Status::Connected | Status::Incomplete if connection.block.is_some() => ("bad", say::cannot_answer()),
        Status::Connected => ("good", say::connected()),
        Status::Incomplete => ("warn", say::connected_in_part()),
        Status::NeedsReconnect => ("bad", say::log_in_again()),
    };
    pill(class, &words)
}

/// A word in a colour.
pub fn pill(class: &str, words: &Sentence) -> Markup {
    html! { span class={ "pill " (class) } { (words) } }
}

/// What a page shows of a text: the beginning of a long one.
pub struct Excerpt<'a> {
    /// The text, or its beginning.
    pub text: &'a str,
    /// Whether that is not all.
    pub is_cut: bool,
}

/// The beginning of a text.
pub fn excerpt(text: &str) -> Excerpt<'_> {
    let by_characters = shorten(text, MAX_CHARACTERS).unwrap_or(text);
    let by_lines = by_characters.match_indices('\n').nth(MAX_LINES - 1).map(|(end, _)| &by_characters[..end]);
    let shown = by_lines.unwrap_or(by_characters);
    Excerpt { text: shown, is_cut: shown.len() < text.len() }
}

/// A message with everything that became of it.
pub struct Line {
    /// Its number in the journal.
    pub seq: i64,
    /// When it was said.
    pub at: i64,
    /// What was said. After an edit, the newest text.
    pub message: Message,
    /// Whether it was edited.
    pub is_edited: bool,
    /// Whether it was taken back: nothing of its content may be shown.
    pub is_unsent: bool,
    /// The reactions to it.
    pub reactions: Vec<(Side, String)>,
}

/// What was said, and what became of it. Gives the lines, other happenings in words with their times, and until when the
/// person has read.
pub fn lines(
    show: fn(&str, &Item) -> Shown,
    account: &str,
    items: &[Item],
    marks: &[Item],
) -> (Vec<Line>, Vec<(i64, Sentence)>, i64) {
    let mut lines: Vec<Line> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let (mut notes, mut read_until) = (Vec::new(), 0);
    for item in items {
        if let Shown::Message(message) = show(account, item) {
            if let Some(id) = &message.id {
                by_id.insert(id.clone(), lines.len());
            }
            let (is_edited, is_unsent, reactions) = (false, false, Vec::new());
            lines.push(Line { seq: item.seq, at: item.at, message, is_edited, is_unsent, reactions });
        }
    }
    let find = |lines: &mut Vec<Line>, of: &str, change: &mut dyn FnMut(&mut Line)| {
        if let Some(line) = by_id.get(of).and_then(|index| lines.get_mut(*index)) {
            change(line);
        }
    };
    for mark in marks {
        match show(account, mark) {
            Shown::Edit { of, text } => find(&mut lines, &of, &mut |line| {
                line.message.text.clone_from(&text);
                line.is_edited = true;
            }),
            Shown::Unsend { of } => find(&mut lines, &of, &mut |line| line.is_unsent = true),
            Shown::Reaction { of, by, sign } => find(&mut lines, &of, &mut |line| {
                line.reactions.retain(|(side, _)| *side != by);
                line.reactions.extend(sign.clone().map(|sign| (by, sign)));
            }),
            Shown::Read { until } => read_until = read_until.max(until),
            Shown::Note(words) => notes.push((mark.at, words)),
            Shown::Message(_) | Shown::Nothing => {}
        }
    }
    for line in lines.iter_mut().filter(|line| line.is_unsent) {
        line.message.text.clear();
        line.message.media.clear();
    }
    (lines, notes, read_until)
}

/// A message in a few words, for lists.
pub fn in_short(line: &Line) -> String {
    if line.is_unsent {
        return say::message_unsent().told();
    }
    let text = visible(&line.message.text);
    let text = text.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let media = line.message.media.iter().map(|media| media.kind.told()).collect::<Vec<_>>().join(", ");
    let words = match (text.is_empty(), media.is_empty()) {
        (false, _) => text,
        (true, false) => media,
        (true, true) => line.message.how.clone().unwrap_or_else(say::invisible_message).told(),
    };
    shorten(&words, 140).map_or(words.clone(), |short| format!("{short}…"))
}

/// A conversation in a list. `newest`: its newest message, as far as it is known.
pub fn thread_item(thread: &Thread, newest: Option<&Line>, now_ms: i64, with: Option<Markup>) -> Markup {
    let name = name_or(thread.name.as_deref(), &thread.person);
    // Of an id, a digit says nothing.
    let initial: String = name.chars().find(|character| character.is_alphabetic()).into_iter().collect();
    html! {
        li {
            a.thread href=(newest_in(thread)) {
                span.avatar aria-hidden="true" { (if initial.is_empty() { "•".to_owned() } else { initial.to_uppercase() }) }
                span.what {
                    span.first-line {
                        bdi.name { (name) }
                        span.when { (ago(now_ms, thread.last_at)) }
                    }
                    span.preview {
                        @match (with, newest) {
                            (Some(found), _) => (found),
                            (None, Some(line)) => {
                                @if line.message.by == Side::Account { span.you { (say::you_said()) " " } }
                                bdi { (in_short(line)) }
                            }
                            (None, None) => (say::older_than_kept())
                        }
                    }
                }
                span.count { (thread.messages) span.unseen { " " (say::messages_word(thread.messages)) } }
            }
        }
    }
}

/// The id of the newest message on its page.
pub const NEWEST_MESSAGE: &str = "newest-message";

/// Where a conversation is shown, opened at its newest message.
pub fn newest_in(thread: &Thread) -> String {
    format!("{}#{NEWEST_MESSAGE}", thread_path(thread))
}

/// Where a conversation is shown.
pub fn thread_path(thread: &Thread) -> String {
    format!("/conversations/{}/{}/{}", thread.channel, thread.account, thread.person)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = |seconds: i64| ago(seconds * 1000, 0).into_string();
        for (seconds, words) in [
            (0, ">just now<"),
            (60, ">a minute ago<"),
            (150, ">3 minutes ago<"),
            (3600, ">an hour ago<"),
            (7200, ">2 hours ago<"),
            (90_000, ">yesterday<"),
            (200_000, ">2 days ago<"),
            (5_000_000, ">1 Jan 1970<"),
            (-50, ">just now<"),
        ] {
            assert!(said(seconds).contains(words), "{seconds}: {}", said(seconds));
        }
    }

    #[test]
    fn a_long_text_is_cut_by_characters_and_by_lines() {
        assert!(!excerpt("short").is_cut);
        assert_eq!(excerpt(&"ä".repeat(5_000)).text.chars().count(), MAX_CHARACTERS);
        assert_eq!(excerpt(&"a\n".repeat(500)).text.lines().count(), MAX_LINES);
    }
}
