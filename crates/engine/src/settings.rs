//! Settings as statements and clients say them.

use sql::ast::{Literal, Setting as AstSetting, SettingValue};
use types::{ErrorCode, Setting, Settings};

use crate::error::{Error, Result};

/// Applies `SET` or a SETTINGS clause.
pub(crate) fn apply(settings: &mut Settings, changes: &[AstSetting]) -> Result<()> {
    for change in changes {
        match &change.value {
            SettingValue::Default => settings.reset(Setting::by_name(&change.name.name)?),
            value => settings.set(&change.name.name, &text(&change.name.name, value)?)?,
        }
    }
    Ok(())
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
