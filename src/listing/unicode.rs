//! The forms in which texts of the list are compared: one text can be written in several ways in Unicode.

use icu_normalizer::{ComposingNormalizerBorrowed as Composing, DecomposingNormalizerBorrowed as Decomposing};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// NFC: `é` as one character.
pub(super) fn composed(text: &str) -> String {
    Composing::new_nfc().normalize(text).into_owned()
}

/// The same text in whatever case and canonical form.
pub(super) fn lower(text: &str) -> String {
    composed(&text.to_lowercase())
}

/// Only the letters, in lower case, without accents: what reads alike is alike.
pub(super) fn folded(text: &str) -> String {
    let text = Decomposing::new_nfkd().normalize(text);
    let letters = text.chars().filter(|c| !is_mark_or_invisible(*c)).flat_map(char::to_lowercase);
    letters.collect::<String>().replace('ß', "ss").replace('ı', "i").replace('ς', "σ")
}

/// Whether a program may leave it out or write it in another way: marks, invisible characters, parts of Hangul syllables.
pub(super) fn is_easily_lost(c: char) -> bool {
    is_mark_or_invisible(c) || matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}')
}

/// Whether a composed text has characters that stand for others, like `…` for three dots (NFKC).
pub(super) fn has_other_form(text: &str) -> bool {
    !Composing::new_nfkc().is_normalized(text)
}

fn is_mark_or_invisible(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Mark.contains(category)
        || category == GeneralCategory::Format
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}
