//! stub
pub mod input;
pub mod invitation;
pub mod sandbox;
