//! One call of an aggregate function while it is resolved, and the checks that many functions share.

use types::{DataType, ErrorCode, Value};

use crate::error::{Error, Result};

/// A function's name (without combinators), parameters and argument types.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub function: &'static str,
    pub params: &'a [Value],
    pub args: &'a [DataType],
}

impl<'a> Call<'a> {
    /// The only argument's type.
    pub fn one_argument(&self) -> Result<&'a DataType> {
        match self.args {
            [only] => Ok(only),
            _ => Err(self.argument_count("one argument")),
        }
    }

    /// The types of exactly two arguments.
    pub fn two_arguments(&self) -> Result<(&'a DataType, &'a DataType)> {
        match self.args {
            [first, second] => Ok((first, second)),
            _ => Err(self.argument_count("two arguments")),
        }
    }

    /// Refuses parameters.
    pub fn no_params(&self) -> Result<()> {
        if self.params.is_empty() { Ok(()) } else { Err(Error::NoParameters(self.function.to_owned())) }
    }

    pub fn argument_count(&self, expected: &'static str) -> Error {
        Error::ArgumentCount { function: self.function.to_owned(), expected, found: self.args.len() }
    }

    pub fn argument_type(&self, ty: &DataType, expected: &'static str) -> Error {
        Error::ArgumentType { function: self.function.to_owned(), ty: ty.clone(), expected }
    }

    pub fn param_count(&self, expected: &'static str) -> Error {
        Error::ParameterCount { function: self.function.to_owned(), expected }
    }

    pub fn bad_param(&self, expected: &'static str) -> Error {
        self.bad_param_code(expected, ErrorCode::BAD_ARGUMENTS)
    }

    pub fn bad_param_code(&self, expected: &'static str, code: ErrorCode) -> Error {
        Error::Parameter { function: self.function.to_owned(), expected, code }
    }

    /// The only parameter, a whole number of at least 1, or nothing.
    pub fn optional_size(&self) -> Result<Option<u64>> {
        match self.params {
            [] => Ok(None),
            [only] => match only.as_u64() {
                Some(n) if n > 0 => Ok(Some(n)),
                _ => Err(self.bad_param("a positive number")),
            },
            _ => Err(self.param_count("at most one number")),
        }
    }

    /// The only parameter, a whole number of at least 1.
    pub fn required_size(&self) -> Result<u64> {
        self.optional_size()?.ok_or_else(|| self.bad_param("a positive number"))
    }
}

/// True for numbers and for enums, which add up by their numbers.
pub(crate) fn is_number(ty: &DataType) -> bool {
    ty.base().is_number() || matches!(ty.base(), DataType::Enum(_))
}
