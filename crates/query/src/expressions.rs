//! Expressions over one block: defaults, casts, keys, constraints, TTL, VALUES, arguments.
//!
//! Bound by the binder's own rules over a block's columns, compiled to DataFusion's expressions, evaluated without a
//! plan. Never here: aggregates, window functions, subqueries; whoever allows those runs a query.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{
    DataType as ArrowType, Int8Type, Int16Type, Int32Type, Int64Type, SchemaRef, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use functions::FunctionContext;
use functions::cast::{CastMode, Rules, cast};
use types::text::Zone;
use types::{Block, DataType, ErrorCode, Header, Setting};

use crate::bind::{BindContext, bind_expressions};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::relations::SnapshotRelations;
use crate::session;

/// Compiled expressions over blocks of one header.
#[derive(Clone)]
pub struct Expressions {
    input: Header,
    schema: SchemaRef,
    exprs: Arc<[(Arc<dyn PhysicalExpr>, DataType)]>,
    is_timeless: bool,
    reads: Arc<[usize]>,
}

/// A constant: one value and its type.
#[derive(Clone, Debug)]
pub struct Constant {
    /// The ClickHouse type.
    pub ty: DataType,
    /// One row.
    pub array: ArrayRef,
}

/// What functions may know of a query.
pub fn function_context(ctx: &QueryContext) -> Result<FunctionContext> {
    let name = ctx.time_zone();
    let zone = Zone::parse(name).ok_or_else(|| types::Error::UnknownTimeZone(name.to_owned()))?;
    Ok(FunctionContext { zone, settings: ctx.settings.clone() })
}

impl Expressions {
    /// Compiles expressions over the columns of `input`; their types are what they come to.
    pub fn compile(exprs: &[sql::Expr], input: &Header, ctx: &QueryContext) -> Result<Expressions> {
        Expressions::compile_all(exprs, None, input, ctx)
    }

    /// Compiles expressions and casts each to a type, as INSERT does.
    pub fn compile_as(exprs: &[(sql::Expr, DataType)], input: &Header, ctx: &QueryContext) -> Result<Expressions> {
        let (exprs, types): (Vec<sql::Expr>, Vec<DataType>) = exprs.iter().cloned().unzip();
        Expressions::compile_all(&exprs, Some(&types), input, ctx)
    }

    fn compile_all(
        exprs: &[sql::Expr],
        wanted: Option<&[DataType]>,
        input: &Header,
        ctx: &QueryContext,
    ) -> Result<Expressions> {
        let functions = function_context(ctx)?;
        let relations = SnapshotRelations::new(ctx);
        let bound = bind_expressions(exprs, input, &bind_context(&relations, &functions, ctx))?;
        let mut typed = Vec::with_capacity(bound.len());
        for (at, bound) in bound.into_iter().enumerate() {
            let ty = wanted.and_then(|wanted| wanted.get(at)).unwrap_or(&bound.ty).clone();
            let expr = match bound.ty == ty {
                true => bound.expr,
                false => insert_cast(bound.expr, &bound.ty, &ty, &functions)?,
            };
            typed.push((expr, ty));
        }
        Expressions::of_bound(typed, input, ctx)
    }

    /// Expressions that are bound over the columns of `input`, each with the type of its values.
    pub(crate) fn of_bound(bound: Vec<(Expr, DataType)>, input: &Header, ctx: &QueryContext) -> Result<Expressions> {
        let arrow_schema = input.arrow_schema();
        let schema = DFSchema::try_from(Arc::clone(&arrow_schema))?;
        let props = props(ctx);
        let mut compiled = Vec::with_capacity(bound.len());
        let mut is_timeless = true;
        let mut reads = Vec::new();
        for (expr, ty) in bound {
            is_timeless &= timeless(&expr)?;
            reads.extend(expr.column_refs().iter().filter_map(|column| input.position(&column.name)));
            let physical = create_physical_expr(&expr, &schema, &props, &PhysicalPlanningContext::default())?;
            compiled.push((physical, ty));
        }
        reads.sort_unstable();
        reads.dedup();
        let (exprs, reads) = (compiled.into(), reads.into());
        Ok(Expressions { input: input.clone(), schema: arrow_schema, exprs, is_timeless, reads })
    }

    /// The types of the results.
    pub fn types(&self) -> impl Iterator<Item = &DataType> {
        self.exprs.iter().map(|(_, ty)| ty)
    }

    /// Positions of the input's columns that are looked at, ascending.
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// True when the results depend on the block only: the expressions may be kept for other queries.
    pub fn is_timeless(&self) -> bool {
        self.is_timeless
    }

