//! From logical to physical operators.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::exec::OperatorExec;
use super::operator::{Operator, OperatorNode};

/// What a physical planner needs to plan our nodes.
pub fn extension_planners() -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
    vec![Arc::new(OperatorPlanner)]
}

/// Plans [`OperatorNode`].
struct OperatorPlanner;

#[async_trait]
impl ExtensionPlanner for OperatorPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning_ctx: &PhysicalPlanningContext,
    ) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<OperatorNode>() else { return Ok(None) };
        let mut exprs: Vec<Arc<dyn PhysicalExpr>> = Vec::with_capacity(node.exprs.len());
        for (position, expr) in node.exprs.iter().enumerate() {
            let input = match &node.operator {
                Operator::Asof { keys, .. } if position > *keys => 1,
                _ => 0,
            };
            let schema = logical_inputs[input].schema();
            exprs.push(planner.create_physical_expr(expr, schema, session, planning_ctx)?);
        }
        let schema = UserDefinedLogicalNode::schema(node).inner().clone();
        let exec = OperatorExec::new(node.operator.clone(), exprs, physical_inputs.to_vec(), schema);
        Ok(Some(Arc::new(exec)))
    }
}
