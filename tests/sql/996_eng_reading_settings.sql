CREATE TABLE t (p UInt8, id UInt64, d Date, s String, m UInt64 MATERIALIZED id * 2, al String ALIAS upper(s)) ENGINE=MergeTree PARTITION BY p ORDER BY (id, s);
INSERT INTO t SELECT number % 5, number, '2020-01-01', toString(number) FROM numbers(20);
SELECT * FROM t WHERE id = 1 SETTINGS asterisk_include_materialized_columns = 1;
SELECT * FROM t WHERE id = 1 SETTINGS asterisk_include_alias_columns = 1;
SELECT * FROM t WHERE id = 1 SETTINGS asterisk_include_alias_columns = 1, asterisk_include_materialized_columns = 1 FORMAT TSVWithNames;
SELECT t.* FROM t WHERE id = 1 SETTINGS asterisk_include_alias_columns = 1, asterisk_include_materialized_columns = 1 FORMAT TSVWithNames;
SELECT COLUMNS('.*') FROM t WHERE id = 1 SETTINGS asterisk_include_alias_columns = 1, asterisk_include_materialized_columns = 1 FORMAT TSVWithNames;
SELECT * EXCEPT (m) FROM t WHERE id = 1 SETTINGS asterisk_include_alias_columns = 1, asterisk_include_materialized_columns = 1 FORMAT TSVWithNames;
SELECT * FROM (SELECT * FROM t) WHERE id = 1 SETTINGS asterisk_include_alias_columns = 1 FORMAT TSVWithNames;
SELECT * FROM t AS a JOIN t AS b ON a.id = b.id WHERE a.id = 1 SETTINGS asterisk_include_materialized_columns = 1 FORMAT TSVWithNames;
SELECT count() FROM t SETTINGS max_partitions_to_read = 1;
SELECT sum(id) FROM t SETTINGS max_partitions_to_read = 5;
SELECT sum(id) FROM t SETTINGS max_partitions_to_read = 4; -- { serverError TOO_MANY_PARTITIONS }
SELECT sum(id) FROM t WHERE p = 1 SETTINGS max_partitions_to_read = 1;
SELECT sum(id) FROM t WHERE p = 1 SETTINGS max_partitions_to_read = 0;
SELECT sum(id) FROM t WHERE p < 3 SETTINGS max_partitions_to_read = 2; -- { serverError TOO_MANY_PARTITIONS }
SELECT sum(id) FROM t SETTINGS max_partitions_to_read = -1;
SELECT sum(id) FROM t SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE id = 3 SETTINGS force_primary_key = 1;
SELECT sum(id) FROM t WHERE id > 3 AND s != 'x' SETTINGS force_primary_key = 1;
SELECT sum(id) FROM t WHERE s = '3' SETTINGS force_primary_key = 1;
SELECT sum(id) FROM t WHERE p = 3 SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE id % 2 = 0 SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE id = 3 OR p = 1 SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE id IN (1,2) SETTINGS force_primary_key = 1;
SELECT sum(id) FROM t PREWHERE id IN (1,2) SETTINGS force_primary_key = 1;
SELECT count() FROM t SETTINGS force_primary_key = 1;
SELECT sum(id) FROM t WHERE 1 SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE NOT (id = 3) SETTINGS force_primary_key = 1;
SELECT sum(id) FROM t WHERE d = '2020-01-01' SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t SETTINGS force_index_by_date = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE p = 1 SETTINGS force_index_by_date = 1;
SELECT sum(id) FROM t WHERE d = '2020-01-01' SETTINGS force_index_by_date = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE id = 1 SETTINGS force_index_by_date = 1; -- { serverError INDEX_NOT_USED }
SELECT sum(id) FROM t WHERE id = 1 AND p = 1 SETTINGS force_index_by_date = 1, force_primary_key = 1;
CREATE TABLE n (a UInt8) ENGINE=MergeTree ORDER BY tuple();
INSERT INTO n VALUES (1);
SELECT * FROM n SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT * FROM n WHERE a=1 SETTINGS force_index_by_date = 1;
CREATE TABLE e (a UInt8, b UInt8) ENGINE=MergeTree ORDER BY a;
SELECT * FROM e SETTINGS force_primary_key = 1;
SELECT * FROM e WHERE b=1 SETTINGS force_primary_key = 1;
INSERT INTO e VALUES (1,1);
SELECT * FROM e WHERE b=1 SETTINGS force_primary_key = 1; -- { serverError INDEX_NOT_USED }
SELECT * FROM e FINAL WHERE a=1 SETTINGS force_primary_key = 1; -- { serverError ILLEGAL_FINAL }
CREATE TABLE me (a UInt8) ENGINE=Memory;
SELECT * FROM me SETTINGS force_primary_key = 1;
SELECT count() FROM numbers(10) SETTINGS force_primary_key = 1;
CREATE TABLE dt (d Date, a UInt8) ENGINE=MergeTree PARTITION BY toYYYYMM(d) ORDER BY a;
INSERT INTO dt VALUES ('2020-01-01',1),('2020-02-02',2);
SELECT count() FROM dt WHERE d = '2020-01-01' SETTINGS force_index_by_date = 1;
SELECT sum(a) FROM dt WHERE a=1 SETTINGS force_index_by_date = 1; -- { serverError INDEX_NOT_USED }
