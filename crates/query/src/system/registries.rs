//! System tables over what is compiled in: functions, settings, formats, engines, types, time zones, the build.

use std::sync::Arc;

use chrono_tz::TZ_VARIANTS;
use types::settings::clickhouse::{self, Effect};
use types::settings::{Named, SETTINGS};
use types::{Setting, settings};

use super::{Cell, Listing, Rows, SystemTable};
use crate::context::QueryContext;
use crate::error::Result;
use crate::table_functions;

/// The ClickHouse version whose dialect this is; what `version()` and clients see.
pub const DIALECT_VERSION: &str = "26.9.2.1";

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![
        Listing::system("functions", functions),
        Listing::system("settings", settings_rows),
        Listing::system("formats", formats),
        Listing::system("table_functions", table_function_rows),
        Listing::system("table_engines", table_engines),
        Listing::system("data_type_families", data_type_families),
        Listing::system("aggregate_function_combinators", combinators),
        Listing::system("time_zones", time_zones),
        Listing::system("build_options", build_options),
        // Asked for by clients; there is never a row.
        Listing::system("macros", |_, _| Ok(())),
        Listing::system("merge_tree_settings", merge_tree_settings),
        Listing::system("users", users),
        Listing::system("roles", |_, _| Ok(())),
        Listing::system("current_roles", |_, _| Ok(())),
        Listing::system("quotas", |_, _| Ok(())),
        Listing::system("row_policies", |_, _| Ok(())),
        Listing::system("replicas", |_, _| Ok(())),
        Listing::system("moves", |_, _| Ok(())),
        Listing::system("asynchronous_inserts", |_, _| Ok(())),
        Listing::system("warnings", |_, _| Ok(())),
        Listing::system("grants", |_, _| Ok(())),
        Listing::system("collations", |_, _| Ok(())),
        Listing::system("storage_policies", storage_policies),
        Listing::system("clusters", clusters),
        Listing::system("dictionaries", super::dictionaries::rows),
        Listing::system("named_collections", super::named_collections::rows),
        Listing::system("contributors", |_, _| Ok(())),
    ]
}

fn functions(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for function in functions::names() {
        rows.push([
            ("name", function.name.into()),
            ("is_aggregate", function.is_aggregate.into()),
            ("case_insensitive", function.any_case.into()),
            ("alias_to", function.alias_to.unwrap_or_default().into()),
        ]);
    }
    for name in crate::dictionary::function_names() {
        rows.push([("name", name.into())]);
    }
    Ok(())
}

fn settings_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    let readonly = ctx.settings.uint(Setting::Readonly) == 1;
    let changed: Vec<&str> = ctx.settings.changed_by_name().map(|(name, _)| name).collect();
    for def in SETTINGS {
        rows.push([
            ("name", def.name.into()),
            ("value", shown(ctx, def, ctx.settings.text(def.setting))),
            ("changed", changed.contains(&def.name).into()),
            ("description", def.text.into()),
            ("readonly", readonly.into()),
            ("type", def.kind.name().into()),
            ("default", shown(ctx, def, def.default)),
        ]);
    }
    for other in clickhouse::all() {
        let named = Named::find(other.name)?;
        let alias_for = match other.effect {
            Effect::AliasOf(own) => own,
            Effect::None | Effect::Fixed | Effect::Limit => "",
        };
        rows.push([
            ("name", other.name.into()),
            ("value", ctx.settings.text_of(other.name)?.into()),
            ("changed", changed.contains(&other.name).into()),
            ("description", other.text().into()),
            // clients that look here do not send what would be refused
            ("readonly", (readonly || other.effect == Effect::Fixed).into()),
            ("type", named.type_name().into()),
            ("default", named.default().into()),
            ("alias_for", alias_for.into()),
        ]);
    }
    Ok(())
}

/// `max_threads = 0` is shown as what it comes to, as ClickHouse does.
fn shown(ctx: &QueryContext, def: &settings::SettingDef, value: &str) -> Cell {
    match (def.setting, value) {
        (Setting::MaxThreads, "0") => format!("auto({})", ctx.runtime.config.threads).into(),
        _ => value.into(),
    }
}

