//! Takes secrets out of words that came back, so that an API that echoes a token can't put it into a report or a log.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Shorter texts stand in too many innocent places, and are no secrets.
const SHORTEST: usize = 6;
/// What stands in a secret's place.
const MASK: &str = "***";

/// The secrets to take out, each also as JSON or a URL would escape it.
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
            let encoded: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
            for needle in [escaped.replace('/', "\\/"), escaped, encoded, plain.to_owned()] {
                if needle.len() >= SHORTEST && !needles.contains(&needle) {
                    needles.push(needle);
                }
            }
        }
        // The longest first: a token that contains another must not leave half of itself behind.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        Self { needles: needles.into_iter().map(SecretString::from).collect() }
    }

    /// The text with every secret masked.
    pub(super) fn scrub(&self, text: &str) -> String {
        let needles = self.needles.iter().map(ExposeSecret::expose_secret);
        needles.fold(text.to_owned(), |text, needle| text.replace(needle, MASK))
    }
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
            ("/login?token=AQED%2F%22token", "/login?token=***"),
            ("key-12345", "***"),
            ("key-1234", "key-1234"),
            // Too short to be a secret; replacing it would break words.
            ("cab", "cab"),
        ];
        for (text, expected) in cases {
            assert_eq!(scrubber.scrub(text), expected);
        }
        assert!(!format!("{scrubber:?}").contains("key"));
    }
}
