//! stub
pub mod input;
pub mod invitation;
