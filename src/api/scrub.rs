//! Masks the secrets in text that came back, in whatever spelling a server repeats them.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use secrecy::{ExposeSecret, SecretString};

/// Shorter texts occur in ordinary words, and are not secrets.
const SHORTEST: usize = 6;
/// Any part of a secret that is this long is as secret as the whole.
const PART: usize = 12;
const MASK: &str = "***";
/// How often a character may have been escaped. A bound keeps the time linear in the text. No layer reads the text as it is.
const MAX_LAYERS: u32 = 5;

/// Finds the parts of the secrets by looking up what each place of a text may begin with.
#[derive(Clone)]
pub(super) struct Scrubber {
    hasher: RandomState,
    /// Hashes, so that no further copy of a secret is in memory.
    parts: HashSet<u64>,
    lengths: BTreeSet<usize>,
    /// Whether a part begins with these two characters: few places of an ordinary text do.
    begins: Vec<bool>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}

impl Scrubber {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let (parts, lengths) = Default::default();
        let begins = vec![false; usize::from(u16::MAX) + 1];
        let mut scrubber = Self { hasher: RandomState::new(), parts, lengths, begins };
        for secret in secrets {
            let whole = secret.expose_secret();
            // Of a cookie like `li_at=...` the value is the secret.
            let pairs = whole.split(';').filter_map(|pair| pair.split_once('='));
            let values = pairs.map(|(_, value)| value.trim().trim_matches('"'));
            values.chain([whole]).for_each(|text| scrubber.learn(text.as_bytes()));
        }
        scrubber
    }

    fn learn(&mut self, secret: &[u8]) {
        for start in 0..secret.len() {
            for layers in [0, MAX_LAYERS] {
                let mut characters = [0; PART];
                let keep = |(kept, (character, _)): (&mut u8, _)| *kept = character;
                let length = characters.iter_mut().zip(read(secret, start, layers)).map(keep).count();
                if length == PART || (start == 0 && length >= SHORTEST) {
                    self.parts.insert(self.hasher.hash_one(&characters[..length]));
                    self.lengths.insert(length);
                    self.begins[place(characters[0], characters[1])] = true;
                }
            }
        }
    }

    pub(super) fn scrub(&self, text: &str) -> String {
        let readings: &[_] = if text.contains(['%', '\\']) { &[0, MAX_LAYERS] } else { &[0] };
        let mut scrubbed = String::new();
        let mut masked_to = 0;
        for start in 0..text.len() {
            let ends = readings.iter().filter_map(|layers| self.end_of_part(text.as_bytes(), start, *layers));
            let Some(end) = ends.max() else { continue };
            if start > masked_to || scrubbed.is_empty() {
                scrubbed.push_str(&text[masked_to..text.floor_char_boundary(start)]);
                scrubbed.push_str(MASK);
            }
            masked_to = masked_to.max(text.ceil_char_boundary(end));
        }
        scrubbed + &text[masked_to..]
    }

    /// Where the secret part ends that begins here.
    fn end_of_part(&self, text: &[u8], start: usize, layers: u32) -> Option<usize> {
        let mut begin = read(text, start, layers);
        let ((first, _), (second, _)) = begin.next().zip(begin.next())?;
        if !self.begins[place(first, second)] {
            return None;
        }
        let (characters, ends): (Vec<u8>, Vec<usize>) = read(text, start, layers).take(PART).unzip();
        let is_secret = |length: &usize| self.parts.contains(&self.hasher.hash_one(&characters[..*length]));
        let longest = self.lengths.range(..=characters.len()).rev().copied().find(is_secret)?;
        Some(ends[longest - 1])
    }
}

fn place(first: u8, second: u8) -> usize {
    usize::from(u16::from_be_bytes([first, second]))
}

/// The characters from a place on without regard to case, each with where it ends.
fn read(text: &[u8], start: usize, layers: u32) -> impl Iterator<Item = (u8, usize)> {
    let mut at = start;
    std::iter::from_fn(move || {
        let character;
        (character, at) = unescaped(text, at, layers)?;
        // Forms spell a space as a plus.
        Some((if character == b'+' { b' ' } else { character.to_ascii_lowercase() }, at))
    })
}

