CREATE TABLE t (k UInt32, c Nullable(UInt8)) ENGINE = MergeTree ORDER BY k;
INSERT INTO t VALUES (1, NULL), (2, 5);
ALTER TABLE t MODIFY COLUMN c UInt8; -- { serverError BAD_ARGUMENTS }
ALTER TABLE t MODIFY COLUMN c NULL; -- { serverError SYNTAX_ERROR }
ALTER TABLE t MODIFY COLUMN c UInt8 DEFAULT 9;
SELECT * FROM t ORDER BY k;
SHOW CREATE TABLE t;
CREATE TABLE nn (k UInt32, c Nullable(String), d Nullable(UInt8) DEFAULT 4, x UInt8) ENGINE = MergeTree ORDER BY k;
INSERT INTO nn VALUES (1, NULL, NULL, 7), (2, 'a', 1, 8);
ALTER TABLE nn MODIFY COLUMN c String DEFAULT 'dd';
ALTER TABLE nn MODIFY COLUMN d UInt8;
ALTER TABLE nn MODIFY COLUMN d UInt8 DEFAULT x + 1;
SELECT * FROM nn ORDER BY k;
INSERT INTO nn (k) VALUES (3);
SELECT * FROM nn ORDER BY k;
CREATE TABLE e (k UInt32, c Nullable(UInt8) DEFAULT k * 2) ENGINE = MergeTree ORDER BY k;
INSERT INTO e VALUES (4, NULL), (5, 1);
CREATE TABLE n (id UInt32, n Nested(a UInt8, b String), z Array(UInt8)) ENGINE = MergeTree ORDER BY id;
INSERT INTO n VALUES (1, [1, 2], ['x', 'y'], [5]);
ALTER TABLE n RENAME COLUMN n.a TO q; -- { serverError BAD_ARGUMENTS }
ALTER TABLE n RENAME COLUMN z TO n.z; -- { serverError BAD_ARGUMENTS }
ALTER TABLE n RENAME COLUMN n.a TO m.a; -- { serverError BAD_ARGUMENTS }
ALTER TABLE n UPDATE `n.b` = ['q', 'r'] WHERE id = 1;
SELECT * FROM n;
ALTER TABLE n UPDATE `n.a` = [7], `n.b` = ['only'] WHERE id = 1;
SELECT * FROM n;
ALTER TABLE n UPDATE `n.b` = ['q', 'w'] WHERE id = 1; -- { serverError UNFINISHED }
KILL MUTATION WHERE database = currentDatabase() AND table = 'n' FORMAT Null;
SELECT * FROM n;
DETACH TABLE e;
SELECT database, table, is_permanently FROM system.detached_tables;
ATTACH TABLE e;
DETACH TABLE e PERMANENTLY;
SELECT database, table, is_permanently FROM system.detached_tables;
ATTACH TABLE e;
ATTACH TABLE other (a UInt8) ENGINE = Memory; -- { serverError INCORRECT_QUERY }
DETACH DATABASE nope; -- { serverError UNKNOWN_DATABASE }
SELECT name, supports_settings, supports_skipping_indices, supports_projections, supports_sort_order, supports_ttl, supports_deduplication, supports_parallel_insert FROM system.table_engines WHERE name IN ('Buffer', 'Join', 'Log', 'Memory', 'MergeTree', 'ReplacingMergeTree', 'Set', 'URL', 'View') ORDER BY name;
