//! Operands brought to a type of our choosing: what functions of several arguments do before they work on them.

use arrow::array::ArrayRef;
use types::DataType;

use crate::cast::{self, CastMode, Rules};
use crate::error::Result;
use crate::frame::{FunctionContext, Operand};

/// From one type to another, checked to be possible.
#[derive(Clone)]
pub(crate) struct Converter {
    from: DataType,
    to: DataType,
    rules: Rules,
}

impl Converter {
    /// Refuses types that cannot become each other.
    pub(crate) fn new(from: &DataType, to: &DataType, context: &FunctionContext) -> Result<Converter> {
        let rules = Rules::new(CastMode::Cast, context);
        if from != to {
            cast::check(from, to, &rules)?;
        }
        Ok(Converter { from: from.clone(), to: to.clone(), rules })
    }

    /// The column converted.
    pub(crate) fn array(&self, array: &ArrayRef) -> Result<ArrayRef> {
        cast::cast(array, &self.from, &self.to, &self.rules)
    }

    /// The operand converted; a constant stays one.
    pub(crate) fn operand(&self, operand: &Operand) -> Result<Operand> {
        Ok(match operand {
            Operand::Constant(array) => Operand::Constant(self.array(array)?),
            Operand::Full(array) => Operand::Full(self.array(array)?),
        })
    }

    /// The operand converted, one value a row.
    pub(crate) fn full(&self, operand: &Operand, rows: usize) -> Result<ArrayRef> {
        self.operand(operand)?.expand(rows)
    }
}

/// The type without LowCardinality at any depth that an element or alternative has.
pub(crate) fn plain(ty: &DataType) -> DataType {
    ty.without_low_cardinality()
}

/// Converters of all `types` to `to`.
pub(crate) fn converters<'a>(
    types: impl IntoIterator<Item = &'a DataType>,
    to: &DataType,
    context: &FunctionContext,
) -> Result<Vec<Converter>> {
    types.into_iter().map(|from| Converter::new(from, to, context)).collect()
}
