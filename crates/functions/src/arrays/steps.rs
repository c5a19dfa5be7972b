//! What is left of a higher-order function once the lambda has run: from elements and one key each to the result.
//!
//! Without a lambda the elements are their own keys, and the same steps serve.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType as ArrowType;
use types::DataType;

use super::pick::{pick, pick_or_default};
use super::{reduce, running, sort, split};
use crate::columns::{Integers, Lists, Offsets, tuples, unexpected};
use crate::error::{Error, Result};
use crate::frame::Operand;

/// Arrays laid flat, and what the lambda gave for each element.
pub(crate) struct Flat {
    /// The first array (or the map) of each row.
    pub(crate) lists: Lists,
    /// One value for each of its elements.
    pub(crate) key: ArrayRef,
    /// The limit of partial sorts.
    pub(crate) limit: Option<Operand>,
}

impl Flat {
    /// The keys as conditions: true where the key is neither 0 nor NULL.
    pub(crate) fn conditions(&self) -> Result<BooleanArray> {
        conditions(&self.key)
    }

    /// How many elements of `row` a partial sort must place.
    pub(crate) fn limits(&self) -> Result<Option<Integers>> {
        self.limit.as_ref().map(Integers::of).transpose()
    }
}

/// True where a number is neither 0 nor NULL.
pub(crate) fn conditions(key: &ArrayRef) -> Result<BooleanArray> {
    let values = match key.data_type() {
        ArrowType::Null => return Ok(BooleanArray::from(vec![false; key.len()])),
        ArrowType::Boolean => key.as_boolean().clone(),
        ArrowType::Decimal128(..) | ArrowType::Decimal256(..) => {
            let floats = arrow::compute::cast(key, &ArrowType::Float64)?;
            return conditions(&floats);
        }
        _ => arrow::compute::cast(key, &ArrowType::Boolean)?.as_boolean().clone(),
    };
    Ok(if values.null_count() > 0 { arrow::compute::prep_null_mask_filter(&values) } else { values })
}

/// The code of a step.
pub(crate) type Finish = Arc<dyn Fn(Flat) -> Result<ArrayRef> + Send + Sync>;

/// What a step gives for types.
pub(crate) struct Plan {
    pub(crate) result: DataType,
    pub(crate) finish: Finish,
}

impl Plan {
    pub(crate) fn new(result: DataType, finish: impl Fn(Flat) -> Result<ArrayRef> + Send + Sync + 'static) -> Plan {
        Plan { result, finish: Arc::new(finish) }
    }
}

/// One of the two ends of an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    First,
    Last,
}

/// What happens to the elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Map,
    MapApply,
    Filter,
    Count,
    Exists,
    All,
    Reduce(reduce::Reduction),
    /// The element, NULL or default where there is none.
    Find(End, Missing),
    FindIndex(End),
    Sort(sort::Direction),
    PartialSort(sort::Direction),
    CumulativeSum,
    CumulativeSumNonNegative,
    Difference,
    Compact,
    Fill(End),
    Split(End),
}

/// What stands for an element that was not found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Missing {
    Default,
    Null,
}

impl Step {
    /// True when a limit stands before the arrays.
    pub(crate) fn has_limit(self) -> bool {
        matches!(self, Step::PartialSort(_))
    }

    /// True when elements of that type can be their own keys.
    pub(crate) fn takes_elements(self, element: &DataType) -> bool {
        let is_condition = matches!(self, Step::Count | Step::Exists | Step::All);
        self.works_alone() && (!is_condition || matches!(element, DataType::UInt8 | DataType::Bool))
    }

    /// True when the function can be called without a lambda.
    pub(crate) fn works_alone(self) -> bool {
        matches!(
            self,
            Step::Count
                | Step::Exists
                | Step::All
                | Step::Reduce(_)
                | Step::Sort(_)
                | Step::PartialSort(_)
                | Step::CumulativeSum
                | Step::CumulativeSumNonNegative
                | Step::Difference
                | Step::Compact
        )
    }
}

