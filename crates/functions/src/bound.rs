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
