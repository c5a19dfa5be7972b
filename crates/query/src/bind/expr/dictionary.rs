//! Calls of `dictGet` and its kind: names of dictionary and attributes are constants, the key is cast to the dictionary's.

use std::sync::Arc;

use arrow::array::AsArray;
use functions::Resolved;
use sql::ast::{ExprKind, Function, Literal};
use types::{DataType, ErrorCode, TupleField};

use crate::bind::binder::{Binder, not_supported};
use crate::bind::library::as_arg;
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::dictionary::{DictionaryCall, Layout, Lookup, Missing, Slot, Task};
use crate::error::{Error, Result};
use crate::table_functions::dotted;

impl Binder<'_> {
    /// A function over a dictionary.
    pub(super) fn bind_dictionary_call(
        &self,
        call: DictionaryCall,
        function: &Function,
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let arguments = function.arguments.as_slice();
        if let Task::Join(missing) = call.task {
            return self.bind_join_get(call, missing, arguments, scope);
        }
        let names_attributes = matches!(call.task, Task::Get(_) | Task::All);
        let least = if names_attributes { 3 } else { 2 };
        if arguments.len() < least {
            let message = format!("function {} takes at least {least} arguments, got {}", call.name, arguments.len());
            return Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message));
        }
        let slot = self.named_dictionary(&arguments[0], call.name, scope)?;
        let is_tree = slot.structure.layout == Layout::RegexpTree;
        if call.task == Task::All {
            return match is_tree {
                true => self.bind_all(call, slot, &arguments[1..], scope),
                false => not_supported("dictGetAll of a dictionary that is not of layout REGEXP_TREE"),
            };
        }
        if is_tree && matches!(call.task, Task::Has | Task::Get(Missing::Null)) {
            let message = format!("a dictionary of layout 'regexp_tree' does not support {}", call.name);
            return Err(Error::refused(ErrorCode::UNSUPPORTED_METHOD, message));
        }
        if matches!(call.task, Task::Hierarchy | Task::IsIn | Task::Children | Task::Descendants) {
            return self.bind_hierarchy(call, slot, &arguments[1..], scope);
        }
        let (attributes, as_tuple, rest) = match names_attributes {
            true => {
                let (names, as_tuple) = self.attribute_names(&arguments[1], call.name, scope)?;
                (attributes_of(&slot, &names, call)?, as_tuple, &arguments[2..])
            }
            false => (Vec::new(), false, &arguments[1..]),
        };
        let has_default = call.task == Task::Get(Missing::Given);
        let wanted = 1 + usize::from(slot.structure.range.is_some()) + usize::from(has_default);
        // ClickHouse looks at no more arguments of dictHas than it needs
        let has_more = call.task == Task::Has && wanted < rest.len();
        if rest.len() != wanted && !has_more {
            let first = arguments.len() - rest.len();
            let message =
                format!("function {} takes {} arguments here, got {}", call.name, first + wanted, arguments.len());
            return Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message));
        }
        let key = self.dictionary_key(&slot, &rest[0], call.name, scope)?;
        let is_null = key.is_nullable();
        let mut args = vec![key];
        if let Some((from, _)) = &slot.structure.range {
            let value = self.bind(&rest[1], scope)?;
            args.push(self.cast(value, &from.ty.remove_nullable(), &scope.env.functions)?);
        }
        let result = self.result_type(call, &slot, &attributes, as_tuple);
        if let (true, Some(default)) = (has_default, rest.last()) {
            let default = self.bind(default, scope)?;
            if default.is_only_null() && !result.is_nullable() {
                let message = "cannot convert NULL to a non-nullable type";
                return Err(Error::refused(ErrorCode::CANNOT_CONVERT_TYPE, message));
            }
            args.push(self.cast(default, &result, &scope.env.functions)?);
        }
        let result = if is_null { result.to_nullable() } else { result };
        let lookup = Lookup { slot, call, attributes, as_tuple, level: 0, result };
        self.lookup(lookup, args, scope)
    }

    /// `dictGetAll(dictionary, attributes, text [, limit])`.
    fn bind_all(
        &self,
        call: DictionaryCall,
        slot: Arc<Slot>,
        arguments: &[sql::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let [names, key, limit @ ..] = arguments else { return Err(wrong_count(call, arguments.len() + 1)) };
        let (names, as_tuple) = self.attribute_names(names, call.name, scope)?;
        let attributes = attributes_of(&slot, &names, call)?;
        let level = match limit {
            [] => usize::MAX,
            [limit] => self.limit_of_all(limit, scope)?,
            _ => return Err(wrong_count(call, arguments.len() + 1)),
        };
        let key = self.dictionary_key(&slot, key, call.name, scope)?;
        if key.is_nullable() {
            let message = format!("function {} does not support nullable keys", call.name);
            return Err(Error::refused(ErrorCode::UNSUPPORTED_METHOD, message));
        }
        let ty = |at: &usize| DataType::array(slot.structure.attributes[*at].ty.clone());
        let field = |at: &usize| TupleField { name: Some(slot.structure.attributes[*at].name.clone()), ty: ty(at) };
        let result = match as_tuple {
            true => DataType::Tuple(attributes.iter().map(field).collect()),
            false => attributes.first().map_or(DataType::Nothing, ty),
        };
        let lookup = Lookup { slot, call, attributes, as_tuple, level, result };
        self.lookup(lookup, vec![key], scope)
    }

    fn limit_of_all(&self, limit: &sql::Expr, scope: &Scope<'_>) -> Result<usize> {
        let limit = self.bind(limit, scope)?;
        if limit.constant.is_none() {
            return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, "the limit of dictGetAll must be constant"));
        }
        if !limit.ty.is_integer() {
            return not_supported(format!("a limit of dictGetAll that is a {}", limit.ty));
        }
        let limit = super::constant_u64(&limit, "the limit of dictGetAll")?;
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// `joinGet(table, 'column', keys…)`.
    fn bind_join_get(
        &self,
        call: DictionaryCall,
        missing: Missing,
        arguments: &[sql::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let [table, column, keys @ ..] = arguments else { return Err(wrong_count(call, arguments.len())) };
        if keys.is_empty() {
            return Err(wrong_count(call, arguments.len()));
        }
        let name = self.dictionary_name(table, call.name, scope)?;
        let (database, name) = name.split_once('.').unwrap_or((&scope.env.database, &name));
        let slot = self.context.relations.join_rows(database, name)?;
        self.uses(slot.def.id, slot.def.version);
        self.lists_tables();
        let column = self.constant_text(column, scope)?.unwrap_or_default();
        let attribute = slot.structure.attribute(&column).ok_or_else(|| {
            let message = format!("table \"{name}\" has no column \"{column}\" that could be looked up");
            Error::refused(ErrorCode::NO_SUCH_COLUMN_IN_TABLE, message)
        })?;
        if keys.len() != slot.structure.keys.len() {
            return Err(wrong_count(call, arguments.len()));
        }
        let mut values = Vec::with_capacity(keys.len());
        for (key, wanted) in keys.iter().zip(&slot.structure.keys) {
            let key = self.bind(key, scope)?;
            if key.ty.without_low_cardinality() != wanted.ty.without_low_cardinality() {
                let message =
                    format!("key \"{}\" of {} is of type {}, not {}", wanted.name, call.name, wanted.ty, key.ty);
                return Err(Error::refused(ErrorCode::TYPE_MISMATCH, message));
            }
            values.push(key.into_value());
        }
        let key = self.scalar("tuple", values, &scope.env.functions)?;
        let ty = slot.structure.attributes[attribute].ty.clone();
        let result = if missing == Missing::Null { ty.to_nullable() } else { ty };
        let lookup = Lookup { slot, call, attributes: vec![attribute], as_tuple: false, level: 0, result };
        self.lookup(lookup, vec![key], scope)
    }

    fn lookup(&self, lookup: Lookup, args: Vec<Typed>, scope: &Scope<'_>) -> Result<Typed> {
        let resolved_args: Vec<functions::Arg> = args.iter().map(as_arg).collect();
        let (name, identity) = (lookup.call.name, lookup.identity());
        let resolved = Resolved { result: lookup.result.clone(), kernel: Arc::new(lookup) };
        let function = functions::lookup_of(name, resolved, &resolved_args, &scope.env.functions, identity);
        self.call_function(&function, args)
    }

    /// The dictionary that a constant or a bare name means.
    fn dictionary_name(&self, expr: &sql::Expr, function: &str, scope: &Scope<'_>) -> Result<String> {
        match dotted(Some(expr)) {
            Some(name) => Ok(name),
            None => self.constant_text(expr, scope)?.ok_or_else(|| {
                let message = format!("first argument of function {function} must be a constant string");
                Error::refused(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, message)
            }),
        }
    }

    fn named_dictionary(&self, expr: &sql::Expr, function: &str, scope: &Scope<'_>) -> Result<Arc<Slot>> {
        let name = self.dictionary_name(expr, function, scope)?;
        let (database, name) = name.split_once('.').unwrap_or((&scope.env.database, &name));
        let slot = self.context.relations.dictionary(database, name)?;
        self.uses(slot.def.id, slot.def.version);
        if slot.structure.is_read_each_time() {
            self.lists_tables();
        }
        Ok(slot)
    }

    fn constant_text(&self, expr: &sql::Expr, scope: &Scope<'_>) -> Result<Option<String>> {
        let typed = self.bind(expr, scope)?;
        let Some(array) = &typed.constant else { return Ok(None) };
        let text = array.as_binary_opt::<i32>().map(|text| String::from_utf8_lossy(text.value(0)).into_owned());
        Ok(text)
    }

    /// Names of attributes: one, or a tuple of some.
    fn attribute_names(&self, expr: &sql::Expr, function: &str, scope: &Scope<'_>) -> Result<(Vec<String>, bool)> {
        let refused = || {
            let message = format!(
                "second argument of function {function} must be a constant string or a tuple of constant strings"
            );
            Error::refused(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, message)
        };
        let items: &[sql::Expr] = match &expr.kind {
            ExprKind::Tuple(items) => items,
            ExprKind::Literal(Literal::String(text)) => {
                return Ok((vec![String::from_utf8_lossy(text).into_owned()], false));
            }
            ExprKind::Function(call) if call.name.name == "tuple" => &call.arguments,
            _ => return Ok((vec![self.constant_text(expr, scope)?.ok_or_else(refused)?], false)),
        };
        let names = items.iter().map(|item| self.constant_text(item, scope)?.ok_or_else(refused));
        // a tuple of one is its attribute, as in ClickHouse
        Ok((names.collect::<Result<Vec<_>>>()?, items.len() != 1))
    }

    /// The key as the dictionary has it. What does not fit into a simple key is an error, not another key.
    fn dictionary_key(&self, slot: &Slot, expr: &sql::Expr, function: &str, scope: &Scope<'_>) -> Result<Typed> {
        let structure = &slot.structure;
        let key = self.bind(expr, scope)?;
        if structure.layout == Layout::IpTrie {
            return self.address_key(key, scope);
        }
        if structure.has_points() {
            return self.point_key(slot, key, scope);
        }
        if structure.layout == Layout::RegexpTree {
            return self.text_key(key, scope);
        }
        if !structure.is_complex {
            return self.simple_key(key, scope);
        }
        let is_tuple = matches!(key.ty.base(), DataType::Tuple(_));
        let key = match is_tuple {
            true => key,
            false if structure.keys.len() == 1 => self.scalar("tuple", vec![key], &scope.env.functions)?,
            false => {
                let message =
                    format!("third argument of function {function} must be a tuple: the key has several columns");
                return Err(Error::refused(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, message));
            }
        };
        let wanted = DataType::tuple(structure.keys.iter().map(|key| key.ty.clone()));
        match key.ty.base() {
            DataType::Tuple(fields) if fields.len() == structure.keys.len() => {
                self.cast(key, &wanted, &scope.env.functions)
            }
            other => {
                let message = format!("key of dictionary \"{}\" is {wanted}, not {other}", slot.def.qualified_name());
                Err(Error::refused(ErrorCode::TYPE_MISMATCH, message))
            }
        }
    }

    fn simple_key(&self, key: Typed, scope: &Scope<'_>) -> Result<Typed> {
        let to = if key.is_nullable() { DataType::nullable(DataType::UInt64) } else { DataType::UInt64 };
        if key.is_only_null() {
            return Typed::null_of(&to);
        }
        match key.ty.base() {
            DataType::Tuple(_) | DataType::Array(_) | DataType::Map(_) => {
                let message = format!("illegal type {} of the key of a dictionary with a simple key", key.ty);
                Err(Error::refused(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, message))
            }
            ty if ty.is_number() => {
                self.scalar("accurateCast", vec![key, Typed::text(&to.to_string())], &scope.env.functions)
            }
            _ => self.cast(key, &to, &scope.env.functions),
        }
    }

    /// A point: two coordinates.
    fn point_key(&self, slot: &Slot, key: Typed, scope: &Scope<'_>) -> Result<Typed> {
        let wanted = DataType::tuple([DataType::Float64, DataType::Float64]);
        if key.is_only_null() {
            return Typed::null_of(&DataType::nullable(DataType::Float64));
        }
        match key.ty.base() {
            DataType::Tuple(fields) if fields.len() == 2 => self.cast(key, &wanted, &scope.env.functions),
            other => {
                let message = format!(
                    "key of dictionary \"{}\" is two coordinates of type Float64, not {other}",
                    slot.def.qualified_name()
                );
                Err(Error::refused(ErrorCode::TYPE_MISMATCH, message))
            }
        }
    }

    /// A text, or the first of a tuple.
    fn text_key(&self, key: Typed, scope: &Scope<'_>) -> Result<Typed> {
        let first = || Typed::constant(Arc::new(arrow::array::UInt8Array::from(vec![1])), DataType::UInt8);
        let key = match key.ty.base() {
            DataType::Tuple(fields) if !fields.is_empty() => {
                self.scalar("tupleElement", vec![key, first()?], &scope.env.functions)?
            }
            _ => key,
        };
        let to = if key.is_nullable() { DataType::nullable(DataType::String) } else { DataType::String };
        match key.is_only_null() {
            true => Typed::null_of(&to),
            false => self.cast(key, &to, &scope.env.functions),
        }
    }

    fn address_key(&self, key: Typed, scope: &Scope<'_>) -> Result<Typed> {
        let key = match key.ty.base() {
            DataType::Tuple(fields) if fields.len() == 1 => self.scalar(
                "tupleElement",
                vec![key, Typed::constant(Arc::new(arrow::array::UInt8Array::from(vec![1])), DataType::UInt8)?],
                &scope.env.functions,
            )?,
            _ => key,
        };
        match key.ty.base() {
            DataType::UInt32 | DataType::Ipv4 | DataType::Ipv6 | DataType::FixedString(16) => Ok(key.into_value()),
            ty if ty.is_integer() => self.cast(key, &DataType::UInt32, &scope.env.functions),
            other => {
                let message = format!("key is IPv4 (or UInt32) or IPv6 (or FixedString(16)), not {other}");
                Err(Error::refused(ErrorCode::TYPE_MISMATCH, message))
            }
        }
    }

    fn result_type(&self, call: DictionaryCall, slot: &Slot, attributes: &[usize], as_tuple: bool) -> DataType {
        let Task::Get(missing) = call.task else { return DataType::UInt8 };
        let ty = |at: &usize| {
            let ty = slot.structure.attributes[*at].ty.clone();
            if missing == Missing::Null { ty.to_nullable() } else { ty }
        };
        if !as_tuple {
            return attributes.first().map_or(DataType::Nothing, ty);
        }
        let field = |at: &usize| TupleField { name: Some(slot.structure.attributes[*at].name.clone()), ty: ty(at) };
        DataType::Tuple(attributes.iter().map(field).collect())
    }

    fn bind_hierarchy(
        &self,
        call: DictionaryCall,
        slot: Arc<Slot>,
        arguments: &[sql::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let name = slot.def.qualified_name();
        if !slot.structure.attributes.iter().any(|attribute| attribute.hierarchical) {
            let message = format!("dictionary \"{name}\" does not support hierarchy");
            return Err(Error::refused(ErrorCode::UNSUPPORTED_METHOD, message));
        }
        if slot.structure.is_complex || slot.structure.range.is_some() {
            return not_supported(format!("the hierarchy of dictionary \"{name}\", which has no simple key,"));
        }
        let counts = match call.task {
            Task::IsIn => 2..=2,
            Task::Descendants => 1..=2,
            _ => 1..=1,
        };
        if !counts.contains(&arguments.len()) {
            let message = format!("function {} does not take {} arguments", call.name, arguments.len() + 1);
            return Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message));
        }
        let mut args = vec![self.dictionary_key(&slot, &arguments[0], call.name, scope)?];
        let mut level = 0;
        match (call.task, arguments.get(1)) {
            (Task::IsIn, Some(ancestor)) => args.push(self.dictionary_key(&slot, ancestor, call.name, scope)?),
            (_, Some(given)) => {
                let given = super::constant_u64(&self.bind(given, scope)?, "the level of dictGetDescendants")?;
                level = usize::try_from(given).unwrap_or(usize::MAX);
            }
            _ => {}
        }
        let result = match call.task {
            Task::IsIn if args.iter().any(Typed::is_nullable) => DataType::nullable(DataType::UInt8),
            Task::IsIn => DataType::UInt8,
            _ => DataType::array(DataType::UInt64),
        };
        let lookup = Lookup { slot, call, attributes: Vec::new(), as_tuple: false, level, result };
        self.lookup(lookup, args, scope)
    }
}

fn wrong_count(call: DictionaryCall, given: usize) -> Error {
    let message = format!("function {} does not take {given} arguments here", call.name);
    Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message)
}

/// Positions of attributes.
fn attributes_of(slot: &Slot, names: &[String], call: DictionaryCall) -> Result<Vec<usize>> {
    let position = |name: &String| {
        let at = slot
            .structure
            .attribute(name)
            .ok_or_else(|| Error::refused(ErrorCode::BAD_ARGUMENTS, format!("no such attribute '{name}'")))?;
        let ty = &slot.structure.attributes[at].ty;
        match call.ty {
            Some(wanted) if ty.base().to_string() != *wanted => {
                let message = format!("function {}: the attribute has type {ty}, expected {wanted}", call.name);
                Err(Error::refused(ErrorCode::TYPE_MISMATCH, message))
            }
            _ => Ok(at),
        }
    };
    names.iter().map(position).collect()
}
