//! What a resolver is asked, and the checks that most resolvers begin with.

use std::ops::RangeInclusive;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type, UInt64Type};
use types::DataType;
use types::text::Zone;

use crate::error::{Error, Result};
use crate::frame::{Arg, FunctionContext};

/// A call to resolve: arguments as the definition's rules let it see them.
pub struct Request<'a> {
    /// The function's own name (not an alias).
    pub name: &'a str,
    /// The arguments in order.
    pub args: &'a [Arg],
    /// The session's.
    pub context: &'a FunctionContext,
}

impl Request<'_> {
    /// Refuses other numbers of arguments.
    pub fn arity(&self, counts: RangeInclusive<usize>) -> Result<()> {
        let (least, most) = (*counts.start(), *counts.end());
        if counts.contains(&self.args.len()) {
            return Ok(());
        }
        let expected = match (least, most) {
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        Err(Error::ArgumentCount { function: self.name.to_owned(), expected, got: self.args.len() })
    }

    /// The type of argument `i` (from 0), which [`Request::arity`] has shown to exist.
    pub fn ty(&self, i: usize) -> &DataType {
        &self.args[i].ty
    }

    /// The value of argument `i` (from 0) when it is there and constant.
    pub fn constant(&self, i: usize) -> Option<&ArrayRef> {
        self.args.get(i).and_then(|arg| arg.constant.as_ref())
    }

    /// The error for argument `i` (from 0) of a wrong type.
    pub fn wrong_type(&self, i: usize, expected: impl Into<String>) -> Error {
        Error::ArgumentType {
            function: self.name.to_owned(),
            position: i + 1,
            ty: self.args.get(i).map_or_else(String::new, |arg| arg.ty.to_string()),
            expected: expected.into(),
        }
    }

    /// The error for types that do not go together.
    pub fn wrong_types(&self) -> Error {
        let types: Vec<String> = self.args.iter().map(|arg| arg.ty.to_string()).collect();
        Error::ArgumentTypes { function: self.name.to_owned(), types: types.join(" and ") }
    }

    /// The error for an argument with a wrong value.
    pub fn bad(&self, reason: impl Into<String>) -> Error {
        Error::BadArgument { function: self.name.to_owned(), reason: reason.into() }
    }

    /// The error for an argument `i` (from 0) that must be constant.
    pub fn not_constant(&self, i: usize) -> Error {
        Error::ConstantExpected { function: self.name.to_owned(), position: i + 1 }
    }

    /// The text of constant argument `i` (from 0).
    pub fn constant_text(&self, i: usize) -> Result<String> {
        let arg = self.args.get(i).ok_or_else(|| self.not_constant(i))?;
        if !arg.ty.is_string() {
            return Err(self.wrong_type(i, "a constant String"));
        }
        let value = arg.constant.as_ref().ok_or_else(|| self.not_constant(i))?;
        let bytes = match value.data_type() {
            ArrowType::Binary => value.as_binary::<i32>().value(0),
            ArrowType::FixedSizeBinary(_) => value.as_fixed_size_binary().value(0),
            _ => return Err(self.wrong_type(i, "a constant String")),
        };
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The text of argument `i` (from 0), or `None` when the call has no such argument.
    pub fn optional_text(&self, i: usize) -> Result<Option<String>> {
        if i < self.args.len() { self.constant_text(i).map(Some) } else { Ok(None) }
    }

    /// The integer of constant argument `i` (from 0).
    pub fn constant_int(&self, i: usize) -> Result<i64> {
        let arg = self.args.get(i).ok_or_else(|| self.not_constant(i))?;
        if !arg.ty.is_integer() && arg.ty != DataType::Bool {
            return Err(self.wrong_type(i, "a constant integer"));
        }
        let value = arg.constant.as_ref().ok_or_else(|| self.not_constant(i))?;
        if value.data_type() == &ArrowType::UInt64 {
            let wide = value.as_primitive::<UInt64Type>().value(0);
            return i64::try_from(wide).map_err(|_| self.bad(format!("{wide} is too large")));
        }
        let wide = arrow_cast(value, &ArrowType::Int64)?;
        if wide.is_null(0) {
            return Err(self.bad("NULL where an integer is expected"));
        }
        Ok(wide.as_primitive::<Int64Type>().value(0))
    }

    /// The integer of argument `i` (from 0), or `None` when the call has no such argument.
    pub fn optional_int(&self, i: usize) -> Result<Option<i64>> {
        if i < self.args.len() { self.constant_int(i).map(Some) } else { Ok(None) }
    }

    /// The number of constant argument `i` (from 0).
    pub fn constant_float(&self, i: usize) -> Result<f64> {
        let arg = self.args.get(i).ok_or_else(|| self.not_constant(i))?;
        let value = arg.constant.as_ref().ok_or_else(|| self.not_constant(i))?;
        if !arg.ty.is_number() {
            return Err(self.wrong_type(i, "a constant number"));
        }
        let wide = arrow_cast(value, &ArrowType::Float64)?;
        Ok(wide.as_primitive::<Float64Type>().value(0))
    }

    /// The time zone that constant argument `i` (from 0) names.
    pub fn constant_zone(&self, i: usize) -> Result<Zone> {
        let name = self.constant_text(i)?;
        zone(&name)
    }

    /// The zone of a date or time type: its own, or the session's.
    pub fn zone_of(&self, ty: &DataType) -> Result<Zone> {
        match ty {
            DataType::DateTime(Some(name)) | DataType::DateTime64 { zone: Some(name), .. } => zone(name),
            _ => Ok(self.context.zone),
        }
    }
}

/// The time zone of that name.
pub fn zone(name: &str) -> Result<Zone> {
    Zone::parse(name).ok_or_else(|| Error::Types(types::Error::UnknownTimeZone(name.to_owned())))
}
