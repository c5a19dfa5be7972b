-- one process: the end of a process flushes a Buffer
CREATE TABLE dst (k UInt32, v String, d UInt8 DEFAULT 7) ENGINE = MergeTree ORDER BY k;
CREATE TABLE b (k UInt32, v String) ENGINE = Buffer(currentDatabase(), dst, 1, 10, 100, 100, 1000, 1000000, 10000000);
SHOW CREATE TABLE b;
INSERT INTO b VALUES (1, 'a');
SELECT * FROM b ORDER BY k;
SELECT count() FROM dst;
INSERT INTO dst VALUES (2, 'b', 3);
SELECT * FROM b ORDER BY k;
OPTIMIZE TABLE b;
SELECT count() FROM dst;
SELECT * FROM dst ORDER BY k;
INSERT INTO b VALUES (3, 'c');
DETACH TABLE b;
SELECT count() FROM dst;
ATTACH TABLE b;
INSERT INTO b VALUES (4, 'd');
DROP TABLE b;
SELECT count() FROM dst;
CREATE TABLE b ENGINE = Buffer(currentDatabase(), dst, 1, 10, 100, 100, 1000, 1000000, 10000000);
SHOW CREATE TABLE b;
INSERT INTO b SELECT number + 100, 'n', 1 FROM numbers(21);
SELECT count() FROM dst;
SELECT count(), sum(k) FROM b;
SELECT count() FROM b WHERE k >= 110;
TRUNCATE TABLE b; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE b DELETE WHERE 1; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE b UPDATE v = '1' WHERE 1; -- { serverError NOT_IMPLEMENTED }
SELECT name, engine, engine_full FROM system.tables WHERE name = 'b';
CREATE TABLE bb (k UInt32) ENGINE = Buffer(currentDatabase(), dst); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE bb (k UInt32) ENGINE = Buffer(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE bb (k UInt32) ENGINE = Buffer(currentDatabase(), dst, 0, 10, 100, 10, 20, 1, 2); -- { serverError BAD_ARGUMENTS }
CREATE TABLE bb (k UInt32) ENGINE = Buffer(currentDatabase(), dst, 'x', 10, 100, 10, 20, 1, 2); -- { serverError CANNOT_CONVERT_TYPE }
CREATE TABLE bb (k UInt32) ENGINE = Buffer(currentDatabase(), dst, 1, 10, 100, 10, 20, 1, 2) ORDER BY k; -- { serverError BAD_ARGUMENTS }
SELECT k, _table FROM b WHERE k < 102 ORDER BY k;
OPTIMIZE TABLE b;
CREATE TABLE bt (k UInt8, v String, extra String) ENGINE = Buffer(currentDatabase(), dst, 1, 10, 100, 10, 20, 1000, 2000);
INSERT INTO bt VALUES (200, 'e', 'zz');
SELECT k, toTypeName(k), v, extra FROM bt WHERE k >= 120 ORDER BY k;
OPTIMIZE TABLE bt;
SELECT * FROM dst WHERE k = 200;
CREATE TABLE bf (k UInt32, v String) ENGINE = Buffer(currentDatabase(), dst, 1, 10, 100, 100, 1000, 1000000, 10000000, 5, 10, 100000);
SHOW CREATE TABLE bf;
CREATE MATERIALIZED VIEW mv ENGINE = MergeTree ORDER BY k AS SELECT k, v FROM dst;
CREATE MATERIALIZED VIEW mvb ENGINE = MergeTree ORDER BY k AS SELECT k, v FROM bf;
INSERT INTO bf VALUES (1000, 'mv');
SELECT 'mv', * FROM mv;
SELECT 'mvb', * FROM mvb;
OPTIMIZE TABLE bf;
SELECT 'mv', * FROM mv;
SELECT 'mvb', * FROM mvb;
INSERT INTO bf VALUES (1001, 'mv');
RENAME TABLE bf TO bg;
SELECT count() FROM bg WHERE k = 1001;
SELECT _table, k FROM bg WHERE k >= 1000 ORDER BY k;
SELECT max(k) FROM b FINAL;
CREATE TABLE sm (k UInt32) ENGINE = MergeTree ORDER BY k;
CREATE TABLE sb (k UInt32) ENGINE = Buffer(currentDatabase(), sm, 1, 1000, 1000, 10, 20, 1000000, 10000000);
INSERT INTO sb SELECT number FROM numbers(25);
SELECT count() FROM sm;
INSERT INTO sb SELECT number FROM numbers(15);
SELECT count() FROM sm;
INSERT INTO sb SELECT number FROM numbers(15);
SELECT count() FROM sm;
SELECT count() FROM sb;
INSERT INTO sb SELECT number FROM numbers(30);
SELECT count() FROM sm;
SELECT count() FROM sb;