/// The step of the function `name`.
pub(crate) fn find(name: &str) -> Option<Step> {
    use reduce::Reduction;
    use sort::Direction::{Ascending, Descending};
    Some(match name {
        "arrayMap" => Step::Map,
        "mapApply" => Step::MapApply,
        "arrayFilter" | "mapFilter" => Step::Filter,
        "arrayCount" => Step::Count,
        "arrayExists" | "mapExists" => Step::Exists,
        "arrayAll" | "mapAll" => Step::All,
        "arraySum" => Step::Reduce(Reduction::Sum),
        "arrayAvg" => Step::Reduce(Reduction::Average),
        "arrayProduct" => Step::Reduce(Reduction::Product),
        "arrayMin" => Step::Reduce(Reduction::Least),
        "arrayMax" => Step::Reduce(Reduction::Greatest),
        "arrayFirst" => Step::Find(End::First, Missing::Default),
        "arrayFirstOrNull" => Step::Find(End::First, Missing::Null),
        "arrayLast" => Step::Find(End::Last, Missing::Default),
        "arrayLastOrNull" => Step::Find(End::Last, Missing::Null),
        "arrayFirstIndex" => Step::FindIndex(End::First),
        "arrayLastIndex" => Step::FindIndex(End::Last),
        "arraySort" | "mapSort" => Step::Sort(Ascending),
        "arrayReverseSort" | "mapReverseSort" => Step::Sort(Descending),
        "arrayPartialSort" | "mapPartialSort" => Step::PartialSort(Ascending),
        "arrayPartialReverseSort" | "mapPartialReverseSort" => Step::PartialSort(Descending),
        "arrayCumSum" => Step::CumulativeSum,
        "arrayCumSumNonNegative" => Step::CumulativeSumNonNegative,
        "arrayDifference" => Step::Difference,
        "arrayCompact" => Step::Compact,
        "arrayFill" => Step::Fill(End::First),
        "arrayReverseFill" => Step::Fill(End::Last),
        "arraySplit" => Step::Split(End::First),
        "arrayReverseSplit" => Step::Split(End::Last),
        _ => return None,
    })
}

/// Result type and code of `step` for a first argument of type `array` and keys of type `key`.
pub(crate) fn plan(step: Step, name: &str, array: &DataType, key: &DataType) -> Result<Plan> {
    let element = match array {
        DataType::Array(inner) => (**inner).clone(),
        DataType::Map(entry) => DataType::tuple([entry.0.clone(), entry.1.clone()]),
        other => other.clone(),
    };
    match step {
        Step::Map => {
            let result = DataType::array(key.without_low_cardinality());
            Ok(Plan::new(result, |flat| Ok(flat.lists.with_elements(flat.key))))
        }
        Step::MapApply => map_apply(name, key),
        Step::Sort(direction) | Step::PartialSort(direction) => sort::plan(array.clone(), key, direction),
        Step::Reduce(reduction) => reduce::plan(reduction, name, key),
        Step::CumulativeSum => running::cumulative_sum(name, key, running::Floor::None),
        Step::CumulativeSumNonNegative => running::cumulative_sum(name, key, running::Floor::Zero),
        Step::Difference => running::difference(name, key),
        Step::Compact => Ok(running::compact(array.clone())),
        _ => {
            check_condition(name, key)?;
            Ok(conditional(step, array, &element))
        }
    }
}

