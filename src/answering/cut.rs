//! Cuts a text where people would cut it.

use unicode_segmentation::UnicodeSegmentation;

use crate::shared::channel::dialogue::TextLimit;
use crate::shared::text_fold::is_blank;

/// Cuts a text into pieces that fit, at the end of a paragraph, else of a line, a sentence, a word; never inside a character
/// as people see it. What separates two pieces goes, and a piece of which nobody would see anything: no platform takes one.
#[must_use]
pub fn cut(text: &str, limit: TextLimit) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !limit.fits(rest) {
        let longest = longest_that_fits(rest, limit);
        let head = &rest[..longest];
        let end = ["\n\n", "\n"]
            .iter()
            .find_map(|mark| head.rfind(mark).filter(|end| *end > 0))
            .or_else(|| end_of_sentence(head))
            .or_else(|| head.rfind(char::is_whitespace).filter(|end| *end > 0))
            .unwrap_or(longest);
        let (piece, left) = rest.split_at(end);
        if !is_blank(piece) {
            pieces.push(piece.trim_end());
        }
        rest = left.trim_start();
    }
    if !is_blank(rest) {
        pieces.push(rest);
    }
    pieces
}

/// As [`cut`], with a last piece that keeps to a limit of its own.
#[must_use]
pub fn cut_to(text: &str, limit: TextLimit, last: TextLimit) -> Vec<&str> {
    let mut pieces = cut(text, limit);
    let Some(end) = pieces.pop() else { return pieces };
    let Some(tail) = cut(end, last).pop() else { return pieces };
    // What stands before the tail is one piece again.
    let head = end[..tail.as_ptr() as usize - end.as_ptr() as usize].trim_end();
    pieces.extend(Some(head).filter(|head| !head.is_empty()));
    pieces.push(tail);
    pieces
}

/// Where the last whole sentence ends: behind its mark, before the blank.
fn end_of_sentence(head: &str) -> Option<usize> {
    let marks = [". ", "! ", "? ", "。", "！", "？"];
    marks.iter().filter_map(|mark| head.rfind(mark).map(|at| at + mark.trim_end().len())).max()
}

/// How many bytes of the text fit, at a border between characters as people see them; at least one such character, or as
/// much of it as fits.
fn longest_that_fits(text: &str, limit: TextLimit) -> usize {
    let end = limit.longest_of(text.grapheme_indices(true));
    if end > 0 {
        return end;
    }
    // One character as people see it that is longer than a whole part.
    let mut fitting = 0;
    for (at, character) in text.char_indices() {
        let next = at + character.len_utf8();
        if !limit.fits(&text[..next]) {
            break;
        }
        fitting = next;
    }
    fitting.max(text.chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_piece_may_have_to_be_shorter() {
        let (limit, last) = (TextLimit::Characters(10), TextLimit::Characters(4));
        assert_eq!(cut_to("four", limit, last), ["four"]);
        assert_eq!(cut_to("One. Two", limit, last), ["One.", "Two"]);
        assert_eq!(cut_to("aaaa bbbb ccc dd", limit, last), ["aaaa bbbb", "ccc", "dd"]);
        assert_eq!(cut_to("aaaa   ", limit, last), ["aaaa"]);
        assert_eq!(cut_to("", limit, last), [""; 0]);
        assert_eq!(cut_to(&" \u{200b}".repeat(9), limit, last), [""; 0]);
    }

    #[test]
    fn a_text_is_cut_where_people_would_cut_it() {
        let limit = TextLimit::Characters(10);
        assert_eq!(cut("short", limit), ["short"]);
        assert_eq!(cut("One.\n\nTwo three", limit), ["One.", "Two three"]);
        assert_eq!(cut("One. Two three", limit), ["One.", "Two three"]);
        assert_eq!(cut("onetwo threefour", limit), ["onetwo", "threefour"]);
        assert_eq!(cut("x".repeat(25).as_str(), limit), ["x".repeat(10), "x".repeat(10), "x".repeat(5)]);
        // Five characters of a family, which people see as one sign.
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(cut(&family.repeat(3), limit), [family.repeat(2), family.to_owned()]);
        assert_eq!(cut("ääääää", TextLimit::Bytes(5)), ["ää", "ää", "ää"]);
        assert_eq!(
            cut(&format!("One. {}Two", "\u{200b}".repeat(30)), limit).concat().replace('\u{200b}', ""),
            "One.Two"
        );
        assert_eq!(cut(&"\u{200b}".repeat(30), limit), [""; 0]);
    }

    proptest! {
        #[test]
        fn pieces_fit_and_lose_nothing_but_blanks(text in "\\PC{0,80}", most in 4_usize..20, in_bytes: bool) {
            let limit = if in_bytes { TextLimit::Bytes(most) } else { TextLimit::Characters(most) };
            let pieces = cut(&text, limit);
            for piece in &pieces {
                prop_assert!(limit.fits(piece) && !is_blank(piece));
            }
            let words = |text: &str| text.chars().filter(|one| !is_blank(one.encode_utf8(&mut [0; 4]))).collect::<String>();
            prop_assert_eq!(words(&pieces.concat()), words(&text));
            let shorter = cut_to(&text, limit, TextLimit::Characters(4));
            prop_assert!(shorter.iter().all(|piece| limit.fits(piece)));
            prop_assert!(shorter.last().is_none_or(|last| last.chars().count() <= 4));
            prop_assert_eq!(words(&shorter.concat()), words(&text));
        }
    }
}
