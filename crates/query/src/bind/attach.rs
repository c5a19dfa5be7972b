//! Joins and unnests that an expression needs below it: `x IN (SELECT …)` inside an expression, `arrayJoin(a)`.
//!
//! Binding such an expression gives a column that no plan has yet, and an attachment that makes it. Each stage of a
//! SELECT (filter, aggregation, windows, projection) attaches what its own expressions name, no more, below itself.
//! After an aggregation the columns made before it are gone: what is named again is attached again, over the groups.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, NullEquality};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};

use super::typed::{binary, cast_arrow};
use crate::error::Result;
use crate::nodes;

/// Makes one column.
#[derive(Clone, Debug)]
pub(crate) enum Attachment {
    /// True where the keys are among the rows of a query.
    Mark {
        /// Over the plan; of the same Arrow types as the query's columns.
        keys: Vec<Expr>,
        /// Has `query_keys`, one for each key.
        query: LogicalPlan,
        query_keys: Vec<Expr>,
        nulls: NullEquality,
    },
    /// One row for each element.
    Unnest { array: Expr },
}

/// The attachments of one SELECT, in the order in which they were bound.
#[derive(Default)]
pub(crate) struct Attachments {
    list: Vec<(Column, Attachment)>,
    attached: BTreeSet<usize>,
}

impl Attachments {
    /// The column that `attachment` makes: `fresh`, or that of an equal unnest.
    pub(crate) fn add(&mut self, fresh: Column, attachment: Attachment) -> Column {
        if let Attachment::Unnest { array } = &attachment {
            for (column, other) in &self.list {
                if matches!(other, Attachment::Unnest { array: known } if known == array) {
                    return column.clone();
                }
            }
        }
        self.list.push((fresh.clone(), attachment));
        fresh
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What the attachments themselves are computed from.
    pub(crate) fn expressions(&self) -> Vec<Expr> {
        let inner = |(_, attachment): &(Column, Attachment)| match attachment {
            Attachment::Mark { keys, .. } => keys.clone(),
            Attachment::Unnest { array } => vec![array.clone()],
        };
        self.list.iter().flat_map(inner).collect()
    }

    /// The names of the columns that attachments make.
    pub(crate) fn column_names(&self) -> Vec<String> {
        self.list.iter().map(|(column, _)| column.name.clone()).collect()
    }

    /// Translates the attachments' own expressions to a plan that follows. One that cannot be translated stays as it is:
    /// it is an error only where it is named, and then the plan names the column that is missing.
    pub(crate) fn rewrite(&mut self, rewrite: &dyn Fn(Expr) -> Result<Expr>) {
        for (_, attachment) in &mut self.list {
            match attachment {
                Attachment::Mark { keys, .. } => {
                    for key in keys {
                        if let Ok(rewritten) = rewrite(key.clone()) {
                            *key = rewritten;
                        }
                    }
                }
                Attachment::Unnest { array } => {
                    if let Ok(rewritten) = rewrite(array.clone()) {
                        *array = rewritten;
                    }
                }
            }
        }
    }

    /// The plan lost every attached column: it is grouped now.
    pub(crate) fn forget_attached(&mut self) {
        self.attached.clear();
    }

    /// `plan` with every column that `exprs` need, directly or through other attachments. `rewrite` translates the
    /// attachments' own expressions to the columns of `plan`.
    pub(crate) fn attach(
        &mut self,
        mut plan: LogicalPlan,
        exprs: &[&Expr],
        rewrite: &dyn Fn(Expr) -> Result<Expr>,
    ) -> Result<LogicalPlan> {
        if self.list.is_empty() {
            return Ok(plan);
        }
        let mut wanted = BTreeSet::new();
        let mut names = HashSet::new();
        exprs.iter().for_each(|expr| collect_columns(expr, &mut names));
        // An attachment only names those bound before it, so one pass from the back finds all.
        for (position, (column, attachment)) in self.list.iter().enumerate().rev() {
            if self.attached.contains(&position) || !names.contains(column) {
                continue;
            }
            wanted.insert(position);
            match attachment {
                Attachment::Mark { keys, .. } => keys.iter().for_each(|key| collect_columns(key, &mut names)),
                Attachment::Unnest { array } => collect_columns(array, &mut names),
            }
        }
        for position in wanted {
            let (column, attachment) = &self.list[position];
            plan = attach_one(plan, column, attachment, rewrite)?;
            self.attached.insert(position);
        }
        Ok(plan)
    }
}

fn attach_one(
    plan: LogicalPlan,
    column: &Column,
    attachment: &Attachment,
    rewrite: &dyn Fn(Expr) -> Result<Expr>,
) -> Result<LogicalPlan> {
    match attachment {
        Attachment::Mark { keys, query, query_keys, nulls } => {
            let keys = keys.iter().cloned().map(rewrite).collect::<Result<Vec<_>>>()?;
            let mut out: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
            let mark = mark_join(plan, keys, query.clone(), query_keys.clone(), *nulls)?;
            out.push(Expr::Column(Column::new_unqualified("mark")).alias(column.name.clone()));
            Ok(LogicalPlanBuilder::from(mark).project(out)?.build()?)
        }
        Attachment::Unnest { array } => nodes::unnest(plan, vec![(rewrite(array.clone())?, column.clone())], false),
    }
}

/// A join that tells for each row of `plan` whether its keys are in `query`, in a column `mark`.
fn mark_join(
    plan: LogicalPlan,
    keys: Vec<Expr>,
    query: LogicalPlan,
    query_keys: Vec<Expr>,
    nulls: NullEquality,
) -> Result<LogicalPlan> {
    semi_join(plan, JoinType::LeftMark, keys, query, query_keys, nulls)
}

/// A join of `plan` with the rows of `query` that keeps only columns of `plan`.
pub(crate) fn semi_join(
    plan: LogicalPlan,
    kind: JoinType,
    keys: Vec<Expr>,
    query: LogicalPlan,
    query_keys: Vec<Expr>,
    nulls: NullEquality,
) -> Result<LogicalPlan> {
    let on = keys.into_iter().zip(query_keys).collect();
    let join = datafusion::logical_expr::Join::try_new(
        Arc::new(plan),
        Arc::new(query),
        on,
        None,
        kind,
        datafusion::common::JoinConstraint::On,
        nulls,
        false,
    )?;
    Ok(LogicalPlan::Join(join))
}

/// True for a plan column that is not NULL and, as a UInt8 or Boolean, not zero; used where a count says "there is one".
pub(crate) fn is_positive(expr: Expr) -> Expr {
    let zero = datafusion::common::ScalarValue::UInt64(Some(0));
    binary(
        cast_arrow(expr, arrow::datatypes::DataType::UInt64),
        datafusion::logical_expr::Operator::Gt,
        Expr::Literal(zero, None),
    )
}

/// Adds every column that `expr` names.
pub(crate) fn collect_columns(expr: &Expr, names: &mut HashSet<Column>) {
    let walked = expr.apply(|node| {
        if let Expr::Column(column) = node {
            names.insert(column.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the closure above never fails");
}
