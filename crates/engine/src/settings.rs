//! Settings as statements and clients say them.

use sql::Statement;
use sql::ast::{ExplainTarget, InsertSource, Literal, QueryBody, Setting as AstSetting, SettingValue, StatementKind};
use types::{ErrorCode, Settings};

use crate::ddl::table_settings::is_of_query;
use crate::error::{Error, Result};

/// Applies `SET` or a SETTINGS clause.
pub(crate) fn apply(settings: &mut Settings, changes: &[AstSetting]) -> Result<()> {
    for change in changes {
        match &change.value {
            SettingValue::Default => settings.reset_named(&change.name.name)?,
            value => settings.set(&change.name.name, &text(&change.name.name, value)?)?,
        }
    }
    Ok(())
}

/// Applies every SETTINGS clause of a statement: its own and that of its query. Limits begin with them.
pub(crate) fn apply_clauses(settings: &mut Settings, statement: &Statement) -> Result<()> {
    match &statement.kind {
        StatementKind::Query(query) => apply(settings, settings_of(query))?,
        // what is shown is how the statement would run
        StatementKind::Explain(explain) => {
            if let ExplainTarget::Statement(inner) = &explain.target {
                apply_clauses(settings, inner)?;
            }
        }
        StatementKind::Insert(insert) => {
            apply(settings, &insert.settings)?;
            if let InsertSource::Query(query) = &insert.source {
                apply(settings, settings_of(query))?;
            }
        }
        // settings of queries among those of the table are the statement's
        StatementKind::CreateTable(create) => {
            for setting in create.storage.settings.iter().filter(|setting| is_of_query(&create.storage, setting)) {
                apply(settings, std::slice::from_ref(setting))?;
            }
        }
        _ => {}
    }
    apply(settings, &statement.tail.settings)
}

/// The SETTINGS clause of a whole query: that of its only or last SELECT.
fn settings_of(query: &sql::Query) -> &[sql::ast::Setting] {
    let mut body = &query.body;
    loop {
        match body {
            QueryBody::Select(select) => return &select.settings,
            QueryBody::Set(set) => match set.operands.last() {
                Some(last) => body = last,
                None => return &[],
            },
        }
    }
}

/// The text of a setting's value.
pub(crate) fn text(name: &str, value: &SettingValue) -> Result<String> {
    Ok(match value {
        SettingValue::Literal(Literal::Bool(value)) => u8::from(*value).to_string(),
        SettingValue::Literal(Literal::UInt(value)) => value.to_string(),
        SettingValue::Literal(Literal::Int(value)) => value.to_string(),
        SettingValue::Literal(Literal::Float(value)) => value.to_string(),
        SettingValue::Literal(Literal::String(value)) => String::from_utf8_lossy(value).into_owned(),
        SettingValue::Implicit => "1".to_owned(),
        SettingValue::Literal(Literal::Null) | SettingValue::Default | SettingValue::Map(_) | SettingValue::Expr(_) => {
            let message = format!("setting \"{name}\" takes a constant");
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
    })
}

/// Applies settings that came beside the statement, as text. With `readonly = 1` nothing changes.
pub(crate) fn apply_texts(settings: &mut Settings, changes: &[(String, String)]) -> Result<()> {
    // readonly last: it may come with the settings that it would forbid
    let (readonly, others): (Vec<_>, Vec<_>) = changes.iter().partition(|(name, _)| name == "readonly");
    for (name, value) in others.into_iter().chain(readonly) {
        settings.set(name, value)?;
    }
    Ok(())
}
