//! Skip indexes of a table's definition: what they are made of, and what computes that of rows that are written.

use std::sync::Arc;

use arrow::array::ArrayRef;
use parts::SkipIndex;
use parts::skip_index::{Filter, SkipKind};
use sql::Expr;
use sql::ast::{ExprKind, IndexDef, Literal, UnaryOperator};
use store::{TableDef, TableKind};
use types::transform::TransformError;
use types::{Block, BlockTransform, Column, DataType, ErrorCode, Header, Settings};

use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::expressions::Expressions;

/// The largest filter that a definition may ask for, in bytes.
const FILTER_BYTES_MAX: u64 = 64 << 20;

/// One index, ready.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What parts are told.
    pub index: SkipIndex,
    /// What it is made of, one expression a column.
    pub exprs: Vec<Expr>,
    /// Positions of the table's columns that those read.
    pub reads: Vec<usize>,
    expressions: Expressions,
}

/// The indexes of a table; none of tables without parts.
pub fn of_table(table: &TableDef, ctx: &QueryContext) -> Result<Vec<Compiled>> {
    // parsing costs more than looking, and most tables have none
    let (TableKind::MergeTree, Some(schema), true) = (table.kind, &table.schema, table.sql.contains("INDEX")) else {
        return Ok(Vec::new());
    };
    let ctx = ctx.with_settings(Settings::default());
    let definition = Definition::parse(table)?;
    // one that cannot be made is none: reading without it gives the same
    Ok(definition.indexes().iter().filter_map(|index| compile(index, &schema.header, &ctx).ok()).collect())
}

/// Makes an index ready; refuses what is none.
pub fn compile(index: &IndexDef, stored: &Header, ctx: &QueryContext) -> Result<Compiled> {
    let exprs = match &index.expr.kind {
        ExprKind::Tuple(items) => items.clone(),
        _ => vec![index.expr.clone()],
    };
    let expressions = Expressions::compile(&exprs, stored, ctx)?;
    let name = index.name.name.as_str();
    if !expressions.is_timeless() {
        let message = format!("index {name}: its expression must give the same value at any time");
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    if expressions.reads().is_empty() {
        let message = format!("secondary index '{name}' cannot contain constants");
        return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
    }
    let types: Vec<DataType> = expressions.types().cloned().collect();
    let kind = kind_of(name, index.index_type.as_ref(), &types)?;
    let columns = types.iter().enumerate().map(|(i, ty)| Column::new(format!("c{i}"), ty.clone()));
    let type_text = index.index_type.as_ref().map(ToString::to_string).unwrap_or_default();
    let over = types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    // what was made of runs of bytes is not asked for runs of characters
    let of = if matches!(kind, SkipKind::Ngrams { .. }) { "CHARACTERS OF" } else { "OF" };
    let text = format!("{} TYPE {type_text} GRANULARITY {} {of} {over}", index.expr, index.granularity);
    let index = SkipIndex {
        name: name.into(),
        text: text.into(),
        kind,
        granularity: usize::try_from(index.granularity).unwrap_or(usize::MAX).max(1),
        columns: Header::new(columns.collect::<Vec<_>>()),
    };
    // found out now rather than at the first row: values that cannot be ordered or hashed
    index.check().map_err(|error| Error::NotSupported(format!("index {name} over {over} ({error})")))?;
    Ok(Compiled { index, exprs, reads: expressions.reads().to_vec(), expressions })
}

impl Compiled {
    /// What computes the index's columns of rows of the table.
    pub(crate) fn transform(self) -> (SkipIndex, Arc<dyn BlockTransform>) {
        let columns = self.index.columns.clone();
        (self.index, Arc::new(Columns { columns, expressions: self.expressions }))
    }
}

struct Columns {
    columns: Header,
    expressions: Expressions,
}

impl BlockTransform for Columns {
    fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
        let failed = |error: Error| TransformError { code: error.code(), message: error.to_string() };
        let arrays = self.expressions.eval(block).map_err(failed)?;
        let arrays: Vec<ArrayRef> = arrays.into_iter().map(|(array, _)| array).collect();
        Block::with_rows(self.columns.clone(), arrays, block.rows()).map_err(|error| failed(error.into()))
    }
}

