//! How long a text may be on a platform, and how much of one fits.

use serde::Serialize;

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TextLimit {
    /// In Unicode code points.
    Characters(usize),
    /// In bytes of UTF-8.
    Bytes(usize),
    /// In Unicode code points, and in bytes as it stands in JSON.
    InJson {
        /// Code points.
        characters: usize,
        /// Bytes, those of escapes among them.
        bytes: usize,
    },
}

impl TextLimit {
    /// Whether this text fits into one part.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Characters(most) => text.chars().count() <= most,
            Self::Bytes(most) => text.len() <= most,
            Self::InJson { characters, bytes } => text.chars().count() <= characters && bytes_in_json(text) <= bytes,
        }
    }

    /// The same limit, and no more than so many characters.
    #[must_use]
    pub fn at_most(self, characters: usize) -> Self {
        match self {
            Self::Characters(most) => Self::Characters(most.min(characters)),
            // A character has a byte at least.
            Self::Bytes(most) => Self::Bytes(most.min(characters)),
            Self::InJson { characters: most, bytes } => Self::InJson { characters: most.min(characters), bytes },
        }
    }

    /// How many bytes of the text fit that are made of whole pieces; `pieces`: where each begins, and what it is.
    #[must_use]
    pub fn longest_of<'t>(self, pieces: impl Iterator<Item = (usize, &'t str)>) -> usize {
        let (mut characters, mut bytes, mut end) = (0, 0, 0);
        for (at, piece) in pieces {
            characters += piece.chars().count();
            bytes += if matches!(self, Self::InJson { .. }) { bytes_in_json(piece) } else { piece.len() };
            let fits = match self {
                Self::Characters(most) => characters <= most,
                Self::Bytes(most) => bytes <= most,
                Self::InJson { characters: most, bytes: most_bytes } => characters <= most && bytes <= most_bytes,
            };
            if !fits {
                break;
            }
            end = at + piece.len();
        }
        end
    }
}

/// How many bytes a text takes in JSON, without its marks.
fn bytes_in_json(text: &str) -> usize {
    let of = |character: char| match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    };
    text.chars().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_json_are_those_that_the_writer_writes() {
        let all: String = (0..=0x2_00ff_u32).filter_map(char::from_u32).collect();
        assert_eq!(bytes_in_json(&all), serde_json::json!(all).to_string().len() - 2);
        let limit = TextLimit::InJson { characters: 3, bytes: 8 };
        let fits = |text: &str| {
            let longest = limit.longest_of(text.char_indices().map(|(at, one)| (at, &text[at..at + one.len_utf8()])));
            (limit.fits(text), &text[..longest]) == (longest == text.len(), &text[..longest])
        };
        for text in ["", "abc", "abcd", "\u{1}a", "\u{1}\u{1}", "😀😀", "😀😀a"] {
            assert!(fits(text), "{text:?}");
        }
        assert_eq!(TextLimit::Characters(9).at_most(4), TextLimit::Characters(4));
    }
}
