//! How long something takes or holds: a number and a unit of time, "3 days", "2-3 Wochen", "3日間".

use super::currencies::ends;
use super::numbers::{Number, hundredths, is_spaced};

/// What a span is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Hours, days and weeks.
    Hours,
    /// Months and years.
    Months,
}

/// A span: so many hundredths of its unit.
pub type Span = (Unit, u64);

/// It also follows the hour of a clock: a span has more hours than a day.
const HOUR: &str = "h";

/// Words for units, and how many of the unit each is. Words that also follow the hour of a clock ("9 horas") are none.
const WORDS: &[(&str, Unit, u64)] = &[
    (HOUR, Unit::Hours, 1),
    ("hours", Unit::Hours, 1),
    ("hour", Unit::Hours, 1),
    ("hrs", Unit::Hours, 1),
    ("stunden", Unit::Hours, 1),
    ("stunde", Unit::Hours, 1),
    ("tiếng", Unit::Hours, 1),
    ("часов", Unit::Hours, 1),
    ("小时", Unit::Hours, 1),
    ("小時", Unit::Hours, 1),
    ("時間", Unit::Hours, 1),
    ("시간", Unit::Hours, 1),
    ("ชั่วโมง", Unit::Hours, 1),
    ("days", Unit::Hours, 24),
    ("day", Unit::Hours, 24),
    ("tage", Unit::Hours, 24),
    ("tagen", Unit::Hours, 24),
    ("tag", Unit::Hours, 24),
    ("werktage", Unit::Hours, 24),
    ("werktagen", Unit::Hours, 24),
    ("werktag", Unit::Hours, 24),
    ("arbeitstage", Unit::Hours, 24),
    ("arbeitstagen", Unit::Hours, 24),
    ("ngày", Unit::Hours, 24),
    ("días", Unit::Hours, 24),
    ("día", Unit::Hours, 24),
    ("dias", Unit::Hours, 24),
    ("dia", Unit::Hours, 24),
    ("jours", Unit::Hours, 24),
    ("jour", Unit::Hours, 24),
    ("giorni", Unit::Hours, 24),
    ("工作日", Unit::Hours, 24),
    ("giorno", Unit::Hours, 24),
    ("dagen", Unit::Hours, 24),
    ("dni", Unit::Hours, 24),
    ("дней", Unit::Hours, 24),
    ("дня", Unit::Hours, 24),
    ("день", Unit::Hours, 24),
    ("hari", Unit::Hours, 24),
    ("gün", Unit::Hours, 24),
    ("天", Unit::Hours, 24),
    ("日", Unit::Hours, 24),
    ("일", Unit::Hours, 24),
    ("วัน", Unit::Hours, 24),
    ("weeks", Unit::Hours, 168),
    ("week", Unit::Hours, 168),
    ("wochen", Unit::Hours, 168),
    ("woche", Unit::Hours, 168),
    ("tuần", Unit::Hours, 168),
    ("semanas", Unit::Hours, 168),
    ("semana", Unit::Hours, 168),
    ("semaines", Unit::Hours, 168),
    ("semaine", Unit::Hours, 168),
    ("settimane", Unit::Hours, 168),
    ("settimana", Unit::Hours, 168),
    ("weken", Unit::Hours, 168),
    ("недель", Unit::Hours, 168),
    ("недели", Unit::Hours, 168),
    ("неделя", Unit::Hours, 168),
    ("周", Unit::Hours, 168),
    ("週", Unit::Hours, 168),
    ("주", Unit::Hours, 168),
    ("สัปดาห์", Unit::Hours, 168),
    ("months", Unit::Months, 1),
    ("month", Unit::Months, 1),
    ("monate", Unit::Months, 1),
    ("monaten", Unit::Months, 1),
    ("monat", Unit::Months, 1),
    ("tháng", Unit::Months, 1),
    ("meses", Unit::Months, 1),
    ("mois", Unit::Months, 1),
    ("mesi", Unit::Months, 1),
    ("месяцев", Unit::Months, 1),
    ("месяца", Unit::Months, 1),
    ("个月", Unit::Months, 1),
    ("個月", Unit::Months, 1),
    ("ヶ月", Unit::Months, 1),
    ("か月", Unit::Months, 1),
    ("カ月", Unit::Months, 1),
    ("개월", Unit::Months, 1),
    ("เดือน", Unit::Months, 1),
    ("years", Unit::Months, 12),
    ("year", Unit::Months, 12),
    ("jahre", Unit::Months, 12),
    ("jahren", Unit::Months, 12),
    ("jahr", Unit::Months, 12),
    ("năm", Unit::Months, 12),
    ("años", Unit::Months, 12),
    ("año", Unit::Months, 12),
    ("anos", Unit::Months, 12),
    ("ans", Unit::Months, 12),
    ("anni", Unit::Months, 12),
    ("года", Unit::Months, 12),
    ("лет", Unit::Months, 12),
    ("年", Unit::Months, 12),
    ("년", Unit::Months, 12),
    ("ปี", Unit::Months, 12),
    ("uur", Unit::Hours, 1),
    ("uren", Unit::Hours, 1),
    ("saat", Unit::Hours, 1),
    ("ساعة", Unit::Hours, 1),
    ("ساعات", Unit::Hours, 1),
    ("घंटे", Unit::Hours, 1),
    ("dag", Unit::Hours, 24),
    ("dagar", Unit::Hours, 24),
    ("dager", Unit::Hours, 24),
    ("dage", Unit::Hours, 24),
    ("dzień", Unit::Hours, 24),
    ("journée", Unit::Hours, 24),
    ("journées", Unit::Hours, 24),
    ("günde", Unit::Hours, 24),
    ("أيام", Unit::Hours, 24),
    ("يوم", Unit::Hours, 24),
    ("दिन", Unit::Hours, 24),
    ("วันทำการ", Unit::Hours, 24),
    ("يومين", Unit::Hours, 48),
    ("週間", Unit::Hours, 168),
    ("주일", Unit::Hours, 168),
    ("uger", Unit::Hours, 168),
    ("uker", Unit::Hours, 168),
    ("veckor", Unit::Hours, 168),
    ("vecka", Unit::Hours, 168),
    ("tygodni", Unit::Hours, 168),
    ("tygodnie", Unit::Hours, 168),
    ("tydzień", Unit::Hours, 168),
    ("hafta", Unit::Hours, 168),
    ("أسابيع", Unit::Hours, 168),
    ("أسبوع", Unit::Hours, 168),
    ("हफ्ते", Unit::Hours, 168),
    ("неделю", Unit::Hours, 168),
    ("mes", Unit::Months, 1),
    ("mês", Unit::Months, 1),
    ("mese", Unit::Months, 1),
    ("maanden", Unit::Months, 1),
    ("maand", Unit::Months, 1),
    ("månader", Unit::Months, 1),
    ("måned", Unit::Months, 1),
    ("måneder", Unit::Months, 1),
    ("miesięcy", Unit::Months, 1),
    ("miesiące", Unit::Months, 1),
    ("miesiąc", Unit::Months, 1),
    ("ay", Unit::Months, 1),
    ("месяц", Unit::Months, 1),
    ("أشهر", Unit::Months, 1),
    ("شهر", Unit::Months, 1),
    ("महीने", Unit::Months, 1),
    ("महीना", Unit::Months, 1),
    ("année", Unit::Months, 12),
    ("années", Unit::Months, 12),
    ("ano", Unit::Months, 12),
    ("anno", Unit::Months, 12),
    ("jaar", Unit::Months, 12),
    ("jaren", Unit::Months, 12),
    ("år", Unit::Months, 12),
    ("lat", Unit::Months, 12),
    ("lata", Unit::Months, 12),
    ("rok", Unit::Months, 12),
    ("yıl", Unit::Months, 12),
    ("год", Unit::Months, 12),
    ("سنوات", Unit::Months, 12),
    ("سنة", Unit::Months, 12),
    ("साल", Unit::Months, 12),
    ("वर्ष", Unit::Months, 12),
    ("سنتين", Unit::Months, 24),
];

