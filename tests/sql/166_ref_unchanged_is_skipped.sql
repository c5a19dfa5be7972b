-- Only Everview leaves out refreshes that would change nothing; the expectations follow from the rules that the comments say.
CREATE TABLE src (x UInt64) ENGINE = MergeTree ORDER BY x;
INSERT INTO src VALUES (1), (2);
CREATE MATERIALIZED VIEW v REFRESH EVERY 1 DAY ENGINE = MergeTree ORDER BY s AS SELECT sum(x) AS s FROM src;
CREATE MATERIALIZED VIEW child REFRESH EVERY 1 DAY DEPENDS ON v ENGINE = MergeTree ORDER BY s AS SELECT sum(s) AS s FROM v;
CREATE MATERIALIZED VIEW clock REFRESH EVERY 1 DAY ENGINE = MergeTree ORDER BY s AS SELECT sum(x) AS s, now() AS at FROM src;
CREATE MATERIALIZED VIEW outside REFRESH EVERY 1 DAY ENGINE = MergeTree ORDER BY n AS SELECT count() AS n FROM system.databases;
SYSTEM WAIT VIEW v;
SYSTEM WAIT VIEW child;
SYSTEM WAIT VIEW clock;
SYSTEM WAIT VIEW outside;
-- the next day: nothing happened to what v is made from; its slot is served all the same, and so child's
SYSTEM TEST VIEW v SET FAKE TIME '2050-01-02 00:00:10';
SYSTEM TEST VIEW child SET FAKE TIME '2050-01-02 00:00:20';
SYSTEM TEST VIEW clock SET FAKE TIME '2050-01-02 00:00:10';
SYSTEM TEST VIEW outside SET FAKE TIME '2050-01-02 00:00:10';
SELECT sleep(0.7) FORMAT Null;
SYSTEM WAIT VIEW clock;
SYSTEM WAIT VIEW outside;
SELECT view, status, slot FROM system.view_refresh_history WHERE slot > '2049-01-01 00:00:00' ORDER BY view;
SELECT view, status, last_success_time, last_refresh_time, next_refresh_time, exception FROM system.view_refreshes WHERE view IN ('v', 'child') ORDER BY view;
-- a row more, and the day after it runs
INSERT INTO src VALUES (3);
SYSTEM TEST VIEW v SET FAKE TIME '2050-01-03 00:00:10';
SELECT sleep(0.5) FORMAT Null;
SYSTEM WAIT VIEW v;
SELECT status, slot FROM system.view_refresh_history WHERE view = 'v' ORDER BY run DESC LIMIT 1;
SELECT s FROM v;
-- rows that somebody put into its target: it runs and they are gone
INSERT INTO v VALUES (77);
SYSTEM TEST VIEW v SET FAKE TIME '2050-01-04 00:00:10';
SELECT sleep(0.5) FORMAT Null;
SYSTEM WAIT VIEW v;
SELECT status, slot FROM system.view_refresh_history WHERE view = 'v' ORDER BY run DESC LIMIT 1;
SELECT s FROM v;
-- a mutation, and a change of its definition
ALTER TABLE src DELETE WHERE x = 1 SETTINGS mutations_sync = 2;
SYSTEM TEST VIEW v SET FAKE TIME '2050-01-05 00:00:10';
SELECT sleep(0.5) FORMAT Null;
SYSTEM WAIT VIEW v;
SELECT status, slot FROM system.view_refresh_history WHERE view = 'v' ORDER BY run DESC LIMIT 1;
ALTER TABLE v MODIFY QUERY SELECT sum(x) * 2 AS s FROM src;
SYSTEM TEST VIEW v SET FAKE TIME '2050-01-06 00:00:10';
SELECT sleep(0.5) FORMAT Null;
SYSTEM WAIT VIEW v;
SELECT status, slot FROM system.view_refresh_history WHERE view = 'v' ORDER BY run DESC LIMIT 1;
-- merges change nothing; asked for, it runs
OPTIMIZE TABLE src FINAL;
SYSTEM TEST VIEW v SET FAKE TIME '2050-01-07 00:00:10';
SELECT sleep(0.5) FORMAT Null;
SELECT status, slot FROM system.view_refresh_history WHERE view = 'v' ORDER BY run DESC LIMIT 1;
SYSTEM REFRESH VIEW v;
SYSTEM WAIT VIEW v;
SELECT reason, status, slot FROM system.view_refresh_history WHERE view = 'v' ORDER BY run DESC LIMIT 1;
-- other tables under the same names
CREATE TABLE other (x UInt64) ENGINE = MergeTree ORDER BY x;
INSERT INTO other VALUES (1000);
EXCHANGE TABLES src AND other;
SYSTEM TEST VIEW v SET FAKE TIME '2050-01-08 00:00:10';
SELECT sleep(0.5) FORMAT Null;
SYSTEM WAIT VIEW v;
SELECT status, slot FROM system.view_refresh_history WHERE view = 'v' ORDER BY run DESC LIMIT 1;
SELECT s FROM v;
