-- Inserts that are sent again. The real engine remembers hashes per table: it gives a duplicate to the views over the
-- table all the same (their sums double), which this one does not: a view is its query. So views are not looked at here.
CREATE TABLE blocks (k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100;
INSERT INTO blocks VALUES (1, 10), (2, 20);
INSERT INTO blocks VALUES (1, 10), (2, 20);
SELECT count() FROM blocks;
INSERT INTO blocks SETTINGS insert_deduplicate = 0 VALUES (1, 10), (2, 20);
SELECT count() FROM blocks;
INSERT INTO blocks SETTINGS insert_deduplication_token = 'a' VALUES (5, 5);
INSERT INTO blocks SETTINGS insert_deduplication_token = 'a' VALUES (6, 6);
SELECT k, v FROM blocks ORDER BY k, v;
CREATE TABLE few (k UInt64) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 2;
INSERT INTO few VALUES (1);
INSERT INTO few VALUES (2);
INSERT INTO few VALUES (3);
INSERT INTO few VALUES (3);
INSERT INTO few VALUES (1);
INSERT INTO few VALUES (2);
SELECT k, count() FROM few GROUP BY k ORDER BY k;
CREATE TABLE all_of_them (k UInt64) ENGINE = MergeTree ORDER BY k;
INSERT INTO all_of_them VALUES (1);
INSERT INTO all_of_them VALUES (1);
SELECT count() FROM all_of_them;
CREATE TABLE later (k UInt64) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100;
INSERT INTO later SETTINGS insert_deduplication_token = 'nothing yet' SELECT number FROM numbers(0);
INSERT INTO later SETTINGS insert_deduplication_token = 'nothing yet' SELECT number FROM numbers(2);
INSERT INTO later SETTINGS insert_deduplication_token = 'nothing yet' SELECT number FROM numbers(2);
SELECT count() FROM later;