/// Beginnings of words for units that go on in many ways: "2-jährige", "zweitägig".
const STEMS: &[(&str, Unit, u64)] = &[
    ("stündig", Unit::Hours, 1),
    ("tägig", Unit::Hours, 24),
    ("wöchig", Unit::Hours, 168),
    ("monatig", Unit::Months, 1),
    ("monatsgarantie", Unit::Months, 1),
    ("jährig", Unit::Months, 12),
    ("jahresgarantie", Unit::Months, 12),
];

/// Words of Vietnamese without their marks. They are units behind a number only: "Nam" is also a name.
const UNMARKED: &[(&str, Unit, u64)] = &[
    ("tieng", Unit::Hours, 1),
    ("ngay", Unit::Hours, 24),
    ("tuan", Unit::Hours, 168),
    ("thang", Unit::Months, 1),
    ("nam", Unit::Months, 12),
];

/// The words for units.
pub fn unit_words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, ..)| *word).filter(|word| *word != HOUR)
}

/// Whether the rest of a word is a unit that is written together with its number.
#[must_use]
pub fn is_stem(rest: &str) -> bool {
    STEMS.iter().any(|(stem, ..)| rest.starts_with(stem))
}

/// Whether a unit stands at the beginning of this text, or behind the second end of a range.
#[must_use]
pub fn is_unit_ahead(rest: &str) -> bool {
    unit_behind(rest).or_else(|| unit_behind(second_end(rest)?)).is_some()
}

/// Words that may stand between a number and its unit.
const BETWEEN: [&str; 8] = ["business", "working", "full", "calendar", "more", "weitere", "volle", "个"];