fn kind_of(name: &str, index_type: Option<&Expr>, types: &[DataType]) -> Result<SkipKind> {
    let (kind, arguments) = match index_type.map(|expr| &expr.kind) {
        Some(ExprKind::Function(call)) => (call.name.name.clone(), call.arguments.as_slice()),
        Some(_) => (index_type.map(ToString::to_string).unwrap_or_default(), &[][..]),
        None => (String::new(), &[][..]),
    };
    let refuse = |code: ErrorCode, message: &str| Error::refused(code, format!("index {name}: {message}"));
    let takes = |counts: std::ops::RangeInclusive<usize>, code: ErrorCode| match counts.contains(&arguments.len()) {
        true => Ok(()),
        false => {
            Err(refuse(code, &format!("index type {kind} takes {} arguments, not {}", counts.end(), arguments.len())))
        }
    };
    let number = |at: usize| arguments.get(at).and_then(number_of);
    let whole = |at: usize, code: ErrorCode| match number(at) {
        Some(value) if 0.0 <= value && value.fract() == 0.0 => Ok(value as u64),
        _ => Err(refuse(code, &format!("argument {} of index type {kind} must be a positive whole number", at + 1))),
    };
    let bad = ErrorCode::BAD_ARGUMENTS;
    let filter = |at: usize| -> Result<Filter> {
        let (bytes, hashes, seed) = (whole(at, bad)?, whole(at + 1, bad)?, whole(at + 2, bad)?);
        if bytes == 0 || FILTER_BYTES_MAX < bytes || hashes == 0 || 255 < hashes {
            return Err(refuse(bad, &format!("a filter has 1 to {FILTER_BYTES_MAX} bytes and 1 to 255 hashes")));
        }
        Ok(Filter { bytes: bytes as usize, hashes: hashes as usize, seed })
    };
    let of_text = || match types.iter().find(|ty| !is_text(ty)) {
        None => Ok(()),
        Some(ty) => {
            let message = format!("index {name}: ngram and token bloom filters are for text, not for {ty}");
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
    };
    match kind.as_str() {
        // arguments of minmax mean nothing, there as here
        "minmax" => Ok(SkipKind::MinMax),
        "set" => {
            takes(1..=1, ErrorCode::INCORRECT_QUERY)?;
            let values_max = usize::try_from(whole(0, ErrorCode::INCORRECT_QUERY)?).unwrap_or(usize::MAX);
            Ok(SkipKind::Set { values_max })
        }
        "bloom_filter" => {
            takes(0..=1, ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH)?;
            if let Some(ty) = types.iter().find(|ty| matches!(ty.base(), DataType::Map(..) | DataType::Tuple(_))) {
                return Err(refuse(ErrorCode::ILLEGAL_COLUMN, &format!("unexpected type {ty} of bloom filter index")));
            }
            let false_positives = if arguments.is_empty() { Some(0.025) } else { number(0) };
            match false_positives.filter(|rate| 0.0 < *rate && *rate < 1.0) {
                Some(false_positives) => Ok(SkipKind::Bloom { false_positives }),
                None => Err(refuse(bad, "the false positive rate of a bloom_filter is a number between 0 and 1")),
            }
        }
        "tokenbf_v1" => {
            takes(3..=3, bad)?;
            of_text()?;
            Ok(SkipKind::Tokens(filter(0)?))
        }
        "ngrambf_v1" => {
            takes(4..=4, bad)?;
            of_text()?;
            let n = usize::try_from(whole(0, bad)?).unwrap_or(0);
            if n == 0 {
                return Err(refuse(bad, "ngram length must be at least 1"));
            }
            Ok(SkipKind::Ngrams { n, filter: filter(1)? })
        }
        _ => Err(unknown(name, &kind)),
    }
}

fn unknown(name: &str, kind: &str) -> Error {
    match kind {
        "text" | "vector_similarity" | "hypothesis" | "sparse_grams" | "inverted" | "full_text" => {
            Error::NotSupported(format!("index type {kind} (INDEX {name})"))
        }
        _ => {
            let message = format!("unknown index type '{kind}' (INDEX {name})");
            Error::refused(ErrorCode::INCORRECT_QUERY, message)
        }
    }
}

fn number_of(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Literal(Literal::UInt(value)) => Some(*value as f64),
        ExprKind::Literal(Literal::Int(value)) => Some(*value as f64),
        ExprKind::Literal(Literal::Float(value)) => Some(*value),
        ExprKind::Unary(UnaryOperator::Negate, operand) => number_of(operand).map(|value| -value),
        _ => None,
    }
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Array(inner) | DataType::Nullable(inner) | DataType::LowCardinality(inner) => is_text(inner),
        ty => ty.is_string() || matches!(ty, DataType::FixedString(_)),
    }
}
