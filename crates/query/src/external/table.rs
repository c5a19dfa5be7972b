//! A table of another database as a leaf of a plan.

use std::sync::Arc;

use arrow::datatypes::i256;
use datafusion::common::ScalarValue;
use external::{Filter, Scan, Table};
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};
use types::text::Zone;
use types::{Block, F64, Header, Setting, Value};

use super::{from_external, wait};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::scan::{Blocks, Predicate, Read, Source};

/// Reads a table elsewhere.
#[derive(Debug)]
pub(super) struct Remote {
    table: Arc<dyn Table>,
    columns: Header,
}

impl Remote {
    pub(super) fn new(table: Arc<dyn Table>, columns: Header) -> Remote {
        Remote { table, columns }
    }
}

impl Source for Remote {
    fn name(&self) -> String {
        self.table.name()
    }

    fn header(&self) -> &Header {
        &self.columns
    }

    fn prunes(&self) -> bool {
        true
    }

    fn evaluates(&self) -> bool {
        true
    }

    fn read(&self, ctx: &Arc<QueryContext>, read: &Read) -> Result<Blocks> {
        let columns = read.header(&self.columns);
        let filters = match &*read.predicate {
            Predicate::And(parts) => parts.iter().filter_map(|part| filter(part, &self.columns)).collect(),
            other => filter(other, &self.columns).into_iter().collect(),
        };
        let scan = Scan {
            columns: columns.clone(),
            filters,
            limit: read.limit.map(|limit| limit as u64),
            zone: Zone::parse(ctx.time_zone()).unwrap_or_default(),
            block_rows: usize::try_from(ctx.settings.uint(Setting::MaxBlockSize)).unwrap_or(usize::MAX).max(1),
        };
        let (table, ctx) = (self.table.clone(), ctx.clone());
        let begun = async move {
            let blocks = wait(&ctx, table.scan(scan)).await?;
            let held = ctx.memory.hold("blocks of a source elsewhere");
            Ok((blocks, held, ctx, columns))
        };
        let blocks = begun.map_ok(|state| {
            stream::try_unfold(state, |(mut blocks, mut held, ctx, columns)| async move {
                let Some(block) = wait(&ctx, blocks.try_next()).await? else { return Ok(None) };
                held.resize(block.size_bytes())?;
                let block = checked(block, &columns)?;
                Ok::<_, Error>(Some((block, (blocks, held, ctx, columns))))
            })
        });
        Ok(blocks.try_flatten_stream().boxed())
    }
}

/// The block under the header that was asked for; an error when its columns have other types.
fn checked(block: Block, columns: &Header) -> Result<Block> {
    let rows = block.rows();
    let arrays = block.arrays().to_vec();
    Block::with_rows(columns.clone(), arrays, rows).map_err(|error| from_external(error.into()))
}

/// A predicate in no one's dialect; none for what has no words there.
fn filter(predicate: &Predicate, columns: &Header) -> Option<Filter> {
    let column = |at: usize| columns.columns().get(at).map(|column| (column.name.to_string(), column.ty.clone()));
    let all = |parts: &[Predicate]| parts.iter().map(|part| filter(part, columns)).collect::<Option<Vec<_>>>();
    match predicate {
        Predicate::Compare { column: at, op, value } => {
            let (column, ty) = column(*at)?;
            Some(Filter::Compare { column, ty, op: *op, value: value_of(value)? })
        }
        Predicate::In { column: at, values } if !values.is_empty() => {
            let (column, ty) = column(*at)?;
            Some(Filter::In { column, ty, values: values.iter().map(value_of).collect::<Option<Vec<_>>>()? })
        }
        Predicate::Null { column: at, is_null } => {
            let (column, _) = column(*at)?;
            Some(if *is_null { Filter::Null { column } } else { Filter::NotNull { column } })
        }
        // a part less lets more rows through, which the plan filters again
        Predicate::And(parts) => {
            let mut known: Vec<Filter> = parts.iter().filter_map(|part| filter(part, columns)).collect();
            match known.len() {
                0 | 1 => known.pop(),
                _ => Some(Filter::And(known)),
            }
        }
        Predicate::Or(parts) => Some(Filter::Or(all(parts)?)),
        Predicate::Unknown | Predicate::In { .. } | Predicate::Has { .. } | Predicate::Text { .. } => None,
    }
}

/// A constant as a value; none for types whose constants other databases do not have.
fn value_of(value: &ScalarValue) -> Option<Value> {
    Some(match value {
        ScalarValue::Boolean(Some(value)) => Value::Bool(*value),
        ScalarValue::UInt8(Some(value)) => Value::UInt((*value).into()),
        ScalarValue::UInt16(Some(value)) => Value::UInt((*value).into()),
        ScalarValue::UInt32(Some(value)) => Value::UInt((*value).into()),
        ScalarValue::UInt64(Some(value)) => Value::UInt(*value),
        ScalarValue::Int8(Some(value)) => Value::Int((*value).into()),
        ScalarValue::Int16(Some(value)) => Value::Int((*value).into()),
        ScalarValue::Int32(Some(value)) => Value::Int((*value).into()),
        ScalarValue::Int64(Some(value)) => Value::Int(*value),
        ScalarValue::Float32(Some(value)) => Value::Float(F64((*value).into())),
        ScalarValue::Float64(Some(value)) => Value::Float(F64(*value)),
        ScalarValue::Binary(Some(bytes)) | ScalarValue::FixedSizeBinary(_, Some(bytes)) => {
            Value::String(bytes.as_slice().into())
        }
        ScalarValue::Date32(Some(days)) => Value::Int((*days).into()),
        ScalarValue::Decimal128(Some(value), _, scale) => decimal(i256::from_i128(*value), *scale)?,
        ScalarValue::Decimal256(Some(value), _, scale) => decimal(*value, *scale)?,
        _ => return None,
    })
}

fn decimal(value: i256, scale: i8) -> Option<Value> {
    let mut text = Vec::new();
    types::text::number::write_decimal256(&mut text, value, u8::try_from(scale).ok()?);
    Some(Value::Number(String::from_utf8(text).ok()?.into()))
}

#[cfg(test)]
mod tests {
    use external::Comparison;
    use types::{Column, DataType};

    use super::*;

    #[test]
    fn what_has_no_words_elsewhere_lets_more_rows_through() {
        let columns = Header::new(vec![Column::new("a", DataType::UInt8), Column::new("b", DataType::String)]);
        let one = Predicate::Compare { column: 0, op: Comparison::Greater, value: ScalarValue::UInt8(Some(3)) };
        let odd = Predicate::Has { column: 1, value: ScalarValue::UInt8(Some(3)) };
        let expected = Filter::Compare {
            column: "a".to_owned(),
            ty: DataType::UInt8,
            op: Comparison::Greater,
            value: Value::UInt(3),
        };
        assert_eq!(filter(&Predicate::And(vec![one.clone(), odd.clone()]), &columns), Some(expected));
        assert_eq!(filter(&Predicate::Or(vec![one, odd]), &columns), None);
    }
}
