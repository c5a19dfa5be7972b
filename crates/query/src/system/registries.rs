//! System tables over what is compiled in: functions, settings, formats, engines, types, time zones, the build.

use std::sync::Arc;

use chrono_tz::TZ_VARIANTS;
use types::settings::{SETTINGS, SettingKind};
use types::{Setting, settings};

use super::{Cell, Listing, Rows, SystemTable};
use crate::context::QueryContext;
use crate::error::Result;
use crate::table_functions;

/// The ClickHouse version whose dialect this is; what `version()` and clients see.
pub const DIALECT_VERSION: &str = "26.9.2.1";

pub(super) fn tables() -> Vec<Arc<dyn SystemTable>> {
    vec![
        Listing::system("functions", FUNCTIONS, functions),
        Listing::system("settings", SETTINGS_COLUMNS, settings_rows),
        Listing::system("formats", FORMATS, formats),
        Listing::system("table_functions", TABLE_FUNCTIONS, table_function_rows),
        Listing::system("table_engines", TABLE_ENGINES, table_engines),
        Listing::system("data_type_families", DATA_TYPE_FAMILIES, data_type_families),
        Listing::system("aggregate_function_combinators", COMBINATORS, combinators),
        Listing::system("time_zones", &[("time_zone", "String")], time_zones),
        Listing::system("build_options", &[("name", "String"), ("value", "String")], build_options),
        // Asked for by clients; there is never a row.
        Listing::system("macros", &[("macro", "String"), ("substitution", "String")], |_, _| Ok(())),
        Listing::system("clusters", CLUSTERS, |_, _| Ok(())),
        Listing::system("dictionaries", DICTIONARIES, |_, _| Ok(())),
        Listing::system("contributors", &[("name", "String")], |_, _| Ok(())),
    ]
}

const FUNCTIONS: &[(&str, &str)] = &[
    ("name", "String"),
    ("is_aggregate", "UInt8"),
    ("case_insensitive", "UInt8"),
    ("alias_to", "String"),
    ("create_query", "String"),
    ("origin", "Enum8('System' = 0, 'SQLUserDefined' = 1, 'ExecutableUserDefined' = 2, 'WasmUserDefined' = 3)"),
    ("description", "String"),
    ("syntax", "String"),
    ("arguments", "String"),
    ("parameters", "String"),
    ("returned_value", "String"),
    ("examples", "String"),
    ("introduced_in", "String"),
    ("categories", "String"),
    ("deterministic", "Nullable(UInt8)"),
    ("higher_order", "Nullable(UInt8)"),
];

fn functions(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for function in functions::names() {
        rows.push([
            ("name", function.name.into()),
            ("is_aggregate", function.is_aggregate.into()),
            ("case_insensitive", function.any_case.into()),
            ("alias_to", function.alias_to.unwrap_or_default().into()),
        ]);
    }
    Ok(())
}

const SETTINGS_COLUMNS: &[(&str, &str)] = &[
    ("name", "String"),
    ("value", "String"),
    ("changed", "UInt8"),
    ("description", "String"),
    ("min", "Nullable(String)"),
    ("max", "Nullable(String)"),
    ("disallowed_values", "Array(String)"),
    ("readonly", "UInt8"),
    ("type", "String"),
    ("default", "String"),
    ("alias_for", "String"),
    ("is_obsolete", "UInt8"),
    ("tier", "Enum8('Production' = 0, 'Obsolete' = 4, 'Experimental' = 8, 'Beta' = 12, 'PrivatePreview' = 16)"),
];

fn settings_rows(ctx: &QueryContext, rows: &mut Rows) -> Result<()> {
    let readonly = ctx.settings.uint(Setting::Readonly) == 1;
    let changed: Vec<&str> = ctx.settings.changed().map(|(def, _)| def.name).collect();
    for def in SETTINGS {
        rows.push([
            ("name", def.name.into()),
            ("value", shown(ctx, def, ctx.settings.text(def.setting))),
            ("changed", changed.contains(&def.name).into()),
            ("description", def.text.into()),
            ("readonly", readonly.into()),
            ("type", kind(def.kind).into()),
            ("default", shown(ctx, def, def.default)),
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

fn kind(kind: SettingKind) -> &'static str {
    match kind {
        SettingKind::Bool => "Bool",
        SettingKind::UInt64 => "UInt64",
        SettingKind::Int64 => "Int64",
        SettingKind::Float => "Float",
        SettingKind::String => "String",
        SettingKind::OverflowMode => "OverflowMode",
        SettingKind::Seconds => "Seconds",
        SettingKind::Milliseconds => "Milliseconds",
    }
}

const FORMATS: &[(&str, &str)] = &[
    ("name", "String"),
    ("is_input", "UInt8"),
    ("is_output", "UInt8"),
    ("supports_parallel_parsing", "UInt8"),
    ("supports_parallel_formatting", "UInt8"),
];

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

const TABLE_FUNCTIONS: &[(&str, &str)] = &[("name", "String"), ("description", "String"), ("allow_readonly", "UInt8")];

fn table_function_rows(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for name in table_functions::NAMES {
        rows.push([("name", (*name).into()), ("allow_readonly", true.into())]);
    }
    Ok(())
}

const TABLE_ENGINES: &[(&str, &str)] = &[
    ("name", "String"),
    ("supports_settings", "UInt8"),
    ("supports_skipping_indices", "UInt8"),
    ("supports_projections", "UInt8"),
    ("supports_sort_order", "UInt8"),
    ("supports_ttl", "UInt8"),
    ("supports_replication", "UInt8"),
    ("supports_deduplication", "UInt8"),
    ("supports_parallel_insert", "UInt8"),
];

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
const OTHER_ENGINES: &[&str] = &["Kafka", "MaterializedView", "Memory", "Null", "View", "WindowView"];

fn table_engines(_: &QueryContext, rows: &mut Rows) -> Result<()> {
    for name in MERGE_TREES {
        rows.push([
            ("name", (*name).into()),
            ("supports_settings", true.into()),
            ("supports_sort_order", true.into()),
            ("supports_ttl", true.into()),
            ("supports_deduplication", true.into()),
            ("supports_parallel_insert", true.into()),
        ]);
    }
    for name in OTHER_ENGINES {
        rows.push([("name", (*name).into())]);
    }
    Ok(())
}

const DATA_TYPE_FAMILIES: &[(&str, &str)] =
    &[("name", "String"), ("case_insensitive", "UInt8"), ("alias_to", "String")];

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

const COMBINATORS: &[(&str, &str)] = &[("name", "String"), ("is_internal", "UInt8")];

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

const CLUSTERS: &[(&str, &str)] = &[
    ("cluster", "String"),
    ("shard_num", "UInt32"),
    ("shard_weight", "UInt32"),
    ("replica_num", "UInt32"),
    ("host_name", "String"),
    ("host_address", "String"),
    ("port", "UInt16"),
    ("is_local", "UInt8"),
    ("user", "String"),
    ("default_database", "String"),
];

const DICTIONARIES: &[(&str, &str)] = &[
    ("database", "String"),
    ("name", "String"),
    ("uuid", "UUID"),
    ("origin", "String"),
    ("type", "String"),
    ("element_count", "UInt64"),
    ("source", "String"),
    ("last_exception", "String"),
    ("comment", "String"),
];