/// The steps whose keys are conditions.
fn conditional(step: Step, array: &DataType, element: &DataType) -> Plan {
    match step {
        Step::Filter if matches!(array, DataType::Array(_)) => {
            Plan::new(DataType::array(element.without_low_cardinality()), filter)
        }
        Step::Filter => Plan::new(array.clone(), filter),
        Step::Exists => Plan::new(DataType::UInt8, |flat| reduce::any_or_all(&flat, true)),
        Step::All => Plan::new(DataType::UInt8, |flat| reduce::any_or_all(&flat, false)),
        Step::Find(end, Missing::Default) => {
            let ty = element.without_low_cardinality();
            Plan::new(ty.clone(), move |flat| pick_or_default(&flat.lists.elements, &ty, &found(&flat, end)?))
        }
        Step::Find(end, Missing::Null) => Plan::new(element.without_low_cardinality().to_nullable(), move |flat| {
            pick(&flat.lists.elements, &found(&flat, end)?)
        }),
        Step::FindIndex(end) => Plan::new(DataType::UInt32, move |flat| {
            let found = found(&flat, end)?;
            let index =
                |(element, start): (Option<u32>, &i32)| element.map_or(0, |element| element - *start as u32 + 1);
            let indices: Vec<u32> = found.into_iter().zip(flat.lists.offsets.iter()).map(index).collect();
            Ok(Arc::new(arrow::array::UInt32Array::from(indices)))
        }),
        Step::Fill(end) => Plan::new(array.clone(), move |flat| running::fill(&flat, end)),
        Step::Split(end) => Plan::new(DataType::array(array.clone()), move |flat| split::split(&flat, end)),
        _ => Plan::new(DataType::UInt32, |flat| reduce::count(&flat)),
    }
}

/// Refuses keys that are no condition.
fn check_condition(name: &str, key: &DataType) -> Result<()> {
    match key.base() {
        DataType::UInt8 | DataType::Bool | DataType::Nothing => Ok(()),
        _ => Err(Error::ArgumentType {
            function: name.to_owned(),
            position: 1,
            ty: key.to_string(),
            expected: "UInt8 or Nullable(UInt8)".to_owned(),
        }),
    }
}

/// The lambda's pairs as a map.
fn map_apply(name: &str, key: &DataType) -> Result<Plan> {
    match key {
        DataType::Tuple(fields) if fields.len() == 2 => {
            let result = DataType::map(fields[0].ty.clone(), fields[1].ty.clone());
            Ok(Plan::new(result, |flat| {
                let pairs = fields_as_entries(&flat.key)?;
                Ok(flat.lists.with_elements(pairs))
            }))
        }
        other => Err(Error::BadArgument {
            function: name.to_owned(),
            reason: format!("its lambda must give a Tuple of key and value, gives {other}"),
        }),
    }
}

/// Those elements whose key is true.
fn filter(flat: Flat) -> Result<ArrayRef> {
    let conditions = flat.conditions()?;
    let kept = arrow::compute::filter(&flat.lists.elements, &conditions)?;
    let mut offsets = Offsets::with_capacity(flat.lists.len());
    let mut end = 0;
    for range in flat.lists.ranges() {
        end += range.filter(|&i| conditions.value(i)).count();
        offsets.end(end)?;
    }
    Ok(offsets.finish(kept))
}

/// For every row its first or last element whose key is true.
fn found(flat: &Flat, end: End) -> Result<Vec<Option<u32>>> {
    let conditions = flat.conditions()?;
    let find = |mut range: std::ops::Range<usize>| match end {
        End::First => range.find(|&i| conditions.value(i)),
        End::Last => range.rev().find(|&i| conditions.value(i)),
    };
    Ok(flat.lists.ranges().map(|range| find(range).map(|i| i as u32)).collect())
}

/// The columns of a column of tuples or map entries.
pub(crate) fn fields(tuples: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let tuples = tuples.as_struct_opt().ok_or_else(|| unexpected(tuples.data_type()))?;
    Ok(tuples.columns().to_vec())
}

/// A column of map entries as a column of tuples.
pub(crate) fn as_tuples(entries: &ArrayRef) -> Result<ArrayRef> {
    Ok(tuples(fields(entries)?, entries.len()))
}

/// A column of pairs as a column of map entries.
pub(crate) fn fields_as_entries(pairs: &ArrayRef) -> Result<ArrayRef> {
    Ok(crate::columns::named_struct(&["key", "value"], fields(pairs)?, pairs.len()))
}
