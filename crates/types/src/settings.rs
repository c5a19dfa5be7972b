//! The one table of settings: name, type, default and text. `system.settings` and the manual are made from it.
//!
//! An unknown name is UNKNOWN_SETTING; a value that does not fit its type is refused by name. What ClickHouse has beyond them
//! is in [`clickhouse`].

pub mod clickhouse;
mod kind;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Result, nearest};
use clickhouse::{ClickHouseSetting, Effect};
pub use kind::SettingKind;

/// One row of the table.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct SettingDef {
    pub setting: Setting,
    pub name: &'static str,
    pub kind: SettingKind,
    pub default: &'static str,
    pub text: &'static str,
}

macro_rules! settings {
    ($($variant:ident $name:literal $kind:ident $default:literal $text:literal,)*) => {
        /// A setting, by name in code; the names that users write are in [`SETTINGS`].
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs)]
        pub enum Setting { $($variant,)* }

        /// All settings, in the order of [`Setting`].
        pub const SETTINGS: &[SettingDef] = &[$(SettingDef {
            setting: Setting::$variant, name: $name, kind: SettingKind::$kind, default: $default, text: $text,
        },)*];
    };
}

settings! {
    JoinUseNulls "join_use_nulls" Bool "0" "Fill the missing side of an outer join with NULL instead of default values.",
    UnionDefaultMode "union_default_mode" SetOperationMode "" "What UNION without ALL or DISTINCT means: '', 'ALL' or 'DISTINCT'; '' refuses it.",
    ExceptDefaultMode "except_default_mode" SetOperationMode "ALL" "What EXCEPT without ALL or DISTINCT means.",
    IntersectDefaultMode "intersect_default_mode" SetOperationMode "ALL" "What INTERSECT without ALL or DISTINCT means.",
    TransformNullIn "transform_null_in" Bool "0" "NULL equals NULL in IN.",
    FinalByDefault "final" Bool "0" "Apply FINAL to every table of a query whose engine supports it.",
    DoNotMergeAcrossPartitionsSelectFinal "do_not_merge_across_partitions_select_final" Bool "0" "FINAL merges rows only within a partition.",
    PreferColumnNameToAlias "prefer_column_name_to_alias" Bool "0" "A name in an expression means the column, not an alias of that name.",
    EnablePositionalArguments "enable_positional_arguments" Bool "1" "Numbers in GROUP BY, ORDER BY and LIMIT BY are positions in the SELECT list.",
    GroupByUseNulls "group_by_use_nulls" Bool "0" "ROLLUP, CUBE and GROUPING SETS give NULL instead of default values for absent keys.",
    ImplicitSelect "implicit_select" Bool "0" "An expression alone is a SELECT of it.",
    DescribeCompactOutput "describe_compact_output" Bool "0" "DESCRIBE prints names and types only.",
    AllowDeprecatedErrorProneWindowFunctions "allow_deprecated_error_prone_window_functions" Bool "0" "Allow runningAccumulate, neighbor and their kind.",
    AllowNullableKey "allow_nullable_key" Bool "0" "Allow Nullable columns in sorting keys.",
    AllowSuspiciousLowCardinalityTypes "allow_suspicious_low_cardinality_types" Bool "0" "Allow LowCardinality of small numbers.",
    CastKeepNullable "cast_keep_nullable" Bool "0" "CAST of a Nullable value gives a Nullable type.",
    CheckQuerySingleValueResult "check_query_single_value_result" Bool "0" "CHECK TABLE says only whether all parts are whole, instead of one row a part.",
    AsteriskIncludeMaterializedColumns "asterisk_include_materialized_columns" Bool "0" "* means MATERIALIZED columns as well.",
    AsteriskIncludeAliasColumns "asterisk_include_alias_columns" Bool "0" "* means ALIAS columns as well.",
    MaxPartitionsToRead "max_partitions_to_read" Int64 "-1" "Refuse to read more partitions of a table; less than one: no limit. Goes before the setting of the table.",
    ForcePrimaryKey "force_primary_key" Bool "0" "Refuse to read a table whose primary key no condition is about.",
    ForceIndexByDate "force_index_by_date" Bool "0" "Refuse to read a table whose partition key no condition is about.",
    AllowReplacePartitionFromEmptySource "allow_replace_partition_from_empty_source" Bool "0" "REPLACE PARTITION from a table that has nothing there drops what is there.",
    FlattenNested "flatten_nested" Bool "1" "A Nested column is a column for each of its elements; 0, one of all, is not supported.",
    DefaultTableEngine "default_table_engine" String "MergeTree" "The engine of a CREATE TABLE without ENGINE.",
    SessionTimezone "session_timezone" Timezone "" "Time zone of dates and times without one; '' is the server's.",
    DateTimeInputFormat "date_time_input_format" DateTimeInputFormat "best_effort" "How dates and times are read from text: basic, best_effort, best_effort_us.",
    DateTimeOutputFormat "date_time_output_format" DateTimeOutputFormat "simple" "How dates and times are written: simple, iso, unix_timestamp.",
    InsertNullAsDefault "insert_null_as_default" Bool "1" "NULL inserted into a column that is not Nullable becomes its default.",
    OptimizeOnInsert "optimize_on_insert" Bool "1" "Apply the engine's merge rule and TTL to a block before it is written.",
    MaxInsertBlockSize "max_insert_block_size" NonZeroUInt64 "1048449" "Rows of one block of an INSERT.",
    MinInsertBlockSizeRows "min_insert_block_size_rows" UInt64 "1048449" "INSERT SELECT joins smaller blocks until they have this many rows.",
    MinInsertBlockSizeBytes "min_insert_block_size_bytes" UInt64 "268402944" "INSERT SELECT joins smaller blocks until they have this many bytes.",
    MaxBlockSize "max_block_size" NonZeroUInt64 "65409" "Rows of one block of a SELECT.",
    MaxThreads "max_threads" UInt64 "0" "Partitions that a query runs in; 0: as many as cores.",
    MaxPartitionsPerInsertBlock "max_partitions_per_insert_block" UInt64 "100" "An inserted block may fall into at most this many partitions.",
    MaxMemoryUsage "max_memory_usage" UInt64 "0" "Bytes of memory that one query may take; 0: no limit of its own.",
    MaxBytesBeforeExternalSort "max_bytes_before_external_sort" UInt64 "0" "Sorts of a query that hold more bytes than these go on on the disk; 0: when memory runs out.",
    MaxBytesRatioBeforeExternalSort "max_bytes_ratio_before_external_sort" Ratio "0" "The same as a share of the memory that the server has left.",
    MaxBytesBeforeExternalGroupBy "max_bytes_before_external_group_by" UInt64 "0" "Aggregations of a query that hold more bytes than these go on on the disk; 0: when memory runs out.",
    MaxBytesRatioBeforeExternalGroupBy "max_bytes_ratio_before_external_group_by" Ratio "0" "The same as a share of the memory that the server has left.",
    MaxExecutionTime "max_execution_time" Seconds "0" "Seconds that a query may run; 0: no limit.",
    MaxResultRows "max_result_rows" UInt64 "0" "Rows that a result may have; 0: no limit.",
    MaxRowsToRead "max_rows_to_read" UInt64 "0" "Rows that a query may read; 0: no limit.",
    ResultOverflowMode "result_overflow_mode" OverflowMode "throw" "What happens beyond max_result_rows and max_result_bytes: throw, or break off with what there is.",
    MaxResultBytes "max_result_bytes" UInt64 "0" "Bytes that a result may have, in memory; 0: no limit.",
    MaxBytesToRead "max_bytes_to_read" UInt64 "0" "Bytes that a query may read, in memory; 0: no limit.",
    ReadOverflowMode "read_overflow_mode" OverflowMode "throw" "What happens beyond max_rows_to_read and max_bytes_to_read: throw, or break off with what was read.",
    TimeoutOverflowMode "timeout_overflow_mode" OverflowMode "throw" "What happens beyond max_execution_time: throw, or break off with what was read.",
    MaxConcurrentQueriesForUser "max_concurrent_queries_for_user" UInt64 "0" "Statements that one user may run at once; 0: no limit.",
    MaxConcurrentQueriesForAllUsers "max_concurrent_queries_for_all_users" UInt64 "0" "This statement runs only when at most so many run, all users together; 0: no limit.",
    DatabaseAtomicWaitForDropAndDetachSynchronously "database_atomic_wait_for_drop_and_detach_synchronously" Bool "0" "DROP TABLE is as DROP TABLE … SYNC: nothing is kept for UNDROP.",
    LockAcquireTimeout "lock_acquire_timeout" Seconds "120" "How long a definition change waits for inserts in flight.",
    ThrowOnMaxPartitionsPerInsertBlock "throw_on_max_partitions_per_insert_block" Bool "1" "Beyond max_partitions_per_insert_block: refuse the insert; 0: only say so in the log.",
    AllowNondeterministicMutations "allow_nondeterministic_mutations" Bool "0" "Mutations may have functions that give another value each time (they always may: each row is changed once).",
    MaterializeTtlAfterModify "materialize_ttl_after_modify" Bool "1" "MODIFY TTL changes the rows that are there at once.",
    MutationsSync "mutations_sync" UInt64 "1" "0: ALTER UPDATE and DELETE return at once; 1, 2: they wait.",
    EnableLightweightDelete "enable_lightweight_delete" Bool "1" "Allow DELETE FROM.",
    EnableLightweightUpdate "enable_lightweight_update" Bool "1" "Allow UPDATE … SET.",
    LightweightDeletesSync "lightweight_deletes_sync" UInt64 "2" "As mutations_sync, for DELETE FROM.",
    AlterSync "alter_sync" UInt64 "1" "ALTER waits until it is done (it always does).",
    UseSkipIndexes "use_skip_indexes" Bool "1" "Reads leave out what skip indexes say holds no row that is asked for.",
    UseSkipIndexesIfFinal "use_skip_indexes_if_final" Bool "1" "The same under FINAL.",
    UseSkipIndexesIfFinalExactMode "use_skip_indexes_if_final_exact_mode" Bool "1" "Under FINAL all rows of the keys that skip indexes leave are read; 0: only those that they leave, so that a row may win that is not the newest.",
    IgnoreDataSkippingIndices "ignore_data_skipping_indices" String "" "Names of skip indexes that are not used, with commas between.",
    ForceDataSkippingIndices "force_data_skipping_indices" String "" "A read that cannot use one of these skip indexes is an error.",
    OptimizeUseProjections "optimize_use_projections" Bool "1" "Aggregations read projections of parts in the place of their rows, where that gives the same.",
    ForceOptimizeProjection "force_optimize_projection" Bool "0" "A query of a table with parts that uses no projection is an error.",
    ForceOptimizeProjectionName "force_optimize_projection_name" String "" "A query that does not use this projection is an error.",
    PreferredOptimizeProjectionName "preferred_optimize_projection_name" String "" "Among the projections that give the same, this one is used.",
    LightweightMutationProjectionMode "lightweight_mutation_projection_mode" String "throw" "DELETE FROM a table with projections: throw refuses it; drop and rebuild: parts with deleted rows are read without them until a merge.",
    ApplyDeletedMask "apply_deleted_mask" Bool "1" "0: rows that DELETE FROM deleted are shown until a merge drops them.",
    AllowDropDetached "allow_drop_detached" Bool "0" "Allow DROP DETACHED PART and PARTITION.",
    OptimizeSkipMergedPartitions "optimize_skip_merged_partitions" Bool "0" "OPTIMIZE FINAL leaves partitions of one part that was merged alone.",
    OptimizeThrowIfNoop "optimize_throw_if_noop" Bool "0" "OPTIMIZE that had nothing to do is an error.",
    MaterializedViewsIgnoreErrors "materialized_views_ignore_errors" Bool "0" "A view that fails skips the block instead of refusing the insert.",
    IgnoreMaterializedViewsWithDroppedTargetTable "ignore_materialized_views_with_dropped_target_table" Bool "0" "Skip views whose target table is gone.",
    AllowMaterializedViewWithBadSelect "allow_materialized_view_with_bad_select" Bool "0" "CREATE MATERIALIZED VIEW does not check its columns.",
    InsertDeduplicationToken "insert_deduplication_token" String "" "An INSERT with a token that was seen is answered as the first was.",
    InsertDeduplicate "insert_deduplicate" Bool "1" "Whether inserts are deduplicated, under deduplicate_insert = 'backward_compatible_choice'.",
    DeduplicateInsert "deduplicate_insert" DeduplicateInsertMode "enable" "An INSERT that was seen, by its token or by the hash of its rows, is answered as the first was: enable, disable, backward_compatible_choice.",
    AsyncInsert "async_insert" Bool "1" "Inserts that come together share one write and one sync of the log (they always do).",
    WaitForAsyncInsert "wait_for_async_insert" Bool "1" "0, with async_insert: an INSERT is answered when it is in the log, before its sync, which follows soon.",
    FsyncMode "fsync_mode" String "" "When an INSERT is forced to the disk: always (before it is answered), interval (soon after), never (when the system likes); '' as the server does.",
    Readonly "readonly" UInt64 "0" "0: everything; 1: reads only; 2: reads, and settings may change.",
    DescribeIncludeSubcolumns "describe_include_subcolumns" Bool "0" "DESCRIBE lists the parts of columns as well; not supported yet.",
    ExtremesOutput "extremes" Bool "0" "Also give the minimum and maximum of each column.",
    LogQueries "log_queries" Bool "1" "Keep queries in system.query_log.",
    LogComment "log_comment" String "" "A remark that is kept with the query.",
    SendProgressInHttpHeaders "send_progress_in_http_headers" Bool "0" "Tell in headers how far a query was while its first rows were made.",
    HttpConnectionTimeout "http_connection_timeout" Seconds "1" "How long a connection to another HTTP server may take.",
    HttpReceiveTimeout "http_receive_timeout" Seconds "30" "How long another HTTP server may take for the head of an answer, and between two pieces of it.",
    HttpMaxTries "http_max_tries" UInt64 "10" "How often a request to another HTTP server is tried.",
    HttpRetryInitialBackoffMs "http_retry_initial_backoff_ms" UInt64 "100" "The pause before the second try; each further one is twice as long.",
    HttpRetryMaxBackoffMs "http_retry_max_backoff_ms" UInt64 "10000" "The longest pause between two tries.",
    HttpSkipNotFoundUrlForGlobs "http_skip_not_found_url_for_globs" Bool "1" "Pages of a URL with braces that are not there have no rows.",
    MaxHttpGetRedirects "max_http_get_redirects" UInt64 "0" "How many redirects url() follows.",
    GlobExpansionMaxElements "glob_expansion_max_elements" UInt64 "1000" "How many names the braces of a path may mean.",
    S3TruncateOnInsert "s3_truncate_on_insert" Bool "0" "An INSERT into s3 replaces an object that is there.",
    EngineFileTruncateOnInsert "engine_file_truncate_on_insert" Bool "0" "An INSERT into file replaces a file that is there.",
    EngineFileEmptyIfNotExists "engine_file_empty_if_not_exists" Bool "0" "A file that is not there has no rows.",
    ExternalStorageConnectTimeoutSec "external_storage_connect_timeout_sec" UInt64 "10" "How long a connection to another database may take.",
    ExternalStorageRwTimeoutSec "external_storage_rw_timeout_sec" UInt64 "300" "How long another database may take between two pieces of an answer.",
    HttpHeadersProgressIntervalMs "http_headers_progress_interval_ms" UInt64 "100" "How often progress headers are sent.",
    WaitEndOfQuery "wait_end_of_query" Bool "0" "Answer only when the whole result is known, so that errors get their status.",
    BufferSize "buffer_size" UInt64 "1048576" "Bytes of a result that are held back before the answer starts.",
    CancelHttpReadonlyQueriesOnClientClose "cancel_http_readonly_queries_on_client_close" Bool "1" "A client that goes away cancels its statement, one that writes too; 0 is refused.",
    EnableHttpCompression "enable_http_compression" Bool "0" "Compress answers as Accept-Encoding allows.",
    HttpZlibCompressionLevel "http_zlib_compression_level" Int64 "3" "Level of compressed answers.",
    OutputFormatJsonQuote64bitIntegers "output_format_json_quote_64bit_integers" Bool "0" "64-bit integers are strings in JSON.",
    OutputFormatJsonQuoteDenormals "output_format_json_quote_denormals" Bool "0" "nan and inf are strings in JSON instead of null.",
    OutputFormatJsonEscapeForwardSlashes "output_format_json_escape_forward_slashes" Bool "1" "Write / as \\/ in JSON.",
    OutputFormatJsonNamedTuplesAsObjects "output_format_json_named_tuples_as_objects" Bool "1" "Named tuples are JSON objects.",
    OutputFormatWriteStatistics "output_format_write_statistics" Bool "1" "JSON formats end with statistics.",
    OutputFormatPrettyMaxRows "output_format_pretty_max_rows" UInt64 "1000" "Rows that Pretty formats show.",
    OutputFormatPrettyRowNumbers "output_format_pretty_row_numbers" Bool "1" "Pretty formats number the rows.",
    OutputFormatPrettyColor "output_format_pretty_color" String "auto" "Pretty formats use colours: auto, 0 or 1.",
    OutputFormatTsvCrlfEndOfLine "output_format_tsv_crlf_end_of_line" Bool "0" "TSV lines end with CR LF.",
    OutputFormatCsvCrlfEndOfLine "output_format_csv_crlf_end_of_line" Bool "0" "CSV lines end with CR LF.",
    FormatCsvDelimiter "format_csv_delimiter" Char "," "What stands between the values of a CSV line.",
    FormatTsvNullRepresentation "format_tsv_null_representation" String "\\N" "How TSV writes NULL.",
    FormatCsvNullRepresentation "format_csv_null_representation" String "\\N" "How CSV writes NULL.",
    InputFormatSkipUnknownFields "input_format_skip_unknown_fields" Bool "1" "Unknown keys of JSON rows and unknown columns of a header are skipped.",
    InputFormatNullAsDefault "input_format_null_as_default" Bool "1" "NULL for a column that is not Nullable becomes its default.",
    InputFormatDefaultsForOmittedFields "input_format_defaults_for_omitted_fields" Bool "1" "Absent fields take their DEFAULT.",
    InputFormatAllowErrorsNum "input_format_allow_errors_num" UInt64 "0" "Bad rows that are skipped before the input is refused.",
    InputFormatAllowErrorsRatio "input_format_allow_errors_ratio" Float "0" "Share of bad rows that are skipped before the input is refused.",
    InputFormatValuesInterpretExpressions "input_format_values_interpret_expressions" Bool "1" "VALUES may hold expressions.",
    InputFormatCsvEmptyAsDefault "input_format_csv_empty_as_default" Bool "1" "Empty CSV fields take their default.",
    InputFormatTsvEmptyAsDefault "input_format_tsv_empty_as_default" Bool "0" "Empty TSV fields take their default.",
    InputFormatWithNamesUseHeader "input_format_with_names_use_header" Bool "1" "Columns are matched by the names in the header line.",
    InputFormatWithTypesUseHeader "input_format_with_types_use_header" Bool "1" "Types in the header line are checked.",
    InputFormatParallelParsing "input_format_parallel_parsing" Bool "1" "Accepted; has no effect on results.",
    MaxParserDepth "max_parser_depth" UInt64 "1000" "How deep a statement may nest.",
    MaxQuerySize "max_query_size" UInt64 "262144" "Bytes of a statement, not counting the data of an INSERT.",
    EnableAnalyzer "enable_analyzer" Bool "1" "Accepted: there is one analyzer.",
    UseVariantAsCommonType "use_variant_as_common_type" Bool "1" "if and CASE over types without a common one give Variant.",
    MaxRowsInSet "max_rows_in_set" UInt64 "0" "Rows that a subquery on the right side of IN may give; 0: no limit. Not supported yet: such an IN is refused.",
    AllowExperimentalReplacingMergeWithCleanup "allow_experimental_replacing_merge_with_cleanup" Bool "0" "Allow OPTIMIZE … CLEANUP.",
    AggregateFunctionsNullForEmpty "aggregate_functions_null_for_empty" Bool "0" "Aggregates over nothing give NULL.",
    EmptyResultForAggregationByEmptySet "empty_result_for_aggregation_by_empty_set" Bool "0" "Aggregates without GROUP BY over nothing give no row.",
    CompileExpressions "compile_expressions" Bool "1" "Accepted; has no effect on results.",
    UseUncompressedCache "use_uncompressed_cache" Bool "0" "Accepted: decoded granules are always cached.",
    LoadBalancing "load_balancing" LoadBalancing "random" "Accepted; there is one server.",
    ConnectTimeout "connect_timeout" Seconds "10" "Accepted; there is one server.",
    ReceiveTimeout "receive_timeout" Seconds "300" "Accepted by clients' request.",
    SendTimeout "send_timeout" Seconds "300" "Accepted by clients' request.",
}

