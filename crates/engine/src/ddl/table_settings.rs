//! The settings of a table: which there are, what they may be, and those that mean something here.
//!
//! Those of ClickHouse that only tune what is tuned otherwise here are checked and kept. What would change rows or answers
//! and is not done here is refused by name unless it has the value that changes nothing.

use sql::ast::{Literal, Setting as AstSetting, SettingValue, Storage};
use types::ErrorCode;

use crate::error::{Error, Result};

/// The settings of a table that mean something.
#[derive(Clone, Debug)]
pub(crate) struct TableSettings {
    pub(crate) index_granularity: usize,
    pub(crate) allow_nullable_key: bool,
    pub(crate) allow_dimensions_outside_sorting_key: bool,
    pub(crate) allow_suspicious_indices: bool,
    pub(crate) allow_floating_point_partition_key: bool,
}

impl Default for TableSettings {
    fn default() -> TableSettings {
        TableSettings {
            index_granularity: parts::schema::INDEX_GRANULARITY,
            allow_nullable_key: false,
            allow_dimensions_outside_sorting_key: false,
            allow_suspicious_indices: false,
            allow_floating_point_partition_key: false,
        }
    }
}

/// Those that are honoured, here or where they matter, and those that only Everview has.
const HONOURED: &[(&str, Kind)] = &[
    ("index_granularity", Kind::Number),
    ("allow_nullable_key", Kind::Flag),
    ("allow_dimensions_outside_sorting_key", Kind::Flag),
    ("allow_experimental_reverse_key", Kind::Flag),
    ("allow_suspicious_indices", Kind::Flag),
    ("allow_floating_point_partition_key", Kind::Flag),
    ("allow_experimental_replacing_merge_with_cleanup", Kind::Flag),
    ("enable_block_number_column", Kind::Flag),
    ("enable_block_offset_column", Kind::Flag),
    ("ttl_only_drop_parts", Kind::Flag),
    ("non_replicated_deduplication_window", Kind::Number),
    ("max_partitions_to_read", Kind::Signed),
    ("deduplicate_merge_projection_mode", Kind::Text),
    ("lightweight_mutation_projection_mode", Kind::Text),
    ("storage_policy", Kind::Text),
    ("disk", Kind::Text),
    ("dead_letter_table", Kind::Text),
    ("fsync_mode", Kind::Text),
    ("input_format_json_strict_types", Kind::Flag),
    ("compress", Kind::Flag),
];

/// What a setting may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Flag,
    Number,
    Signed,
    Float,
    Text,
}

/// Those that are 0 or 1.
const FLAGS: &str = "
    allow_commit_order_projection allow_experimental_text_index_phrase_search allow_minmax_index_for_json
    allow_part_offset_column_in_projections allow_reduce_blocking_parts_task
    allow_vertical_merges_from_compact_to_wide_parts always_use_copy_instead_of_hardlinks apply_patches_on_merge
    assign_part_uuids check_sample_column_is_correct columns_and_secondary_indices_sizes_lazy_calculation
    compress_marks compress_per_column_in_compact_parts compress_primary_key
    compute_exact_num_defaults_for_sparse_columns detach_not_byte_identical_parts
    detach_old_local_parts_when_cloning_replica enable_adaptive_codec_selection
    enable_index_granularity_compression enable_max_bytes_limit_for_min_age_to_force_merge
    enable_mixed_granularity_parts enable_replacing_merge_with_cleanup_for_min_age_to_force_merge
    enforce_index_structure_match_on_partition_manipulation escape_index_filenames
    escape_variant_subcolumn_filenames exclude_deleted_rows_for_part_size_in_merge
    force_read_through_cache_for_merges fsync_after_insert fsync_part_directory in_memory_parts_enable_wal
    in_memory_parts_insert_sync load_existing_rows_count_for_old_parts materialize_projections_on_insert
    materialize_projections_on_merge materialize_skip_indexes_on_merge materialize_statistics_on_merge
    materialize_ttl_recalculate_only merge_selector_enable_heuristic_to_lower_max_parts_to_merge_at_once
    merge_selector_enable_heuristic_to_remove_small_parts_at_right merge_use_batch_sorting_queue
    min_age_to_force_merge_on_partition_only notify_newest_block_number optimize_row_order prewarm_mark_cache
    prewarm_primary_key_cache primary_key_lazy_load propagate_types_serialization_versions_to_nested_types
    remove_empty_parts remove_rolled_back_parts_immediately remove_unused_patch_parts
    replace_long_file_name_to_hash share_nested_offsets skip_empty_columns_on_insert
    text_index_dictionary_block_frontcoding_compression use_adaptive_write_buffer_for_dynamic_subcolumns
    use_async_block_ids_cache use_compact_variant_discriminators_serialization use_const_adaptive_granularity
    use_metadata_cache use_primary_key_cache vertical_merge_optimize_lightweight_delete
    vertical_merge_optimize_ttl_delete vertical_merge_remote_filesystem_prefetch write_final_mark
    write_marks_for_substreams_in_compact_parts
