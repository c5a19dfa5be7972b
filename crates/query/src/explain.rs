//! EXPLAIN: the syntax tree, the statement as it was understood, the plan and what it would read.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use sql::ast::{Explain, ExplainKind, ExplainTarget, StatementKind};
use sql::{Query, Statement};
use types::{Block, Column, DataType, ErrorCode, Header};

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::prepare::prepare;

/// The column `explain`, one line a row.
pub async fn explain(explain: &Explain, ctx: &Arc<QueryContext>) -> Result<Block> {
    let ExplainTarget::Statement(statement) = &explain.target else {
        return Err(Error::NotSupported("EXPLAIN of a table function or table override".to_owned()));
    };
    // what is read of each table is always said
    let is_known = |name: &str| name == "indexes" && explain.kind == ExplainKind::Plan;
    let names = explain.settings.iter().map(|setting| setting.name.name.as_str());
    let names: Vec<&str> = names.filter(|name| !is_known(name)).collect();
    if !names.is_empty() && explain.kind != ExplainKind::Syntax {
        return Err(Error::NotSupported(format!("EXPLAIN with setting {}", names.join(", "))));
    }
    let lines = match explain.kind {
        ExplainKind::Ast => text_lines(&format!("{:#?}", statement.kind)),
        ExplainKind::Syntax => text_lines(&statement.to_pretty()),
        ExplainKind::Plan => prepare(query_of(statement)?, ctx).await?.compiled.explain(ctx).await?,
        ExplainKind::QueryTree => {
            text_lines(&crate::prepare::bind(query_of(statement)?, ctx)?.plan.display_indent().to_string())
        }
        other => return Err(Error::NotSupported(format!("EXPLAIN {}", name_of(other)))),
    };
    let header = Header::new(vec![Column::new("explain", DataType::String)]);
    let array: ArrayRef = Arc::new(BinaryArray::from_iter_values(lines));
    Ok(Block::new(header, vec![array])?)
}

fn query_of(statement: &Statement) -> Result<&Query> {
    match &statement.kind {
        StatementKind::Query(query) => Ok(query),
        _ => Err(Error::refused(ErrorCode::INCORRECT_QUERY, "only SELECT is supported for EXPLAIN query")),
    }
}

fn text_lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn name_of(kind: ExplainKind) -> &'static str {
    match kind {
        ExplainKind::Plan => "PLAN",
        ExplainKind::Ast => "AST",
        ExplainKind::Syntax => "SYNTAX",
        ExplainKind::QueryTree => "QUERY TREE",
        ExplainKind::Pipeline => "PIPELINE",
        ExplainKind::Estimate => "ESTIMATE",
        ExplainKind::Analyze => "ANALYZE",
        ExplainKind::TableOverride => "TABLE OVERRIDE",
        ExplainKind::CurrentTransaction => "CURRENT TRANSACTION",
        ExplainKind::Refresh => "REFRESH",
    }
}
