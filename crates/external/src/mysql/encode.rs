//! Blocks to INSERT and REPLACE statements.

use arrow::array::Array;
use types::text::{Quoting, Zone, write_cell};
use types::{Block, DataType, Header};

use super::statement::{identifier, literal};

/// Bytes of one statement, about: well below the packets that every server takes.
const STATEMENT_BYTES: usize = 1 << 20;

/// How rows go in.
#[derive(Clone, Copy, Debug)]
pub(super) struct How<'a> {
    /// REPLACE instead of INSERT.
    pub(super) replaces: bool,
    /// What follows ON DUPLICATE KEY; empty for nothing.
    pub(super) on_duplicate: &'a str,
    /// The zone of times whose type has none.
    pub(super) zone: Zone,
}

/// The rows of a block as statements.
pub(super) fn inserts(table: &str, columns: &Header, block: &Block, how: How<'_>) -> Vec<String> {
    let verb = if how.replaces { "REPLACE" } else { "INSERT" };
    let names: Vec<String> = columns.columns().iter().map(|column| identifier(&column.name)).collect();
    let head = format!("{verb} INTO {table} ({}) VALUES ", names.join(", "));
    let tail = match how.on_duplicate {
        "" => String::new(),
        clause => format!(" ON DUPLICATE KEY {clause}"),
    };
    let mut statements = Vec::new();
    let mut rows = String::new();
    for row in 0..block.rows() {
        let cells: Vec<String> = columns
            .columns()
            .iter()
            .enumerate()
            .map(|(at, column)| value(&column.ty, block.array(at).as_ref(), row, how.zone))
            .collect();
        let separator = if rows.is_empty() { "" } else { ", " };
        rows.push_str(&format!("{separator}({})", cells.join(", ")));
        if rows.len() >= STATEMENT_BYTES || row + 1 == block.rows() {
            statements.push(format!("{head}{rows}{tail}"));
            rows.clear();
        }
    }
    statements
}

fn value(ty: &DataType, array: &dyn Array, row: usize, zone: Zone) -> String {
    if array.is_null(row) || matches!(ty, DataType::Nothing) {
        return "NULL".to_owned();
    }
    if let DataType::Nullable(inner) | DataType::LowCardinality(inner) = ty {
        return value(inner, array, row, zone);
    }
    let mut out = Vec::new();
    // times as wall clocks of their zone, as the real engine writes them
    write_cell(&mut out, ty, array, row, Quoting::Raw, zone);
    match ty {
        DataType::Bool => if out == b"true" { "1" } else { "0" }.to_owned(),
        ty if ty.is_integer() || ty.is_decimal() => String::from_utf8_lossy(&out).into_owned(),
        _ => literal(&out),
    }
}

#[cfg(test)]
mod tests {
    use format::ColumnBuilder;
    use types::Column;

    use super::*;

    #[test]
    fn rows_are_literals_and_clauses_follow() {
        let types = ["Int32", "Nullable(String)", "Decimal(10, 2)", "Bool", "DateTime64(3)"];
        let texts = ["-1", "it's \\ \u{fc}", "1.5", "true", "1960-06-01 01:02:03.5"];
        let mut columns = Vec::new();
        let mut arrays = Vec::new();
        for (at, (ty, text)) in types.iter().zip(texts).enumerate() {
            let ty = DataType::parse(ty).unwrap();
            let mut builder = ColumnBuilder::new(&ty, Zone::Utc);
            builder.append_text(text.as_bytes()).unwrap();
            builder.append_default();
            arrays.push(builder.finish());
            columns.push(Column::new(format!("c{at}"), ty));
        }
        let header = Header::new(columns);
        let block = Block::new(header.clone(), arrays).unwrap();
        let rows = "(-1, 'it\\'s \\\\ \u{fc}', 1.5, 1, '1960-06-01 01:02:03.500'), \
            (0, NULL, 0, 0, '1970-01-01 00:00:00.000')";
        let plain = How { replaces: false, on_duplicate: "", zone: Zone::Utc };
        let names = "(`c0`, `c1`, `c2`, `c3`, `c4`)";
        assert_eq!(inserts("x", &header, &block, plain), [format!("INSERT INTO x {names} VALUES {rows}")]);
        let replaces = How { replaces: true, on_duplicate: "", zone: Zone::Utc };
        assert!(inserts("x", &header, &block, replaces).concat().starts_with("REPLACE INTO x"));
        let updates = How { replaces: false, on_duplicate: "UPDATE c1 = 'x'", zone: Zone::Utc };
        assert!(inserts("x", &header, &block, updates).concat().ends_with(" ON DUPLICATE KEY UPDATE c1 = 'x'"));
    }
}