fn formats(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for (_, names, is_input, is_output) in format::FORMATS {
        for name in *names {
            let cells =
                [("name", (*name).into()), ("is_input", (*is_input).into()), ("is_output", (*is_output).into())];
            rows.push(cells);
        }
    }
    Ok(())
}

fn table_function_rows(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for name in table_functions::NAMES {
        rows.push([("name", (*name).into()), ("allow_readonly", true.into())]);
    }
    Ok(())
}

/// The engines of the MergeTree family, then the others.
const MERGE_TREES: &[&str] = &[
    "AggregatingMergeTree",
    "CoalescingMergeTree",
    "CollapsingMergeTree",
    "MergeTree",
    "ReplacingMergeTree",
    "SummingMergeTree",
    "VersionedCollapsingMergeTree",
];
const OTHER_ENGINES: &[&str] = &[
    "Buffer",
    "Dictionary",
    "File",
    "Join",
    "Log",
    "MaterializedView",
    "Memory",
    "Merge",
    "MySQL",
    "Null",
    "PostgreSQL",
    "S3",
    "Set",
    "StripeLog",
    "TinyLog",
    "URL",
    "View",
    "WindowView",
];
/// Those of the others that take SETTINGS, and into which several inserts run at once.
const WITH_SETTINGS: &[&str] =
    &["File", "Join", "Log", "Memory", "MySQL", "PostgreSQL", "S3", "Set", "StripeLog", "TinyLog", "URL"];
const WITH_PARALLEL_INSERTS: &[&str] = &["Buffer", "Memory", "Null"];

/// Every engine of tables and views.
pub(super) fn engine_names() -> impl Iterator<Item = &'static str> {
    MERGE_TREES.iter().chain(OTHER_ENGINES).copied()
}

fn table_engines(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for name in MERGE_TREES {
        rows.push([
            ("name", (*name).into()),
            ("supports_settings", true.into()),
            ("supports_skipping_indices", true.into()),
            ("supports_projections", true.into()),
            ("supports_sort_order", true.into()),
            ("supports_ttl", true.into()),
            ("supports_parallel_insert", true.into()),
        ]);
    }
    for name in OTHER_ENGINES {
        rows.push([
            ("name", (*name).into()),
            ("supports_settings", WITH_SETTINGS.contains(name).into()),
            ("supports_parallel_insert", WITH_PARALLEL_INSERTS.contains(name).into()),
        ]);
    }
    Ok(())
}

/// Name, other names of it in any case. Types of the second list are found in any case themselves.
const TYPES: &[(&str, &[&str])] = &[
    ("AggregateFunction", &[]),
    ("Array", &[]),
    ("Enum16", &[]),
    ("Enum8", &[]),
    ("FixedString", &["BINARY"]),
    ("Float32", &["FLOAT", "REAL", "SINGLE"]),
    ("Float64", &["DOUBLE", "DOUBLE PRECISION"]),
    ("IPv4", &["INET4"]),
    ("IPv6", &["INET6"]),
    ("Int128", &[]),
    ("Int16", &["SMALLINT"]),
    ("Int256", &[]),
    ("Int32", &["INT", "INTEGER", "MEDIUMINT"]),
    ("Int64", &["BIGINT", "SIGNED"]),
    ("Int8", &["BYTE", "INT1", "TINYINT"]),
    ("LowCardinality", &[]),
    ("Map", &[]),
    ("Nested", &[]),
    ("Nothing", &[]),
    ("Nullable", &[]),
    ("SimpleAggregateFunction", &[]),
    (
        "String",
        &["BLOB", "BYTEA", "CHAR", "CLOB", "LONGTEXT", "MEDIUMTEXT", "TEXT", "TINYTEXT", "VARBINARY", "VARCHAR"],
    ),
    ("Tuple", &[]),
    ("UInt128", &[]),
    ("UInt16", &[]),
    ("UInt256", &[]),
    ("UInt32", &["INT UNSIGNED", "INTEGER UNSIGNED"]),
    ("UInt64", &["BIGINT UNSIGNED", "UNSIGNED"]),
    ("UInt8", &["TINYINT UNSIGNED"]),
    ("UUID", &[]),
];
const TYPES_ANY_CASE: &[(&str, &[&str])] = &[
    ("Bool", &["boolean"]),
    ("Date", &[]),
    ("Date32", &[]),
    ("DateTime", &["TIMESTAMP"]),
    ("DateTime32", &[]),
    ("DateTime64", &[]),
    ("Decimal", &["DEC", "NUMERIC"]),
    ("Decimal128", &[]),
    ("Decimal256", &[]),
    ("Decimal32", &[]),
    ("Decimal64", &[]),
    ("Enum", &[]),
];