impl Setting {
    /// The row of the table.
    pub fn def(self) -> &'static SettingDef {
        &SETTINGS[self as usize]
    }

    /// The setting of that name.
    pub fn by_name(name: &str) -> Result<Setting> {
        Setting::known(name).ok_or_else(|| unknown(name))
    }

    fn known(name: &str) -> Option<Setting> {
        SETTINGS.iter().find(|def| def.name == name).map(|def| def.setting)
    }
}

fn unknown(name: &str) -> Error {
    let names = SETTINGS.iter().map(|def| def.name).chain(clickhouse::all().iter().map(|setting| setting.name));
    Error::UnknownSetting { name: name.to_owned(), hint: nearest(name, names) }
}

/// A name that `SET` takes.
#[derive(Clone, Copy, Debug)]
pub enum Named {
    /// One of Everview's own.
    Own(Setting),
    /// One of ClickHouse's.
    Other(&'static ClickHouseSetting),
}

impl Named {
    /// What a name means. Unknown ones are refused.
    pub fn find(name: &str) -> Result<Named> {
        match (Setting::known(name), clickhouse::by_name(name)) {
            (Some(own), _) => Ok(Named::Own(own)),
            (None, Some(ClickHouseSetting { effect: Effect::AliasOf(other), .. })) => Named::find(other),
            (None, Some(other)) => Ok(Named::Other(other)),
            (None, None) => Err(unknown(name)),
        }
    }

