CREATE TABLE s (a UInt32, b String) ENGINE = MergeTree ORDER BY a;
CREATE TABLE tgt (a UInt64, b String, c UInt8 DEFAULT 7, e String MATERIALIZED 'x') ENGINE = MergeTree ORDER BY a;
CREATE MATERIALIZED VIEW v1 TO tgt AS SELECT a, b FROM s;
CREATE MATERIALIZED VIEW v2 TO tgt (a UInt16, b String) AS SELECT a, b FROM s;
CREATE MATERIALIZED VIEW v3 TO tgt (a UInt16) AS SELECT a, b FROM s;
CREATE MATERIALIZED VIEW v4 TO tgt (b String, a UInt16) AS SELECT a, b FROM s;
INSERT INTO s VALUES (70000, 'x');
SELECT * FROM v1;
SELECT * FROM v2;
SELECT * FROM v3;
SELECT * FROM v4;
SELECT *, toTypeName(a) FROM v1 LIMIT 1;
SELECT *, toTypeName(a) FROM v2 LIMIT 1;
SELECT v3.*, toTypeName(v3.a) FROM v3 LIMIT 1;
SELECT count() FROM v2 WHERE a = 4464;
SELECT count() FROM v2 WHERE a = 70000;
SELECT count() FROM v1 WHERE a = 70000;
SELECT a FROM v1 PREWHERE a = 70000 LIMIT 1; -- { serverError ILLEGAL_PREWHERE }
SELECT c FROM v1; -- { serverError UNKNOWN_IDENTIFIER }
SELECT e FROM v1; -- { serverError UNKNOWN_IDENTIFIER }
SELECT b FROM v3; -- { serverError UNKNOWN_IDENTIFIER }
SELECT c, e FROM tgt LIMIT 1;
DESCRIBE TABLE v1;
DESCRIBE TABLE v2;
DESCRIBE TABLE v3;
SELECT table, name, type FROM system.columns WHERE database = currentDatabase() AND table LIKE 'v%' ORDER BY table, position;
INSERT INTO v1 (a, b, c) VALUES (1, 'i', 9); -- { serverError NO_SUCH_COLUMN_IN_TABLE }
INSERT INTO v3 (b) VALUES ('n'); -- { serverError NO_SUCH_COLUMN_IN_TABLE }
CREATE TABLE same (a UInt32, b String, c UInt8 DEFAULT 7) ENGINE = MergeTree ORDER BY a;
CREATE MATERIALIZED VIEW w TO same AS SELECT a, b FROM s;
INSERT INTO w VALUES (1, 'i');
INSERT INTO w (b) VALUES ('j');
INSERT INTO w SELECT 3, 'k';
SELECT * FROM w ORDER BY a;
SELECT * FROM same ORDER BY a;
CREATE MATERIALIZED VIEW over ENGINE = MergeTree ORDER BY a AS SELECT * FROM w;
INSERT INTO s VALUES (9, 'z');
SELECT * FROM over;
ALTER TABLE same ADD COLUMN d String DEFAULT 'd';
SELECT * FROM w WHERE a = 9;
CREATE TABLE lc (s LowCardinality(String), n Nullable(UInt8), m SimpleAggregateFunction(max, UInt32)) ENGINE = AggregatingMergeTree ORDER BY s SETTINGS allow_dimensions_outside_sorting_key = 1;
CREATE MATERIALIZED VIEW vl TO lc AS SELECT b AS s, toUInt8(a) AS n, a AS m FROM s;
DESCRIBE TABLE vl;
INSERT INTO s VALUES (1, 'q'), (2, 'q');
SELECT *, toTypeName(s), toTypeName(n), toTypeName(m) FROM vl FINAL;
SELECT s, max(m) FROM vl GROUP BY s;
CREATE VIEW pv AS SELECT * FROM s WHERE a = {m:Map(String, UInt8)}['x'];
SELECT * FROM pv(m = 5); -- { serverError CANNOT_PARSE_INPUT_ASSERTION_FAILED }
