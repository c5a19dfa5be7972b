//! Skip indexes of a definition: which types there are, over which columns.

use query::QueryContext;
use query::expressions::Expressions;
use sql::Expr;
use sql::ast::{ExprKind, IndexDef};
use types::{DataType, ErrorCode, Header};

use crate::error::{Error, Result};

/// Refuses what is no index that can be made.
pub(super) fn check(index: &IndexDef, header: &Header, ctx: &QueryContext) -> Result<()> {
    let items: Vec<Expr> = super::keys::items(&index.expr).into_iter().cloned().collect();
    let compiled = Expressions::compile(&items, header, ctx)?;
    let name = index.name.name.as_str();
    let kind = index.index_type.as_ref().map(type_name).unwrap_or_default();
    match kind.as_str() {
        "minmax" | "set" | "bloom_filter" => Ok(()),
        "tokenbf_v1" | "ngrambf_v1" => match compiled.types().find(|ty| !is_text(ty)) {
            None => Ok(()),
            Some(ty) => {
                let message = format!("index {name}: ngram and token bloom filters are for text, not for {ty}");
                Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
            }
        },
        "text" | "vector_similarity" | "hypothesis" | "sparse_grams" | "inverted" | "full_text" => {
            Err(Error::NotImplemented(format!("index type {kind} (INDEX {name})")))
        }
        _ => {
            let message = format!("unknown index type '{kind}' (INDEX {name})");
            Err(Error::refused(ErrorCode::INCORRECT_QUERY, message))
        }
    }
}

fn type_name(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Function(call) => call.name.name.clone(),
        _ => expr.to_string(),
    }
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Array(inner) | DataType::Nullable(inner) | DataType::LowCardinality(inner) => is_text(inner),
        ty => ty.is_string() || matches!(ty, DataType::FixedString(_)),
    }
}
