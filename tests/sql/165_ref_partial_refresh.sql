-- Only Everview refreshes partitions; the expectations follow from the rules that the comments say.
CREATE TABLE src (day Date, v UInt64) ENGINE = MergeTree ORDER BY day;
INSERT INTO src VALUES ('2025-01-01', 1), ('2025-02-01', 10), ('2025-03-01', 100);
CREATE TABLE sums (day Date, total UInt64) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY day;
-- only recent months are made each time
CREATE MATERIALIZED VIEW v REFRESH EVERY 1 YEAR REPLACE PARTITIONS TO sums AS SELECT day, sum(v) AS total FROM src WHERE day >= '2025-02-01' GROUP BY day;
SYSTEM WAIT VIEW v;
SELECT * FROM sums ORDER BY day;
-- a view over everything, and one month of it filled anew: the others stay as they are, also where the query says otherwise
CREATE TABLE whole (day Date, total UInt64) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY day;
CREATE MATERIALIZED VIEW w REFRESH EVERY 1 YEAR TO whole AS SELECT day, sum(v) AS total FROM src GROUP BY day;
SYSTEM WAIT VIEW w;
INSERT INTO src VALUES ('2025-01-01', 5), ('2025-02-01', 50), ('2025-03-01', 500);
SYSTEM REFRESH VIEW w PARTITION 202502;
SYSTEM WAIT VIEW w;
SELECT * FROM whole ORDER BY day;
-- several, by value and by id
SYSTEM REFRESH VIEW w PARTITION 202501, ID '202503';
SYSTEM WAIT VIEW w;
SELECT * FROM whole ORDER BY day;
-- a month that is gone from the source goes when it is asked for
ALTER TABLE src DELETE WHERE day = '2025-01-01';
SYSTEM REFRESH VIEW w PARTITION 202501;
SYSTEM WAIT VIEW w;
SELECT * FROM whole ORDER BY day;
-- a backfill serves no slot: the schedule is as it was
SELECT run, reason, partitions, written_rows, slot IS NULL FROM system.view_refresh_history WHERE view = 'w' ORDER BY run;
SYSTEM REFRESH VIEW w PARTITION 'nonsense'; -- { serverError TYPE_MISMATCH }
CREATE MATERIALIZED VIEW a REFRESH EVERY 1 YEAR APPEND TO whole EMPTY AS SELECT day, v AS total FROM src;
SYSTEM REFRESH VIEW a PARTITION 202501; -- { serverError BAD_ARGUMENTS }
CREATE MATERIALIZED VIEW n REFRESH EVERY 1 YEAR ENGINE = Memory EMPTY AS SELECT 1 AS x;
SYSTEM REFRESH VIEW n PARTITION 202501; -- { serverError BAD_ARGUMENTS }
