//! `groupArray`: all values, in the order in which they came; the state is the list itself.

use arrow::array::{Array, ArrayRef, AsArray};
use types::DataType;

use crate::aggregate::{GroupedStates, Made, Rows, forget_first};
use crate::call::Call;
use crate::cell::{CellReader, CellWriter, Shape};
use crate::error::{Error, Result};
use crate::rows::{state_columns, state_struct};

/// Elements that an array has at most when no size is given; ClickHouse's own bound is of this order.
pub(crate) const LENGTH_MAX: u64 = 0xFFFF_FFFF;

pub(crate) fn resolve(call: &Call<'_>) -> Result<Made> {
    let ty = call.one_argument()?.clone();
    let limit = call.optional_size()?.unwrap_or(LENGTH_MAX);
    let result = DataType::array(ty.clone());
    let (item, list) = (Shape::of(&ty), Shape::of(&result));
    Ok(Made::new(result, move || Arrays {
        item: item.clone(),
        list: list.clone(),
        limit,
        groups: Vec::new(),
        bytes: 0,
    }))
}

/// The elements of one group as cells in a row.
#[derive(Clone, Default)]
struct Elements {
    count: u64,
    cells: Vec<u8>,
}

struct Arrays {
    item: Shape,
    list: Shape,
    limit: u64,
    groups: Vec<Elements>,
    bytes: usize,
}

impl Arrays {
    fn push(&mut self, reader: &CellReader, row: usize, group: usize) {
        let elements = &mut self.groups[group];
        if elements.count < self.limit {
            let before = elements.cells.len();
            // an element is its cell behind a 1, as it stands in the cell of the list
            elements.cells.push(1);
            reader.write(row, &mut elements.cells);
            elements.count += 1;
            self.bytes += elements.cells.len() - before;
        }
    }
}

impl GroupedStates for Arrays {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let reader = CellReader::delimited(&self.item, &args[0])?;
        rows.for_each(|row, group| self.push(&reader, row, group));
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 1)?;
        let list = columns[0].as_list_opt::<i32>().ok_or_else(|| Error::ArrowType {
            expected: "List".to_owned(),
            found: columns[0].data_type().to_string(),
        })?;
        let reader = CellReader::delimited(&self.item, list.values())?;
        let offsets = list.value_offsets();
        rows.for_each(|row, group| {
            (offsets[row]..offsets[row + 1]).for_each(|item| self.push(&reader, item as usize, group));
        });
        Ok(())
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        state_struct(vec![("values", self.result_column(n)?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let mut writer = CellWriter::new(&self.list);
        for elements in &mut self.groups[..n] {
            // the end of a list's cell, for as long as it is read
            elements.cells.push(0);
            let read = writer.push(&mut elements.cells.as_slice());
            elements.cells.pop();
            read?;
        }
        writer.finish()
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.groups, n);
        self.bytes = self.groups.iter().map(|elements| elements.cells.len()).sum();
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn grow(&mut self, total: usize) {
        if self.groups.len() < total {
            self.groups.resize(total, Elements::default());
        }
    }

    fn size_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Elements>() + self.bytes
    }
}
