//! Addresses in a text: hosts, links, mail addresses, names of accounts, phone numbers, also where they are written so that a
//! program may overlook them.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::numbers::Number;

/// The top-level domains of the Internet, one word each, also in their own script.
/// Source: the Root Zone Database <https://www.iana.org/domains/root/db>, as the Public Suffix List held it in 2024.
const TOP_LEVEL_DOMAINS: &str = include_str!("top_level_domains.txt");

static TOP_LEVEL: LazyLock<HashSet<&'static str>> = LazyLock::new(|| TOP_LEVEL_DOMAINS.split_whitespace().collect());

/// Domains that are in no root zone and are written in addresses all the same.
/// Source: RFC 2606 and RFC 7686.
const RESERVED: [&str; 5] = ["example", "test", "invalid", "localhost", "onion"];

/// Words for the point of a host, and the domains before which they are read as one. Others are words of languages: "a polka
/// dot in blue".
const POINTS: [&str; 7] = ["dot", "punkt", "punto", "ponto", "chấm", "точка", "点"];
const AFTER_POINTS: [&str; 11] = ["com", "net", "org", "info", "shop", "store", "site", "online", "biz", "io", "app"];

/// Domains before which a comma is read as a point: no sentence goes on with them.
const AFTER_COMMAS: [&str; 6] = ["com", "net", "org", "biz", "io", "www"];

/// How many letters with blanks between them are read as one word.
const SPACED_LETTERS: usize = 4;

/// How many digits a phone number has at least.
const PHONE_DIGITS: usize = 7;

/// The addresses in a plain text in lower case, as they stand in it. Points that are written as words come as points.
#[must_use]
pub fn addresses(lower: &str) -> Vec<String> {
    let mut found = addresses_in(&with_points(lower));
    let close = without_blanks(lower);
    if close != lower {
        found.extend(addresses_in(&with_points(&close)));
    }
    found
}

/// The text with letters that stand one by one as one word: "e v i l . c o m".
fn without_blanks(lower: &str) -> String {
    let is_one = |word: &&str| word.chars().count() == 1;
    let words: Vec<&str> = lower.split(' ').collect();
    let runs = words.chunk_by(|one, next| is_one(one) && is_one(next));
    let joined = runs.map(|run| if run.len() >= SPACED_LETTERS { run.concat() } else { run.join(" ") });
    joined.collect::<Vec<_>>().join(" ")
}

fn addresses_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut end_before = 0;
    for (at, _) in text.char_indices() {
        if at < end_before || !begins_word(text, at) {
            continue;
        }
        let end = at + text[at..].find(|sign: char| !is_part(sign)).unwrap_or(text.len() - at);
        let run = text[at..end].trim_end_matches(|sign: char| !sign.is_alphanumeric() && sign != '/');
        if holds_address(run) {
            let address = without_label(run);
            found.push(address.trim_start_matches(|sign: char| !sign.is_alphanumeric() && sign != '@').to_owned());
        }
        end_before = end;
    }
    found
}

/// A run without a word and a colon before the address: "link:https://shop.example".
fn without_label(run: &str) -> &str {
    match run.split_once(':') {
        Some((label, rest))
            if label.chars().all(char::is_alphabetic) && !rest.starts_with("//") && holds_address(rest) =>
        {
            rest
        }
        _ => run,
    }
}

/// What may be part of a link.
fn is_part(sign: char) -> bool {
    sign.is_alphanumeric() || "-._~:/?#@!$&+%=".contains(sign)
}

fn begins_word(text: &str, at: usize) -> bool {
    text[at..].starts_with(is_part) && !text[..at].ends_with(is_part)
}

/// Whether a run without blanks is or holds an address.
fn holds_address(run: &str) -> bool {
    run.contains("://") || run.starts_with("www.") || holds_handle(run) || hosts(run).any(is_host) || has_path(run)
}

/// A mail address, or the name of an account: `@shop`. "Open @ 9" and "@9" are none.
fn holds_handle(run: &str) -> bool {
    run.match_indices('@').any(|(at, _)| run[at + 1..].starts_with(char::is_alphabetic))
}

/// The runs of letters, digits, hyphens and points between them.
fn hosts(run: &str) -> impl Iterator<Item = &str> {
    run.split(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '-' | '.'))).map(|host| host.trim_matches('.'))
}

fn is_host(host: &str) -> bool {
    let Some((before, last)) = host.rsplit_once('.') else { return false };
    let label = before.rsplit('.').next().unwrap_or_default();
    if label.is_empty() {
        return false;
    }
    is_ip(host)
        || last.starts_with("xn--")
        || ((TOP_LEVEL.contains(last) || RESERVED.contains(&last)) && !is_amount(label))
}

