//! `VERIFY VIEW v`: the view computed again from its source, compared with what its target holds, at one commit.
//!
//! The answer has a row for each difference: rows that are missing, extra, or (equal key) different; none when the view is
//! right. States of aggregates are compared by their results.

use std::collections::BTreeMap;
use std::sync::Arc;

use query::QueryContext;
use query::system::{Cell, Rows};
use sql::ast::{ObjectName, StatementKind};
use store::TableDef;
use types::text::{Quoting, Zone, cell::write_column};
use types::{Block, Column, DataType, Header};

use crate::ddl;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Differences of one kind that are shown; all are counted.
const SHOWN_MAX: usize = 1_000;
/// Floats are equal when they differ by less than this share: sums in another order.
const FLOAT_SHARE: f64 = 1e-9;

/// Runs VERIFY VIEW.
pub(crate) async fn run(engine: &Engine, name: &ObjectName, ctx: &Arc<QueryContext>) -> Result<Block> {
    let view = ddl::table(ctx, name)?;
    let expected = engine.inner.views.recompute(&view, ctx).await?;
    let target = view.view.as_ref().and_then(|view| view.target());
    let Some(target) = target.and_then(|target| ctx.snapshot.catalog.target(target)).cloned() else {
        return Err(Error::NotImplemented("VERIFY VIEW of a view without target".to_owned()));
    };
    let overridden = Arc::new(ctx.with_override(target.id, expected));
    let expected = Side::read(&target, &overridden).await?;
    let actual = Side::read(&target, ctx).await?;
    differences(&key_of(&target), &expected, &actual)
}

/// One of the two tables as text.
struct Side {
    columns: Vec<Column>,
    rows: Vec<Vec<Vec<u8>>>,
}

impl Side {
    async fn read(target: &TableDef, ctx: &Arc<QueryContext>) -> Result<Side> {
        let is_final = target.schema.as_ref().is_some_and(|schema| schema.has_final());
        let shown = target.columns.columns().iter().map(|column| {
            let name = sql::back_quote(&column.name);
            match column.ty {
                DataType::AggregateFunction(_) => format!("finalizeAggregation({name}) AS {name}"),
                _ => name,
            }
        });
        let name = [&target.database, &target.name].map(|name| sql::back_quote(name)).join(".");
        let final_word = if is_final { " FINAL" } else { "" };
        let text = format!("SELECT {} FROM {name}{final_word}", shown.collect::<Vec<_>>().join(", "));
        let StatementKind::Query(query) = sql::parse_statement(&text)?.kind else {
            return Err(Error::NotImplemented(text));
        };
        let prepared = query::prepare(&query, ctx).await?;
        let columns = prepared.header().columns().to_vec();
        let mut held = ctx.memory.hold("rows that are compared");
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        for block in prepared.compiled.collect(ctx).await? {
            let texts: Vec<_> = block.header().columns().iter().zip(block.arrays()).collect();
            let texts: Vec<_> = texts
                .iter()
                .map(|(column, array)| write_column(&column.ty, array, Quoting::Quoted, Zone::Utc))
                .collect();
            for row in 0..block.rows() {
                let cells: Vec<Vec<u8>> = texts.iter().map(|column| column.value(row).to_vec()).collect();
                bytes += cells.iter().map(|cell| cell.len() + 48).sum::<usize>();
                rows.push(cells);
            }
            held.resize(bytes)?;
        }
        Ok(Side { columns, rows })
    }

    /// Rows by key; of a table without unique keys each row is its own key and has a count.
    fn by_key(&self, key: &[usize]) -> BTreeMap<Vec<&[u8]>, Vec<&Vec<Vec<u8>>>> {
        let mut keyed: BTreeMap<Vec<&[u8]>, Vec<&Vec<Vec<u8>>>> = BTreeMap::new();
        for row in &self.rows {
            let key = key.iter().filter_map(|position| row.get(*position).map(Vec::as_slice)).collect();
            keyed.entry(key).or_default().push(row);
        }
        keyed
    }
}

