-- Only Everview keeps generations; the expectations follow from the rules that the comments say.
CREATE TABLE src (x UInt64) ENGINE = MergeTree ORDER BY x;
INSERT INTO src VALUES (1);
CREATE TABLE t (n UInt64, s UInt64) ENGINE = MergeTree ORDER BY n;
CREATE MATERIALIZED VIEW v REFRESH EVERY 1 YEAR SETTINGS keep_generations = 2 TO t AS SELECT count() AS n, sum(x) AS s FROM src;
SYSTEM WAIT VIEW v;
SELECT * FROM v GENERATION 0;
SELECT * FROM v GENERATION -1; -- { serverError BAD_ARGUMENTS }
INSERT INTO src VALUES (10);
SYSTEM REFRESH VIEW v;
SYSTEM WAIT VIEW v;
INSERT INTO src VALUES (100);
SYSTEM REFRESH VIEW v;
SYSTEM WAIT VIEW v;
SELECT * FROM v;
SELECT * FROM v GENERATION -1;
SELECT * FROM v GENERATION -2;
SELECT * FROM v GENERATION -3; -- { serverError BAD_ARGUMENTS }
-- two contents of one view in one query: what a refresh changed
SELECT now.s - before.s FROM v AS now CROSS JOIN v AS before GENERATION -1;
SELECT generation, number, rows FROM system.view_generations ORDER BY generation DESC;
-- going back makes the present content the one before; going back again undoes it
SYSTEM ROLLBACK VIEW v;
SELECT * FROM t;
SELECT * FROM v GENERATION -1;
SELECT generation, number FROM system.view_generations ORDER BY generation DESC;
SYSTEM ROLLBACK VIEW v TO GENERATION -1;
SELECT * FROM t;
-- by number as well
SYSTEM ROLLBACK VIEW v TO GENERATION 1;
SELECT * FROM t;
SELECT generation, number FROM system.view_generations ORDER BY generation DESC;
SYSTEM ROLLBACK VIEW v TO GENERATION 7; -- { serverError BAD_ARGUMENTS }
SYSTEM ROLLBACK VIEW v TO GENERATION 0; -- { serverError BAD_ARGUMENTS }
-- the oldest goes
SYSTEM REFRESH VIEW v;
SYSTEM WAIT VIEW v;
SELECT generation, number FROM system.view_generations ORDER BY generation DESC;
SELECT * FROM v GENERATION -1;
-- fewer are kept, or none; the content stays
ALTER TABLE v MODIFY REFRESH EVERY 1 YEAR SETTINGS keep_generations = 1;
SELECT generation, number FROM system.view_generations ORDER BY generation DESC;
SELECT * FROM v GENERATION -2; -- { serverError BAD_ARGUMENTS }
SYSTEM ROLLBACK VIEW v TO GENERATION -2; -- { serverError BAD_ARGUMENTS }
SELECT * FROM v GENERATION -1;
-- other columns: what was there before is of other columns and goes; the view shows those of its SELECT
ALTER TABLE t ADD COLUMN z UInt64 DEFAULT 5;
SYSTEM REFRESH VIEW v;
SYSTEM WAIT VIEW v;
SELECT * FROM v;
SELECT * FROM v GENERATION -1; -- { serverError BAD_ARGUMENTS }
SELECT generation, number FROM system.view_generations ORDER BY generation DESC;
SYSTEM REFRESH VIEW v;
SYSTEM WAIT VIEW v;
SELECT * FROM v GENERATION -1;
-- rows from before the first refresh are a generation too
CREATE TABLE u (s UInt64) ENGINE = MergeTree ORDER BY s;
INSERT INTO u VALUES (42);
CREATE MATERIALIZED VIEW w REFRESH EVERY 1 YEAR SETTINGS keep_generations = 1 TO u AS SELECT sum(x) AS s FROM src;
SYSTEM WAIT VIEW w;
SELECT * FROM w GENERATION -1;
SELECT number, refresh_time FROM system.view_generations WHERE view = 'w' AND generation = -1;
SYSTEM ROLLBACK VIEW w;
SELECT * FROM u;
-- only a view that keeps them has generations
SELECT * FROM src GENERATION -1; -- { serverError BAD_ARGUMENTS }
DROP TABLE v;
SELECT s FROM t;
