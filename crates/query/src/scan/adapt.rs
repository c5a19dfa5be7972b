//! From the columns that a part has to those that its table has now.
//!
//! A part keeps the columns that the table had when it was written. What was added since is computed here: the column's
//! DEFAULT over the part's other columns, else the type's default. Virtual columns say where a row is.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use functions::cast::{CastMode, Rules, cast};
use store::{ActivePart, QualifiedName};
use types::{Block, Column, DataType, Header};

use super::Source;
use super::table::StoredTable;
use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::expressions::{Expressions, function_context};

/// How one asked column comes to be.
#[derive(Clone, Debug)]
enum Origin {
    /// Read, position among the columns that are read; cast when the type was another then.
    Stored { position: usize, from: DataType },
    /// Computed from what is read.
    Computed { position: usize },
    /// The default of its type.
    Default,
    /// Says where the row is.
    Virtual(usize),
}

/// Makes blocks of one part into blocks of its table.
pub(super) struct Adapter {
    header: Header,
    stored: Vec<usize>,
    origins: Vec<Origin>,
    computed: Option<Expressions>,
    rules: Rules,
}

impl Adapter {
    /// From blocks of `given` to `columns` of the source.
    pub(super) fn of_block(
        given: &Header,
        source: &StoredTable,
        ctx: &Arc<QueryContext>,
        columns: &[usize],
    ) -> Result<Adapter> {
        let header = source.header().project(columns);
        let first_virtual = source.header().len() - Virtual::columns().len();
        let mut stored = Vec::with_capacity(columns.len());
        let mut missing = Vec::new();
        let mut origins = Vec::with_capacity(columns.len());
        for (at, (&position, column)) in columns.iter().zip(header.columns()).enumerate() {
            origins.push(match given.position(&column.name) {
                _ if first_virtual <= position => Origin::Virtual(position - first_virtual),
                Some(found) => {
                    stored.push(found);
                    Origin::Stored { position: stored.len() - 1, from: given.columns()[found].ty.clone() }
                }
                None => {
                    missing.push(at);
                    Origin::Default
                }
            });
        }
        let rules = Rules::new(CastMode::Cast, &function_context(ctx)?);
        let mut adapter = Adapter { header, stored, origins, computed: None, rules };
        if !missing.is_empty() {
            adapter.compute(&missing, given, source, ctx)?;
        }
        Ok(adapter)
    }

    /// Missing columns that have a DEFAULT are computed from the part's columns, all of which are read then.
    fn compute(
        &mut self,
        missing: &[usize],
        given: &Header,
        source: &StoredTable,
        ctx: &Arc<QueryContext>,
    ) -> Result<()> {
        let def = ctx.snapshot.catalog.table_by_id(source.table()).ok_or(Error::DefinitionChanged(source.table()))?;
        let definition = Definition::parse(def)?;
        let mut exprs = Vec::new();
        for &at in missing {
            let column = &self.header.columns()[at];
            let default = definition.column(&column.name).and_then(|column| column.default.as_ref());
            if let Some(expr) = default.and_then(|default| default.expr()) {
                self.origins[at] = Origin::Computed { position: exprs.len() };
                exprs.push((expr.clone(), column.ty.clone()));
            }
        }
        if exprs.is_empty() {
            return Ok(());
        }
        for position in 0..given.len() {
            if !self.stored.contains(&position) {
                self.stored.push(position);
            }
        }
        self.computed = Some(Expressions::compile_as(&exprs, &given.project(&self.stored), ctx)?);
        Ok(())
    }

    /// The positions to read.
    pub(super) fn stored(&self) -> &[usize] {
        &self.stored
    }

    /// The columns of adapted blocks.
    pub(super) fn header(&self) -> Header {
        self.header.clone()
    }

    /// A block of the asked columns out of one that has what [`Adapter::stored`] says.
    pub(super) fn adapt(&self, block: &Block, virtuals: &Virtual) -> Result<Block> {
        let computed = match &self.computed {
            Some(expressions) => expressions.eval(block)?,
            None => Vec::new(),
        };
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.origins.len());
        for (origin, column) in self.origins.iter().zip(self.header.columns()) {
            arrays.push(match origin {
                Origin::Stored { position, from } => cast(block.array(*position), from, &column.ty, &self.rules)?,
                Origin::Computed { position } => computed[*position].0.clone(),
                Origin::Default => column.ty.default_array(block.rows()),
                Origin::Virtual(which) => virtuals.array(*which, block.rows()),
            });
        }
        Ok(Block::with_rows(self.header.clone(), arrays, block.rows())?)
    }
}

/// The values of the virtual columns of one part.
#[derive(Clone, Debug)]
pub(crate) struct Virtual {
    values: [String; 4],
}

impl Virtual {
    /// `_part`, `_partition_id`, `_database`, `_table`.
    pub(crate) fn columns() -> Vec<Column> {
        let text = DataType::LowCardinality(Arc::new(DataType::String));
        ["_part", "_partition_id", "_database", "_table"].map(|name| Column::new(name, text.clone())).to_vec()
    }

    /// Of a block that is in no part.
    pub(super) fn none() -> Virtual {
        Virtual { values: Default::default() }
    }

    /// Of a part of a table.
    pub(super) fn of(part: &ActivePart, table: &QualifiedName) -> Virtual {
        let (name, partition) = (part.name().to_string(), part.name().partition_id.to_string());
        Virtual { values: [name, partition, table.database.to_string(), table.name.to_string()] }
    }

    fn array(&self, which: usize, rows: usize) -> ArrayRef {
        let value = self.values.get(which).map_or("", String::as_str);
        Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(value, rows)))
    }
}