    /// The results over a block, which has the header that was compiled for; one array an expression, of the block's rows.
    pub fn eval(&self, block: &Block) -> Result<Vec<(ArrayRef, DataType)>> {
        debug_assert_eq!(block.header().len(), self.input.len(), "expressions are over another header");
        let options = RecordBatchOptions::new().with_row_count(Some(block.rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), block.arrays().to_vec(), &options)
            .map_err(|error| types::Error::BlockShape(error.to_string()))?;
        let mut results = Vec::with_capacity(self.exprs.len());
        for (expr, ty) in self.exprs.iter() {
            let array = expr.evaluate(&batch)?.into_array(block.rows())?;
            results.push((array, ty.clone()));
        }
        Ok(results)
    }

    /// The results as conditions: NULL and 0 are false.
    pub fn eval_conditions(&self, block: &Block) -> Result<Vec<arrow::array::BooleanArray>> {
        self.eval(block)?.into_iter().map(|(array, ty)| condition(&array, &ty)).collect()
    }
}

impl fmt::Debug for Expressions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.exprs.iter().map(|(expr, ty)| format!("{expr} {ty}"))).finish()
    }
}

/// A column of numbers as conditions: NULL, 0 and NaN's opposite, everything but zero, as ClickHouse takes them.
pub fn condition(array: &ArrayRef, ty: &DataType) -> Result<arrow::array::BooleanArray> {
    use arrow::array::{Array, BooleanArray};
    let refuse = || {
        let message = format!("condition must be a number, not {ty}");
        Error::refused(ErrorCode::ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, message)
    };
    let values = match array.data_type() {
        ArrowType::Null => BooleanArray::from(vec![false; array.len()]),
        ArrowType::Boolean => array.as_boolean().clone(),
        other if other.is_numeric() && ty.base().is_number() => {
            arrow::compute::cast(array, &ArrowType::Boolean).map_err(|_| refuse())?.as_boolean().clone()
        }
        _ => return Err(refuse()),
    };
    Ok(if values.null_count() == 0 { values } else { arrow::compute::prep_null_mask_filter(&values) })
}

/// The value of an expression without columns. NotConstant when it has some.
pub fn constant(expr: &sql::Expr, ctx: &QueryContext) -> Result<Constant> {
    let compiled = Expressions::compile(std::slice::from_ref(expr), &Header::default(), ctx)?;
    let one = Block::with_rows(Header::default(), Vec::new(), 1)?;
    let (array, ty) = compiled.eval(&one)?.pop().ok_or_else(|| Error::NotConstant(expr.to_string()))?;
    Ok(Constant { ty, array })
}

/// The value of an expression without columns as one cell of a type, cast as INSERT does.
pub fn constant_as(expr: &sql::Expr, ty: &DataType, ctx: &QueryContext) -> Result<ArrayRef> {
    let compiled = Expressions::compile_as(&[(expr.clone(), ty.clone())], &Header::default(), ctx)?;
    let one = Block::with_rows(Header::default(), Vec::new(), 1)?;
    let (array, _) = compiled.eval(&one)?.pop().ok_or_else(|| Error::NotConstant(expr.to_string()))?;
    Ok(array)
}

impl Constant {
    /// The value as an unsigned number, when it is a whole one that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        use arrow::array::Array;
        if self.array.len() != 1 || self.array.is_null(0) || !(self.ty.is_integer() || self.ty == DataType::Bool) {
            return None;
        }
        let signed = |value: i64| u64::try_from(value).ok();
        match self.array.data_type() {
            ArrowType::Boolean => Some(u64::from(self.array.as_boolean().value(0))),
            ArrowType::UInt8 => Some(self.array.as_primitive::<UInt8Type>().value(0).into()),
            ArrowType::UInt16 => Some(self.array.as_primitive::<UInt16Type>().value(0).into()),
            ArrowType::UInt32 => Some(self.array.as_primitive::<UInt32Type>().value(0).into()),
            ArrowType::UInt64 => Some(self.array.as_primitive::<UInt64Type>().value(0)),
            ArrowType::Int8 => signed(self.array.as_primitive::<Int8Type>().value(0).into()),
            ArrowType::Int16 => signed(self.array.as_primitive::<Int16Type>().value(0).into()),
            ArrowType::Int32 => signed(self.array.as_primitive::<Int32Type>().value(0).into()),
            ArrowType::Int64 => signed(self.array.as_primitive::<Int64Type>().value(0)),
            _ => None,
        }
    }

    /// The bytes of a String.
    pub fn as_bytes(&self) -> Option<Vec<u8>> {
        use arrow::array::Array;
        let array = self.array.as_binary_opt::<i32>()?;
        (array.len() == 1 && array.is_valid(0)).then(|| array.value(0).to_vec())
    }
}

