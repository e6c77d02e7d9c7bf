//! stub
pub mod api;
pub mod cli;
pub mod commands;
pub mod config;
pub mod event;
pub mod exit;
pub mod input;
pub mod invitation;
pub mod outcome;
pub mod pace;
pub mod policy;
pub mod report;
pub mod runner;
pub mod sandbox;

/// An error with its causes, in one line.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
