//! What goes over the wire, as values: answers in full, and the ways in which they are not.

use std::borrow::Cow;

/// What a call gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Full(Page),
    /// An answer whose `sent` bytes are followed by the end of the connection instead of the rest.
    Cut {
        announced: usize,
        sent: &'static str,
    },
    /// The end of the connection.
    Closed,
    Silence,
}

/// One answer in full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) retry_after_s: Option<u32>,
    pub(super) body: Cow<'static, str>,
}

impl Page {
    pub(super) fn json(status: u16, body: impl Into<Cow<'static, str>>) -> Self {
        Self { status, content_type: "application/json", retry_after_s: None, body: body.into() }
    }

    fn html(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "text/html; charset=utf-8", retry_after_s: None, body: body.into() }
    }

    /// For addresses that the API does not have.
    pub(super) fn not_found() -> Self {
        Self::json(404, r#"{"detail":"Not Found"}"#)
    }

    /// What a gateway in front of the API says when it can't reach it.
    pub(super) fn bad_gateway() -> Self {
        Self::html(
            502,
            "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n",
        )
    }

    /// What a captive portal says.
    pub(super) fn web_page() -> Self {
        Self::html(200, "<!doctype html><title>Welcome</title><p>Please log in to use this network.</p>\n")
    }
}
