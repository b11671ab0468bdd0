//! Words that somebody mistyped: how far two words are apart, and the words of a shop that are near one.

/// How many slips a word may have to be taken for another one: none, one from four letters, two from eight. Digits are no
/// letters: another number is another thing.
#[must_use]
fn allowed_slips(word: &str) -> usize {
    match word.chars().filter(|character| character.is_alphabetic()).count() {
        ..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// How many slips lie between two words, if that is at most `most`: a letter too many, one missing, another one, or two that
/// changed places. Digits must be the same.
#[must_use]
pub fn slips(one: &[char], other: &[char], most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most || !digits(one).eq(digits(other)) {
        return None;
    }
    // The rows of the table of distances (optimal string alignment): two before, before, this one.
    let mut rows = [(); 3].map(|()| vec![0; other.len() + 1]);
    for (at, cell) in rows[1].iter_mut().enumerate() {
        *cell = at;
    }
    for (row, letter) in one.iter().enumerate() {
        let [two_before, before, this] = &mut rows;
        this[0] = row + 1;
        let mut least = this[0];
        for (column, with) in other.iter().enumerate() {
            let mut cell =
                (before[column] + usize::from(letter != with)).min(before[column + 1] + 1).min(this[column] + 1);
            if row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *with {
                cell = cell.min(two_before[column - 1] + 1);
            }
            this[column + 1] = cell;
            least = least.min(cell);
        }
        if least > most {
            return None;
        }
        rows.rotate_left(1);
    }
    rows[1].last().copied().filter(|slips| *slips <= most)
}

fn digits(word: &[char]) -> impl Iterator<Item = char> {
    word.iter().copied().filter(|character| character.is_numeric())
}

/// The words of a shop, held in memory where somebody mistypes: about 25 bytes each.
#[derive(Debug, Default)]
pub struct Vocabulary {
    text: String,
    words: Vec<Word>,
}

#[derive(Debug)]
struct Word {
    end: u32,
    /// A bit for each letter that occurs, by its code.
    letters: u32,
}

impl Vocabulary {
    /// Adds a word. One that is there already may be added again.
    pub fn add(&mut self, word: &str) {
        if let Ok(end) = u32::try_from(self.text.len() + word.len()) {
            self.text.push_str(word);
            self.words.push(Word { end, letters: letters_of(word) });
        }
    }

    /// The words that are near this one, each with its slips, the nearest first, at most `limit`.
    #[must_use]
    pub fn near(&self, word: &str, limit: usize) -> Vec<(String, usize)> {
        let most = allowed_slips(word);
        if most == 0 {
            return Vec::new();
        }
        let letters = letters_of(word);
        let signs: Vec<char> = word.chars().collect();
        let mut near = Vec::new();
        let mut start = 0;
        for known in &self.words {
            let end = known.end as usize;
            let text = self.text.get(start..end).unwrap_or_default();
            start = end;
            // A slip changes two letters at most: one that comes and one that goes.
            let is_far = (known.letters ^ letters).count_ones() as usize > 2 * most;
            if is_far || text.len().abs_diff(word.len()) > 4 * most {
                continue;
            }
            let others: Vec<char> = text.chars().collect();
            if let Some(found) = slips(&signs, &others, most).filter(|slips| *slips > 0) {
                near.push((text.to_owned(), found));
            }
        }
        near.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
        near.dedup();
        near.truncate(limit);
        near
    }
}

fn letters_of(word: &str) -> u32 {
    word.chars().fold(0, |bits, letter| bits | 1 << (u32::from(letter) % 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(one: &str, other: &str, most: usize) -> Option<usize> {
        slips(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>(), most)
    }

    #[test]
    fn a_swap_is_one_slip_and_another_number_is_none() {
        for (one, other, expected) in [
            ("snowbord", "snowboard", Some(1)),
            ("snwoboard", "snowboard", Some(1)),
            ("snowbaord", "snowboard", Some(1)),
            ("snobord", "snowboard", Some(2)),
            ("board", "board", Some(0)),
            ("bread", "board", None),
            ("model14", "model15", None),
            ("modle15", "model15", Some(1)),
            ("ca", "abc", None),
            ("", "ab", Some(2)),
            ("short", "lengthy", None),
        ] {
            assert_eq!(apart(one, other, 2), expected, "{one} {other}");
            assert_eq!(apart(other, one, 2), expected, "{other} {one}");
        }
        assert_eq!(["abc", "abcd", "abcdefg", "abcdefgh", "123456789", "сноу"].map(allowed_slips), [0, 1, 1, 2, 0, 1]);
    }

    #[test]
    fn near_words_are_found_in_any_script() {
        let mut vocabulary = Vocabulary::default();
        for word in ["snowboard", "snowboards", "snow", "сноуборд", "board", "xyz", "snow"] {
            vocabulary.add(word);
        }
        assert_eq!(vocabulary.near("snowbord", 9), [("snowboard".to_owned(), 1), ("snowboards".to_owned(), 2)]);
        assert_eq!(vocabulary.near("snowbord", 1).len(), 1);
        assert_eq!(vocabulary.near("snoww", 9), [("snow".to_owned(), 1)]);
        assert_eq!(vocabulary.near("сноборд", 9), [("сноуборд".to_owned(), 1)]);
        assert_eq!(vocabulary.near("snow", 9), [], "a word is no slip of itself");
        assert_eq!(vocabulary.near("xy", 9), []);
    }

    proptest::proptest! {
        #[test]
        fn one_slip_made_anywhere_is_at_most_one_slip_apart(word in "[a-zäöü]{4,12}", at: usize, kind in 0..4_u8) {
            let letters: Vec<char> = word.chars().collect();
            let at = at % (letters.len() - 1);
            let mut slipped = letters.clone();
            match kind {
                0 => drop(slipped.remove(at)),
                1 => slipped.insert(at, 'q'),
                2 => slipped[at] = 'q',
                _ => slipped.swap(at, at + 1),
            }
            proptest::prop_assert!(slips(&letters, &slipped, 1).is_some());
            let mut vocabulary = Vocabulary::default();
            vocabulary.add(&word);
            let typed: String = slipped.into_iter().collect();
            let found = vocabulary.near(&typed, 1);
            proptest::prop_assert!(typed == word || allowed_slips(&typed) == 0 || found.len() == 1);
        }
    }
}
