//! The settings that ClickHouse has and Everview has no use for, so that statements and clients that name them go on working.
//!
//! Most of them say how fast a query runs, how a cluster is asked or that something may be used at all: they are taken and
//! have no effect. Those that would change an answer are taken with their default only, and refused by name otherwise: none
//! of them is ever passed over in silence.
//!
//! `clickhouse.tsv` has a line for each: name, effect, type and default of ClickHouse 26.9's `system.settings`, in the order
//! of names. The effect is `none`, `fixed`, `limit` or `@` and the setting that it is another name of.

use std::sync::LazyLock;

use super::SettingKind;
use crate::error::{Error, Result};

static LINES: &str = include_str!("clickhouse.tsv");

static TABLE: LazyLock<Vec<ClickHouseSetting>> = LazyLock::new(|| LINES.lines().filter_map(parse).collect());

/// What a setting of ClickHouse does here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Any value of its type is taken; no answer depends on it.
    None,
    /// Only the default is taken.
    Fixed,
    /// A limit that is not kept: the default is taken, and 0, which is none.
    Limit,
    /// Another name of this setting.
    AliasOf(&'static str),
}

/// One line of the table.
#[derive(Debug)]
pub struct ClickHouseSetting {
    /// The name that users write.
    pub name: &'static str,
    /// What it does here.
    pub effect: Effect,
    /// ClickHouse's name of its type.
    pub type_name: &'static str,
    /// As text.
    pub default: &'static str,
}

/// All of them, by name.
pub fn all() -> &'static [ClickHouseSetting] {
    &TABLE
}

/// The setting of that name.
pub fn by_name(name: &str) -> Option<&'static ClickHouseSetting> {
    let at = TABLE.binary_search_by(|setting| setting.name.cmp(name)).ok()?;
    TABLE.get(at)
}

impl ClickHouseSetting {
    /// The value as it is kept; refuses what does not fit the type, and what would change answers.
    pub(super) fn checked(&self, value: &str) -> Result<String> {
        let value = self.kind().checked(self.name, value)?;
        let is_taken = match self.effect {
            Effect::None | Effect::AliasOf(_) => true,
            Effect::Fixed => value == self.default,
            Effect::Limit => value == self.default || value == "0",
        };
        match is_taken {
            true => Ok(value),
            false => Err(Error::SettingFixed { name: self.name, value, default: self.default }),
        }
    }

    /// What values it takes: any text where Everview's own settings have no such type.
    pub fn kind(&self) -> SettingKind {
        match self.type_name {
            "Bool" => SettingKind::Bool,
            "UInt64" => SettingKind::UInt64,
            "NonZeroUInt64" => SettingKind::NonZeroUInt64,
            "Int64" | "Int32" => SettingKind::Int64,
            "Float" | "Double" => SettingKind::Float,
            "Seconds" => SettingKind::Seconds,
            "Milliseconds" => SettingKind::Milliseconds,
            "OverflowMode" => SettingKind::OverflowMode,
            _ => SettingKind::String,
        }
    }

    /// What it does here, for people.
    pub fn text(&self) -> &'static str {
        match self.effect {
            Effect::None => "Of ClickHouse; taken, and no answer depends on it here.",
            Effect::Fixed => "Of ClickHouse; only its default is supported.",
            Effect::Limit => "Of ClickHouse; there is no such limit here: its default and 0 are taken.",
            Effect::AliasOf(_) => "Another name of a setting.",
        }
    }
}

fn parse(line: &'static str) -> Option<ClickHouseSetting> {
    let mut fields = line.split('\t');
    let (name, effect, type_name, default) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let effect = match effect {
        "none" => Effect::None,
        "fixed" => Effect::Fixed,
        "limit" => Effect::Limit,
        other => Effect::AliasOf(other.strip_prefix('@')?),
    };
    Some(ClickHouseSetting { name, effect, type_name, default })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{SETTINGS, Setting, Settings};

    #[test]
    fn every_line_is_a_setting_in_order_and_none_is_our_own() {
        assert_eq!(TABLE.len(), LINES.lines().count());
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        assert!(SETTINGS.iter().all(|own| by_name(own.name).is_none()));
        for setting in all() {
            match setting.effect {
                Effect::AliasOf(other) => assert!(Setting::by_name(other).is_ok() || by_name(other).is_some()),
                _ => drop(setting.checked(setting.default).unwrap()),
            }
        }
    }

    #[test]
    fn what_changes_no_answer_is_taken() {
        let mut settings = Settings::default();
        settings.set("optimize_read_in_order", "false").unwrap();
        settings.set("allow_experimental_analyzer", "1").unwrap();
        assert_eq!(settings.text_of("optimize_read_in_order").unwrap(), "0");
        assert_eq!(settings.set("optimize_read_in_order", "often").unwrap_err().code().0, 467);
        settings.reset_named("optimize_read_in_order").unwrap();
        assert_eq!(settings.text_of("optimize_read_in_order").unwrap(), "1");
    }

    #[test]
    fn what_would_change_answers_is_refused_by_name() {
        let mut settings = Settings::default();
        settings.set("join_any_take_last_row", "0").unwrap();
        let error = settings.set("join_any_take_last_row", "1").unwrap_err();
        assert_eq!(error.to_string(), "setting \"join_any_take_last_row\" = 1 is not supported: it is always 0");
        assert_eq!(error.code().0, 48);
        settings.set("max_table_size_to_drop", "0").unwrap();
        assert!(settings.set("max_table_size_to_drop", "7").is_err());
    }

    #[test]
    fn other_names_mean_the_same_setting() {
        let mut settings = Settings::default();
        settings.set("replication_alter_partitions_sync", "2").unwrap();
        assert_eq!(settings.uint(Setting::AlterSync), 2);
        settings.set("use_partition_key", "0").unwrap();
        assert_eq!(settings.text_of("use_partition_pruning").unwrap(), "0");
    }
}