";

/// Those that are whole numbers from 0 on.
const NUMBERS: &str = "
    adaptive_write_buffer_initial_size async_block_ids_cache_update_wait_ms
    background_task_preferred_step_execution_time_ms check_delay_period cleanup_delay_period
    cleanup_delay_period_random_add cleanup_thread_preferred_points_per_iteration cleanup_threads
    compact_parts_max_bytes_to_buffer compact_parts_max_granules_to_buffer
    compact_parts_merge_max_bytes_to_prefetch_part concurrent_part_removal_threshold
    concurrent_part_removal_threshold_for_remote_disk dead_blobs_to_delay_insert dead_blobs_to_throw_insert
    deduplication_hashes_cache_update_wait_ms distributed_index_analysis_min_indexes_bytes_to_activate
    distributed_index_analysis_min_parts_to_activate enable_vertical_merge_algorithm
    execute_merges_on_single_replica_time_threshold finished_mutations_to_keep inactive_parts_to_delay_insert
    inactive_parts_to_throw_insert index_granularity_bytes initialization_retry_period kill_delay_period
    kill_delay_period_random_add kill_threads lock_acquire_timeout_for_background_operations
    map_buckets_min_avg_size marks_compress_block_size max_avg_part_size_for_too_many_parts max_buckets_in_map
    max_bytes_to_merge_at_max_space_in_pool max_bytes_to_merge_at_min_space_in_pool max_cleanup_delay_period
    max_compress_block_size max_concurrent_queries max_delay_to_insert max_delay_to_mutate_ms
    max_digestion_size_per_segment max_file_name_length max_files_to_modify_in_alter_columns
    max_files_to_remove_in_alter_columns max_merge_delayed_streams_for_parallel_write
    max_merge_selecting_sleep_ms max_number_of_merges_with_ttl_in_pool max_number_of_mutations_for_replica
    max_parts_in_total max_parts_to_merge_at_once max_postpone_time_for_failed_mutations_ms max_projections
    max_suspicious_broken_parts max_suspicious_broken_parts_bytes max_uncompressed_bytes_in_patches
    merge_max_block_size merge_max_block_size_bytes merge_max_bytes_to_prewarm_cache merge_selecting_sleep_ms
    merge_selector_blurry_base_scale_factor
    merge_selector_heuristic_to_lower_max_parts_to_merge_at_once_exponent merge_selector_window_size
    merge_total_max_bytes_to_prewarm_cache merge_tree_clear_old_broken_detached_parts_ttl_timeout_seconds
    merge_tree_clear_old_parts_interval_seconds merge_tree_clear_old_temporary_directories_interval_seconds
    merge_tree_enable_clear_old_broken_detached min_absolute_delay_to_close min_age_to_force_merge_seconds
    min_bytes_for_compact_part min_bytes_for_full_part_storage min_bytes_for_wide_part
    min_bytes_to_prewarm_caches min_bytes_to_rebalance_partition_over_jbod
    min_columns_to_activate_adaptive_write_buffer min_compress_block_size
    min_compressed_bytes_to_fsync_after_merge min_delay_to_insert_ms min_delay_to_mutate_ms
    min_free_disk_bytes_to_perform_insert min_index_granularity_bytes min_level_for_full_part_storage
    min_level_for_wide_part min_marks_to_honor_max_concurrent_queries min_merge_bytes_to_use_direct_io
    min_partition_age_to_force_merge_seconds min_parts_to_merge_at_once min_relative_delay_to_close
    min_relative_delay_to_measure min_relative_delay_to_yield_leadership min_rows_for_compact_part
    min_rows_for_full_part_storage min_rows_for_wide_part min_rows_to_fsync_after_merge
    number_of_free_entries_in_pool_to_execute_mutation
    number_of_free_entries_in_pool_to_execute_optimize_entire_partition
    number_of_free_entries_in_pool_to_lower_max_size_of_merge number_of_mutations_to_delay
    number_of_mutations_to_throw number_of_partitions_to_consider_for_merge old_parts_lifetime
    packed_skip_index_max_bytes part_moves_between_shards_delay_seconds part_moves_between_shards_enable
    parts_to_delay_insert parts_to_throw_insert primary_key_compress_block_size reduce_blocking_parts_sleep_ms
    refresh_parts_interval refresh_statistics_interval remote_fs_execute_merges_on_single_replica_time_threshold
    simultaneous_parts_removal_limit sleep_before_loading_outdated_parts_ms temporary_directories_lifetime
    text_index_dictionary_block_size text_index_max_memory_usage_before_flush
    text_index_max_processed_tokens_before_flush text_index_posting_list_block_size
    vertical_merge_algorithm_min_bytes_to_activate vertical_merge_algorithm_min_columns_to_activate
    vertical_merge_algorithm_min_rows_to_activate wait_for_unique_parts_send_before_shutdown_ms
    write_ahead_log_bytes_to_fsync write_ahead_log_interval_ms_to_fsync write_ahead_log_max_bytes
