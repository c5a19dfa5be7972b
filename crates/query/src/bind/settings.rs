//! `SETTINGS name = value` as text for the table of settings.

use sql::ast::{Literal, Setting, SettingValue};

use super::binder::not_supported;
use crate::error::Result;

/// Name and value of a setting, as the settings table reads them.
pub fn setting_text(setting: &Setting) -> Result<(String, String)> {
    let name = setting.name.name.clone();
    let value = match &setting.value {
        SettingValue::Literal(literal) => literal_text(literal),
        SettingValue::Default => types::settings::Named::find(&name)?.default().to_owned(),
        SettingValue::Implicit => "1".to_owned(),
        SettingValue::Map(_) | SettingValue::Expr(_) => {
            return not_supported(format!("a value of setting \"{name}\" that is no constant"));
        }
    };
    Ok((name, value))
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Null => String::new(),
        Literal::Bool(value) => u8::from(*value).to_string(),
        Literal::UInt(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
