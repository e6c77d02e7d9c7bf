//! Rooms (the crate's top-level modules) import each other in one direction only, and `config` is on top of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The only rooms that may import `config`.
const ABOVE_CONFIG: [&str; 4] = ["cli", "commands", "fuzz", "program"];

/// Which room imports which, and in which files. Test modules count, comments and strings don't.
type Imports = BTreeMap<(String, String), BTreeSet<String>>;

#[test]
fn no_rooms_import_each_other() {
    let mut sources = Vec::new();
    read_sources(Path::new(env!("CARGO_MANIFEST_DIR")), "src", &mut sources);
    let imports = imports(&sources);
    assert!(imports.len() > 20, "too few to be true: {imports:?}");
    let mut complaints = complaints(&imports);
    let rooms = rooms_from_the_top(&sources);
    let place = |room: &str| rooms.iter().position(|other| *other == room).unwrap_or_else(|| panic!("{room}: no row"));
    for ((from, to), files) in &imports {
        if place(from) < place(to) {
            complaints.push(format!("below it in the table of src/lib.rs: {from} imports {to} ({files:?})"));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The rooms in the order of the table in the crate's documentation, which is that of their imports.
fn rooms_from_the_top(sources: &[(String, String)]) -> Vec<&str> {
    let (_, root) = sources.iter().find(|(path, _)| path == "src/lib.rs").unwrap();
    let table = root.split("# Rooms").nth(1).unwrap().split("# Where does it go?").next().unwrap();
    let rooms = table.lines().filter_map(|line| line.strip_prefix("//! | [`").or(line.strip_prefix("//! | `")));
    rooms
        .flat_map(|row| row.split(" |").next().unwrap().split(", "))
        .map(|name| name.trim_matches(&['[', ']', '`'][..]))
        .collect()
}

#[test]
fn a_cycle_of_two_rooms_is_found() {
    let found = complaints_of(&[
        ("src/lib.rs", "mod api; mod pace; mod exit; fn main() { crate::pace::wait() }"),
        ("src/api/mod.rs", "mod v1;"),
        ("src/api/v1.rs", "use crate::{\n    exit,\n    pace::{self, rate::{Rate, Unit}},\n};"),
        ("src/pace.rs", "mod tests { mod deeper { use super::super::super::api; } }"),
        ("src/exit.rs", "use super::exit; mod tests { use super::*; }"),
    ]);
    assert_eq!(found, ["in a cycle: api imports pace (src/api/v1.rs)", "in a cycle: pace imports api (src/pace.rs)"]);
}

#[test]
fn a_cycle_of_three_rooms_is_found() {
    let found = complaints_of(&[
        ("src/a.rs", "fn a() { crate::b::c(); }"),
        ("src/b/mod.rs", "use crate::c::C;"),
        ("src/b/more.rs", "use crate::c::More; use super::super::d;"),
        ("src/c.rs", "#[cfg(test)] mod tests { use crate::{d, a}; }"),
        ("src/d.rs", ""),
    ]);
    let expected = [
        "in a cycle: a imports b (src/a.rs)",
        "in a cycle: b imports c (src/b/mod.rs, src/b/more.rs)",
        "in a cycle: c imports a (src/c.rs)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn only_the_rooms_above_may_import_config() {
    let found = complaints_of(&[
        ("src/commands/run.rs", "use crate::config::Settings;"),
        ("src/report.rs", "use crate::config;"),
        ("src/config/mod.rs", ""),
    ]);
    assert_eq!(found, ["only cli, commands, fuzz and program may: report imports config (src/report.rs)"]);
}

#[test]
fn a_mention_is_no_import() {
    let found = complaints_of(&[
        ("src/a.rs", "use crate::b; // crate::b\n"),
        ("src/b.rs", "//! [`crate::a`]\n/* crate::a\n crate::a */ const A: &str = \"\\\"crate::a\";\n"),
        ("src/c.rs", "use crate::b; fn f<'a>() -> (&'a str, char) { (r#\"\"crate::a\"#, '\"') }"),
        ("src/d.rs", "use crate::c; const QUOTES: [char; 2] = ['\\'', '\"']; use crate::helper;"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

fn complaints_of(sources: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<_> = sources.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    complaints(&imports(&sources))
}

fn complaints(imports: &Imports) -> Vec<String> {
    let mut complaints = Vec::new();
    for ((from, to), files) in imports {
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let import = format!("{from} imports {to} ({})", files.join(", "));
        if reaches(imports, to, from, &mut BTreeSet::new()) {
            complaints.push(format!("in a cycle: {import}"));
        }
        if to == "config" && !ABOVE_CONFIG.contains(&from.as_str()) {
            complaints.push(format!("only cli, commands, fuzz and program may: {import}"));
        }
    }
    complaints
}

fn reaches<'a>(imports: &'a Imports, from: &'a str, goal: &str, seen: &mut BTreeSet<&'a str>) -> bool {
    from == goal
        || (seen.insert(from) && imports.keys().any(|(room, next)| room == from && reaches(imports, next, goal, seen)))
}

fn read_sources(root: &Path, place: &str, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(root.join(place)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{place}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read_sources(root, &name, sources);
        } else if name.ends_with(".rs") {
            sources.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

fn imports(sources: &[(String, String)]) -> Imports {
    let rooms: BTreeSet<_> = sources.iter().filter_map(|(path, _)| module_path(path).first().copied()).collect();
    let mut imports = Imports::new();
    for (path, text) in sources {
        let module = module_path(path);
        // The crate's root declares the rooms and belongs to none.
        let Some(room) = module.first() else { continue };
        for name in names_at_root(&tokens(text), module.len()) {
            for other in rooms.iter().filter(|other| name == **other || name == "*") {
                if other != room {
                    imports.entry(((*room).to_owned(), (*other).to_owned())).or_default().insert(path.clone());
                }
            }
        }
    }
    imports
}

/// `src/api/v1.rs` is `["api", "v1"]`.
fn module_path(path: &str) -> Vec<&str> {
    let parts = path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap().split('/');
    parts.filter(|part| !["lib", "main", "mod"].contains(part)).collect()
}

/// The names that follow the crate's root in any path: after `crate`, or after as many `super`s as the module is deep.
fn names_at_root(tokens: &[&str], file_depth: usize) -> Vec<String> {
    let mut names = Vec::new();
    // For each open brace, whether it is a module's.
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at] {
            "{" => braces.push(at >= 2 && tokens[at - 2] == "mod"),
            "}" => drop(braces.pop()),
            "crate" | "super" => {
                let depth = file_depth + braces.iter().filter(|is_module| **is_module).count();
                let mut rest = if tokens[at] == "crate" { 0 } else { depth - 1 };
                while tokens.get(at + 1) == Some(&"::") && tokens.get(at + 2) == Some(&"super") {
                    rest -= 1;
                    at += 2;
                }
                if rest == 0 && tokens.get(at + 1) == Some(&"::") {
                    names.extend(first_names(&tokens[at + 2..]));
                }
            }
            _ => {}
        }
        at += 1;
    }
    names
}

/// The first name of a path, or of each path in braces.
fn first_names(tokens: &[&str]) -> Vec<String> {
    if tokens[0] != "{" {
        return vec![tokens[0].to_owned()];
    }
    let mut names = Vec::new();
    let mut depth = 0;
    for pair in tokens.windows(2) {
        match pair[0] {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && ["{", ","].contains(&pair[0]) {
            names.push(pair[1].to_owned());
        }
    }
    names
}

/// Names and signs, without comments, strings and characters.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if let Some(length) = raw_string_length(rest) {
            length
        } else if first == '"' {
            quoted_length(rest, '"')
        } else if first == '\'' {
            // A lifetime has no second quote where a character has one.
            let is_character = rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'');
            if is_character { quoted_length(rest, '\'') } else { 1 }
        } else if is_part(first) {
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            tokens.push(&rest[..length]);
            length
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            if !first.is_whitespace() {
                tokens.push(&rest[..length]);
            }
            length
        };
        rest = &rest[length..];
    }
    tokens
}

fn raw_string_length(text: &str) -> Option<usize> {
    let marks = text.strip_prefix('r').or(text.strip_prefix("br"))?;
    let hashes = marks.len() - marks.trim_start_matches('#').len();
    marks[hashes..].starts_with('"').then_some(())?;
    let opening = text.len() - marks.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[opening..].find(&end).map_or(text.len(), |at| opening + at + end.len()))
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}
