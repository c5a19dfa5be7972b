SET flatten_nested = 1;
CREATE TABLE tn (id UInt64, n Nested(a UInt8, b String)) ENGINE=MergeTree ORDER BY id;
INSERT INTO tn VALUES (1,[1,2],['x','y']),(2,[],[]);
SELECT n FROM tn ORDER BY id;
SELECT n.a, n.b, id FROM tn ORDER BY id;
SELECT toTypeName(n) FROM tn LIMIT 1;
SELECT n.1 FROM tn;
SELECT n[1] FROM tn ORDER BY id;
SELECT length(n), arrayMap(x -> x.1, n) FROM tn ORDER BY id;
SELECT id, x.a, x.b FROM tn ARRAY JOIN n AS x ORDER BY id, x.a;
SELECT id, n.a FROM tn ARRAY JOIN n ORDER BY id;
SELECT id, x FROM tn ARRAY JOIN n AS x ORDER BY id;
SELECT id, n FROM tn ARRAY JOIN n ORDER BY id;
SELECT t.n FROM tn AS t ORDER BY id;
SELECT tn.n FROM tn ORDER BY id;
SELECT * FROM tn WHERE notEmpty(n) ORDER BY id;
SELECT n, count() FROM tn GROUP BY n ORDER BY n;
DESCRIBE TABLE tn;
SHOW CREATE TABLE tn;
INSERT INTO tn (id, n) VALUES (3,[(1,'z')]); -- { serverError NO_SUCH_COLUMN_IN_TABLE }
INSERT INTO tn SELECT 4, [(4,'q')]; -- { serverError NUMBER_OF_COLUMNS_DOESNT_MATCH }
ALTER TABLE tn ADD COLUMN n.c Array(UInt32);
SELECT * FROM tn ORDER BY id;
SELECT n FROM tn ORDER BY id;
ALTER TABLE tn ADD COLUMN n.d Array(UInt32) DEFAULT [7];
SELECT n.d, length(n.d) FROM tn ORDER BY id;
SELECT n.c FROM tn ORDER BY id;
ALTER TABLE tn ADD COLUMN n.e Array(UInt32) DEFAULT arrayMap(x -> x * 2, n.a);
SELECT n.a, n.e FROM tn ORDER BY id;
INSERT INTO tn (id, n.a, n.b) VALUES (10, [5,6,7], ['a','b','c']); -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
SELECT * FROM tn WHERE id=10;
INSERT INTO tn (id, n.a) VALUES (11, [5,6,7]); -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
SELECT id,n.a,n.b,n.c FROM tn WHERE id=11;
OPTIMIZE TABLE tn FINAL;
SELECT * FROM tn ORDER BY id;
ALTER TABLE tn DROP COLUMN n;
DESCRIBE TABLE tn;
CREATE TABLE x (id UInt64, n Nested(a UInt8, b String), z Array(UInt8)) ENGINE=MergeTree ORDER BY id;
INSERT INTO x VALUES (1,[1,2],['x','y'],[9]),(2,[],[],[]);
INSERT INTO x (id, n.a, n.b) VALUES (10, [5,6,7], ['a','b','c']);
INSERT INTO x (id, n.a) VALUES (11, [5,6,7]);
SELECT * FROM x ORDER BY id;
ALTER TABLE x ADD COLUMN n.c Array(UInt32);
INSERT INTO x (id, n.a) VALUES (12, [5,6]);
INSERT INTO x (id, n.c) VALUES (13, [5,6]);
INSERT INTO x (id, n.c, n.a) VALUES (14, [5,6], [1]); -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
SELECT * FROM x ORDER BY id;
ALTER TABLE x ADD COLUMN n.d Array(UInt32) DEFAULT [7];
SELECT id, n.d FROM x ORDER BY id;
SELECT n FROM x ORDER BY id; -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
INSERT INTO x (id, n.a) VALUES (15, [5,6]); -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
INSERT INTO x (id, n.a) VALUES (15, [5]);
SELECT * FROM x WHERE id = 15;
ALTER TABLE x ADD COLUMN n.e Array(String) DEFAULT arrayMap(x -> toString(x), n.a) AFTER n.a;
SELECT id, n.e, n.a FROM x ORDER BY id;
SELECT n FROM x ORDER BY id; -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
OPTIMIZE TABLE x FINAL;
SELECT * FROM x ORDER BY id;
ALTER TABLE x RENAME COLUMN n.e TO n.f;
SELECT n.f FROM x ORDER BY id;
ALTER TABLE x RENAME COLUMN n.f TO q; -- { serverError BAD_ARGUMENTS }
ALTER TABLE x CLEAR COLUMN n;
ALTER TABLE x ADD COLUMN nn Nested(u UInt8, v String);
DESCRIBE TABLE x;
SELECT nn, nn.u FROM x ORDER BY id;
INSERT INTO x (id, nn.u, nn.v) VALUES (20, [1], ['z']); -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
SELECT nn FROM x WHERE id = 20;
ALTER TABLE x DROP COLUMN nn.u;
DESCRIBE TABLE x;
CREATE TABLE m5 (id UInt8, n Array(Tuple(a UInt8, b String))) ENGINE=MergeTree ORDER BY id;
DESCRIBE TABLE m5;
CREATE TABLE gone (id UInt8, g Nested(a UInt8, b String)) ENGINE=MergeTree ORDER BY id;
ALTER TABLE gone ADD COLUMN g.c Array(String) DEFAULT arrayMap(x -> toString(x), g.a) AFTER g.b;
INSERT INTO gone (id, g.a) VALUES (1, [1, 2]);
SELECT g, g.c[1], g[2].c, g.a FROM gone;
SELECT g FROM gone WHERE has(g.a, 2) AND length(g) = 2;
SELECT id, g FROM gone LEFT ARRAY JOIN g;
SELECT s.g FROM (SELECT * FROM gone) AS s;
ALTER TABLE gone DROP COLUMN g;
DESCRIBE TABLE gone;
SELECT g FROM gone; -- { serverError UNKNOWN_IDENTIFIER }
