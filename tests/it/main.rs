//! Whole runs of the real program: against the simulated API, and against wiremock where requests are compared exactly.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod support;

mod accounts;
mod check;
mod clean;
mod command_line;
mod configuration;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod disk;
mod docs;
mod endings;
mod fault_matrix;
mod faults;
mod foreign_client;
mod kills;
mod last_lines;
mod ledger;
mod limits;
mod memory;
mod outputs;
mod pace;
mod pages;
mod plans;
mod profiles;
mod requests;
mod rooms;
mod samples;
mod screen;
mod secrets;
mod shares;
mod stops;
mod surroundings;
mod tables;
mod verify;
mod views;
mod watchers;
