-- Only Everview has concurrency groups; the expectations follow from the rules that the comments say.
CREATE CONCURRENCY GROUP heavy LIMIT 1;
CREATE CONCURRENCY GROUP heavy LIMIT 2; -- { serverError BAD_ARGUMENTS }
CREATE CONCURRENCY GROUP IF NOT EXISTS heavy LIMIT 2;
CREATE CONCURRENCY GROUP none LIMIT 0; -- { serverError BAD_ARGUMENTS }
SELECT name, limit, running, waiting, views FROM system.concurrency_groups;
CREATE TABLE log (w String, at DateTime64(6) DEFAULT now64(6)) ENGINE = MergeTree ORDER BY tuple();
-- one at a time, the greater priority first: both are due at the moment when their parent has run
CREATE MATERIALIZED VIEW parent REFRESH EVERY 1 YEAR ENGINE = MergeTree ORDER BY tuple() EMPTY AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW low REFRESH DEPENDS ON parent CONCURRENCY GROUP heavy PRIORITY 1 APPEND TO log EMPTY AS SELECT 'low' AS w;
CREATE MATERIALIZED VIEW high REFRESH DEPENDS ON parent CONCURRENCY GROUP heavy PRIORITY 2 APPEND TO log EMPTY AS SELECT 'high' AS w FROM numbers(1) WHERE sleep(0.2) = 0;
SYSTEM REFRESH VIEW parent;
SYSTEM WAIT VIEW parent;
SELECT sleep(0.9) FORMAT Null;
SELECT w FROM log ORDER BY at;
SHOW CREATE TABLE low;
SELECT name, limit, running, waiting, views FROM system.concurrency_groups;
-- a group that is used stays
DROP CONCURRENCY GROUP heavy; -- { serverError BAD_ARGUMENTS }
ALTER CONCURRENCY GROUP heavy LIMIT 5;
ALTER CONCURRENCY GROUP nope LIMIT 5; -- { serverError BAD_ARGUMENTS }
ALTER CONCURRENCY GROUP IF EXISTS nope LIMIT 5;
SELECT name, limit FROM system.concurrency_groups;
ALTER TABLE low MODIFY REFRESH EVERY 1 YEAR CONCURRENCY GROUP nope APPEND; -- { serverError BAD_ARGUMENTS }
ALTER TABLE low MODIFY REFRESH EVERY 1 YEAR APPEND;
DROP TABLE high;
DROP CONCURRENCY GROUP heavy;
DROP CONCURRENCY GROUP heavy; -- { serverError BAD_ARGUMENTS }
DROP CONCURRENCY GROUP IF EXISTS heavy;
SELECT count() FROM system.concurrency_groups;
