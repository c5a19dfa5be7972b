//! Engine Join: rows kept for one kind of JOIN, by one key.
//!
//! The rows lie in parts like any others, sorted by the key. Where the strictness wants one row a key, the first one that
//! was inserted counts (the last one with `join_any_take_last_row`), which merges and FINAL reads hold to.

use sql::ast::{Engine, ExprKind, JoinKind, JoinStrictness, Literal, SettingValue, Storage};
use store::{TableDef, TableKind};
use types::ErrorCode;

use crate::definition::Definition;
use crate::error::{Error, Result};

/// What a Join table was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinEngine {
    /// ANY, ALL, SEMI or ANTI.
    pub strictness: JoinStrictness,
    /// LEFT, INNER, RIGHT or FULL.
    pub kind: JoinKind,
    /// The columns of the key.
    pub keys: Vec<String>,
    /// `join_use_nulls` of the table.
    pub use_nulls: bool,
    /// `join_any_take_last_row` of the table.
    pub takes_last: bool,
    /// False when the rows are gone after a restart.
    pub is_persistent: bool,
}

/// Settings that a Join table has. Limits of its size are refused: nothing here would hold to them.
const SETTINGS: &[&str] = &["join_use_nulls", "join_any_take_last_row", "persistent", "disk"];
const LIMITS: &[&str] = &["max_rows_in_join", "max_bytes_in_join", "join_overflow_mode"];

fn bad(message: impl Into<String>) -> Error {
    Error::refused(ErrorCode::BAD_ARGUMENTS, message.into())
}

impl JoinEngine {
    /// What `ENGINE = Join(strictness, kind, keys…)` says.
    pub fn of_storage(storage: &Storage) -> Result<JoinEngine> {
        let arguments = storage.engine.as_ref().map_or(&[][..], |engine: &Engine| &engine.arguments);
        let [strictness, kind, keys @ ..] = arguments else { return Err(too_few()) };
        if keys.is_empty() {
            return Err(too_few());
        }
        let strictness = match word(strictness).unwrap_or_default().to_ascii_uppercase().as_str() {
            "ANY" => JoinStrictness::Any,
            "ALL" => JoinStrictness::All,
            "SEMI" => JoinStrictness::Semi,
            "ANTI" => JoinStrictness::Anti,
            _ => {
                return Err(bad("first parameter of storage Join must be ANY or ALL or SEMI or ANTI (without quotes)"));
            }
        };
        let kind = match word(kind).unwrap_or_default().to_ascii_uppercase().as_str() {
            "LEFT" => JoinKind::Left,
            "INNER" => JoinKind::Inner,
            "RIGHT" => JoinKind::Right,
            "FULL" => JoinKind::Full,
            _ => {
                return Err(bad(
                    "second parameter of storage Join must be LEFT or INNER or RIGHT or FULL (without quotes)",
                ));
            }
        };
        if strictness == JoinStrictness::Any && kind == JoinKind::Full {
            return Err(Error::NotSupported("ANY FULL JOIN".to_owned()));
        }
        let is_one_sided = matches!(strictness, JoinStrictness::Semi | JoinStrictness::Anti);
        if is_one_sided && !matches!(kind, JoinKind::Left | JoinKind::Right) {
            return Err(bad("SEMI|ANTI JOIN should be LEFT or RIGHT"));
        }
        let key = |(at, key): (usize, &sql::Expr)| {
            word(key).ok_or_else(|| bad(format!("parameter {} of storage Join is no column name", at + 3)))
        };
        let keys = keys.iter().enumerate().map(key).collect::<Result<Vec<_>>>()?;
        check_settings(storage)?;
        Ok(JoinEngine {
            strictness,
            kind,
            keys,
            use_nulls: flag(storage, "join_use_nulls", false),
            takes_last: flag(storage, "join_any_take_last_row", false),
            is_persistent: is_persistent(storage),
        })
    }

    /// That of a table; none for tables of other engines.
    pub fn of_table(def: &TableDef) -> Result<Option<JoinEngine>> {
        if def.kind != TableKind::Join {
            return Ok(None);
        }
        let definition = Definition::parse(def)?;
        definition.storage().map(JoinEngine::of_storage).transpose()
    }

    /// True when `joinGet` may look into it.
    pub fn gives_one_row(&self) -> bool {
        self.strictness == JoinStrictness::Any && self.kind == JoinKind::Left
    }

    /// True when the table has one row a key.
    pub fn has_one_row(&self) -> bool {
        self.strictness != JoinStrictness::All
    }
}

/// `persistent` of a Join or Set table: 1 where it is not written.
pub fn is_persistent(storage: &Storage) -> bool {
    flag(storage, "persistent", true)
}

fn too_few() -> Error {
    let message = "storage Join requires at least 3 parameters: Join(ANY|ALL|SEMI|ANTI, LEFT|INNER|RIGHT, keys...)";
    Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message)
}

fn word(expr: &sql::Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Identifier(parts) if parts.len() == 1 => Some(parts[0].name.clone()),
        _ => None,
    }
}

fn check_settings(storage: &Storage) -> Result<()> {
    for setting in &storage.settings {
        let name = setting.name.name.as_str();
        if LIMITS.contains(&name) {
            return Err(Error::NotSupported(format!("setting {name} of storage Join")));
        }
        if !SETTINGS.contains(&name) {
            return Err(bad(format!("unknown setting {name} for storage Join")));
        }
    }
    Ok(())
}

fn flag(storage: &Storage, name: &str, default: bool) -> bool {
    let setting = storage.settings.iter().find(|setting| setting.name.name == name);
    match setting.map(|setting| &setting.value) {
        Some(SettingValue::Literal(Literal::UInt(value))) => *value != 0,
        Some(SettingValue::Literal(Literal::Bool(value))) => *value,
        Some(_) | None => default,
    }
}
