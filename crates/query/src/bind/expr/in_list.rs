//! `x IN (…)` over listed values. What stands on the right decides: values, an array, a query, a table.

use arrow::array::{Array, ArrayRef, AsArray};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::InList;
use sql::ast::{ExprKind, In, ObjectName, TableRef};
use types::{DataType, ErrorCode, Setting};

use super::compare::Comparison;
use crate::bind::binder::Binder;
use crate::bind::library::compares_natively;
use crate::bind::scope::Scope;
use crate::bind::typed::{Typed, all_of, any_of};
use crate::error::{Error, Result};

impl Binder<'_> {
    pub(super) fn bind_in(&self, is_in: &In, scope: &Scope<'_>) -> Result<Typed> {
        match &is_in.right.kind {
            ExprKind::Subquery(query) => return self.bind_in_query(is_in, query, scope),
            ExprKind::Identifier(parts) if self.names_table(parts, scope)? => {
                let mut names = parts.clone();
                let Some(name) = names.pop() else { unreachable_identifier()? };
                let table = ObjectName { database: names.pop(), name };
                let query = select_all(TableRef::table(table));
                let around = self.reads_set.replace(true);
                let bound = self.bind_in_query(is_in, &query, scope);
                self.reads_set.set(around);
                return bound;
            }
            ExprKind::Function(function)
                if self.context.relations.has_table_function(&function.name.name)
                    && !functions::registry::is_known(&function.name.name) =>
            {
                let call = sql::ast::TableFunction {
                    database: None,
                    name: function.name.clone(),
                    arguments: function.arguments.clone(),
                    settings: Vec::new(),
                };
                let mut table = TableRef::table(ObjectName::bare(String::new()));
                table.source = sql::ast::TableSource::Function(call);
                return self.bind_in_query(is_in, &select_all(table), scope);
            }
            _ => {}
        }
        let left = self.bind(&is_in.left, scope)?;
        let items = self.listed(&left, &is_in.right, scope)?;
        self.in_items(left, items, is_in.negated, scope)
    }

    /// Whether an identifier right of IN is a table: no column, alias or parameter has the name.
    fn names_table(&self, parts: &[sql::ast::Ident], scope: &Scope<'_>) -> Result<bool> {
        let names = self.idents(parts)?;
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let first = parts.first().copied().unwrap_or_default();
        let is_expression = scope.parameters.borrow().iter().any(|(name, _)| name == first)
            || scope.aliases.contains_key(first)
            || scope.find_column(&parts).is_some();
        Ok(parts.len() <= 2 && !is_expression)
    }

    /// The values right of IN: those of a tuple or array, or the only one.
    fn listed(&self, left: &Typed, right: &sql::Expr, scope: &Scope<'_>) -> Result<Vec<Typed>> {
        let left_is_tuple = matches!(left.ty.base(), DataType::Tuple(_));
        match &right.kind {
            ExprKind::Tuple(items) | ExprKind::Array(items)
                if !left_is_tuple || items.iter().all(|item| matches!(item.kind, ExprKind::Tuple(_))) =>
            {
                items.iter().map(|item| self.bind(item, scope)).collect()
            }
            _ => {
                let typed = self.bind(right, scope)?;
                Ok(self.elements(left, &typed)?.unwrap_or_else(|| vec![typed]))
            }
        }
    }

    /// The elements of a constant array or tuple that is a list of values for `left`.
    fn elements(&self, left: &Typed, list: &Typed) -> Result<Option<Vec<Typed>>> {
        let left_is_tuple = matches!(left.ty.base(), DataType::Tuple(_));
        let Some(value) = &list.constant else { return Ok(None) };
        match list.ty.base() {
            DataType::Array(inner) if !matches!(left.ty.base(), DataType::Array(_)) => {
                let items: ArrayRef = value.as_list::<i32>().value(0);
                let items = (0..items.len()).map(|i| Typed::constant(items.slice(i, 1), (**inner).clone()));
                items.collect::<Result<Vec<_>>>().map(Some)
            }
            DataType::Tuple(fields)
                if !left_is_tuple || fields.iter().all(|field| matches!(field.ty.base(), DataType::Tuple(_))) =>
            {
                let columns = value.as_struct().columns();
                let items = columns.iter().zip(fields.iter());
                let items = items.map(|(column, field)| Typed::constant(column.clone(), field.ty.clone()));
                items.collect::<Result<Vec<_>>>().map(Some)
            }
            _ => Ok(None),
        }
    }

    fn in_items(&self, left: Typed, items: Vec<Typed>, negated: bool, scope: &Scope<'_>) -> Result<Typed> {
        let nulls_equal = scope.env.settings.flag(Setting::TransformNullIn);
        let ty = in_type(&left, nulls_equal);
        if left.is_only_null() && !nulls_equal {
            return Ok(Typed::null());
        }
        let has_null = items.iter().any(is_null_constant);
        let mut literals = Vec::new();
        let mut others = Vec::new();
        for item in items.into_iter().filter(|item| !is_null_constant(item)) {
            let plain = compares_natively(left.ty.base()) && item.constant.is_some();
            match plain.then(|| self.as_member(&item, left.ty.base(), scope)).transpose()? {
                Some(Some(member)) => literals.push(member.expr),
                Some(None) => {}
                None => others.push(self.equal_member(&left, item, scope)?),
            }
        }
        let constant_left = left.constant.is_some();
        let mut conditions = others;
        if !literals.is_empty() {
            let list = InList::new(Box::new(left.clone().value()), literals, false);
            conditions.push(Expr::InList(list));
        }
        if nulls_equal && has_null {
            conditions.push(Expr::IsNull(Box::new(left.clone().value())));
        }
        let nothing = conditions.is_empty();
        let found = any_of(conditions).unwrap_or_else(|| datafusion::logical_expr::lit(false));
        let found = if nothing && left.is_nullable() && !nulls_equal {
            // NULL IN () is NULL; any comparison with the value carries that over.
            let is_null = Expr::IsNull(Box::new(left.clone().value()));
            datafusion::logical_expr::when(is_null, Expr::Literal(datafusion::common::ScalarValue::Boolean(None), None))
                .otherwise(found)?
        } else {
            found
        };
        let expr = if negated { Expr::Not(Box::new(found)) } else { found };
        let typed = Typed::truth(expr, ty);
        if constant_left { self.fold(typed) } else { Ok(typed) }
    }

    /// A listed value as a value of type `base`; none when it is no value of it, and so equals none.
    fn as_member(&self, item: &Typed, base: &DataType, scope: &Scope<'_>) -> Result<Option<Typed>> {
        if item.ty.base() == base {
            return Ok(Some(item.clone()));
        }
        let functions = &scope.env.functions;
        if item.ty.base().is_number() && base.is_number() {
            let to = Typed::text(&base.to_string());
            let cast = self.scalar("accurateCastOrNull", vec![item.clone(), to], functions)?;
            let Some(value) = cast.constant else { return Ok(None) };
            return if value.is_null(0) { Ok(None) } else { Typed::constant(value, base.clone()).map(Some) };
        }
        match self.cast(item.clone(), base, functions) {
            Ok(member) if member.constant.is_some() => Ok(Some(member)),
            Ok(_) if matches!(base, DataType::Enum(_)) => Ok(None),
            Ok(_) => Err(Error::refused(
                ErrorCode::TYPE_MISMATCH,
                format!("a value right of IN is no {base}, the type of what stands left of it"),
            )),
            Err(_) if matches!(base, DataType::Enum(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `left = item`, element by element where both are tuples.
    fn equal_member(&self, left: &Typed, item: Typed, scope: &Scope<'_>) -> Result<Expr> {
        let functions = &scope.env.functions;
        if let (DataType::Tuple(a), DataType::Tuple(b)) = (left.ty.base(), item.ty.base()) {
            if a.len() != b.len() {
                return Err(Error::refused(
                    ErrorCode::INCORRECT_DATA,
                    format!("tuples of {} and {} elements cannot be equal in IN", a.len(), b.len()),
                ));
            }
            let mut equal = Vec::with_capacity(a.len());
            for position in 1..=a.len() as u64 {
                let index = super::literal::unsigned(position)?;
                let l = self.scalar("tupleElement", vec![left.clone(), index.clone()], functions)?;
                let r = self.scalar("tupleElement", vec![item.clone(), index], functions)?;
                equal.push(self.compare(Comparison::Equals, l, r, functions)?.predicate()?);
            }
            return Ok(all_of(equal).unwrap_or_else(|| datafusion::logical_expr::lit(true)));
        }
        self.compare(Comparison::Equals, left.clone(), item, functions)?.predicate()
    }

    /// The value of an expression that reads no column.
    pub(super) fn fold(&self, typed: Typed) -> Result<Typed> {
        use datafusion::common::DFSchema;
        use datafusion::execution::context::ExecutionProps;
        use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
        let typed = typed.into_value();
        let props = ExecutionProps::new();
        let schema = DFSchema::empty();
        let compiled = datafusion::physical_expr::create_physical_expr(
            &typed.expr,
            &schema,
            &props,
            &PhysicalPlanningContext::default(),
        );
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
        let batch = arrow::array::RecordBatch::try_new_with_options(schema.inner().clone(), vec![], &options)?;
        match compiled.and_then(|expr| expr.evaluate(&batch)).and_then(|value| value.into_array(1)) {
            Ok(value) => Typed::constant(value, typed.ty),
            // It fails where it is reached, if it is.
            Err(_) => Ok(typed),
        }
    }
}

fn is_null_constant(typed: &Typed) -> bool {
    typed.constant.as_ref().is_some_and(|value| typed.is_only_null() || value.is_null(0))
}

/// UInt8, Nullable when what stands left of IN is, LowCardinality as well.
pub(super) fn in_type(left: &Typed, nulls_equal: bool) -> DataType {
    let plain = if left.is_nullable() && !nulls_equal { DataType::UInt8.to_nullable() } else { DataType::UInt8 };
    match left.ty {
        DataType::LowCardinality(_) => DataType::LowCardinality(std::sync::Arc::new(plain)),
        _ => plain,
    }
}

/// `SELECT * FROM table`.
fn select_all(table: TableRef) -> sql::Query {
    let asterisk = sql::ast::Asterisk { qualifier: Vec::new(), transformers: Vec::new() };
    sql::Query::select(sql::ast::Select {
        items: vec![sql::Expr::new(ExprKind::Asterisk(Box::new(asterisk)))],
        from: Some(table),
        ..Default::default()
    })
}

fn unreachable_identifier<T>() -> Result<T> {
    Err(Error::refused(ErrorCode::LOGICAL_ERROR, "an identifier without parts"))
}
