//! The windows of a SELECT: taken out of its expressions into Window nodes, one for each PARTITION BY and ORDER BY.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr, Window};

use super::binder::Binder;
use super::items::Item;
use super::order::Ordering;
use super::scope::Scope;
use super::typed::Typed;
use crate::error::Result;

/// What one Window node computes.
struct Group {
    partition_by: Vec<Expr>,
    order_by: Vec<SortExpr>,
    exprs: Vec<Expr>,
}

impl Binder<'_> {
    /// Computes the window functions of all expressions and puts their columns in their places.
    pub(crate) fn windows(
        &self,
        plan: LogicalPlan,
        items: &mut [Item],
        qualify: &mut Option<Typed>,
        ordering: &mut Ordering,
        scope: &Scope<'_>,
    ) -> Result<LogicalPlan> {
        let mut exprs: Vec<&mut Typed> = items.iter_mut().map(|item| &mut item.typed).collect();
        exprs.extend(qualify.iter_mut());
        exprs.extend(ordering.expressions_mut());
        let mut windows: Vec<Expr> = Vec::new();
        for typed in &exprs {
            collect_windows(&typed.expr, &mut windows)?;
        }
        for expr in scope.attachments.borrow().expressions() {
            collect_windows(&expr, &mut windows)?;
        }
        if windows.is_empty() {
            return Ok(plan);
        }
        let mut plan = scope.attachments.borrow_mut().attach(plan, &windows.iter().collect::<Vec<_>>(), &Ok)?;
        let mut columns = Vec::with_capacity(windows.len());
        let mut groups: Vec<Group> = Vec::new();
        for window in windows {
            let column = self.fresh_arrow("window", self.arrow_type_of(&window)?);
            let Expr::WindowFunction(function) = &window else { continue };
            let (partition_by, order_by) = (&function.params.partition_by, &function.params.order_by);
            let named = window.clone().alias(column.name.clone());
            match groups.iter_mut().find(|g| g.partition_by == *partition_by && g.order_by == *order_by) {
                Some(group) => group.exprs.push(named),
                None => groups.push(Group {
                    partition_by: partition_by.clone(),
                    order_by: order_by.clone(),
                    exprs: vec![named],
                }),
            }
            columns.push((window, Expr::Column(column)));
        }
        for group in groups {
            plan = LogicalPlan::Window(Window::try_new(group.exprs, Arc::new(plan))?);
        }
        for typed in exprs {
            let expr = std::mem::take(&mut typed.expr);
            typed.expr = replaced(expr, &columns)?;
        }
        scope.attachments.borrow_mut().rewrite(&|expr| replaced(expr, &columns));
        Ok(plan)
    }
}

/// `expr` with the columns of window functions in their places.
fn replaced(expr: Expr, columns: &[(Expr, Expr)]) -> Result<Expr> {
    let replaced = expr.transform_down(|node| match columns.iter().find(|(window, _)| *window == node) {
        Some((_, column)) => Ok(Transformed::new(column.clone(), true, TreeNodeRecursion::Jump)),
        None => Ok(Transformed::no(node)),
    })?;
    Ok(replaced.data)
}

/// Every window function in `expr`, each once.
fn collect_windows(expr: &Expr, windows: &mut Vec<Expr>) -> Result<()> {
    expr.apply(|node| {
        if matches!(node, Expr::WindowFunction(_)) {
            if !windows.contains(node) {
                windows.push(node.clone());
            }
            return Ok(TreeNodeRecursion::Jump);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
