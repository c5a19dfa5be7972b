//! Functions that give the value of another row: lag, lead, first_value, last_value, nth_value.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl};
use sql::ast::NullsTreatment;
use types::DataType;

/// Which row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ValueKind {
    /// So many rows before, in the frame.
    Lag,
    /// So many rows after, in the frame.
    Lead,
    /// The first of the frame; with `respect_nulls` also when it is NULL.
    First { respect_nulls: bool },
    /// The last of the frame.
    Last { respect_nulls: bool },
    /// The n-th of the frame, from 1.
    Nth,
}

impl ValueKind {
    /// The kind of a function. `lag` and `lead` differ from `lagInFrame` and `leadInFrame` by their frame, which the
    /// binder gives.
    pub(crate) fn of_function(name: &str, nulls: Option<NullsTreatment>) -> Option<ValueKind> {
        let respect_nulls = nulls == Some(NullsTreatment::Respect);
        Some(match name {
            "lag" | "lagInFrame" => ValueKind::Lag,
            "lead" | "leadInFrame" => ValueKind::Lead,
            "first_value" | "FIRST_VALUE" => ValueKind::First { respect_nulls },
            "last_value" | "LAST_VALUE" => ValueKind::Last { respect_nulls },
            "nth_value" => ValueKind::Nth,
            _ => return None,
        })
    }

    /// Value, offset, default: how many of them it takes.
    pub(crate) fn arguments_max(self) -> usize {
        match self {
            ValueKind::Lag | ValueKind::Lead => 3,
            ValueKind::First { .. } | ValueKind::Last { .. } => 1,
            ValueKind::Nth => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            ValueKind::Lag => "lagInFrame",
            ValueKind::Lead => "leadInFrame",
            ValueKind::First { .. } => "first_value",
            ValueKind::Last { .. } => "last_value",
            ValueKind::Nth => "nth_value",
        }
    }
}

/// The function over (value, default).
pub(crate) fn value_window(kind: ValueKind, offset: u64, result: &DataType) -> Arc<WindowUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(WindowUDF::new_from_impl(ValueWindow { kind, offset, result: result.arrow_type(), signature }))
}

#[derive(PartialEq, Eq, Hash, Debug)]
struct ValueWindow {
    kind: ValueKind,
    offset: u64,
    result: ArrowType,
    signature: Signature,
}

impl WindowUDFImpl for ValueWindow {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[ArrowType]) -> DataFusionResult<Vec<ArrowType>> {
        Ok(arg_types.to_vec())
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), self.result.clone(), true)))
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> DataFusionResult<Box<dyn PartitionEvaluator>> {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        Ok(Box::new(Evaluator { kind: self.kind, offset, row: 0 }))
    }
}

#[derive(Debug)]
struct Evaluator {
    kind: ValueKind,
    offset: usize,
    /// The row whose frame comes next.
    row: usize,
}

impl Evaluator {
    /// The row whose value it is; none: the default.
    fn row_of(&self, row: usize, values: &ArrayRef, frame: &Range<usize>) -> Option<usize> {
        let mut rows = frame.clone();
        match self.kind {
            ValueKind::Lag => row.checked_sub(self.offset).filter(|row| frame.contains(row)),
            ValueKind::Lead => row.checked_add(self.offset).filter(|row| frame.contains(row)),
            ValueKind::First { respect_nulls } => rows.find(|row| respect_nulls || values.is_valid(*row)),
            ValueKind::Last { respect_nulls } => rows.rfind(|row| respect_nulls || values.is_valid(*row)),
            ValueKind::Nth => {
                let place = self.offset.checked_sub(1)?;
                frame.start.checked_add(place).filter(|row| frame.contains(row))
            }
        }
    }
}

impl PartitionEvaluator for Evaluator {
    fn uses_window_frame(&self) -> bool {
        true
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> DataFusionResult<ScalarValue> {
        let row = self.row;
        self.row += 1;
        // The columns of ORDER BY follow.
        let [value, default, ..] = values else {
            return Err(datafusion::common::DataFusionError::Internal("a window function takes two columns".into()));
        };
        match self.row_of(row, value, range) {
            Some(found) => ScalarValue::try_from_array(value, found),
            None => ScalarValue::try_from_array(default, row),
        }
    }
}
