//! What all pages have in common: head, style, sections, figures.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::listing::profile_link;
use crate::policy::visible;

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded, nothing runs, nothing is sent.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A whole page; `sections` are the IDs and titles that the links at its top lead to.
pub(super) fn document(title: &str, sections: &[(&str, &str)], header: Markup, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (visible(title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (header) }
                @if !sections.is_empty() {
                    nav aria-label="Sections" { ul {
                        @for (id, title) in sections { li { a rel="noreferrer" href=(format!("#{id}")) { (title) } } }
                    } }
                }
                main { (body) }
            }
        }
    };
    page.into_string()
}

pub(super) fn section(id: &str, title: &str, body: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) { (title) }
            (body)
        }
    }
}

/// A chart with its text, and the same numbers as a table under it.
pub(super) fn figure(said: &str, note: Option<&str>, chart: Markup, table: Markup) -> Markup {
    html! {
        figure {
            figcaption { (said) @if let Some(note) = note { " " (note) } }
            div.chart role="img" aria-label=(visible(said)) { (chart) }
            (table)
        }
    }
}

/// Text from outside: isolated, so that its direction changes nothing around it, with what acts made visible.
pub(super) fn text(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// A name, which is a link where the address is certainly a profile's.
pub(super) fn linked(name: &str, profile_url: &str) -> Markup {
    let shown = if name.trim().is_empty() { profile_url } else { name };
    match profile_link(profile_url) {
        Some(link) => html! { a rel="noreferrer" href=(link) { (text(shown)) } },
        None => text(shown),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever somebody is called, it makes no tag, ends no attribute and turns no text around.
        #[test]
        fn a_text_stays_text(name in "\\PC*|[<>&\"'`= /a-z\u{202e}\u{2066}\0\n]*") {
            for shown in [text(&name), linked(&name, &name), linked("", &name)].map(Markup::into_string) {
                let inner = shown.strip_prefix("<bdi>").and_then(|rest| rest.strip_suffix("</bdi>"));
                let inner = inner.unwrap_or_else(|| panic!("{shown}"));
                prop_assert!(!inner.contains(['<', '>', '"', '\u{202e}', '\u{2066}', '\0']), "{}", inner);
                let entities = inner.split('&').skip(1);
                for entity in entities {
                    prop_assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|known| entity.starts_with(known)), "{}", inner);
                }
            }
        }
    }

    #[test]
    fn only_a_profile_is_a_link() {
        let link = "<a rel=\"noreferrer\" href=\"https://www.linkedin.com/in/ada\"><bdi>Ada</bdi></a>";
        for address in ["https://www.linkedin.com/in/ada", "www.linkedin.com/in/ada?next=https://evil.example#x"] {
            assert_eq!(linked("Ada", address).into_string(), link, "{address}");
        }
        for address in [
            "javascript:alert(1)",
            "javascript://www.linkedin.com/in/ada",
            "data:text/html,x",
            "http://www.linkedin.com/in/ada",
            "https://www.linkedin.com.evil.example/in/ada",
            "https://evil.example/www.linkedin.com/in/ada",
            "https://ada:secret@www.linkedin.com/in/ada",
            "https://www.linkedin.com:8443/in/ada",
            "https://www.linkedin.com/redirect?to=https://evil.example",
            "https://www.linkedin.com/in/ada\" onclick=\"x",
            "//evil.example",
            "#top",
            "",
        ] {
            assert_eq!(linked("Ada", address).into_string(), "<bdi>Ada</bdi>", "{address}");
        }
    }
}
