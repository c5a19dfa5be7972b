-- one process: what is loaded is not kept over a restart
CREATE TABLE rt (id UInt64, parent_id UInt64, regexp String, keys Array(String), values Array(String)) ENGINE=Memory;
INSERT INTO rt VALUES (1,0,'Linux/(\\d+[\\.\\d]*).+tlinux',['name','version'],['TencentOS','\\1']),(2,0,'(\\d+)/tclwebkit(\\d+[\\.\\d]*)',['name','version','comment'],['Android','$1','test']),(3,2,'33/tclwebkit',['version'],['13']),(4,2,'3[12]/tclwebkit',['version'],['12']),(5,0,'foo',['name'],['FOO']);
CREATE DICTIONARY r1 (regexp String, name String, version String, comment String DEFAULT 'def') PRIMARY KEY(regexp) SOURCE(CLICKHOUSE(TABLE 'rt')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r1',('name','version'),'31/tclwebkit1024');
SELECT dictGet('r1',('name','version','comment'),'30/tclwebkit1024'), dictGet('r1',('name','version','comment'),'Linux/101.tlinux'),dictGet('r1',('name','version','comment'),'33/tclwebkit11.10');
SELECT dictGetAll('r1',('name','version','comment'),'33/tclwebkit11.10');
SELECT dictGetAll('r1','version','33/tclwebkit11.10 foo',2), dictGetAll('r1','name','33/tclwebkit11.10 foo'), dictGetAll('r1','name','33/tclwebkit11.10 foo',1), dictGetAll('r1','name','nothing');
SELECT dictHas('r1','foo'), dictHas('r1','bar'); -- { serverError UNSUPPORTED_METHOD }
SELECT dictGet('r1','name','bar'), dictGet('r1','comment','bar'), dictGetOrDefault('r1','comment','bar','zz'), dictGetOrNull('r1','comment','bar'),dictGetOrNull('r1','comment','foo'),dictGetOrDefault('r1','comment','foo','zz'); -- { serverError UNSUPPORTED_METHOD }
SHOW CREATE DICTIONARY r1;
DESCRIBE TABLE r1;
SELECT name,type,key.names,key.types,attribute.names,attribute.types,element_count,query_count,status FROM system.dictionaries WHERE name='r1';
SELECT dictGet('r1','name',tuple('foo'));
SELECT dictGet('r1','name',5);
SELECT dictGet('r1','name',NULL);
SELECT dictGet('r1','name',toNullable('foo'));
SELECT dictGet('r1','name',toLowCardinality('foo'));
SELECT dictGet('r1','name',toFixedString('foo',3));
SELECT dictGet('r1','name',('foo','bar'));
SELECT dictGet('r1','regexp','foo'); -- { serverError BAD_ARGUMENTS }
SELECT dictGetAll('r1','name','foo','x'); -- { serverError NOT_IMPLEMENTED }
SELECT dictGetAll('r1','name'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT dictGetAll('r1','zz','foo'); -- { serverError BAD_ARGUMENTS }
SELECT toTypeName(dictGetAll('r1',('name','version'),'foo')), toTypeName(dictGetAll('r1','name','foo'));
SELECT dictGetHierarchy('r1','foo'); -- { serverError UNSUPPORTED_METHOD }
CREATE DICTIONARY r2 (regexp String, name String, version UInt64 DEFAULT 3) PRIMARY KEY(regexp) SOURCE(CLICKHOUSE(TABLE 'rt')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r2',('name','version'),'33/tclwebkit');
SELECT dictGet('r2',('name','version'),'31/tclwebkit'), dictGet('r2',('name','version'),'39/tclwebkit2'), dictGet('r2',('name','version'),'foo');
CREATE DICTIONARY r3 (regexp String, name String, version UInt64 DEFAULT 3, d Date, n Nullable(String), a Array(UInt8), f Float64) PRIMARY KEY(regexp) SOURCE(CLICKHOUSE(QUERY 'SELECT 1::UInt64 AS id, 0::UInt64 AS parent_id, \'a(b)?\' AS regexp, [\'name\',\'version\',\'d\',\'n\',\'a\',\'f\'] AS keys, [\'\\1-\\0\',\'5\',\'2020-01-02\',\'nn\',\'[1,2]\',\'1.5\'] AS values')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r3','name','a'), dictGet('r3','name','ab');
SELECT dictGet('r3',('version','d','n','a','f'),'ab');
SELECT dictGet('r3',('version','d','n','a','f'),'zz');
CREATE DICTIONARY r4 (name String, version UInt64 DEFAULT 3) PRIMARY KEY(name) SOURCE(CLICKHOUSE(TABLE 'rt')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r4','version','foo');
CREATE DICTIONARY r5 (regexp String, b UInt8, version UInt64 DEFAULT 3) PRIMARY KEY regexp,b SOURCE(CLICKHOUSE(TABLE 'rt')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r5','version','foo'); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY r6 (regexp UInt8, version UInt64 DEFAULT 3) PRIMARY KEY regexp SOURCE(CLICKHOUSE(TABLE 'rt')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r6','version','foo'); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY r7 (regexp String, version UInt64 DEFAULT 3) PRIMARY KEY regexp SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r7','version','foo'); -- { serverError UNKNOWN_TABLE }
CREATE DICTIONARY r8 (regexp String, name String) PRIMARY KEY regexp SOURCE(CLICKHOUSE(QUERY 'SELECT 1::UInt64 AS id, 0::UInt64 AS parent_id, \'a(b?\' AS regexp, [\'name\'] AS keys, [\'x\'] AS values')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r8','name','ab');
CREATE DICTIONARY r9 (regexp String, name String) PRIMARY KEY regexp SOURCE(CLICKHOUSE(QUERY 'SELECT number+1 AS id, if(number=0,2,1)::UInt64 AS parent_id, \'a\' AS regexp, [\'name\'] AS keys, [\'x\'] AS values FROM numbers(2)')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r9','name','ab'); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY r10 (regexp String, name String) PRIMARY KEY regexp SOURCE(CLICKHOUSE(QUERY 'SELECT number+1 AS id, 99::UInt64 AS parent_id, \'a\' AS regexp, [\'name\'] AS keys, [\'x\'] AS values FROM numbers(2)')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r10','name','ab'); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY r11 (regexp String, name String) PRIMARY KEY regexp SOURCE(CLICKHOUSE(QUERY 'SELECT 1::UInt64 AS id, 0::UInt64 AS parent_id, \'a\' AS regexp, [\'name\'] AS keys, [\'x\'] AS values FROM numbers(2)')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r11','name','ab'); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY r12 (regexp String, name String) PRIMARY KEY regexp SOURCE(CLICKHOUSE(QUERY 'SELECT 1::UInt64 AS id, 0::UInt64 AS parent_id, \'aX\' AS regexp, [\'name\',\'name\',\'other\'] AS keys, [\'x\',\'y\',\'z\'] AS values')) LAYOUT(REGEXP_TREE) SETTINGS(regexp_dict_flag_case_insensitive = 1, regexp_dict_flag_dotall = 1) LIFETIME(0);
SELECT dictGet('r12','name','Ax');
SHOW CREATE DICTIONARY r12;
CREATE TABLE rt2 (id UInt64, parent_id UInt64, regexp String, keys Array(String), values Array(String)) ENGINE=Memory;
INSERT INTO rt2 VALUES (1,0,'a(b)?',['n','v','w'],['\\1-\\0-$2-$$-\\\\1-$','$1','x$1']),(2,1,'(c)x',['v'],['\\1']),(4,0,'(z)',['v'],['$1']),(3,0,'z',['v','n'],['second','Z']),(5,4,'zz',['n'],['deep']),(9,0,'^(?i)CASE$',['n'],['ci']),(10,0,'\\d\\p{L}',['n'],['uni']),(11,0,'q.r',['n'],['dot']);
CREATE DICTIONARY r (regexp String, n String DEFAULT 'dn', v String DEFAULT 'dv', w Nullable(String)) PRIMARY KEY regexp SOURCE(CLICKHOUSE(TABLE 'rt2')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r',('n','v','w'),'a'), dictGetAll('r',('n','v','w'),'a'), dictGetOrDefault('r',('n','v'),'a',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'ab'), dictGetAll('r',('n','v','w'),'ab'), dictGetOrDefault('r',('n','v'),'ab',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'abcx'), dictGetAll('r',('n','v','w'),'abcx'), dictGetOrDefault('r',('n','v'),'abcx',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'z'), dictGetAll('r',('n','v','w'),'z'), dictGetOrDefault('r',('n','v'),'z',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'zz'), dictGetAll('r',('n','v','w'),'zz'), dictGetOrDefault('r',('n','v'),'zz',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'zazab'), dictGetAll('r',('n','v','w'),'zazab'), dictGetOrDefault('r',('n','v'),'zazab',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'CASE'), dictGetAll('r',('n','v','w'),'CASE'), dictGetOrDefault('r',('n','v'),'CASE',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'case'), dictGetAll('r',('n','v','w'),'case'), dictGetOrDefault('r',('n','v'),'case',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'1ä'), dictGetAll('r',('n','v','w'),'1ä'), dictGetOrDefault('r',('n','v'),'1ä',('gn','gv'));
SELECT dictGet('r',('n','v','w'),'q\nr'), dictGetAll('r',('n','v','w'),'q\nr'), dictGetOrDefault('r',('n','v'),'q\nr',('gn','gv'));
SELECT dictGet('r',('n','v','w'),''), dictGetAll('r',('n','v','w'),''), dictGetOrDefault('r',('n','v'),'',('gn','gv'));
SELECT dictGetAll('r','v','abz zz',0);
SELECT dictGetAll('r','v','abz zz',1);
SELECT dictGetAll('r','v','abz zz',2);
SELECT dictGetAll('r','v','abz zz',number) FROM numbers(2); -- { serverError ILLEGAL_COLUMN }
SELECT dictGetAll('r','v',NULL); -- { serverError UNSUPPORTED_METHOD }
SELECT dictGetAll('r','w','a'),toTypeName(dictGetAll('r','w','a'));
SELECT dictGetAll('r',tuple('v'),'a'), dictGetAll('r',('v','n'),'a',2);
SELECT dictGetString('r','v','ab');
SELECT dictGetOrNull('r','v','ab'); -- { serverError UNSUPPORTED_METHOD }
SELECT dictHas('r','ab'); -- { serverError UNSUPPORTED_METHOD }
SELECT dictGet('r','v',materialize('ab')), dictGet('r','v','ab' || toString(number)) FROM numbers(2);
SELECT count() FROM dictionary('r');
SELECT count() FROM r;
SELECT regexp FROM r ORDER BY regexp;
SELECT id, parent_id, regexp, length(keys) FROM dictionary('r') ORDER BY id DESC;
DESCRIBE TABLE dictionary('r');
SELECT n FROM r; -- { serverError NOT_FOUND_COLUMN_IN_BLOCK }
CREATE DICTIONARY r20 (regexp String, v UInt8) PRIMARY KEY regexp SOURCE(CLICKHOUSE(TABLE 'rt2')) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r20','v','z'); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY r21 (regexp String, v String EXPRESSION upper(v), n String HIERARCHICAL) PRIMARY KEY regexp SOURCE(CLICKHOUSE(TABLE 'rt2')) LAYOUT(REGEXP_TREE) LIFETIME(0); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY r22 (regexp String, v String) PRIMARY KEY regexp SOURCE(CLICKHOUSE(TABLE 'rt2' WHERE 'id < 4')) LAYOUT(REGEXP_TREE()) LIFETIME(0);
SELECT dictGet('r22','v','z');
SHOW CREATE DICTIONARY r22;
CREATE DICTIONARY r23 (regexp String, v String) PRIMARY KEY regexp SOURCE(NULL()) LAYOUT(REGEXP_TREE) LIFETIME(0);
SELECT dictGet('r23','v','z'); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY r24 (regexp String, v String) PRIMARY KEY regexp SOURCE(CLICKHOUSE(TABLE 'rt2')) LAYOUT(REGEXP_TREE_CACHE) LIFETIME(0); -- { serverError UNKNOWN_ELEMENT_IN_CONFIG }
SELECT n, dictGet('r', 'n', n) FROM (SELECT arrayJoin(['ab', 'zz', 'none']) AS n) ORDER BY n;
SELECT count() FROM (SELECT number FROM numbers(1000) WHERE dictGet('r', 'n', toString(number) || 'z') = 'Z');
INSERT INTO rt2 VALUES (20, 0, 'none', ['n'], ['late']);
SELECT dictGet('r', 'n', 'none');
SYSTEM RELOAD DICTIONARY r;
SELECT dictGet('r', 'n', 'none');