fn data_type_families(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    let plain = TYPES.iter().map(|row| (row, false));
    for ((name, aliases), any_case) in plain.chain(TYPES_ANY_CASE.iter().map(|row| (row, true))) {
        rows.push([("name", (*name).into()), ("case_insensitive", any_case.into())]);
        for alias in *aliases {
            let cells = [("name", (*alias).into()), ("case_insensitive", true.into()), ("alias_to", (*name).into())];
            rows.push(cells);
        }
    }
    for unit in types::IntervalUnit::ALL {
        rows.push([("name", format!("Interval{}", unit.name()).into())]);
    }
    Ok(())
}

fn combinators(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    let names = [
        "Array",
        "Distinct",
        "ForEach",
        "If",
        "Map",
        "Merge",
        "OrDefault",
        "OrNull",
        "Resample",
        "SimpleState",
        "State",
    ];
    for name in names {
        rows.push([("name", name.into())]);
    }
    Ok(())
}

fn time_zones(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for zone in TZ_VARIANTS {
        rows.push([("time_zone", zone.name().into())]);
    }
    Ok(())
}

fn build_options(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    let full = format!("Everview {}", env!("CARGO_PKG_VERSION"));
    let options = [
        ("VERSION_FULL", full.as_str()),
        ("VERSION_DESCRIBE", concat!("v", env!("CARGO_PKG_VERSION"))),
        ("DIALECT_VERSION", DIALECT_VERSION),
        ("SYSTEM", std::env::consts::OS),
        ("CMAKE_SYSTEM_PROCESSOR", std::env::consts::ARCH),
        ("BUILD_TYPE", if cfg!(debug_assertions) { "Debug" } else { "Release" }),
    ];
    for (name, value) in options {
        rows.push([("name", name.into()), ("value", value.into())]);
    }
    Ok(())
}

/// One cluster of one replica: this server.
fn clusters(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    rows.push([
        ("cluster", "default".into()),
        ("name", "default".into()),
        ("shard_num", 1_u64.into()),
        ("shard_weight", 1_u64.into()),
        ("replica_num", 1_u64.into()),
        ("host_name", ctx.runtime.config.host_name.clone().into()),
        ("host_address", "127.0.0.1".into()),
        ("port", 9_000_u64.into()),
        ("is_local", true.into()),
        ("user", "default".into()),
        ("is_active", true.into()),
    ]);
    Ok(())
}

/// The one who asks: whose names and passwords there are is nobody else's business.
fn users(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    rows.push([
        ("name", ctx.caller.user.clone().into()),
        ("storage", "users_xml".into()),
        ("host_ip", vec!["::/0".to_owned()].into()),
        ("default_roles_all", true.into()),
        ("grantees_any", true.into()),
    ]);
    Ok(())
}

/// The settings of MergeTree tables that are honoured.
fn merge_tree_settings(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    let known = [
        ("index_granularity", "8192", "UInt64", "Rows between two marks of the primary index."),
        ("non_replicated_deduplication_window", "0", "UInt64", "Blocks whose repetition is dropped; 0: none."),
        ("allow_nullable_key", "0", "Bool", "Nullable columns may stand in keys."),
    ];
    for (name, value, ty, text) in known {
        rows.push([
            ("name", name.into()),
            ("value", value.into()),
            ("default", value.into()),
            ("type", ty.into()),
            ("description", text.into()),
        ]);
    }
    Ok(())
}

/// One policy of one volume of one disk.
fn storage_policies(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    rows.push([
        ("policy_name", "default".into()),
        ("volume_name", "default".into()),
        ("volume_priority", 1_u64.into()),
        ("disks", vec!["default".to_owned()].into()),
    ]);
    Ok(())
}
