CREATE TABLE src (id UInt64, name String) ENGINE = MergeTree ORDER BY id;
CREATE TABLE j (k UInt32, v String, w Nullable(Int32)) ENGINE = Join(ANY, LEFT, k);
SHOW CREATE TABLE j;
INSERT INTO j VALUES (1, 'a', 1), (2, 'b', 2), (1, 'c', 3);
INSERT INTO j VALUES (2, 'z', 9), (3, 'd', NULL);
SELECT * FROM j ORDER BY k;
SELECT count() FROM j;
SELECT joinGet('j', 'v', 1::UInt32), joinGet('j', 'v', 99::UInt32), joinGetOrNull('j', 'v', 99::UInt32), joinGet(j, 'v', 2::UInt32), joinGet('default.j', 'w', 3::UInt32);
SELECT joinGet('j', 'v', 1); -- { serverError TYPE_MISMATCH }
SELECT joinGet('j', 'nosuch', 1::UInt32); -- { serverError NO_SUCH_COLUMN_IN_TABLE }
SELECT joinGet('nosuch', 'v', 1::UInt32); -- { serverError UNKNOWN_TABLE }
SELECT joinGet('src', 'v', 1::UInt32); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
SELECT joinGet('j', 'v'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT joinGet('j', 'v', 1::UInt32, 2); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT toTypeName(joinGetOrNull('j', 'v', 1::UInt32)), toTypeName(joinGet('j', 'w', 1::UInt32));
CREATE TABLE l (k UInt32, x String) ENGINE = MergeTree ORDER BY k;
INSERT INTO l VALUES (1, 'x'), (2, 'y'), (5, 'z');
SELECT k, joinGet('j', 'v', k) FROM l ORDER BY k;
SELECT * FROM l ANY LEFT JOIN j USING (k) ORDER BY k;
SELECT * FROM l ANY LEFT JOIN j ON l.k = j.k ORDER BY l.k;
SELECT * FROM l LEFT JOIN j USING (k) ORDER BY k; -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
SELECT * FROM l ALL LEFT JOIN j USING (k); -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
SELECT * FROM l ANY INNER JOIN j USING (k); -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
SELECT * FROM l ANY LEFT JOIN j ON l.x = j.v; -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
SELECT * FROM l ANY LEFT JOIN j ON l.k = j.k AND l.x = j.v; -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
SELECT * FROM l ANY LEFT JOIN (SELECT * FROM j) AS jj USING (k) ORDER BY k;
SELECT * FROM j ANY LEFT JOIN l USING (k) ORDER BY k;
CREATE TABLE ja (k UInt32, s String, v String) ENGINE = Join(ALL, INNER, k, s);
INSERT INTO ja VALUES (1, 'x', 'a'), (1, 'x', 'b'), (2, 'y', 'c');
SELECT l.k, l.x, ja.v FROM l ALL INNER JOIN ja ON l.k = ja.k AND l.x = ja.s ORDER BY v;
SELECT l.k, ja.v FROM l INNER JOIN ja ON l.k = ja.k AND l.x = ja.s ORDER BY v;
SELECT l.k, ja.v FROM l INNER JOIN ja USING (k) ORDER BY v; -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
SELECT joinGet('ja', 'v', 1::UInt32, 'x'); -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
CREATE TABLE js (k UInt32) ENGINE = Join(SEMI, LEFT, k);
INSERT INTO js VALUES (1), (1);
SELECT * FROM js;
SELECT * FROM l SEMI LEFT JOIN js USING (k);
CREATE TABLE jan (k UInt32) ENGINE = Join(ANTI, LEFT, k);
INSERT INTO jan VALUES (1);
SELECT * FROM l ANTI LEFT JOIN jan USING (k) ORDER BY k;
CREATE TABLE jf (k UInt32, v String) ENGINE = Join(ALL, FULL, k);
INSERT INTO jf VALUES (1, 'a'), (7, 'q');
SELECT * FROM l ALL FULL JOIN jf USING (k) ORDER BY k;
CREATE TABLE jr (k UInt32, v String) ENGINE = Join(ANY, RIGHT, k);
INSERT INTO jr VALUES (1, 'a'), (7, 'q');
SELECT * FROM l ANY RIGHT JOIN jr USING (k) ORDER BY k;
CREATE TABLE jb (k UInt32) ENGINE = Join(ANY, LEFT); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE jb (k UInt32) ENGINE = Join(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE jb (k UInt32) ENGINE = Join(FOO, LEFT, k); -- { serverError BAD_ARGUMENTS }
CREATE TABLE jb (k UInt32) ENGINE = Join(ANY, FOO, k); -- { serverError BAD_ARGUMENTS }
CREATE TABLE jb (k UInt32) ENGINE = Join(ANY, LEFT, nosuch); -- { serverError NO_SUCH_COLUMN_IN_TABLE }
CREATE TABLE jb (k UInt32) ENGINE = Join(ASOF, LEFT, k); -- { serverError BAD_ARGUMENTS }
CREATE TABLE jb (k UInt32) ENGINE = Join(SEMI, FULL, k); -- { serverError BAD_ARGUMENTS }
CREATE TABLE jb (k UInt32) ENGINE = Join(ANY, LEFT, k + 1); -- { serverError BAD_ARGUMENTS }
CREATE TABLE jb (k UInt32) ENGINE = Join('ANY', 'LEFT', 'k'); -- { serverError BAD_ARGUMENTS }
CREATE TABLE jb (k UInt32) ENGINE = Join(any, left, k);
SHOW CREATE TABLE jb;
CREATE TABLE jset (k UInt32, v String) ENGINE = Join(ANY, LEFT, k) SETTINGS join_use_nulls = 1;
SHOW CREATE TABLE jset;
INSERT INTO jset VALUES (1, 'a');
SELECT * FROM l ANY LEFT JOIN jset USING (k) ORDER BY k; -- { serverError INCOMPATIBLE_TYPE_OF_JOIN }
SELECT * FROM l ANY LEFT JOIN jset USING (k) ORDER BY k SETTINGS join_use_nulls = 1;
CREATE TABLE jso (k UInt32, v String) ENGINE = Join(ANY, LEFT, k) SETTINGS join_any_take_last_row = 1;
INSERT INTO jso VALUES (1, 'a'), (1, 'b');
SELECT * FROM jso;
INSERT INTO jso VALUES (1, 'c');
SELECT * FROM jso;
CREATE TABLE jbad (k UInt32, v String) ENGINE = Join(ANY, LEFT, k) SETTINGS nosuch = 1; -- { serverError BAD_ARGUMENTS }
CREATE TABLE jbad (k UInt32, v String) ENGINE = Join(ANY, LEFT, k) ORDER BY k; -- { serverError BAD_ARGUMENTS }
ALTER TABLE j DELETE WHERE k = 3;
SELECT * FROM j ORDER BY k;
ALTER TABLE j UPDATE v = 'q' WHERE 1; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE j ADD COLUMN z UInt8; -- { serverError NOT_IMPLEMENTED }
TRUNCATE TABLE j;
SELECT count() FROM j;
INSERT INTO j VALUES (8, 'e', 1);
DETACH TABLE j;
ATTACH TABLE j;
SELECT * FROM j;
OPTIMIZE TABLE j;
SELECT * FROM j FINAL; -- { serverError ILLEGAL_FINAL }
SELECT * FROM j PREWHERE k = 8; -- { serverError ILLEGAL_PREWHERE }
SELECT name, engine, engine_full, total_rows FROM system.tables WHERE name = 'j';
CREATE MATERIALIZED VIEW mvj TO j AS SELECT toUInt32(id) AS k, name AS v, toInt32(5) AS w FROM src;
INSERT INTO src VALUES (100, 'hundred');
SELECT joinGet('j', 'v', 100::UInt32);
SELECT * FROM l ANTI LEFT JOIN (SELECT 1::UInt32 AS k, 'b' AS b) AS r USING (k) ORDER BY k;
SELECT k, l.k, r.k, b FROM l ANTI LEFT JOIN (SELECT 1::UInt32 AS k, 'b' AS b) AS r USING (k) ORDER BY k;
SELECT * FROM l ANTI RIGHT JOIN (SELECT 1::UInt32 AS k, 'b' AS b UNION ALL SELECT 9, 'q') AS r USING (k) ORDER BY k;
SELECT * FROM l ANTI LEFT JOIN (SELECT 1::UInt32 AS k, 'b' AS b) AS r ON l.k = r.k ORDER BY k;
