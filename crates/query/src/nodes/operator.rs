//! The logical node of all our operators: what it is, its expressions, its inputs.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::{DFSchema, DFSchemaRef, DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::{Expr, ExprSchemable, JoinType, LogicalPlan, UserDefinedLogicalNodeCore};

use super::asof::AsofDirection;
use super::counted_set::CountedSet;
use super::fill::FillBounds;
use super::stretch::Reach;

/// What a node does. Its expressions are in [`OperatorNode::exprs`], in the order said here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Operator {
    /// Keys.
    LimitBy { offset: u64, count: u64 },
    /// Keys.
    Ties { offset: u64, count: u64 },
    /// With ties: keys.
    Stretch { offset: Option<Reach>, count: Option<Reach>, ties: bool },
    /// Lists; `columns` are the names of their elements.
    Unnest { columns: Vec<String>, left: bool },
    /// None. `ty` is for the error when there is no row and NULL cannot be.
    SingleRow { nullable: bool, ty: String },
    /// None.
    KeepOrder,
    /// The filled column, `prefix` columns, the values of `targets`, a default for each column.
    Fill { bounds: FillBounds, prefix: usize, targets: Vec<String> },
    /// Left keys, left value, right keys, right value.
    Asof { keys: usize, direction: AsofDirection, outer: bool },
    /// None.
    CountedSet(CountedSet),
}

/// An operator in a logical plan.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct OperatorNode {
    pub operator: Operator,
    pub exprs: Vec<Expr>,
    pub inputs: Vec<LogicalPlan>,
    schema: DFSchemaRef,
}

impl OperatorNode {
    pub(crate) fn new(
        operator: Operator,
        exprs: Vec<Expr>,
        inputs: Vec<LogicalPlan>,
    ) -> DataFusionResult<OperatorNode> {
        let schema = schema(&operator, &exprs, &inputs)?;
        Ok(OperatorNode { operator, exprs, inputs, schema })
    }
}

fn schema(operator: &Operator, exprs: &[Expr], inputs: &[LogicalPlan]) -> DataFusionResult<DFSchemaRef> {
    let first = inputs.first().ok_or_else(|| DataFusionError::Internal("an operator without input".into()))?.schema();
    match operator {
        Operator::Unnest { columns, .. } => {
            let mut fields = Vec::with_capacity(columns.len());
            for (array, column) in exprs.iter().zip(columns) {
                let ArrowType::List(element) = array.get_type(first)? else {
                    return Err(DataFusionError::Internal(format!("column {column} is unnested but is no list")));
                };
                fields.push(Field::new(column.clone(), element.data_type().clone(), true));
            }
            let added = DFSchema::from_unqualified_fields(fields.into(), Default::default())?;
            Ok(Arc::new(first.join(&added)?))
        }
        Operator::Asof { outer, .. } => {
            let kind = if *outer { JoinType::Left } else { JoinType::Inner };
            let right = inputs.get(1).ok_or_else(|| DataFusionError::Internal("a join of one input".into()))?;
            Ok(Arc::new(datafusion::logical_expr::builder::build_join_schema(first, right.schema(), &kind)?))
        }
        _ => Ok(first.clone()),
    }
}

impl PartialOrd for OperatorNode {
    fn partial_cmp(&self, other: &OperatorNode) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for OperatorNode {
    fn name(&self) -> &str {
        self.operator.name()
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.exprs.clone()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        match &self.operator {
            // Rows of one input row differ in the new columns only.
            Operator::Unnest { columns, .. } => columns.iter().cloned().collect(),
            _ => self.schema.fields().iter().map(|field| field.name().clone()).collect(),
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operator)?;
        let exprs: Vec<String> = self.exprs.iter().map(ToString::to_string).collect();
        if exprs.is_empty() { Ok(()) } else { write!(f, ": {}", exprs.join(", ")) }
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DataFusionResult<OperatorNode> {
        OperatorNode::new(self.operator.clone(), exprs, inputs)
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let passes = matches!(
            self.operator,
            Operator::LimitBy { .. }
                | Operator::Ties { .. }
                | Operator::Stretch { .. }
                | Operator::Unnest { .. }
                | Operator::KeepOrder
        );
        if !passes {
            return None;
        }
        let input = self.inputs.first()?.schema();
        let mut needed: BTreeSet<usize> =
            output_columns.iter().copied().filter(|position| *position < input.fields().len()).collect();
        for expr in &self.exprs {
            for column in expr.column_refs() {
                needed.insert(input.maybe_index_of_column(column)?);
            }
        }
        Some(vec![needed.into_iter().collect()])
    }
}

impl Operator {
    /// What EXPLAIN calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Operator::LimitBy { .. } => "LimitBy",
            Operator::Ties { .. } => "LimitWithTies",
            Operator::Stretch { .. } => "LimitOfAll",
            Operator::Unnest { .. } => "ArrayJoin",
            Operator::SingleRow { .. } => "SingleRow",
            Operator::KeepOrder => "KeepOrder",
            Operator::Fill { .. } => "Fill",
            Operator::Asof { .. } => "AsofJoin",
            Operator::CountedSet(CountedSet::Except) => "ExceptAll",
            Operator::CountedSet(CountedSet::Intersect) => "IntersectAll",
        }
    }

    /// True when rows leave in the order in which they come, with the same columns.
    pub(crate) fn keeps_order(&self) -> bool {
        matches!(
            self,
            Operator::LimitBy { .. }
                | Operator::Ties { .. }
                | Operator::Stretch { .. }
                | Operator::KeepOrder
                | Operator::Fill { .. }
        )
    }

    /// True when each partition of the input can be worked on by itself.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Operator::Unnest { .. })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        match self {
            Operator::LimitBy { offset, count } | Operator::Ties { offset, count } => {
                write!(f, " {count} offset {offset}")
            }
            Operator::Unnest { columns, left } => {
                write!(f, "{} as {}", if *left { " left" } else { "" }, columns.join(", "))
            }
            _ => Ok(()),
        }
    }
}
