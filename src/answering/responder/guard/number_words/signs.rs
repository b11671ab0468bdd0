//! Signs for numbers: "三年", "九十九元", "구십구원".

use super::{Kind, Run, is_measured};

/// How a language writes numbers with signs of its own.
struct Script {
    units: &'static [(char, u64)],
    scales: &'static [(char, u64)],
}

const HAN: Script = Script {
    units: &[
        ('〇', 0),
        ('零', 0),
        ('一', 1),
        ('二', 2),
        ('两', 2),
        ('兩', 2),
        ('三', 3),
        ('四', 4),
        ('五', 5),
        ('六', 6),
        ('七', 7),
        ('八', 8),
        ('九', 9),
    ],
    scales: &[
        ('十', 10),
        ('百', 100),
        ('千', 1_000),
        ('万', 10_000),
        ('萬', 10_000),
        ('億', 100_000_000),
        ('亿', 100_000_000),
    ],
};

const HANGUL: Script = Script {
    units: &[
        ('영', 0),
        ('일', 1),
        ('이', 2),
        ('삼', 3),
        ('사', 4),
        ('오', 5),
        ('육', 6),
        ('칠', 7),
        ('팔', 8),
        ('구', 9),
    ],
    scales: &[('십', 10), ('백', 100), ('천', 1_000), ('만', 10_000)],
};

/// Where the scale of a myriad begins.
const MYRIAD: u64 = 10_000;

/// The longest run, in signs.
const LONGEST: usize = 16;

impl Script {
    fn unit(&self, sign: char) -> Option<u64> {
        self.units.iter().find(|(one, _)| *one == sign).map(|(_, value)| *value)
    }

    fn scale(&self, sign: char) -> Option<u64> {
        self.scales.iter().find(|(one, _)| *one == sign).map(|(_, value)| *value)
    }

    fn holds(&self, sign: char) -> bool {
        self.unit(sign).is_some() || self.scale(sign).is_some()
    }

    /// The value of signs; `None`: it is too large.
    fn value(&self, signs: &str) -> Option<u64> {
        let (mut total, mut part, mut last) = (0_u64, 0_u64, None);
        for sign in signs.chars() {
            if let Some(unit) = self.unit(sign) {
                // Without scales signs are digits: "二〇二六".
                last = Some(last.unwrap_or(0_u64).checked_mul(10)?.checked_add(unit)?);
            } else if let Some(scale) = self.scale(sign) {
                if scale < MYRIAD {
                    part = part.checked_add(last.take().unwrap_or(1).checked_mul(scale)?)?;
                } else {
                    let before = part.checked_add(last.take().unwrap_or(0))?.max(1);
                    total = total.checked_add(before.checked_mul(scale)?)?;
                    part = 0;
                }
            }
        }
        total.checked_add(part)?.checked_add(last.unwrap_or(0))
    }
}

/// The numbers in signs in a text, where something that is counted stands behind them, or where they can be nothing else.
pub(super) fn runs(lower: &str) -> Vec<Run> {
    let mut found = Vec::new();
    for script in [&HAN, &HANGUL] {
        let mut end_before = 0;
        for (start, sign) in lower.char_indices() {
            if start < end_before || !script.holds(sign) {
                continue;
            }
            let signs = lower[start..].chars().take_while(|sign| script.holds(*sign)).take(LONGEST);
            let whole: usize = signs.map(char::len_utf8).sum();
            end_before = start + whole;
            found.extend(run_at(lower, script, start, start + whole));
        }
    }
    found
}

fn run_at(lower: &str, script: &Script, start: usize, whole: usize) -> Option<Run> {
    let before = lower[..start].chars().next_back();
    // Behind digits it only multiplies them; a syllable within a word is none.
    let is_hangul = script.unit('일').is_some();
    if before.is_some_and(|sign| sign.is_ascii_digit() || (is_hangul && sign.is_alphabetic())) {
        return None;
    }
    // "이십일" is twenty-one, or twenty days: the longest number with something that is counted behind it.
    let ends = (start + 1..=whole).rev().filter(|end| lower.is_char_boundary(*end));
    for end in ends {
        let signs = &lower[start..end];
        let is_one = signs.chars().count() == 1;
        if is_hangul && is_one && !is_certain(&lower[end..]) {
            continue;
        }
        if is_measured(&lower[end..]) {
            return Some(Run { start, end, value: script.value(signs)?, kind: Kind::Measured });
        }
    }
    let signs = &lower[start..whole];
    let is_number = !is_hangul
        && signs.chars().count() > 1
        && signs.starts_with(|first| script.unit(first).is_some())
        && signs.contains(['十', '百', '千'])
        && !signs.contains("十分");
    let value = script.value(signs).filter(|_| is_number)?;
    Some(Run { start, end: whole, value, kind: Kind::Plain })
}

/// Whether what stands behind one syllable makes it a number, and no part of a word: "오일" is oil, too.
fn is_certain(behind: &str) -> bool {
    ["년", "개월", "주일", "일 안", "일 이내", "일 내", "일 후", "일만", "일이면", "일 정도", "유로", "달러", "퍼센트"]
        .iter()
        .any(|word| behind.trim_start_matches(' ').starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::super::in_digits;

    #[test]
    fn signs_before_what_is_counted_become_digits() {
        for (signs, digits) in [
            ("三年保証", "3年保証"),
            ("质保三年", "质保3年"),
            ("九十九元", "99元"),
            ("一万二千円", "12000円"),
            ("还有九十九件", "还有99件"),
            ("两个月", "2个月"),
            ("二十五%", "25%"),
            ("구십구 유로", "99 유로"),
            ("삼년 보증", "3년 보증"),
            ("一些, 统一, 千万不要, 十分感谢", "一些, 统一, 千万不要, 十分感谢"),
            ("祝您有愉快的一天", "祝您有愉快的一天"),
            ("좋은 오일입니다", "좋은 오일입니다"),
        ] {
            assert_eq!(in_digits(signs, signs), digits);
        }
    }
}
