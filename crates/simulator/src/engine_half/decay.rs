//! A file of a part decays while nobody looks: the next start puts the part aside by name, or whoever reads its rows is told
//! the file; nothing else is missing, and nothing is invented.

use std::collections::BTreeMap;

use engine::Session;
use env::Rng;

use super::scenario::Engines;
use super::tables::{EQUAL, session, text};
use crate::history::World;

/// Tables whose rows stay as they were inserted, whatever is merged.
const PLAIN: &[&str] = &["base", "landed", "dead", "late", "results", "owned"];
/// Bits that flip, at most.
const BITS_MAX: u64 = 3;

/// A part that has a file.
struct Part {
    table: String,
    name: String,
    file: String,
}

/// Damages a file of a part, if there is one, and judges what becomes of it.
pub async fn run(engines: &Engines, world: &mut World) {
    let engine = world.reopen(engines).await;
    let mut session_before = session(&engine);
    ask(&mut session_before, "SYSTEM STOP MERGES").await;
    let Some(part) = choose(&mut session_before, world).await else {
        world.machine.kill_process();
        return;
    };
    let before = contents(&mut session_before).await;
    let only = format!("SELECT * FROM {} WHERE _part = '{}'", part.table, part.name);
    let rows_of_part = sorted(&ask(&mut session_before, &only).await);
    drop((session_before, engine));
    world.machine.kill_process();

    let path = super::tables::folder().join("parts").join(&part.file);
    let len = world.machine.disk.peek(&path).expect("a listed file is there").len() as u64;
    for _ in 0..1 + world.rng.below(BITS_MAX) {
        world.machine.disk.flip_bit(&path, world.rng.below(len), world.rng.below(8) as u8);
    }
    *world.faults.entry("Decay".to_owned()).or_default() += 1;

    let engine = world.reopen(engines).await;
    let mut session = session(&engine);
    let aside = ask(&mut session, "SELECT table, name, reason FROM system.detached_parts").await;
    let is_aside = !aside.is_empty();
    assert!(!is_aside || aside == format!("{}\t{}\tbroken\n", part.table, part.name), "other parts are aside: {aside}");
    let after = contents(&mut session).await;
    for (table, found) in after {
        let expected = before[table].as_ref().expect("it was read before");
        match found {
            Ok(rows) if is_aside && table == part.table => {
                assert_eq!(rows, without(expected, &rows_of_part), "rows of {table} beside the damaged part");
            }
            Ok(rows) => assert_eq!(rows, *expected, "rows of {table}"),
            Err(error) => {
                assert!(table == part.table && !is_aside, "{table} cannot be read: {error}");
                assert!(error.contains(&part.file), "the damaged file {} is not named: {error}", part.file);
            }
        }
    }
    // Views over a base table that is whole are its queries still.
    if part.table != "base" {
        for (view, query) in EQUAL {
            assert_eq!(ask(&mut session, view).await, ask(&mut session, query).await, "{view}");
        }
    }
    drop((session, engine));
    world.machine.kill_process();
}

/// One of the parts of the plain tables that have files.
async fn choose(session: &mut Session, world: &World) -> Option<Part> {
    let listed = ask(session, "SELECT table, name, path FROM system.parts WHERE path != '' ORDER BY path").await;
    let mut parts = Vec::new();
    for line in listed.lines() {
        let mut fields = line.split('\t').map(str::to_owned);
        let (Some(table), Some(name), Some(file)) = (fields.next(), fields.next(), fields.next()) else { continue };
        if PLAIN.contains(&table.as_str()) {
            parts.push(Part { table, name, file });
        }
    }
    (!parts.is_empty()).then(|| parts.swap_remove(world.rng.below(parts.len() as u64) as usize))
}

/// The rows of each plain table, sorted, or why they cannot be read.
async fn contents(session: &mut Session) -> BTreeMap<&'static str, Result<Vec<String>, String>> {
    let mut contents = BTreeMap::new();
    for table in PLAIN {
        let rows = text(session, &format!("SELECT * FROM {table}")).await;
        contents.insert(*table, rows.map(|rows| sorted(&rows)).map_err(|error| error.to_string()));
    }
    contents
}

/// `rows` without one of each of `gone`; both are sorted.
fn without(rows: &[String], gone: &[String]) -> Vec<String> {
    let mut gone = gone.iter().peekable();
    let mut left = Vec::with_capacity(rows.len());
    for row in rows {
        match gone.peek() {
            Some(next) if *next == row => drop(gone.next()),
            _ => left.push(row.clone()),
        }
    }
    assert!(gone.peek().is_none(), "the part had rows that its table had not");
    left
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

async fn ask(session: &mut Session, query: &str) -> String {
    text(session, query).await.unwrap_or_else(|error| panic!("{query}: {error}"))
}
