//! The ledger's views for people: docs/ledger.md has each column, and the queries that it shows work.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::support::{LEDGER, Program, ids, list, swift, swiftly, unlimited};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ledger.md")).unwrap()
}

/// Each view that the page describes, with its columns.
fn described(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut views = BTreeMap::<String, Vec<String>>::new();
    let mut view = None;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix('#') {
            view = title
                .trim_start_matches('#')
                .trim()
                .strip_prefix("`v_")
                .map(|name| format!("v_{}", name.trim_end_matches('`')));
        }
        let Some(view) = &view else { continue };
        if let Some((column, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) {
            views.entry(view.clone()).or_default().push(column.to_owned());
        }
    }
    views
}

async fn with_a_ledger() -> (Program, Connection) {
    let sandbox = swift(|_| {}).await;
    let program = Program::new();
    program.write("list.csv", list(ids(5)));
    program.complete(&format!("run list.csv {}", swiftly(&sandbox))).await.ended_with(0);
    program.complete(&format!("list {}", unlimited(&sandbox))).await.ended_with(0);
    let connection = Connection::open(program.path(LEDGER)).unwrap();
    (program, connection)
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut select = connection.prepare(sql).unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_describes_every_column_of_every_view() {
    let (_program, connection) = with_a_ledger().await;
    let views = texts(&connection, "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name");
    let columns =
        |view: &String| (view.clone(), texts(&connection, &format!("SELECT name FROM pragma_table_info('{view}')")));
    let found: BTreeMap<_, _> = views.iter().map(columns).collect();
    assert_eq!(found.len(), 3);
    assert_eq!(described(&page()), found);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queries_that_the_page_shows_find_something() {
    let (_program, connection) = with_a_ledger().await;
    let page = page();
    let queries: Vec<_> = page.lines().filter(|line| line.starts_with("sqlite3 ")).collect();
    assert!(queries.len() > 1, "{queries:?}");
    for query in queries {
        let sql = query.split('\'').nth(1).unwrap();
        let found = connection.prepare(sql).unwrap().query([]).unwrap().next().unwrap().is_some();
        assert!(found, "{query}");
    }
    let sum = |sql: &str| connection.query_one(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    let all = sum("SELECT SUM(credits_possible) FROM v_bill");
    assert_eq!((all, sum("SELECT SUM(withdrawn) FROM v_runs")), (sum("SELECT SUM(credits_possible) FROM v_runs"), 5));
    assert_eq!(sum("SELECT COUNT(*) FROM v_invitations WHERE outcome = 'withdrawn'"), 5);
}
