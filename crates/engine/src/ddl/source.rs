//! The table whose inserts feed a view: the left-most of its FROM.

use sql::ast::{Query, QueryBody, Select, TableSource, WithItem};
use store::QualifiedName;
use types::ErrorCode;

use crate::error::{Error, Result};

/// The left-most table of a view's SELECT; of a UNION the first query counts. `None` without FROM: nothing feeds it then.
/// Table names are qualified already.
pub(crate) fn source_of(query: &Query) -> Result<Option<QualifiedName>> {
    of_body(&query.body, &mut Vec::new())
}

fn of_body<'a>(body: &'a QueryBody, ctes: &mut Vec<(&'a str, &'a Query)>) -> Result<Option<QualifiedName>> {
    match body {
        QueryBody::Select(select) => of_select(select, ctes),
        QueryBody::Set(set) => match set.operands.first() {
            Some(first) => of_body(first, ctes),
            None => Ok(None),
        },
    }
}

fn of_select<'a>(select: &'a Select, ctes: &mut Vec<(&'a str, &'a Query)>) -> Result<Option<QualifiedName>> {
    for item in select.with.iter().flat_map(|with| &with.items) {
        if let WithItem::Cte(cte) = item {
            ctes.push((&cte.name.name, &cte.query));
        }
    }
    let Some(from) = &select.from else { return Ok(None) };
    if from.sample.is_some() {
        let message = "MATERIALIZED VIEW cannot have PREWHERE, SAMPLE or FINAL";
        return Err(Error::refused(ErrorCode::QUERY_IS_NOT_SUPPORTED_IN_MATERIALIZED_VIEW, message));
    }
    match &from.source {
        TableSource::Table(name) => match &name.database {
            Some(database) => Ok(Some(QualifiedName::new(database.name.as_str(), name.name.name.as_str()))),
            None => match ctes.iter().rposition(|(cte, _)| *cte == name.name.name) {
                Some(at) => {
                    // a CTE sees those before it only
                    let query = ctes[at].1;
                    ctes.truncate(at);
                    of_body(&query.body, ctes)
                }
                None => Ok(None),
            },
        },
        TableSource::Subquery(query) => of_body(&query.body, ctes),
        TableSource::Function(function) => {
            let message = format!("a materialized view cannot read from table function {}", function.name.name);
            Err(Error::refused(ErrorCode::QUERY_IS_NOT_SUPPORTED_IN_MATERIALIZED_VIEW, message))
        }
    }
}
