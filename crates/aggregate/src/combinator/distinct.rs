//! `-Distinct`: equal rows count once. The rows are kept, in the order in which they came, and reach the function below when results are asked
//! for, so that states of several parts can be merged.

use hashbrown::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};

use super::Combined;
use super::array::Lists;
use super::slots::list_column;
use crate::aggregate::{Factory, GroupedStates, Made, Rows, forget_first};
use crate::cell::{CellReader, CellWriter, Shape};
use crate::distinct::Mixed;
use crate::error::{Error, Result};
use crate::rows::{state_columns, state_struct};

pub(super) fn resolve(call: &Combined<'_>) -> Result<Made> {
    if call.args.is_empty() {
        return Err(call.argument_count("at least one argument"));
    }
    let made = call.below(call.params, call.args)?;
    let shapes: Vec<Shape> = call.args.iter().map(Shape::of).collect();
    let factory = made.factory;
    Ok(Made::new(made.result, move || Distinct {
        factory: factory.clone(),
        shapes: shapes.clone(),
        groups: Vec::new(),
        bytes: 0,
    }))
}

struct Distinct {
    factory: Factory,
    shapes: Vec<Shape>,
    /// The different rows of each group, arguments one after another as cells, and as which of them each came.
    groups: Vec<HashMap<Box<[u8]>, usize, Mixed>>,
    bytes: usize,
}

impl Distinct {
    fn readers(&self, columns: &[ArrayRef]) -> Result<Vec<CellReader>> {
        self.shapes.iter().zip(columns).map(|(shape, array)| CellReader::delimited(shape, array)).collect()
    }

    fn insert(&mut self, readers: &[CellReader], row: usize, group: usize, scratch: &mut Vec<u8>) {
        scratch.clear();
        readers.iter().for_each(|reader| reader.write(row, scratch));
        if !self.groups[group].contains_key(scratch.as_slice()) {
            self.bytes += scratch.len() + 32;
            let order = self.groups[group].len();
            self.groups[group].insert(scratch.as_slice().into(), order);
        }
    }

    /// The different rows of the first `n` groups, one after another, a column an argument.
    fn columns(&self, n: usize) -> Result<Vec<ArrayRef>> {
        let mut writers: Vec<CellWriter> = self.shapes.iter().map(CellWriter::delimited).collect();
        for group in &self.groups[..n] {
            let mut rows: Vec<(usize, &[u8])> = group.iter().map(|(row, order)| (*order, &**row)).collect();
            rows.sort_unstable_by_key(|(order, _)| *order);
            for (_, mut cells) in rows {
                writers.iter_mut().try_for_each(|writer| writer.push(&mut cells))?;
            }
        }
        writers.into_iter().map(CellWriter::finish).collect()
    }
}

impl GroupedStates for Distinct {
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let readers = self.readers(args)?;
        let mut scratch = Vec::new();
        rows.for_each(|row, group| self.insert(&readers, row, group, &mut scratch));
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        self.grow(rows.total);
        let columns = state_columns(states, 1)?;
        let lists = Lists::new(&columns[..1])?;
        let list = columns[0].as_list::<i32>();
        let items = list.values().as_struct_opt().ok_or_else(|| Error::ArrowType {
            expected: "Struct".to_owned(),
            found: list.values().data_type().to_string(),
        })?;
        let readers = self.readers(items.columns())?;
        let mut scratch = Vec::new();
        rows.try_for_each(|row, group| {
            let start = list.value_offsets()[row] as usize;
            (start..start + lists.length(row)?).for_each(|item| self.insert(&readers, item, group, &mut scratch));
            Ok(())
        })
    }

    fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
        let names: Vec<String> = (1..=self.shapes.len()).map(|i| i.to_string()).collect();
        let columns = self.columns(n)?;
        let rows = state_struct(names.iter().map(String::as_str).zip(columns).collect())?;
        state_struct(vec![("rows", list_column(rows, self.groups[..n].iter().map(HashMap::len))?)])
    }

    fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
        let columns = self.columns(n)?;
        let lengths = self.groups[..n].iter().map(HashMap::len).enumerate();
        let groups: Vec<usize> = lengths.flat_map(|(group, length)| std::iter::repeat_n(group, length)).collect();
        let mut states = (self.factory)();
        states.grow(n);
        states.update(&columns, Rows::all(&groups, n))?;
        states.result_column(n)
    }

    fn forget(&mut self, n: usize) {
        forget_first(&mut self.groups, n);
        self.bytes = self.groups.iter().flat_map(HashMap::keys).map(|row| row.len() + 32).sum();
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn grow(&mut self, total: usize) {
        if self.groups.len() < total {
            self.groups.resize(total, HashMap::default());
        }
    }

    fn size_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<HashMap<Box<[u8]>, usize, Mixed>>() + self.bytes
    }
}
