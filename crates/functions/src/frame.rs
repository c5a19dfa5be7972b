//! What a function is: a name, argument and result types, and a kernel over Arrow columns.
//!
//! ```text
//! Definition (name, rules) ── resolve(args, context) ──▶ Function { result, kernel } ── udf ──▶ DataFusion
//! ```
//!
//! A kernel never sees what its definition's rules take away (by default: NULLs and LowCardinality).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use datafusion::logical_expr::{ScalarUDF, Volatility};
use types::text::Zone;
use types::{DataType, Settings};

use crate::error::{Error, Result};
use crate::nulls::run_by_policy;
use crate::query_time::QueryTime;
use crate::request::Request;

/// An argument as the binder knows it.
#[derive(Clone, Debug)]
pub struct Arg {
    /// Its ClickHouse type.
    pub ty: DataType,
    /// Its value, one row of `ty.arrow_type()`, when it is a constant.
    pub constant: Option<ArrayRef>,
}

impl Arg {
    /// An argument that is a column or computed from columns.
    pub fn column(ty: DataType) -> Arg {
        Arg { ty, constant: None }
    }

    /// A constant: `value` has one row.
    pub fn constant(ty: DataType, value: ArrayRef) -> Arg {
        debug_assert_eq!(value.len(), 1, "a constant has one row");
        Arg { ty, constant: Some(value) }
    }
}

/// What resolving a call may depend on besides its arguments.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FunctionContext {
    /// The session's time zone: dates and times without one of their own are read and printed in it.
    pub zone: Zone,
    /// The query's settings.
    pub settings: Settings,
}

/// A column on its way into a kernel.
#[derive(Clone, Debug)]
pub enum Operand {
    /// One row that stands for all rows.
    Constant(ArrayRef),
    /// One value a row.
    Full(ArrayRef),
}

impl Operand {
    /// The array as it is: one row when constant.
    pub fn array(&self) -> &ArrayRef {
        match self {
            Operand::Constant(array) | Operand::Full(array) => array,
        }
    }

    /// True when one row stands for all.
    pub fn is_constant(&self) -> bool {
        matches!(self, Operand::Constant(_))
    }

    /// Where row `row` lies in [`Operand::array`].
    pub fn index(&self, row: usize) -> usize {
        if self.is_constant() { 0 } else { row }
    }

    /// The column with one value a row.
    pub fn expand(&self, rows: usize) -> Result<ArrayRef> {
        match self {
            Operand::Full(array) => Ok(array.clone()),
            Operand::Constant(array) if rows == 1 => Ok(array.clone()),
            Operand::Constant(array) => repeat(array, rows),
        }
    }
}

/// The one row of `array`, `rows` times.
pub fn repeat(array: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    let zeros = UInt32Array::from(vec![0u32; rows]);
    Ok(arrow::compute::take(array, &zeros, None)?)
}

/// What a kernel may know besides its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// How many rows the result must have.
    pub rows: usize,
    /// The query's time and randomness.
    pub time: QueryTime,
}

/// The code of a resolved function. Must be pure but for [`Call::time`].
pub trait Kernel: Send + Sync {
    /// The result: `call.rows` rows of the Arrow type of the result type that was resolved.
    ///
    /// Full operands have `call.rows` rows. When all operands are constant the frame asks for one row.
    fn run(&self, args: &[Operand], call: &Call) -> Result<ArrayRef>;
}

impl<F> Kernel for F
where
    F: Fn(&[Operand], &Call) -> Result<ArrayRef> + Send + Sync,
{
    fn run(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        self(args, call)
    }
}

/// What a resolver decided.
pub struct Resolved {
    /// The result type for the types the resolver saw.
    pub result: DataType,
    /// The code for them.
    pub kernel: Arc<dyn Kernel>,
}