/// Whether a path follows something like a host, whatever its domain: "pay.here/now". Abbreviations have shorter words:
/// "TP.HCM/Hà Nội".
fn has_path(run: &str) -> bool {
    let Some((host, _)) = run.trim_start_matches('/').split_once('/') else { return false };
    let Some((before, last)) = host.rsplit_once('.') else { return false };
    let is_word = |word: &str, least: usize| word.len() >= least && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word(before.rsplit('.').next().unwrap_or_default(), 3) && is_word(last, 2)
}

/// A number before a domain is a number and a word that lacks a blank: "12.am".
fn is_amount(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_ip(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let is_byte = |label: &&str| label.parse::<u8>().is_ok() && (label.len() == 1 || !label.starts_with('0'));
    labels.len() == 4 && labels.iter().all(is_byte)
}

/// The text with a point where one is written in another way: `evil[.]com`, `evil dot com`, `evil .com`, `evil。com`.
fn with_points(lower: &str) -> String {
    let mut text = String::with_capacity(lower.len());
    let mut rest = lower;
    while let Some(sign) = rest.chars().next() {
        if let Some(behind) = strip_point(rest).filter(|_| text.ends_with(char::is_alphanumeric)) {
            text.push('.');
            rest = behind;
            continue;
        }
        text.push(sign);
        rest = &rest[sign.len_utf8()..];
    }
    text
}

/// What stands behind a point that is written in another way; `None`: there is none here.
fn strip_point(rest: &str) -> Option<&str> {
    if let Some(behind) = rest.strip_prefix(['。', '｡', '․']) {
        return behind.starts_with(|next: char| next.is_ascii_alphanumeric()).then_some(behind);
    }
    if let Some(behind) = rest.strip_prefix(',') {
        let word = behind.split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default();
        return AFTER_COMMAS.contains(&word).then_some(behind);
    }
    let inner = rest.trim_start_matches(' ');
    if let Some(opened) = inner.strip_prefix(['[', '(', '{']) {
        let opened = opened.trim_start_matches(' ');
        let behind = opened.strip_prefix('.').or_else(|| POINTS.iter().find_map(|word| opened.strip_prefix(word)))?;
        return behind
            .trim_start_matches(' ')
            .strip_prefix([']', ')', '}'])
            .map(|behind| behind.trim_start_matches(' '));
    }
    if inner.len() == rest.len() {
        return None;
    }
    // Behind a blank a sentence does not go on with a point.
    let behind = match inner.strip_prefix('.') {
        Some(behind) => behind.trim_start_matches(' '),
        None => POINTS.iter().find_map(|word| inner.strip_prefix(word)?.strip_prefix(' '))?,
    };
    let word = behind.split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default();
    AFTER_POINTS.contains(&word).then_some(behind)
}

/// The phone numbers in a plain text: runs of many digits with blanks and signs between them, unless `is_known` knows each
/// number in them.
#[must_use]
pub fn phones(lower: &str, numbers: &[Number], is_known: impl Fn(&Number) -> bool) -> Vec<String> {
    let is_between = |between: &str| {
        between.len() <= 3 && between.chars().all(|sign| matches!(sign, ' ' | '-' | '(' | ')' | '/' | '+' | '.'))
    };
    let mut found = Vec::new();
    let mut first = 0;
    while first < numbers.len() {
        let mut last = first;
        while last + 1 < numbers.len() && is_between(&lower[numbers[last].end..numbers[last + 1].start]) {
            last += 1;
        }
        let run = &numbers[first..=last];
        let digits = digits_of(&lower[run[0].start..run[run.len() - 1].end]);
        if digits.len() >= PHONE_DIGITS && !run.iter().all(&is_known) {
            found.push(digits);
        }
        first = last + 1;
    }
    found
}

/// The digits of a text, one after the other.
#[must_use]
pub fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether a text of the shop holds this address, and not as a part of a longer one.
#[must_use]
pub fn holds(told: &str, address: &str) -> bool {
    told.match_indices(address).any(|(at, _)| {
        let before = &told[..at];
        let is_begun = !before.ends_with(is_part) || before.ends_with("://");
        // A sentence may end behind it, and a link may end with a stroke.
        let rest = told[at + address.len()..].trim_start_matches(['.', ':', '!', '?', '/']);
        is_begun && !rest.starts_with(is_part)
    })
}
