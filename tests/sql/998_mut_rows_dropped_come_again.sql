-- hashes of rows are forgotten when a command drops or detaches rows: what is sent again is no duplicate
CREATE TABLE w (k UInt64) ENGINE = MergeTree PARTITION BY k % 2 ORDER BY k SETTINGS non_replicated_deduplication_window = 100;
INSERT INTO w VALUES (1);
INSERT INTO w VALUES (1);
SELECT 'twice', count() FROM w;
TRUNCATE TABLE w;
INSERT INTO w VALUES (1);
SELECT 'truncated', count() FROM w;
ALTER TABLE w DROP PARTITION 1;
INSERT INTO w VALUES (1);
SELECT 'dropped', count() FROM w;
ALTER TABLE w DETACH PARTITION 1;
INSERT INTO w VALUES (1);
SELECT 'detached', count() FROM w;
ALTER TABLE w ATTACH PARTITION 1;
SELECT 'attached', count() FROM w;
ALTER TABLE w DELETE WHERE 1 SETTINGS mutations_sync = 2;
INSERT INTO w VALUES (1);
SELECT 'deleted', count() FROM w;
-- a Date may lie behind the last DateTime there is
CREATE TABLE far (k UInt64, d Date, v String TTL d + INTERVAL 110 YEAR) ENGINE = MergeTree ORDER BY k TTL d + INTERVAL 100 YEAR;
INSERT INTO far VALUES (1, '2025-01-01', 'a'), (2, '2000-01-01', 'b'), (3, '1971-01-01', 'c');
OPTIMIZE TABLE far FINAL;
SELECT * FROM far ORDER BY k;
-- the settings of async inserts and of spilling are taken, sizes with their units
INSERT INTO far SETTINGS async_insert = 1, wait_for_async_insert = 1, async_insert_busy_timeout_ms = 10, async_insert_max_data_size = '1Mi' VALUES (4, '2025-01-01', 'd');
SELECT count() FROM far SETTINGS max_bytes_before_external_group_by = '100M', max_bytes_before_external_sort = 1000, join_algorithm = 'grace_hash';
SELECT getSetting('max_memory_usage') SETTINGS max_memory_usage = '10G';
SELECT getSetting('max_memory_usage') SETTINGS max_memory_usage = '10Gi';
SYSTEM FLUSH LOGS nothing_log; -- { serverError BAD_ARGUMENTS }
