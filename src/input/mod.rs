//! stub
use std::path::PathBuf;
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct ReadError {}
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct InputError;
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Stdin,
    Path(PathBuf),
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputFormat {
    Csv,
    JsonLines,
    Json,
}
pub struct InputOptions {
    pub id_column: Option<String>,
    pub delimiter: Option<u8>,
    pub format: Option<InputFormat>,
    pub accept_rounded_ids: bool,
}
pub struct Input {
    c: Vec<String>,
}
impl Input {
    pub fn open(_: &Source, _: &InputOptions) -> Result<Input, InputError> {
        Err(InputError)
    }
    pub fn columns(&self) -> &[String] {
        &self.c
    }
    pub fn format(&self) -> InputFormat {
        InputFormat::Csv
    }
    pub fn is_regular_file(&self) -> bool {
        true
    }
}
impl Iterator for Input {
    type Item = Result<Result<crate::invitation::Row, crate::invitation::RowError>, ReadError>;
    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
