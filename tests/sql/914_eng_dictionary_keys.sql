-- one process: what is loaded is not kept over a restart
CREATE TABLE src (id UInt64, a Int32, name String) ENGINE = MergeTree ORDER BY id;
INSERT INTO src VALUES (1, 10, 'one'), (2, 20, 'two');
CREATE DICTIONARY h (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(0);
CREATE DICTIONARY hq (id UInt64, nm String) PRIMARY KEY id SOURCE(CLICKHOUSE(QUERY 'SELECT id, upper(name) FROM default.src')) LAYOUT(SPARSE_HASHED()) LIFETIME(0);
SELECT dictGet('hq', 'nm', 1);
CREATE DICTIONARY hw (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src' WHERE 'id = 2')) LAYOUT(HASHED_ARRAY()) LIFETIME(0);
SELECT dictHas('hw', 1), dictHas('hw', 2);
CREATE DICTIONARY ck (id UInt64, name String, a Int32) PRIMARY KEY id, name SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0);
SHOW CREATE DICTIONARY ck;
SELECT dictGet('ck', 'a', (1::UInt64, 'one')), dictGet('ck', 'a', tuple(2, 'two')), dictHas('ck', (1, 'zzz'));
SELECT dictGetInt32('ck', 'a', (1, 'one')), dictGetInt32OrDefault('ck', 'a', (1, 'onex'), 5);
SELECT dictGet('ck', 'a', (id, name)) FROM src ORDER BY id;
SELECT dictGet('ck', 'a', 1); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
SELECT dictGet('ck', 'a', (1, 'a', 2)); -- { serverError TYPE_MISMATCH }
SELECT dictGet('h', 'name', (1, 'one')); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
SELECT dictGet('h', 'name', tuple(1)); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
CREATE DICTIONARY ck1 (id UInt64, name String) PRIMARY KEY name SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(COMPLEX_KEY_HASHED_ARRAY()) LIFETIME(0);
SELECT dictGet('ck1', 'id', 'one'), dictGet('ck1', 'id', tuple('two'));
SELECT * FROM ck1 ORDER BY id;
CREATE DICTIONARY bad (id UInt64, name String) PRIMARY KEY nosuch SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(0); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY bad (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(NOSUCH()) LIFETIME(0); -- { serverError UNKNOWN_ELEMENT_IN_CONFIG }
CREATE DICTIONARY bad (id UInt64, name String) PRIMARY KEY id SOURCE(NOSUCH(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(0); -- { serverError UNKNOWN_ELEMENT_IN_CONFIG }
CREATE DICTIONARY bad (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LIFETIME(0); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY bad (id UInt64, name String) PRIMARY KEY id LAYOUT(FLAT()); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY bad (id UInt64, name String) SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT()) LIFETIME(0); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY bad (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT()); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY bad (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(DIRECT()) LIFETIME(5); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY bad (id UInt64, p String HIERARCHICAL) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT()) LIFETIME(0); -- { serverError TYPE_MISMATCH }
CREATE DICTIONARY bad (id UInt64, p UInt64 HIERARCHICAL, q UInt64 HIERARCHICAL) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT()) LIFETIME(0); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY ex (id UInt64, x Int32 EXPRESSION a * 2, name String EXPRESSION upper(name) INJECTIVE) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT()) LIFETIME(MIN 1 MAX 10) SETTINGS(max_threads = 1) COMMENT 'hello';
SHOW CREATE DICTIONARY ex;
SELECT dictGet('ex', ('x', 'name'), 1);
SELECT comment FROM system.dictionaries WHERE name = 'ex';
SELECT comment FROM system.tables WHERE name = 'ex';
CREATE DICTIONARY nu (id UInt64, name String DEFAULT 'q') PRIMARY KEY id SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0);
SELECT dictGet('nu', 'name', 1), dictHas('nu', 1);
SELECT count() FROM nu;
CREATE TABLE rs (id UInt64, s Date, e Nullable(Date), v String) ENGINE = MergeTree ORDER BY id;
INSERT INTO rs VALUES (1, '2024-01-01', '2024-01-31', 'jan'), (1, '2024-01-15', '2024-02-15', 'mid'), (1, '2024-03-01', NULL, 'mar'), (2, '2024-01-01', '2024-12-31', 'y');
CREATE DICTIONARY r (id UInt64, s Date, e Date, v String DEFAULT 'none') PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'rs')) LAYOUT(RANGE_HASHED()) LIFETIME(0) RANGE(MIN s MAX e);
SHOW CREATE DICTIONARY r;
SELECT dictGet('r', 'v', 1, toDate('2024-01-05')), dictGet('r', 'v', 1, toDate('2024-01-20')), dictGet('r', 'v', 1, toDate('2024-02-20')), dictGet('r', 'v', 1, toDate('2024-05-05')), dictGet('r', 'v', 3, toDate('2024-05-05'));
CREATE DICTIONARY r2 (id UInt64, s Nullable(Date), e Nullable(Date), v String DEFAULT 'none') PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'rs')) LAYOUT(RANGE_HASHED(range_lookup_strategy 'max')) LIFETIME(0) RANGE(MIN s MAX e);
SHOW CREATE DICTIONARY r2;
SELECT dictGet('r2', 'v', 1, toDate('2024-01-05')), dictGet('r2', 'v', 1, toDate('2024-01-20')), dictGet('r2', 'v', 1, toDate('2024-02-20')), dictGet('r2', 'v', 1, toDate('2024-05-05')), dictGet('r2', 'v', 3, toDate('2024-05-05'));
SELECT dictGet('r', 'v', 1); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT dictHas('r', 1, toDate('2024-01-05')), dictHas('r', 1, toDate('2023-01-05'));
SELECT dictGetOrDefault('r', 'v', 1, toDate('2023-01-05'), 'dd');
SELECT dictGetOrNull('r', 'v', 1, toDate('2023-01-05'));
SELECT * FROM r ORDER BY id, s;
CREATE DICTIONARY r4 (id UInt64, s Date, e Date, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'rs')) LAYOUT(HASHED()) LIFETIME(0) RANGE(MIN s MAX e);
SELECT dictGet('r4', 'v', 1); -- { serverError BAD_ARGUMENTS }
CREATE TABLE rc (a String, b UInt8, s Int32, e Int32, v UInt8) ENGINE = MergeTree ORDER BY a;
INSERT INTO rc VALUES ('x', 1, -5, 5, 11), ('x', 1, 6, 10, 22), ('y', 1, 0, 100, 33);
CREATE DICTIONARY rcd (a String, b UInt8, s Int32, e Int32, v UInt8) PRIMARY KEY a, b SOURCE(CLICKHOUSE(TABLE 'rc')) LAYOUT(COMPLEX_KEY_RANGE_HASHED()) LIFETIME(0) RANGE(MIN s MAX e);
SELECT dictGet('rcd', 'v', ('x', 1), -5), dictGet('rcd', 'v', ('x', 1), 7), dictGet('rcd', 'v', ('x', 1), 11), dictGet('rcd', 'v', ('y', 1), 50);
CREATE TABLE ips (p String, asn UInt32, cc String) ENGINE = MergeTree ORDER BY p;
INSERT INTO ips VALUES ('10.0.0.0/8', 1, 'A'), ('10.1.0.0/16', 2, 'B'), ('2001:db8::/32', 3, 'C'), ('1.2.3.4', 4, 'D');
CREATE DICTIONARY ip (p String, asn UInt32, cc String DEFAULT '??') PRIMARY KEY p SOURCE(CLICKHOUSE(TABLE 'ips')) LAYOUT(IP_TRIE()) LIFETIME(0);
SELECT dictGet('ip', 'asn', tuple(IPv4StringToNum('10.1.2.3'))), dictGet('ip', 'cc', toIPv4('10.2.2.3')), dictGet('ip', 'cc', toIPv4('9.2.2.3')), dictGet('ip', 'cc', toIPv6('2001:db8::1')), dictGet('ip', 'cc', tuple(toIPv4('1.2.3.4')));
SELECT dictGet('ip', 'asn', '10.1.2.3'); -- { serverError TYPE_MISMATCH }
SELECT dictGet('ip', 'asn', IPv6StringToNum('2001:db8::5')), dictHas('ip', toIPv4('10.0.0.1'));
SELECT * FROM ip ORDER BY asn;
SELECT dictGet('h', 'name', materialize(1)), dictGet('h', 'name', number) FROM numbers(3);
SELECT dictGet('h', 'name', NULL), dictGet('h', 'name', toNullable(1)), toTypeName(dictGet('h', 'name', toNullable(1)));
SELECT dictGet('h', 'name', -1); -- { serverError CANNOT_CONVERT_TYPE }
SELECT dictGet('h', 'name', 'abc'); -- { serverError CANNOT_PARSE_TEXT }
SELECT dictGet('h', 'name'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT dictGet('h'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT dictHas('h'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT dictHas('h', NULL), dictGetOrDefault('h', 'name', NULL, 'x'), toTypeName(dictHas('h', toNullable(1)));
SELECT dictHas('h', 1, 2);
SELECT dictGetOrDefault('h', 'name', 9); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT dictGetHierarchy('h', 1); -- { serverError UNSUPPORTED_METHOD }
CREATE TABLE tr (id UInt64, p UInt64) ENGINE = MergeTree ORDER BY id;
INSERT INTO tr VALUES (1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 50), (8, 9), (9, 8), (10, 4);
CREATE DICTIONARY tf (id UInt64, p UInt64 HIERARCHICAL) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'tr')) LAYOUT(FLAT()) LIFETIME(0);
SELECT dictGetHierarchy('tf', id) FROM tr WHERE id < 8 OR id = 10 ORDER BY id;
SELECT dictGetDescendants('tf', 1), dictGetDescendants('tf', 1, 2), dictGetDescendants('tf', 0), dictGetDescendants('tf', 0, 1), dictGetDescendants('tf', 50), dictGetDescendants('tf', 8);
SELECT dictGetChildren('tf', 1), dictGetChildren('tf', 50), dictGetDescendants('tf', 1, 3), dictGetDescendants('tf', 1, 4);
SELECT dictIsIn('tf', 10, 1), dictIsIn('tf', 8, 9), dictIsIn('tf', 7, 50), dictIsIn('tf', 1, 0);
CREATE TABLE dup (id UInt64, v String, n Nullable(Int32)) ENGINE = MergeTree ORDER BY tuple();
INSERT INTO dup VALUES (3, 'c', NULL), (1, 'a', 1), (1, 'b', 2), (2, 'z', NULL);
CREATE DICTIONARY dn (id UInt64, n Int32 DEFAULT 77) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(FLAT()) LIFETIME(0);
SELECT dictGet('dn', 'n', 1); -- { serverError CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN }
CREATE DICTIONARY df (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(FLAT()) LIFETIME(0);
CREATE DICTIONARY dh (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(HASHED()) LIFETIME(0);
CREATE DICTIONARY dsh (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(SPARSE_HASHED()) LIFETIME(0);
CREATE DICTIONARY da (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(HASHED_ARRAY()) LIFETIME(0);
CREATE DICTIONARY dc (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0);
CREATE DICTIONARY dca (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(COMPLEX_KEY_HASHED_ARRAY()) LIFETIME(0);
SELECT dictGet('df', 'v', 1), dictGet('dh', 'v', 1), dictGet('dsh', 'v', 1), dictGet('da', 'v', 1), dictGet('dc', 'v', 1), dictGet('dca', 'v', 1);
SELECT * FROM df;
SELECT count() FROM da;
CREATE TABLE fi (x UInt8) ENGINE = Memory;
EXCHANGE DICTIONARIES dh AND da;
SHOW CREATE DICTIONARY dh;
REPLACE DICTIONARY dh (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(FLAT) LIFETIME(0);
SHOW CREATE DICTIONARY dh;
REPLACE DICTIONARY nosuch (id UInt64, v String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'dup')) LAYOUT(FLAT()) LIFETIME(0); -- { serverError UNKNOWN_TABLE }
SHOW DICTIONARIES LIKE 'd%';
SELECT name, type, element_count FROM system.dictionaries WHERE name IN ('df', 'dsh', 'dc', 'dca', 'ck', 'r', 'ip', 'rcd') ORDER BY name;