/// What joins the two ends of a range, whose unit stands behind the second.
const JOINS: [&str; 24] = [
    "to",
    "or",
    "and",
    "until",
    "bis",
    "oder",
    "und",
    "đến",
    "tới",
    "hoặc",
    "den",
    "toi",
    "hoac",
    "a",
    "à",
    "ou",
    "o",
    "do",
    "до",
    "至",
    "到",
    "から",
    "ถึง",
    "~",
];

/// A year of the calendar is no span.
const MOST_YEARS: u64 = 100;

const HOURS_OF_DAY: u64 = 24;

/// How long the text says with this number; `None`: it is no span of time.
#[must_use]
pub fn span_at(lower: &str, number: &Number) -> Option<Span> {
    let rest = &lower[number.end..];
    let (word, unit, each) = unit_behind(rest).or_else(|| unit_behind(second_end(rest)?))?;
    let amount = hundredths(&number.value)?;
    let is_of_clock = word == HOUR && amount < HOURS_OF_DAY * 100;
    let is_of_calendar = lower[..number.start].trim_end_matches(' ').ends_with(['月', '월'])
        || (each == 12 && amount >= MOST_YEARS * 100);
    if is_of_clock || is_of_calendar {
        return None;
    }
    Some((unit, amount.checked_mul(each)?))
}

/// What stands behind the unit with which a text begins; `None`: it begins with none.
#[must_use]
pub fn behind_unit(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches([' ', '-']);
    unit_at(rest).map(|(word, ..)| &rest[word.len()..])
}

fn unit_behind(rest: &str) -> Option<(&'static str, Unit, u64)> {
    let rest = rest.trim_start_matches([' ', '-', '–', '+', '*']);
    // With the word first: it may be the beginning of a unit's.
    unit_at(rest).or_else(|| {
        let behind = BETWEEN.iter().find_map(|word| {
            let behind = rest.strip_prefix(word)?;
            if is_spaced(word) { behind.strip_prefix(' ') } else { Some(behind.trim_start_matches(' ')) }
        });
        unit_at(behind?)
    })
}

fn unit_at(rest: &str) -> Option<(&'static str, Unit, u64)> {
    let is_unit = |(word, _, _): &&(&str, Unit, u64)| rest.strip_prefix(word).is_some_and(|rest| ends(word, rest));
    let is_stem = |(stem, _, _): &&(&str, Unit, u64)| rest.starts_with(stem);
    // With the longest first: "週間" is no "週".
    let longest = WORDS.iter().filter(is_unit).max_by_key(|(word, ..)| word.len());
    let longest = longest.or_else(|| UNMARKED.iter().find(is_unit));
    longest.or_else(|| STEMS.iter().find(is_stem)).copied()
}

/// What stands behind the second end of a range, of which the first end was read.
fn second_end(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(' ');
    let dash = rest.strip_prefix(['-', '–', '—', '~', '/', '〜', '～']);
    let is_behind = |word: &str, rest: &str| !is_spaced(word) || rest.starts_with(' ');
    let joined =
        dash.or_else(|| JOINS.iter().find_map(|word| rest.strip_prefix(*word).filter(|rest| is_behind(word, rest))))?;
    let second = joined.trim_start_matches(' ');
    let behind = second.trim_start_matches(|sign: char| sign.is_ascii_digit() || matches!(sign, '.' | ','));
    (behind.len() < second.len()).then_some(behind)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::numbers;
    use super::*;

    fn spans(text: &str) -> Vec<Option<Span>> {
        numbers(text).iter().map(|number| span_at(text, number)).collect()
    }

    #[test]
    fn a_number_before_a_unit_of_time_is_a_span_and_both_ends_of_a_range_are() {
        let days = |count: u64| Some((Unit::Hours, count * 2_400));
        for text in
            ["2 to 3 days", "2-3 days", "2 – 3 business days", "2 bis 3 werktage", "2 đến 3 ngày", "2至3天", "2~3일"]
        {
            assert_eq!(spans(text), [days(2), days(3)], "{text}");
        }
        assert_eq!(spans("a 3-day trial, 2 weeks, 48 hours"), [days(3), days(14), days(2)]);
        for text in ["3 giorni lavorativi per la consegna", "3 jours ouvrés", "3个工作日", "3 个工作日"] {
            assert_eq!(spans(text), [days(3)], "{text}");
        }
        assert_eq!(spans("3个小时, 2个月"), [Some((Unit::Hours, 300)), Some((Unit::Months, 200))]);
        assert_eq!(spans("1.5 years, 18 months"), [Some((Unit::Months, 1_800)), Some((Unit::Months, 1_800))]);
    }

    #[test]
    fn clocks_dates_and_other_things_are_none() {
        assert_eq!(spans("24h"), [Some((Unit::Hours, 2_400))]);
        for text in [
            "9 h",
            "18h30",
            "open at 9",
            "12月3日",
            "since 2019年",
            "3 boards",
            "2 to 3 boards",
            "3 daylight bulbs",
            "9 horas",
        ] {
            assert_eq!(spans(text).into_iter().flatten().count(), 0, "{text}");
        }
    }
}
