//! Takes secrets out of what came back, so that an API that echoes a token can't put it into a report or a log.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Shorter texts stand in too many innocent places, and are no secrets.
const SHORTEST: usize = 6;
/// What stands in a secret's place.
const MASK: &[u8] = b"***";

/// The secrets to take out, each also as JSON would escape it.
#[derive(Clone)]
pub(super) struct Scrubber {
    needles: Vec<SecretString>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber").field("needles", &self.needles.len()).finish()
    }
}

impl Scrubber {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut needles: Vec<String> = Vec::new();
        for secret in secrets {
            let plain = secret.expose_secret();
            let quoted = serde_json::Value::from(plain).to_string();
            let escaped = quoted.trim_matches('"').to_owned();
            for needle in [escaped.replace('/', "\\/"), escaped, plain.to_owned()] {
                if needle.len() >= SHORTEST && !needles.contains(&needle) {
                    needles.push(needle);
                }
            }
        }
        // The longest first: a token that contains another must not leave half of itself behind.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        Self { needles: needles.into_iter().map(SecretString::from).collect() }
    }

    pub(super) fn scrub(&self, mut text: Vec<u8>) -> Vec<u8> {
        for needle in &self.needles {
            let needle = needle.expose_secret().as_bytes();
            let mut from = 0;
            while let Some(at) = find(&text[from..], needle) {
                let start = from + at;
                text.splice(start..start + needle.len(), MASK.iter().copied());
                from = start + MASK.len();
            }
        }
        text
    }
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_however_they_are_escaped() {
        let secrets = [SecretString::from("AQED/\"token"), SecretString::from("key-12345"), SecretString::from("ab")];
        let scrubber = Scrubber::new(&secrets);
        let cases = [
            ("nothing to hide", "nothing to hide"),
            ("token AQED/\"token refused, AQED/\"token!", "token *** refused, ***!"),
            (r#"{"message": "AQED/\"token"}"#, r#"{"message": "***"}"#),
            (r#"{"message": "AQED\/\"token"}"#, r#"{"message": "***"}"#),
            ("key-12345", "***"),
            ("key-1234", "key-1234"),
            // Too short to be a secret; replacing it would break words.
            ("cab", "cab"),
        ];
        for (text, expected) in cases {
            let scrubbed = String::from_utf8(scrubber.scrub(text.as_bytes().to_vec())).unwrap();
            assert_eq!(scrubbed, expected);
        }
        assert!(!format!("{scrubber:?}").contains("key"));
    }
}
