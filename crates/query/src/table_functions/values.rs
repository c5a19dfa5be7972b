//! `values(['structure',] row, row, …)`: constant rows with declared or common types.

use arrow::array::{ArrayRef, AsArray};
use types::{Block, Column, DataType, ErrorCode, Header};

use super::arguments::Arguments;
use super::{Fixed, structure};
use crate::error::Result;
use crate::expressions::{Constant, Converter};

/// The rows as one block.
pub(super) fn values(arguments: &Arguments<'_>) -> Result<Fixed> {
    if arguments.len() == 0 {
        return Err(arguments.wrong(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "takes at least one row".to_owned()));
    }
    let (header, first) = match declared(arguments)? {
        Some(header) => (Some(header), 1),
        None => (None, 0),
    };
    let mut rows = Vec::with_capacity(arguments.len() - first);
    for at in first..arguments.len() {
        let row = cells(arguments.constant(at)?, header.as_ref().map(Header::len));
        if rows.first().is_some_and(|before: &Vec<Constant>| before.len() != row.len()) {
            return Err(arguments.bad("rows have different numbers of columns"));
        }
        rows.push(row);
    }
    let header = match header {
        Some(header) => header,
        None => common(&rows)?,
    };
    let mut blocks = Vec::with_capacity(rows.len());
    for row in rows {
        if row.len() != header.len() {
            return Err(arguments.bad("a row does not have as many values as there are columns"));
        }
        blocks.push(block(row, &header, arguments)?);
    }
    let block = Block::concat(&header, &blocks)?;
    Ok(Fixed::new("values", header, vec![block]))
}

/// The structure, when the first argument is one: a string with rows after it that parses as columns.
fn declared(arguments: &Arguments<'_>) -> Result<Option<Header>> {
    let first = arguments.constant(0)?;
    let text = match first.ty == DataType::String && arguments.len() > 1 {
        true => first.as_bytes().and_then(|bytes| String::from_utf8(bytes).ok()),
        false => None,
    };
    Ok(text.and_then(|text| structure::parse(&text).ok()))
}

/// The values of a row: a tuple's elements, or the one value. A declared single column takes a tuple as its value.
fn cells(row: Constant, columns: Option<usize>) -> Vec<Constant> {
    match &row.ty {
        DataType::Tuple(fields) if columns != Some(1) => {
            let arrays: Vec<ArrayRef> = row.array.as_struct().columns().to_vec();
            fields.iter().zip(arrays).map(|(field, array)| Constant { ty: field.ty.clone(), array }).collect()
        }
        _ => vec![row],
    }
}

/// `c1`, `c2`… of the types that hold every row's values.
fn common(rows: &[Vec<Constant>]) -> Result<Header> {
    let width = rows.first().map_or(0, Vec::len);
    let mut columns = Vec::with_capacity(width);
    for at in 0..width {
        let types: Vec<DataType> = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.ty.clone()).collect();
        columns.push(Column::new(format!("c{}", at + 1), functions::common_type(&types)?));
    }
    Ok(Header::new(columns))
}

fn block(row: Vec<Constant>, header: &Header, arguments: &Arguments<'_>) -> Result<Block> {
    let columns: Vec<Column> = header
        .columns()
        .iter()
        .zip(&row)
        .map(|(column, cell)| Column::new(column.name.clone(), cell.ty.clone()))
        .collect();
    let given = Block::new(Header::new(columns), row.into_iter().map(|cell| cell.array).collect())?;
    Converter::new(given.header(), header, arguments.context())?.convert(&given)
}