    /// As text.
    pub fn default(self) -> &'static str {
        match self {
            Named::Own(setting) => setting.def().default,
            Named::Other(setting) => setting.default,
        }
    }

    /// What values it takes.
    pub fn kind(self) -> SettingKind {
        match self {
            Named::Own(setting) => setting.def().kind,
            Named::Other(setting) => setting.kind(),
        }
    }

    /// ClickHouse's name of its type.
    pub fn type_name(self) -> &'static str {
        match self {
            Named::Own(setting) => setting.def().kind.name(),
            Named::Other(setting) => setting.type_name,
        }
    }
}

/// The settings of one query or session: the table's defaults and what was changed. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Settings {
    changed: Arc<BTreeMap<Setting, Arc<str>>>,
    /// Of ClickHouse, by name.
    others: Arc<BTreeMap<&'static str, Arc<str>>>,
}

impl Settings {
    /// Changes the setting of that name; refuses unknown names and values that do not fit.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match Named::find(name)? {
            Named::Own(setting) => {
                let def = setting.def();
                let value = def.kind.checked(def.name, value)?;
                Arc::make_mut(&mut self.changed).insert(setting, value.into());
            }
            Named::Other(setting) => {
                let value = setting.checked(value)?;
                Arc::make_mut(&mut self.others).insert(setting.name, value.into());
            }
        }
        Ok(())
    }

    /// The setting of that name is back to its default.
    pub fn reset_named(&mut self, name: &str) -> Result<()> {
        match Named::find(name)? {
            Named::Own(setting) => self.reset(setting),
            Named::Other(setting) => drop(Arc::make_mut(&mut self.others).remove(setting.name)),
        }
        Ok(())
    }

    /// The value of the setting of that name, as text.
    pub fn text_of(&self, name: &str) -> Result<&str> {
        Ok(match Named::find(name)? {
            Named::Own(setting) => self.text(setting),
            Named::Other(setting) => self.others.get(setting.name).map_or(setting.default, |value| value),
        })
    }

    /// Back to the default.
    pub fn reset(&mut self, setting: Setting) {
        Arc::make_mut(&mut self.changed).remove(&setting);
    }

    /// The value as text.
    pub fn text(&self, setting: Setting) -> &str {
        self.changed.get(&setting).map_or(setting.def().default, |value| value)
    }

    /// The value of a Bool setting.
    pub fn flag(&self, setting: Setting) -> bool {
        self.text(setting) == "1"
    }

    /// The value of an unsigned setting; Bool counts as 0 or 1.
    pub fn uint(&self, setting: Setting) -> u64 {
        self.text(setting).parse().unwrap_or(0)
    }

    /// The value of a numeric setting; Seconds in seconds.
    pub fn float(&self, setting: Setting) -> f64 {
        self.text(setting).parse().unwrap_or(0.0)
    }

    /// What was changed of Everview's own, in the order of the table: all that an answer can depend on.
    pub fn changed(&self) -> impl Iterator<Item = (&'static SettingDef, &str)> {
        self.changed.iter().map(|(setting, value)| (setting.def(), &**value))
    }

    /// Names and values of all that was changed.
    pub fn changed_by_name(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let others = self.others.iter().map(|(name, value)| (*name, &**value));
        self.changed().map(|(def, value)| (def.name, value)).chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_settings_are_refused_with_the_nearest_name() {
        let error = Settings::default().set("max_thread", "2").unwrap_err();
        assert_eq!(error.to_string(), "unknown setting \"max_thread\" (did you mean \"max_threads\"?)");
        assert_eq!(error.code().0, 115);
    }

    #[test]
    fn values_are_checked_against_their_kind() {
        let mut settings = Settings::default();
        assert!(settings.set("max_threads", "many").is_err());
        settings.set("join_use_nulls", "true").unwrap();
        assert!(settings.flag(Setting::JoinUseNulls));
        settings.reset(Setting::JoinUseNulls);
        assert!(!settings.flag(Setting::JoinUseNulls));
    }

    #[test]
    fn every_default_fits_its_kind() {
        for (position, def) in SETTINGS.iter().enumerate() {
            assert_eq!(def.setting as usize, position);
            def.kind.checked(def.name, def.default).unwrap();
        }
    }
}
