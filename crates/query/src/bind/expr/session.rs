//! Functions that say what session and query they run in. Constants of the query, never folded across queries: a plan
//! that holds one is not the same for everybody.

use sql::ast::Function;
use types::settings::{Named, SettingKind};
use types::{DataType, ErrorCode};

use super::literal::{signed, unsigned};
use crate::bind::binder::Binder;
use crate::bind::scope::Scope;
use crate::bind::typed::Typed;
use crate::error::{Error, Result};

/// What `version()` says: the release of ClickHouse whose dialect this is.
const VERSION: &str = "26.9.2.1";

impl Binder<'_> {
    /// The value of `name()`; none when it is no function of the session.
    pub(super) fn session_constant(&self, name: &str, function: &Function, scope: &Scope<'_>) -> Result<Option<Typed>> {
        let text = match name.to_ascii_lowercase().as_str() {
            "currentdatabase" | "current_database" | "database" | "schema" => scope.env.database.to_string(),
            "currentuser" | "user" | "current_user" => self.context.user.to_owned(),
            "hostname" | "fqdn" | "fullhostname" => self.context.host.to_owned(),
            "queryid" | "query_id" | "initialqueryid" => {
                self.of_one_query();
                self.context.query_id.to_owned()
            }
            "version" => VERSION.to_owned(),
            "timezone" | "servertimezone" => scope.env.functions.zone.name().to_owned(),
            "getsetting" => return self.get_setting(function, scope).map(Some),
            "currentschemas" | "current_schemas" => return Ok(None),
            _ => return Ok(None),
        };
        if !function.arguments.is_empty() {
            return Err(Error::refused(
                ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                format!("function \"{name}\" takes no arguments"),
            ));
        }
        Ok(Some(Typed::text(&text)))
    }

    fn get_setting(&self, function: &Function, scope: &Scope<'_>) -> Result<Typed> {
        let [name] = self.exactly("getSetting", function, scope)?;
        let name = super::literal::value_of(&name, "the argument of getSetting")?;
        let name = name.as_str().unwrap_or_default();
        let text = scope.env.settings.text_of(name)?;
        match Named::find(name)?.kind() {
            SettingKind::Bool => {
                let value = unsigned(u64::from(text == "1"))?;
                self.cast(value, &DataType::Bool, &scope.env.functions)
            }
            SettingKind::UInt64 | SettingKind::NonZeroUInt64 | SettingKind::Milliseconds => {
                unsigned(text.parse().unwrap_or_default())
            }
            SettingKind::Int64 => signed(text.parse().unwrap_or_default()),
            SettingKind::Float | SettingKind::Seconds => {
                self.cast(Typed::text(text), &DataType::Float64, &scope.env.functions)
            }
            _ => Ok(Typed::text(text)),
        }
    }
}
