//! Values: `(1, 'a'), (2, now())`. Literals are read here; any other expression is given to the caller to evaluate.

use arrow::array::{Array, ArrayRef};
use types::ErrorCode;

use super::rows::{Fault, Pending, Rows};
use super::{Decode, DecodeOptions, Decoded, Evaluate, ROW_BYTES_MAX};
use crate::cursor::Cursor;
use crate::error::{Error, Result};

pub(super) struct Values {
    pending: Pending,
    rows: Rows,
    evaluate: Option<Box<Evaluate>>,
}

pub(super) fn decoder(options: DecodeOptions, evaluate: Option<Box<Evaluate>>) -> Values {
    Values { pending: Pending::default(), rows: Rows::new(options), evaluate }
}

impl Values {
    /// Reads the next row. `false`: more bytes are needed, or there is no more row.
    fn step(&mut self, last: bool) -> Result<bool> {
        let rest = self.pending.rest();
        let start = rest.iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
        if start == rest.len() || (rest[start] == b';' && rest[start + 1..].trim_ascii().is_empty()) {
            self.pending.consume(rest.len());
            return Ok(false);
        }
        self.rows.position += 1;
        let Some(end) = row_end(&rest[start..]) else {
            if rest.len() > ROW_BYTES_MAX {
                return Err(Error::RowTooLarge { row: self.rows.position, limit_bytes: ROW_BYTES_MAX });
            }
            if last {
                let message = "expected a row in parentheses".to_owned();
                return Err(Error::Expression { message, row: self.rows.position, code: ErrorCode::SYNTAX_ERROR });
            }
            self.rows.position -= 1;
            return Ok(false);
        };
        let row = rest[start..start + end].to_vec();
        self.pending.consume(start + end);
        self.rows.bytes_read += (start + end) as u64;
        match self.row(&row) {
            Ok(()) => self.rows.end_row(&row),
            Err(fault) => self.rows.fail_row(fault, &row)?,
        }
        Ok(true)
    }

    fn row(&mut self, row: &[u8]) -> std::result::Result<(), Fault> {
        let cells = split_cells(&row[1..row.len() - 1]);
        if cells.len() != self.rows.columns.len() {
            let expected = self.rows.columns.len();
            return Err(Fault::Row("not_values", format!("expected {expected} values, found {}", cells.len())));
        }
        cells.into_iter().enumerate().try_for_each(|(column, cell)| self.cell(column, cell.trim_ascii()))
    }

    fn cell(&mut self, column: usize, cell: &[u8]) -> std::result::Result<(), Fault> {
        let misfit = |_| Fault::Column(column, cell.to_vec());
        if cell.eq_ignore_ascii_case(b"null") {
            return self.rows.append_null(column).map_err(misfit);
        }
        if cell.eq_ignore_ascii_case(b"default") {
            self.rows.append_absent(column);
            return Ok(());
        }
        let builder = &mut self.rows.columns[column];
        let before = builder.len();
        let mut cursor = Cursor::new(cell, 0);
        if cursor.value(builder).is_ok() {
            cursor.spaces();
            if cursor.at == cell.len() {
                return Ok(());
            }
        }
        builder.truncate(before);
        self.expression(column, cell)
    }

    fn expression(&mut self, column: usize, cell: &[u8]) -> std::result::Result<(), Fault> {
        let Some(evaluate) = &self.evaluate else { return Err(Fault::Column(column, cell.to_vec())) };
        let ty = self.rows.columns[column].ty().clone();
        let value: ArrayRef = evaluate(cell, &ty).map_err(|(code, message)| Fault::Expression(code, message))?;
        if value.is_null(0) {
            return self.rows.append_null(column).map_err(|_| Fault::Column(column, cell.to_vec()));
        }
        // the evaluated cell has the column's type: through its text it takes the same way as a literal
        let mut text = Vec::new();
        let zone = self.rows.columns[column].zone();
        types::text::write_cell(&mut text, &ty, &value, 0, types::text::Quoting::Raw, zone);
        self.rows.columns[column].append_text(&text).map_err(|_| Fault::Column(column, cell.to_vec()))
    }
}

/// The length of a row `(…)` that begins here, parentheses included; `None` when it does not end.
fn row_end(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'(') {
        return None;
    }
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\'' | b'"' | b'`' => at = skip_quoted(text, at)?,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The position of the closing quote of the quote at `at`.
fn skip_quoted(text: &[u8], at: usize) -> Option<usize> {
    let quote = text[at];
    let mut i = at + 1;
    loop {
        match text.get(i)? {
            b'\\' => i += 1,
            byte if *byte == quote => return Some(i),
            _ => {}
        }
        i += 1;
    }
}

/// The values of a row, split at commas outside quotes and brackets.
fn split_cells(text: &[u8]) -> Vec<&[u8]> {
    let mut cells = Vec::new();
    let mut depth = 0usize;
    let (mut start, mut at) = (0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\'' | b'"' | b'`' => at = skip_quoted(text, at).unwrap_or(text.len()),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                cells.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    // a comma before the closing parenthesis is allowed
    if cells.is_empty() || !text[start.min(text.len())..].trim_ascii().is_empty() {
        cells.push(&text[start.min(text.len())..]);
    }
    cells
}

/// The cells that hold a subquery, each with the number of its column: they are to be run before the rows are read.
pub fn subqueries(text: &[u8]) -> Vec<(usize, &[u8])> {
    const SELECT: &[u8] = b"select";
    let holds = |text: &[u8]| text.windows(SELECT.len()).any(|word| word.eq_ignore_ascii_case(SELECT));
    let mut found = Vec::new();
    let mut rest = if holds(text) { text } else { &[] };
    while let Some(start) = rest.iter().position(|byte| *byte == b'(') {
        let Some(end) = row_end(&rest[start..]) else { break };
        let cells = split_cells(&rest[start + 1..start + end - 1]);
        let cells = cells.into_iter().map(<[u8]>::trim_ascii).enumerate();
        found.extend(cells.filter(|(_, cell)| cell.starts_with(b"(") && holds(cell)));
        rest = &rest[start + end..];
    }
    found
}

impl Decode for Values {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.push(bytes);
    }

    fn next(&mut self, last: bool) -> Result<Option<Decoded>> {
        while !self.rows.is_full() && self.step(last)? {}
        self.rows.give(last)
    }
}
