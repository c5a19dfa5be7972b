//! A resolved function as DataFusion sees it: exact Arrow types, no coercion, equality by what was resolved.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use types::DataType;

use crate::frame::{Arg, Body, Call, FunctionContext, Operand};
use crate::query_time::QueryTime;

/// The UDF of one resolved call. Two are equal when name, argument types, constants, result type and context are.
pub struct BoundUdf {
    body: Arc<Body>,
    signature: Signature,
    types: Vec<DataType>,
    constants: Vec<Option<ArrayRef>>,
    context: FunctionContext,
    /// Tells apart functions whose kernels carry more than types and constants (lambdas).
    identity: u64,
}

impl BoundUdf {
    pub(crate) fn new(body: Arc<Body>, args: &[Arg], context: &FunctionContext, volatility: Volatility) -> BoundUdf {
        BoundUdf {
            body,
            signature: Signature::user_defined(volatility),
            types: args.iter().map(|arg| arg.ty.clone()).collect(),
            constants: args.iter().map(|arg| arg.constant.clone()).collect(),
            context: context.clone(),
            identity: 0,
        }
    }

    /// Never equal to a function of another identity.
    pub(crate) fn with_identity(mut self, identity: u64) -> BoundUdf {
        self.identity = identity;
        self
    }

    /// The ClickHouse types of the arguments.
    pub fn argument_types(&self) -> &[DataType] {
        &self.types
    }

    /// The ClickHouse type of the result.
    pub fn result(&self) -> &DataType {
        &self.body.result
    }
}

impl ScalarUDFImpl for BoundUdf {
    fn name(&self) -> &str {
        self.body.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[ArrowType]) -> DataFusionResult<ArrowType> {
        Ok(self.body.result.arrow_type())
    }

    fn coerce_types(&self, arg_types: &[ArrowType]) -> DataFusionResult<Vec<ArrowType>> {
        Ok(arg_types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let operands = args
            .args
            .into_iter()
            .map(|value| match value {
                ColumnarValue::Array(array) => Ok(Operand::Full(array)),
                ColumnarValue::Scalar(scalar) => Ok(Operand::Constant(scalar.to_array_of_size(1)?)),
            })
            .collect::<DataFusionResult<Vec<_>>>()?;
        let time = QueryTime::of(&args.config_options);
        let constant = self.signature.volatility != Volatility::Volatile && operands.iter().all(Operand::is_constant);
        let rows = if constant { 1 } else { args.number_rows };
        let array = self.body.run(&operands, &Call { rows, time })?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

impl PartialEq for BoundUdf {
    fn eq(&self, other: &BoundUdf) -> bool {
        self.body.name == other.body.name
            && self.identity == other.identity
            && self.types == other.types
            && self.body.result == other.body.result
            && self.constants == other.constants
            && self.context == other.context
    }
}

impl Eq for BoundUdf {}

impl Hash for BoundUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.body.name.hash(state);
        self.identity.hash(state);
        self.types.hash(state);
        self.body.result.hash(state);
    }
}

impl fmt::Debug for BoundUdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.body.name)?;
        for (i, ty) in self.types.iter().enumerate() {
            write!(f, "{}{ty}", if i > 0 { ", " } else { "" })?;
        }
        write!(f, ") -> {}", self.body.result)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, UInt8Array};
    use arrow::datatypes::{Field, UInt8Type};
    use datafusion::common::config::ConfigOptions;

    use super::*;
    use crate::error::Error;
    use crate::frame::Function;
    use crate::resolve::resolve;

    fn function(name: &str, types: &[&str]) -> Function {
        let args: Vec<Arg> = types.iter().map(|ty| Arg::column(DataType::parse(ty).unwrap())).collect();
        resolve(name, &args, &FunctionContext::default()).unwrap()
    }

    fn invoke(function: &Function, args: Vec<ColumnarValue>, rows: usize) -> DataFusionResult<ColumnarValue> {
        let arg_fields = args.iter().map(|arg| Arc::new(Field::new("x", arg.data_type(), true))).collect::<Vec<_>>();
        function.udf.invoke_with_args(ScalarFunctionArgs {
            args,
            arg_fields,
            number_rows: rows,
            return_field: Arc::new(Field::new("y", function.result.arrow_type(), true)),
            config_options: Arc::new(ConfigOptions::new()),
        })
    }

    fn bytes(values: Vec<Option<u8>>) -> ColumnarValue {
        ColumnarValue::Array(Arc::new(UInt8Array::from(values)))
    }

    #[test]
    fn constants_give_a_scalar_and_columns_a_column() {
        let divide = function("intDiv", &["UInt8", "UInt8"]);
        let scalar = |v| ColumnarValue::Scalar(ScalarValue::UInt8(Some(v)));
        assert!(matches!(invoke(&divide, vec![scalar(7), scalar(2)], 5).unwrap(), ColumnarValue::Scalar(_)));
        let ColumnarValue::Array(array) = invoke(&divide, vec![bytes(vec![Some(7), Some(9)]), scalar(2)], 2).unwrap()
        else {
            panic!("a column is expected")
        };
        assert_eq!(array.as_primitive::<UInt8Type>().values(), &[3, 4]);
    }

    #[test]
    fn a_kernel_meets_no_null_and_null_gives_null() {
        let divide = function("intDiv", &["UInt8", "Nullable(UInt8)"]);
        let args = vec![bytes(vec![Some(6), Some(6), Some(6)]), bytes(vec![Some(2), None, Some(3)])];
        let ColumnarValue::Array(array) = invoke(&divide, args, 3).unwrap() else { panic!("a column is expected") };
        assert_eq!(array.as_primitive::<UInt8Type>().iter().collect::<Vec<_>>(), [Some(3), None, Some(2)]);
        assert_eq!(divide.result, DataType::nullable(DataType::UInt8));
    }

    #[test]
    fn errors_keep_their_code_through_datafusion() {
        let divide = function("intDiv", &["UInt8", "UInt8"]);
        let error = invoke(&divide, vec![bytes(vec![Some(1)]), bytes(vec![Some(0)])], 1).unwrap_err();
        assert_eq!(Error::in_datafusion(&error).unwrap().code().0, 153);
    }

    #[test]
    fn functions_are_equal_when_all_that_was_resolved_is() {
        let (a, b) = (function("plus", &["UInt8", "UInt8"]), function("plus", &["UInt8", "UInt16"]));
        assert!(a.udf == function("plus", &["UInt8", "UInt8"]).udf);
        assert!(a.udf != b.udf);
    }

    #[test]
    fn low_cardinality_survives_one_column_of_it_and_constants() {
        let low = DataType::parse("LowCardinality(String)").unwrap();
        let constant = Arg::constant(DataType::String, DataType::String.default_array(1));
        let context = FunctionContext::default();
        let with_constant = resolve("equals", &[Arg::column(low.clone()), constant], &context).unwrap();
        assert_eq!(with_constant.result.to_string(), "LowCardinality(UInt8)");
        let with_column = resolve("equals", &[Arg::column(low), Arg::column(DataType::String)], &context).unwrap();
        assert_eq!(with_column.result.to_string(), "UInt8");
    }
}
