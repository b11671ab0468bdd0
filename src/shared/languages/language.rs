//! The languages, each with its file of sentences.

use std::borrow::Cow;
use std::sync::OnceLock;

use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use unic_langid::LanguageIdentifier;

/// A language of our pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English: what programs get, too.
    #[default]
    English,
    /// German.
    German,
    /// Spanish.
    Spanish,
    /// French.
    French,
    /// Portuguese, as in Brazil.
    Portuguese,
    /// Vietnamese.
    Vietnamese,
    /// English upside down and from right to left. It shows what is not translated, and what a page looks like for readers of
    /// Arabic or Hebrew; who asks for exactly this gets it.
    Mirrored,
}

/// What belongs to a language: how standards name it, what its speakers call it, its sentences.
struct About(&'static str, &'static str, &'static str);

impl Language {
    /// Those that are offered, in the order of their own names.
    pub const OFFERED: [Self; 6] =
        [Self::German, Self::English, Self::Spanish, Self::French, Self::Portuguese, Self::Vietnamese];

    const fn about(self) -> About {
        match self {
            Self::English => About("en", "English", include_str!("en.ftl")),
            Self::German => About("de", "Deutsch", include_str!("de.ftl")),
            Self::Spanish => About("es", "Español", include_str!("es.ftl")),
            Self::French => About("fr", "Français", include_str!("fr.ftl")),
            Self::Portuguese => About("pt", "Português", include_str!("pt.ftl")),
            Self::Vietnamese => About("vi", "Tiếng Việt", include_str!("vi.ftl")),
            Self::Mirrored => About("ar-XB", "Mirrored", include_str!("en.ftl")),
        }
    }

    /// Its tag, as in BCP 47: `de`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.about().0
    }

    /// What its speakers call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.about().1
    }

    /// In which direction it is written, as HTML says it.
    #[must_use]
    pub const fn direction(self) -> &'static str {
        if matches!(self, Self::Mirrored) { "rtl" } else { "ltr" }
    }

    /// Of a tag that we gave ourselves.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        Self::OFFERED.into_iter().chain([Self::Mirrored]).find(|one| one.tag() == tag)
    }

    /// Its sentences, read once.
    pub(super) fn sentences(self) -> &'static FluentBundle<FluentResource> {
        static ALL: [OnceLock<FluentBundle<FluentResource>>; Language::OFFERED.len() + 1] =
            [const { OnceLock::new() }; Language::OFFERED.len() + 1];
        ALL[self as usize].get_or_init(|| self.read())
    }

    fn read(self) -> FluentBundle<FluentResource> {
        let About(tag, _, text) = self.about();
        // A test reads every file: what a damaged one loses is said in English.
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(whole, _)| whole);
        let mut bundle = FluentBundle::new_concurrent(vec![tag.parse::<LanguageIdentifier>().unwrap_or_default()]);
        // Strangers' words are isolated by `bdi`; titles and programs would get the marks as characters.
        bundle.set_use_isolating(false);
        if self == Self::Mirrored {
            bundle.set_transform(Some(mirrored));
        }
        bundle.add_resource_overriding(resource);
        bundle
    }
}

/// The letters turned upside down, each word from right to left, as Firefox and Android mirror English for tests.
fn mirrored(text: &str) -> Cow<'_, str> {
    const UPSIDE_DOWN: [char; 52] = [
        'ɐ', 'q', 'ɔ', 'p', 'ǝ', 'ɟ', 'ƃ', 'ɥ', 'ᴉ', 'ɾ', 'ʞ', 'ʅ', 'ɯ', 'u', 'o', 'd', 'b', 'ɹ', 's', 'ʇ', 'n', 'ʌ',
        'ʍ', 'x', 'ʎ', 'z', '∀', 'Ԑ', 'Ↄ', 'ᗡ', 'Ǝ', 'Ⅎ', '⅁', 'H', 'I', 'ſ', 'Ӽ', '⅂', 'W', 'N', 'O', 'Ԁ', 'Ò', 'ᴚ',
        'S', '⊥', '∩', 'Ʌ', 'M', 'X', '⅄', 'Z',
    ];
    const LOOKALIKE: [(char, char); 19] = [
        ('q', 'ƌ'),
        ('p', 'ƥ'),
        ('u', 'ŭ'),
        ('o', 'ø'),
        ('d', 'ɗ'),
        ('b', 'ƀ'),
        ('s', 'ş'),
        ('n', 'ñ'),
        ('x', 'ẋ'),
        ('z', 'ż'),
        ('H', 'Ħ'),
        ('I', 'Ị'),
        ('W', 'Ŵ'),
        ('N', 'Ñ'),
        ('O', 'Ø'),
        ('S', 'Ş'),
        ('M', 'Ḿ'),
        ('X', 'Ẋ'),
        ('Z', 'Ż'),
    ];
    let turned = |letter: char| {
        let place = match letter {
            'a'..='z' => letter as usize - 'a' as usize,
            'A'..='Z' => letter as usize - 'A' as usize + 26,
            other => return other,
        };
        let turned = UPSIDE_DOWN[place];
        // Some letters are letters upside down, too: those are marked, so that nothing of it is plain English.
        LOOKALIKE.iter().find(|(plain, _)| *plain == turned).map_or(turned, |(_, marked)| *marked)
    };
    let mut shown = String::with_capacity(text.len() * 2);
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            shown.push(' ');
        }
        if !word.is_empty() {
            shown.push('\u{202e}');
            shown.extend(word.chars().map(turned));
            shown.push('\u{202c}');
        }
    }
    shown.into()
}