impl Resolved {
    /// A kernel made of a closure.
    pub fn new(
        result: DataType,
        kernel: impl Fn(&[Operand], &Call) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Resolved {
        Resolved { result, kernel: Arc::new(kernel) }
    }
}

/// Chooses result type and kernel for argument types.
pub type Resolver = fn(&Request<'_>) -> Result<Resolved>;

/// What a definition asks the frame to do about NULL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nulls {
    /// The resolver sees types without Nullable; NULL in gives NULL out; the kernel runs on the other rows only and
    /// meets no NULL, so that it cannot fail on one.
    Skip,
    /// As `Skip` for types, but the kernel runs on all rows, with any value under a NULL, and must not fail there. For
    /// kernels that work on whole columns; the frame puts the NULLs into the result.
    Mask,
    /// Resolver and kernel see Nullable types and NULLs and decide themselves.
    Seen,
}

/// One row of a family's table: a name, how to resolve it, and the frame's rules for it.
#[derive(Clone, Copy)]
pub struct Definition {
    /// The name as `system.functions` shows it.
    pub name: &'static str,
    /// Result type and kernel.
    pub resolver: Resolver,
    /// What happens about NULL.
    pub nulls: Nulls,
    /// The resolver sees LowCardinality instead of the frame's rule for it.
    pub sees_low_cardinality: bool,
    /// Immutable unless it depends on the query's time (Stable) or differs from row to row (Volatile).
    pub volatility: Volatility,
    /// The name is found in any case.
    pub any_case: bool,
    /// The name that this one is another spelling of.
    pub alias_to: Option<&'static str>,
}

impl Definition {
    /// A function with the default rules: skips NULLs, LowCardinality by the frame, immutable, name in its own case.
    pub const fn new(name: &'static str, resolver: Resolver) -> Definition {
        Definition {
            name,
            resolver,
            nulls: Nulls::Skip,
            sees_low_cardinality: false,
            volatility: Volatility::Immutable,
            any_case: false,
            alias_to: None,
        }
    }

    /// Its kernel works on whole columns; see [`Nulls::Mask`].
    pub const fn masks_nulls(mut self) -> Definition {
        self.nulls = Nulls::Mask;
        self
    }

    /// It decides about NULL itself; see [`Nulls::Seen`].
    pub const fn sees_nulls(mut self) -> Definition {
        self.nulls = Nulls::Seen;
        self
    }

    /// It decides about LowCardinality itself.
    pub const fn sees_low_cardinality(mut self) -> Definition {
        self.sees_low_cardinality = true;
        self
    }

    /// It depends on the query's time.
    pub const fn stable(mut self) -> Definition {
        self.volatility = Volatility::Stable;
        self
    }

    /// It differs from row to row.
    pub const fn volatile(mut self) -> Definition {
        self.volatility = Volatility::Volatile;
        self
    }

    /// Its name is found in any case.
    pub const fn any_case(mut self) -> Definition {
        self.any_case = true;
        self
    }

    /// Another spelling of `target`; put it in the same table, with the target's rules.
    pub const fn alias(mut self, name: &'static str) -> Definition {
        self.alias_to = Some(self.name);
        self.name = name;
        self.any_case = false;
        self
    }
}

/// A function resolved for its argument types.
#[derive(Clone)]
pub struct Function {
    /// Its name, as defined (not the alias by which it was called).
    pub name: &'static str,
    /// Its result type.
    pub result: DataType,
    /// The same for DataFusion. Carries argument and result types, so that DataFusion coerces nothing.
    pub udf: Arc<ScalarUDF>,
    /// True when equal arguments give equal results, at any time.
    pub deterministic: bool,
    pub(crate) body: Arc<Body>,
}

impl Function {
    /// Runs it on columns of the types that it was resolved for.
    pub fn run(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        self.body.run(args, call)
    }

    /// Runs it on full columns of `rows` rows, at no particular time.
    pub fn run_on(&self, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let args: Vec<Operand> = arrays.iter().cloned().map(Operand::Full).collect();
        self.run(&args, &Call { rows, time: QueryTime::new(0, 0) })
    }
}

/// A kernel with the frame's rules around it.
pub(crate) struct Body {
    pub(crate) name: &'static str,
    pub(crate) kernel: Arc<dyn Kernel>,
    pub(crate) nulls: Nulls,
    /// Which arguments are Nullable.
    pub(crate) nullable: Vec<bool>,
    pub(crate) result: DataType,
}

impl Body {
    pub(crate) fn run(&self, args: &[Operand], call: &Call) -> Result<ArrayRef> {
        let array = run_by_policy(self, args, call)?;
        if array.len() != call.rows || array.data_type() != &self.result.arrow_type() {
            return Err(Error::Internal {
                function: self.name.to_owned(),
                reason: format!(
                    "kernel gave {} rows of {} for {} rows of {}",
                    array.len(),
                    array.data_type(),
                    call.rows,
                    self.result
                ),
            });
        }
        Ok(array)
    }
}
