CREATE TABLE t (p UInt8, id UInt64, d Date, s String, INDEX i s TYPE bloom_filter GRANULARITY 3, INDEX j (id, s) TYPE minmax) ENGINE=MergeTree PARTITION BY p ORDER BY (id, s) PRIMARY KEY id;
INSERT INTO t VALUES (1,1,'2020-01-01','a'),(2,2,'2020-01-02','b');
CHECK TABLE t;
CHECK TABLE t SETTINGS check_query_single_value_result = 0;
CHECK TABLE t PARTITION 1;
CHECK TABLE t PARTITION 1 SETTINGS check_query_single_value_result = 0;
CHECK TABLE t PARTITION ID '2' SETTINGS check_query_single_value_result = 0;
CHECK TABLE t PARTITION 9 SETTINGS check_query_single_value_result = 0;
CHECK TABLE t PARTITION 9;
CHECK TABLE t PART '1_1_1_0' SETTINGS check_query_single_value_result = 0;
CHECK TABLE t PART '1_1_1_0';
CHECK TABLE t PART 'zzz'; -- { serverError BAD_DATA_PART_NAME }
CHECK TABLE t PART '1_9_9_0'; -- { serverError NO_SUCH_DATA_PART }
CHECK TABLE nosuch; -- { serverError UNKNOWN_TABLE }
CHECK TABLE t FORMAT JSONEachRow;
CHECK TABLE t SETTINGS check_query_single_value_result = 0 FORMAT JSONEachRow;
CHECK TABLE t FORMAT TSVWithNamesAndTypes;
CHECK TABLE t FORMAT TSVWithNamesAndTypes SETTINGS check_query_single_value_result = 0;
SET check_query_single_value_result = 0;
CHECK TABLE t FORMAT TSVWithNamesAndTypes;
CREATE TABLE m (a UInt8) ENGINE=Memory;
CHECK TABLE m; -- { serverError NOT_IMPLEMENTED }
CREATE TABLE l (a UInt8) ENGINE=Log;
INSERT INTO l VALUES (1);
CHECK TABLE l SETTINGS check_query_single_value_result = 1;
CHECK TABLE l PARTITION 1; -- { serverError NOT_IMPLEMENTED }
CREATE TABLE e (a UInt8) ENGINE=MergeTree ORDER BY a;
CHECK TABLE e;
CHECK TABLE e SETTINGS check_query_single_value_result = 1;
CREATE VIEW v AS SELECT 1;
CHECK TABLE v; -- { serverError NOT_IMPLEMENTED }
CREATE TABLE nu (a UInt8) ENGINE=Null;
CHECK TABLE nu; -- { serverError NOT_IMPLEMENTED }
CREATE MATERIALIZED VIEW mv ENGINE=MergeTree ORDER BY a AS SELECT a FROM e;
CHECK TABLE mv; -- { serverError NOT_IMPLEMENTED }
CREATE TABLE jo (a UInt8, b UInt8) ENGINE=Join(ANY,LEFT,a);
CHECK TABLE jo; -- { serverError NOT_IMPLEMENTED }
CHECK ALL TABLES;
SHOW INDEX FROM t;
SHOW INDEXES FROM t;
SHOW INDICES IN t;
SHOW KEYS FROM t;
SHOW EXTENDED INDEX FROM t;
SHOW INDEX FROM t FROM default;
SHOW INDEX FROM default.t;
SHOW INDEX FROM t WHERE key_name = 'i';
SHOW INDEX FROM t FORMAT TSVWithNamesAndTypes;
SHOW INDEX FROM nosuch;
SHOW INDEX FROM m;
SHOW INDEX FROM v;
CREATE TABLE ex (a UInt8, b UInt8, INDEX q a+b TYPE set(10)) ENGINE=MergeTree ORDER BY (a, b*2, toString(a));
SHOW INDEX FROM ex;
SHOW INDEX FROM e;
CREATE TABLE tu (a UInt8) ENGINE=MergeTree ORDER BY tuple();
SHOW INDEX FROM tu;