/// Casts blocks to a header, columns matched by name: a SELECT's rows on their way into a table.
#[derive(Clone, Debug)]
pub struct Converter {
    target: Header,
    /// For each target column: where it comes from and the type it has there; none when nothing gives it.
    sources: Arc<[Option<(usize, DataType)>]>,
    rules: Rules,
}

impl Converter {
    /// From blocks of `given` to `target`. Columns that are not given get the default of their type; given columns that
    /// the target does not have are dropped. An error when types cannot become each other.
    pub fn new(given: &Header, target: &Header, ctx: &QueryContext) -> Result<Converter> {
        let source = |name: &str| given.position(name).map(|at| (at, given.columns()[at].ty.clone()));
        let sources = target.columns().iter().map(|column| source(&column.name)).collect::<Vec<_>>();
        Converter::with_sources(sources, target, ctx)
    }

    /// The same, columns matched by position: `INSERT INTO t SELECT …`. Both headers have as many columns.
    pub fn by_position(given: &Header, target: &Header, ctx: &QueryContext) -> Result<Converter> {
        if given.len() != target.len() {
            let message = format!("number of columns doesn't match: {} given, {} expected", given.len(), target.len());
            return Err(Error::refused(ErrorCode::NUMBER_OF_COLUMNS_DOESNT_MATCH, message));
        }
        let sources = given.columns().iter().enumerate().map(|(at, column)| Some((at, column.ty.clone()))).collect();
        Converter::with_sources(sources, target, ctx)
    }

    fn with_sources(sources: Vec<Option<(usize, DataType)>>, target: &Header, ctx: &QueryContext) -> Result<Converter> {
        let mode = match ctx.settings.flag(Setting::InsertNullAsDefault) {
            true => CastMode::Insert,
            false => CastMode::Cast,
        };
        let rules = Rules::new(mode, &function_context(ctx)?);
        let converter = Converter { target: target.clone(), sources: sources.into(), rules };
        for (source, column) in converter.sources.iter().zip(target.columns()) {
            if let Some((_, from)) = source {
                cast(&arrow::array::new_empty_array(&from.arrow_type()), from, &column.ty, &converter.rules)?;
            }
        }
        Ok(converter)
    }

    /// A block of the target's header.
    pub fn convert(&self, block: &Block) -> Result<Block> {
        let mut arrays = Vec::with_capacity(self.sources.len());
        for (source, column) in self.sources.iter().zip(self.target.columns()) {
            arrays.push(match source {
                Some((at, from)) => cast(block.array(*at), from, &column.ty, &self.rules)?,
                None => column.ty.default_array(block.rows()),
            });
        }
        Ok(Block::with_rows(self.target.clone(), arrays, block.rows())?)
    }

    /// The columns of the target that nothing gives.
    pub fn missing(&self) -> impl Iterator<Item = &types::Column> {
        self.target
            .columns()
            .iter()
            .zip(self.sources.iter())
            .filter(|(_, from)| from.is_none())
            .map(|(column, _)| column)
    }
}

/// What the binder is told of a query.
pub(crate) fn bind_context<'a>(
    relations: &'a SnapshotRelations<'a>,
    functions: &'a FunctionContext,
    ctx: &'a QueryContext,
) -> BindContext<'a> {
    BindContext {
        relations,
        settings: &ctx.settings,
        database: &ctx.caller.database,
        functions,
        params: &ctx.params,
        user: &ctx.caller.user,
        query_id: &ctx.caller.query_id,
        host: &ctx.runtime.config.host_name,
        constants: &[],
    }
}

fn insert_cast(expr: Expr, from: &DataType, to: &DataType, functions: &FunctionContext) -> Result<Expr> {
    let function = functions::cast::cast_function(from, to, CastMode::Insert, functions)?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function.udf, vec![expr])))
}

fn timeless(expr: &Expr) -> Result<bool> {
    let mut timeless = true;
    expr.apply(|node| {
        if matches!(node, Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable) {
            timeless = false;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(timeless)
}

/// A batch of one row without columns.
pub(crate) fn one_row() -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let schema = Arc::new(arrow::datatypes::Schema::empty());
    RecordBatch::try_new_with_options(schema, Vec::new(), &options).expect("no columns fit no fields")
}

/// Carries the query's time into compiled functions.
pub(crate) fn props(ctx: &QueryContext) -> ExecutionProps {
    let mut props = ExecutionProps::new();
    props.config_options = Some(session::config(ctx).options().clone());
    props
}