";

/// Those that are whole numbers.
const SIGNED: &str = "
    merge_with_recompression_ttl_timeout merge_with_ttl_timeout
";

/// Those that are numbers.
const FLOATS: &str = "
    fault_probability_after_part_commit fault_probability_before_part_commit map_buckets_coefficient
    merge_selecting_sleep_slowdown_factor merge_selector_base min_free_disk_ratio_to_perform_insert
    primary_key_ratio_of_unique_prefix_values_to_skip_suffix_columns ratio_of_defaults_for_sparse_serialization
";

/// Those that are words.
const TEXTS: &str = "
    auto_statistics_types clean_deleted_rows columns_to_prewarm_mark_cache default_compression_codec
    dynamic_serialization_version exclude_materialize_skip_indexes_on_merge map_buckets_strategy
    map_serialization_version map_serialization_version_for_zero_level_parts marks_compression_codec
    max_part_loading_threads max_part_removal_threads merge_max_dynamic_subcolumns_in_compact_part
    merge_max_dynamic_subcolumns_in_wide_part merge_selector_algorithm merge_workload mutation_workload
    nullable_serialization_version part_minmax_index_columns patch_parts_version primary_key_compression_codec
    search_orphaned_parts_disks serialization_info_version string_serialization_version
    text_index_posting_list_codec text_index_serialization_version
";

/// Those that would change which rows there are or what a statement answers, with the value that changes nothing: other
/// values are refused.
const ONLY_DEFAULTS: &[(&str, &str)] = &[
    ("add_implicit_sign_column_constraint_for_collapsing_engine", "0"),
    ("add_minmax_index_for_block_number_column", "0"),
    ("add_minmax_index_for_block_offset_column", "0"),
    ("add_minmax_index_for_numeric_columns", "0"),
    ("add_minmax_index_for_string_columns", "0"),
    ("add_minmax_index_for_temporal_columns", "0"),
    ("allow_coalescing_columns_in_partition_or_order_key", "0"),
    ("allow_summing_columns_in_partition_or_order_key", "0"),
    ("allow_tuple_element_aggregation", "0"),
    ("compatibility_allow_sampling_expression_not_in_primary_key", "0"),
    ("max_table_size_bytes_compressed", "0"),
    ("max_table_size_bytes_uncompressed", "0"),
    ("max_table_size_rows", "0"),
    ("table_readonly", "0"),
    ("table_disk", "0"),
    ("async_insert", "0"),
    ("alter_column_secondary_index_mode", "rebuild"),
];

/// Those of a Memory table that throw rows away.
const MEMORY_LIMITS: &[&str] = &["min_rows_to_keep", "max_rows_to_keep", "min_bytes_to_keep", "max_bytes_to_keep"];

/// Every name.
fn names() -> impl Iterator<Item = &'static str> {
    let tuning = [FLAGS, NUMBERS, SIGNED, FLOATS, TEXTS].into_iter().flat_map(str::split_whitespace);
    let honoured = HONOURED.iter().map(|(name, _)| *name);
    honoured.chain(ONLY_DEFAULTS.iter().map(|(name, _)| *name)).chain(MEMORY_LIMITS.iter().copied()).chain(tuning)
}

fn kind_of(name: &str) -> Kind {
    if let Some((_, kind)) = HONOURED.iter().find(|(known, _)| *known == name) {
        return *kind;
    }
    let lists =
        [(FLAGS, Kind::Flag), (NUMBERS, Kind::Number), (SIGNED, Kind::Signed), (FLOATS, Kind::Float)].into_iter();
    let mut found = lists.filter(|(list, _)| list.split_whitespace().any(|known| known == name));
    found.next().map_or(Kind::Text, |(_, kind)| kind)
}

