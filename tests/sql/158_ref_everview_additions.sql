-- What only Everview has; the expectations follow from the rules that the comments say.
CREATE TABLE src (day Date, v UInt64) ENGINE = MergeTree ORDER BY day;
INSERT INTO src VALUES ('2025-01-01', 1), ('2025-01-02', 2), ('2025-02-01', 10);
CREATE TABLE sums (month UInt32, total UInt64) ENGINE = MergeTree PARTITION BY month ORDER BY month;
INSERT INTO sums VALUES (202412, 7), (202501, 999);
-- only the partitions of the result are swapped: December stays
CREATE MATERIALIZED VIEW v REFRESH EVERY 1 YEAR PRIORITY 3 REPLACE PARTITIONS TO sums AS SELECT toYYYYMM(day) AS month, sum(v) AS total FROM src GROUP BY month;
SYSTEM WAIT VIEW v;
SELECT * FROM sums ORDER BY month;
-- a month that is gone from the result stays as it was
ALTER TABLE src DELETE WHERE day = '2025-02-01';
INSERT INTO src VALUES ('2025-01-03', 3);
SYSTEM REFRESH VIEW v;
SYSTEM WAIT VIEW v;
SELECT * FROM sums ORDER BY month;
SHOW CREATE TABLE v;
-- a ring of dependencies would wait for ever: refused, whatever closes it
CREATE MATERIALIZED VIEW a REFRESH EVERY 1 DAY DEPENDS ON b ENGINE = Memory EMPTY AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW c REFRESH EVERY 1 DAY DEPENDS ON a ENGINE = Memory EMPTY AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW b REFRESH EVERY 1 DAY DEPENDS ON c ENGINE = Memory EMPTY AS SELECT 1 AS x; -- { serverError BAD_ARGUMENTS }
CREATE MATERIALIZED VIEW b REFRESH EVERY 1 DAY ENGINE = Memory EMPTY AS SELECT 1 AS x;
ALTER TABLE b MODIFY REFRESH EVERY 1 DAY DEPENDS ON c; -- { serverError BAD_ARGUMENTS }
-- also by a change of names
RENAME TABLE b TO b2;
CREATE MATERIALIZED VIEW n REFRESH EVERY 1 DAY DEPENDS ON c ENGINE = Memory EMPTY AS SELECT 1 AS x;
RENAME TABLE n TO b; -- { serverError BAD_ARGUMENTS }
EXCHANGE TABLES n AND a; -- { serverError BAD_ARGUMENTS }
DROP TABLE n;
RENAME TABLE b2 TO b;
CREATE MATERIALIZED VIEW s REFRESH EVERY 1 DAY DEPENDS ON s ENGINE = Memory EMPTY AS SELECT 1 AS x; -- { serverError BAD_ARGUMENTS }
-- three o'clock in Seoul, whatever UTC says
CREATE MATERIALIZED VIEW z REFRESH EVERY 1 DAY OFFSET 3 HOUR SETTINGS refresh_timezone = 'Asia/Seoul' ENGINE = Memory EMPTY AS SELECT 1 AS x;
SYSTEM TEST VIEW z SET FAKE TIME '2025-03-05 10:11:12';
SYSTEM REFRESH VIEW z;
SYSTEM WAIT VIEW z;
SELECT next_refresh_time FROM system.view_refreshes WHERE view = 'z';
EXPLAIN REFRESH z;
SYSTEM STOP VIEW z;
EXPLAIN REFRESH z;
-- every run is remembered: those of v were its first and one that was asked for, that of z a slot of nobody's
SELECT run, reason, status, written_rows, missed_slots, exception FROM system.view_refresh_history WHERE view = 'v' ORDER BY run;
SELECT run, reason, status, slot, start_time FROM system.view_refresh_history WHERE view = 'z';
EXPLAIN REFRESH nothere; -- { serverError BAD_ARGUMENTS }
-- what comes later is refused by name
CREATE MATERIALIZED VIEW l REFRESH ON CHANGE ENGINE = Memory AS SELECT 1 AS x; -- { serverError NOT_IMPLEMENTED }
-- what is not there, or means nothing, is refused
CREATE MATERIALIZED VIEW l REFRESH EVERY 1 DAY CONCURRENCY GROUP g ENGINE = Memory AS SELECT 1 AS x; -- { serverError BAD_ARGUMENTS }
CREATE MATERIALIZED VIEW l REFRESH EVERY 1 DAY SETTINGS keep_generations = 2 APPEND ENGINE = Memory AS SELECT 1 AS x; -- { serverError BAD_ARGUMENTS }
SYSTEM ROLLBACK VIEW z TO GENERATION -1; -- { serverError BAD_ARGUMENTS }