/// The positions of the visible columns by which rows are unique: those of the sorting key, where the engine keeps one row
/// a key and nothing in it is computed; else all.
fn key_of(target: &TableDef) -> Vec<usize> {
    let all = (0..target.columns.len()).collect();
    let Some(schema) = target.schema.as_ref().filter(|schema| schema.is_keyed() && !schema.sort_key.is_empty()) else {
        return all;
    };
    let visible = |position: usize| target.columns.position(&schema.header.columns()[position].name);
    schema.sort_positions().into_iter().map(visible).collect::<Option<Vec<usize>>>().unwrap_or(all)
}

/// The kinds of differences, in the order in which they are shown.
const KINDS: [&str; 3] = ["missing", "extra", "different"];

struct Difference {
    kind: usize,
    key: String,
    expected: String,
    actual: String,
}

fn differences(key: &[usize], expected: &Side, actual: &Side) -> Result<Block> {
    let (wanted, had) = (expected.by_key(key), actual.by_key(key));
    let mut found: Vec<Difference> = Vec::new();
    let mut totals = [0_u64; 3];
    let mut add = |kind: usize, key: &[&[u8]], expected: Option<&Vec<Vec<u8>>>, actual: Option<&Vec<Vec<u8>>>| {
        totals[kind] += 1;
        if totals[kind] <= SHOWN_MAX as u64 {
            let text =
                |row: Option<&Vec<Vec<u8>>>| row.map(|row| tuple(row.iter().map(Vec::as_slice))).unwrap_or_default();
            let (expected, actual) = (text(expected), text(actual));
            found.push(Difference { kind, key: tuple(key.iter().copied()), expected, actual });
        }
    };
    let keys: std::collections::BTreeSet<&Vec<&[u8]>> = wanted.keys().chain(had.keys()).collect();
    for key in keys {
        let none = Vec::new();
        let (wanted, had) = (wanted.get(key).unwrap_or(&none), had.get(key).unwrap_or(&none));
        let both = wanted.len().min(had.len());
        for (wanted, had) in wanted.iter().zip(had).filter(|(wanted, had)| !equal(&expected.columns, wanted, had)) {
            add(2, key, Some(wanted), Some(had));
        }
        wanted.iter().skip(both).for_each(|row| add(0, key, Some(row), None));
        had.iter().skip(both).for_each(|row| add(1, key, None, Some(row)));
    }
    found.sort_by_key(|difference| difference.kind);
    let texts = ["difference", "key", "expected", "actual"].map(|name| Column::new(name, DataType::String));
    let header = Header::new([texts.as_slice(), &[Column::new("total", DataType::UInt64)]].concat());
    let mut rows = Rows::new(&header);
    for difference in found {
        rows.push([
            ("difference", KINDS[difference.kind].into()),
            ("key", difference.key.into()),
            ("expected", difference.expected.into()),
            ("actual", difference.actual.into()),
            ("total", Cell::UInt(totals[difference.kind])),
        ]);
    }
    Ok(rows.block()?)
}

fn equal(columns: &[Column], wanted: &[Vec<u8>], had: &[Vec<u8>]) -> bool {
    wanted
        .iter()
        .zip(had)
        .zip(columns)
        .all(|((wanted, had), column)| wanted == had || (is_float(&column.ty) && close(wanted, had).unwrap_or(false)))
}

fn is_float(ty: &DataType) -> bool {
    match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => is_float(inner),
        ty => ty.is_float(),
    }
}

fn close(wanted: &[u8], had: &[u8]) -> Option<bool> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<f64>().ok();
    let (wanted, had) = (number(wanted)?, number(had)?);
    Some((wanted - had).abs() <= FLOAT_SHARE * wanted.abs().max(had.abs()))
}

fn tuple<'a>(cells: impl Iterator<Item = &'a [u8]>) -> String {
    let cells: Vec<String> = cells.map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
    format!("({})", cells.join(","))
}