/// True for a setting of queries that stands among those of a table: it is that of the statement and is not kept. Engines
/// with settings of their own, as Join, keep theirs.
pub(crate) fn is_of_query(storage: &Storage, setting: &AstSetting) -> bool {
    let name = setting.name.name.as_str();
    let engine = storage.engine.as_ref().map_or("MergeTree", |engine| engine.name.name.as_str());
    let is_usual =
        engine.ends_with("MergeTree") || matches!(engine, "Memory" | "Log" | "TinyLog" | "StripeLog" | "Null");
    is_usual && !names().any(|known| known == name) && types::settings::Named::find(name).is_ok()
}

/// Refuses a name that no table has.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if names().any(|known| known == name) {
        return Ok(());
    }
    let hint = types::error::nearest(name, names());
    let message = format!("unknown setting '{name}' for storage{hint}");
    Err(Error::refused(ErrorCode::UNKNOWN_SETTING, message))
}

/// Refuses what is no value of the kind, with ClickHouse's codes.
fn check_kind(name: &str, value: &SettingValue, text: &str) -> Result<()> {
    let kind = kind_of(name);
    if kind == Kind::Text {
        return Ok(());
    }
    let parsed = match kind {
        Kind::Flag if matches!(text, "true" | "false") => Some(0.0),
        _ => text.parse::<f64>().ok(),
    };
    let Some(number) = parsed else {
        let code = match kind {
            Kind::Flag => ErrorCode::CANNOT_PARSE_BOOL,
            _ => ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED,
        };
        return Err(Error::refused(code, format!("cannot parse the value '{text}' of table setting {name}")));
    };
    if matches!(kind, Kind::Flag | Kind::Number)
        && number < 0.0
        && matches!(value, SettingValue::Literal(Literal::Int(_)))
    {
        let message = format!("value {text} of table setting {name} is out of range");
        return Err(Error::refused(ErrorCode::CANNOT_CONVERT_TYPE, message));
    }
    Ok(())
}

/// There is one disk, and one policy.
fn check_place(name: &str, text: &str) -> Result<()> {
    match name {
        "storage_policy" if text != "default" => {
            Err(Error::refused(ErrorCode::UNKNOWN_POLICY, format!("unknown storage policy `{text}`")))
        }
        "disk" if text != "default" => Err(Error::refused(ErrorCode::UNKNOWN_DISK, format!("unknown disk {text}"))),
        _ => Ok(()),
    }
}

/// Reads the settings of a storage clause.
pub(crate) fn table_settings(settings: &[AstSetting]) -> Result<TableSettings> {
    let mut read = TableSettings::default();
    for setting in settings {
        let name = setting.name.name.as_str();
        if matches!(name, "redis_hash" | "redis_value") {
            return Err(Error::NotImplemented(format!("table setting {name}")));
        }
        check_name(name)?;
        let text = crate::settings::text(name, &setting.value)?;
        check_kind(name, &setting.value, &text)?;
        check_place(name, &text)?;
        super::projections::check_setting(name, &text)?;
        let keeps_all = ONLY_DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, default)| *default);
        let keeps_all = keeps_all.or_else(|| MEMORY_LIMITS.contains(&name).then_some("0"));
        if keeps_all.is_some_and(|default| default != text) {
            return Err(Error::NotImplemented(format!("table setting {name} = {text}")));
        }
        let is_on = !matches!(text.as_str(), "0" | "false");
        match name {
            "index_granularity" => read.index_granularity = granularity(&text)?,
            "fsync_mode" if store::FsyncMode::parse(&text, store::config::SYNC_SOON).is_none() => {
                let message = format!("table setting fsync_mode is always, interval or never, not '{text}'");
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            "allow_nullable_key" => read.allow_nullable_key = is_on,
            "allow_dimensions_outside_sorting_key" => read.allow_dimensions_outside_sorting_key = is_on,
            "allow_suspicious_indices" => read.allow_suspicious_indices = is_on,
            "allow_floating_point_partition_key" => read.allow_floating_point_partition_key = is_on,
            _ => {}
        }
    }
    Ok(read)
}

fn granularity(text: &str) -> Result<usize> {
    text.parse().ok().filter(|rows| (1..=1 << 20).contains(rows)).ok_or_else(|| {
        let message = format!("index_granularity must be in 1 … 1048576, not {text}");
        Error::refused(ErrorCode::BAD_ARGUMENTS, message)
    })
}