/// The character that is spelled at a place after this many layers of escapes for URLs or JSON were undone, and where it
/// ends. Keys and cookies are ASCII, so that is all that escapes are read as.
fn unescaped(text: &[u8], at: usize, layers: u32) -> Option<(u8, usize)> {
    let Some(below) = layers.checked_sub(1) else { return Some((*text.get(at)?, at + 1)) };
    let (character, end) = unescaped(text, at, below)?;
    let meant = match character {
        b'%' => hexadecimal(text, end, 2, below),
        b'\\' => match unescaped(text, end, below) {
            Some((b'u' | b'U', end)) => hexadecimal(text, end, 4, below),
            escaped => escaped.filter(|(character, _)| matches!(character, b'\\' | b'/' | b'"')),
        },
        _ => None,
    };
    meant.or(Some((character, end)))
}

fn hexadecimal(text: &[u8], mut at: usize, digits: u32, layers: u32) -> Option<(u8, usize)> {
    let mut value = 0;
    for _ in 0..digits {
        let (digit, end) = unescaped(text, at, layers)?;
        (value, at) = (value * 16 + char::from(digit).to_digit(16)?, end);
    }
    Some((u8::try_from(value).ok()?, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_however_they_are_spelled() {
        let secrets = [
            "AQED/\"token",
            "key-12345",
            "ab",
            "li_at=AQEDAT/x+y z-0123456789abc\\d; JSESSIONID=\"ajax:77\"",
            "50%41-literal",
        ];
        let scrubber = Scrubber::new(&secrets.map(SecretString::from));
        let cases = [
            ("nothing to hide", "nothing to hide"),
            ("token AQED/\"token refused, AQED/\"token!", "token *** refused, ***!"),
            (r#"{"message": "AQED/\"token"}"#, r#"{"message": "***"}"#),
            (r#"{"message": "AQED\/\"token"}"#, r#"{"message": "***"}"#),
            ("/login?token=AQED%2F%22token", "/login?token=***"),
            ("aqed%2f%22TOKEN", "***"),
            ("key-12345", "***"),
            ("KEY-12345key-12345", "***"),
            ("key-1234", "key-1234"),
            // Too short to be a secret; replacing it would break words.
            ("cab", "cab"),
            // The whole cookie, its values alone, parts of it.
            ("é li_at=AQEDAT/x+y z-0123456789abc\\d; JSESSIONID=\"ajax:77\" é", "é *** é"),
            ("é AQEDAT/x+y z-0123456789abc\\d é", "é *** é"),
            ("ajax:77, ajax%3a77", "***, ***"),
            ("before (z-0123456789) after", "before (***) after"),
            ("before -0123456789 after", "before -0123456789 after"),
            ("AQEDAT/x%2By%20z-0123456789abc%5Cd", "***"),
            ("AQEDAT%2fx%2by+z-0123456789abc%5cd", "***"),
            ("AQEDAT%252Fx%252By%2520z", "***"),
            (r"AQEDAT\/x\u002by\u0020z", "***"),
            (r"AQEDAT\\\/x\\U002By z", "***"),
            (r"AQEDAT%5C%2Fx%5Cu002By z-\u0025\u0033\u0030", "***"),
            // An escape that begins before it, and one that is cut off behind it.
            ("100%AQEDAT/x+y z%2", "100%***%2"),
            ("%ABz-0123456789é", "%AB***é"),
            ("50%41-literal 50%2541-LITERAL 50A-literal", "*** *** ***"),
            (r"% %4 %zz \ \u00 \u12345678901234 \", r"% %4 %zz \ \u00 \u12345678901234 \"),
        ];
        for (text, expected) in cases {
            assert_eq!(scrubber.scrub(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_none_changes_without_a_secret(text in ".*") {
            let scrubber = Scrubber::new(&[SecretString::from("é/secret-0123456789")]);
            proptest::prop_assert_eq!(scrubber.scrub(&text), text);
        }
    }
}
