SET optimize_read_in_order = 0, allow_suspicious_indices = 1;
SELECT getSetting('optimize_read_in_order'), getSetting('allow_suspicious_indices'), toTypeName(getSetting('max_block_size'));
SHOW SETTING optimize_read_in_order;
SELECT name, value, changed FROM system.settings WHERE name IN ('optimize_read_in_order', 'join_any_take_last_row') ORDER BY name;
SET optimize_read_in_order = DEFAULT;
SELECT getSetting('optimize_read_in_order');
SET allow_experimental_analyzer = 1;
SET replication_alter_partitions_sync = 2;
SELECT getSetting('alter_sync');
SELECT name, alias_for FROM system.settings WHERE name = 'replication_alter_partitions_sync';
SET optimize_read_in_order = 'often'; -- { serverError CANNOT_PARSE_BOOL }
SELECT 1 SETTINGS query_plan_enable_optimizations = 0, compile_aggregate_expressions = 0, send_logs_level = 'trace';
CREATE TABLE t (a UInt32, b UInt32) ENGINE = MergeTree ORDER BY a SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;
INSERT INTO t SETTINGS min_insert_block_size_rows_for_materialized_views = 10 SELECT number, 0 FROM numbers(5);
DELETE FROM t WHERE a = 1 SETTINGS enable_lightweight_delete = 0; -- { serverError SUPPORT_IS_DISABLED }
DELETE FROM t WHERE a = 1 SETTINGS allow_experimental_lightweight_delete = 1, lightweight_delete_mode = 'alter_update';
UPDATE t SET b = 7 WHERE a = 2 SETTINGS enable_lightweight_update = 0; -- { serverError SUPPORT_IS_DISABLED }
UPDATE t SET b = 7 WHERE a = 2;
SELECT * FROM t ORDER BY a;
SET no_such_setting = 1; -- { serverError UNKNOWN_SETTING }
SET optimize_read_in_order = 2; -- { serverError CANNOT_CONVERT_TYPE }
SET max_insert_block_size = 'abc'; -- { serverError CANNOT_PARSE_INPUT_ASSERTION_FAILED }
SET max_insert_block_size = -1; -- { serverError CANNOT_CONVERT_TYPE }
SET max_block_size = 0; -- { serverError BAD_ARGUMENTS }
SET max_execution_time = 'abc'; -- { serverError CANNOT_PARSE_NUMBER }
SET result_overflow_mode = 'foo'; -- { serverError UNKNOWN_OVERFLOW_MODE }
SET union_default_mode = 'foo'; -- { serverError UNKNOWN_UNION }
SET date_time_input_format = 'foo'; -- { serverError BAD_ARGUMENTS }
SET session_timezone = 'Foo/Bar'; -- { serverError BAD_ARGUMENTS }
SET load_balancing = 'foo'; -- { serverError UNKNOWN_LOAD_BALANCING }
SET format_csv_delimiter = 'ab'; -- { serverError SIZE_OF_FIXED_STRING_DOESNT_MATCH }
SELECT toTypeName(getSetting('max_execution_time')), toTypeName(getSetting('union_default_mode'));
