//! Blocks to what PostgreSQL takes: rows of `COPY … FROM STDIN` (text format), or INSERT where ON CONFLICT is given.

use arrow::array::{Array, AsArray};
use bytes::Bytes;
use types::text::{Quoting, Zone, write_cell};
use types::{Block, DataType, Header};

use super::statement::identifier;

/// Bytes of one piece of a COPY and of one INSERT, about.
const PIECE_BYTES: usize = 1 << 20;

fn names(columns: &Header) -> String {
    let names: Vec<String> = columns.columns().iter().map(|column| identifier(&column.name)).collect();
    names.join(", ")
}

/// The statement that takes rows.
pub(super) fn copy_in(table: &str, columns: &Header) -> String {
    format!("COPY {table} ({}) FROM STDIN", names(columns))
}

/// The rows of a block for COPY, in pieces.
pub(super) fn copy_rows(block: &Block, zone: Zone) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut out = Vec::new();
    for row in 0..block.rows() {
        for (at, column) in block.header().columns().iter().enumerate() {
            if at > 0 {
                out.push(b'\t');
            }
            match value(&column.ty, block.array(at).as_ref(), row, zone) {
                None => out.extend_from_slice(b"\\N"),
                Some(text) => escape(&text, &mut out),
            }
        }
        out.push(b'\n');
        if out.len() >= PIECE_BYTES {
            pieces.push(Bytes::from(std::mem::take(&mut out)));
        }
    }
    if !out.is_empty() {
        pieces.push(Bytes::from(out));
    }
    pieces
}

/// The rows of a block as INSERTs that say what happens to rows which are there.
pub(super) fn inserts(table: &str, block: &Block, conflict: &str, zone: Zone) -> Vec<String> {
    let head = format!("INSERT INTO {table} ({}) VALUES ", names(block.header()));
    let mut statements = Vec::new();
    let mut rows = String::new();
    for row in 0..block.rows() {
        let cells = block.header().columns().iter().enumerate().map(|(at, column)| {
            let text = value(&column.ty, block.array(at).as_ref(), row, zone);
            text.map_or_else(|| "NULL".to_owned(), |text| super::statement::literal(&String::from_utf8_lossy(&text)))
        });
        let separator = if rows.is_empty() { "" } else { ", " };
        rows.push_str(&format!("{separator}({})", cells.collect::<Vec<_>>().join(", ")));
        if rows.len() >= PIECE_BYTES || row + 1 == block.rows() {
            statements.push(format!("{head}{rows} {conflict}"));
            rows.clear();
        }
    }
    statements
}

/// A value as PostgreSQL's input functions read it; `None` is NULL.
fn value(ty: &DataType, array: &dyn Array, row: usize, zone: Zone) -> Option<Vec<u8>> {
    if array.is_null(row) || matches!(ty, DataType::Nothing) {
        return None;
    }
    let mut out = Vec::new();
    match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => return value(inner, array, row, zone),
        DataType::Array(element) => {
            let elements = array.as_list::<i32>().value(row);
            out.push(b'{');
            for at in 0..elements.len() {
                if at > 0 {
                    out.push(b',');
                }
                match value(element, elements.as_ref(), at, zone) {
                    None => out.extend_from_slice(b"NULL"),
                    Some(text) if matches!(element.as_ref(), DataType::Array(_)) => out.extend_from_slice(&text),
                    Some(text) => quote_element(&text, &mut out),
                }
            }
            out.push(b'}');
        }
        // times as wall clocks of their zone, as the real engine writes them
        ty => write_cell(&mut out, ty, array, row, Quoting::Raw, zone),
    }
    Some(out)
}

fn quote_element(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            byte => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use format::ColumnBuilder;
    use types::Column;

    use super::*;

    fn block(columns: &[(&str, &str, &[&str])]) -> Block {
        let mut header = Vec::new();
        let mut arrays = Vec::new();
        for (name, ty, cells) in columns {
            let ty = DataType::parse(ty).unwrap();
            let mut builder = ColumnBuilder::new(&ty, Zone::Utc);
            for cell in *cells {
                match *cell {
                    "NULL" => builder.append_default(),
                    text => builder.append_text(text.as_bytes()).unwrap(),
                }
            }
            arrays.push(builder.finish());
            header.push(Column::new(*name, ty));
        }
        Block::new(Header::new(header), arrays).unwrap()
    }

    #[test]
    fn rows_are_escaped_so_that_they_stay_rows() {
        let block = block(&[
            ("a", "Int32", &["1", "2"]),
            ("t", "Nullable(String)", &["a\tb\nc\\d\r", "NULL"]),
            ("l", "Array(Nullable(String))", &[r#"['x"y\\z', NULL, 'NULL']"#, "[]"]),
            ("d", "DateTime64(6)", &["1960-06-01 01:02:03.5", "2024-01-01"]),
        ]);
        let rows = copy_rows(&block, Zone::Utc).concat();
        let expected = concat!(
            "1\ta\\tb\\nc\\\\d\\r\t{\"x\\\\\"y\\\\\\\\z\",NULL,\"NULL\"}\t1960-06-01 01:02:03.500000\n",
            "2\t\\N\t{}\t2024-01-01 00:00:00.000000\n"
        );
        assert_eq!(String::from_utf8(rows).unwrap(), expected);
        assert_eq!(copy_in("\"s\".\"t\"", block.header()), "COPY \"s\".\"t\" (\"a\", \"t\", \"l\", \"d\") FROM STDIN");
    }

    #[test]
    fn with_on_conflict_rows_are_inserted_as_literals() {
        let block = block(&[("a", "Int32", &["1", "2"]), ("t", "Nullable(String)", &["it's \\", "NULL"])]);
        let expected = "INSERT INTO x (\"a\", \"t\") VALUES ('1', 'it''s \\'), ('2', NULL) ON CONFLICT DO NOTHING";
        assert_eq!(inserts("x", &block, "ON CONFLICT DO NOTHING", Zone::Utc), [expected]);
    }
}
