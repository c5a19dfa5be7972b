-- one process: what is loaded is not kept over a restart
CREATE TABLE pt (key Array(Array(Array(Tuple(Float64,Float64)))), name String, v UInt64 DEFAULT 7) ENGINE=Memory;
INSERT INTO pt VALUES ([[[(0,0),(10,0),(10,10),(0,10)]]],'big',1),([[[(2,2),(4,2),(4,4),(2,4)]]],'small',2),([[[(20,20),(30,20),(30,30),(20,30)],[(22,22),(28,22),(28,28),(22,28)]]],'hole',3);
CREATE DICTIONARY p1 (key Array(Array(Array(Tuple(Float64,Float64)))), name String DEFAULT 'none', v UInt64 DEFAULT 101) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p1','name',(3.,3.)), dictGet('p1','name',tuple(1.,1.)), dictGet('p1','name',(21.,21.)), dictGet('p1','name',(25.,25.)), dictGet('p1',('name','v'),(50.,50.)), dictHas('p1',(3.,3.)), dictHas('p1',(300.,3.)),dictGetOrDefault('p1','name',(300.,3.),'zz'), dictGetOrNull('p1','name',(300.,3.));
SELECT dictGet('p1','name',(0.,0.)), dictGet('p1','name',(10.,10.)), dictGet('p1','name',(5.,0.)), dictGet('p1','name',(0.,5.)), dictGet('p1','name',(5.,10.)), dictGet('p1','name',(10.,5.)), dictGet('p1','name',(2.,3.)),dictGet('p1','name',(4.,3.)),dictGet('p1','name',(22.,25.)),dictGet('p1','name',(28.,25.));
SELECT dictGet('p1','name',(3,3));
SELECT dictGet('p1','name',(toFloat32(3),toInt8(3)));
SELECT dictGet('p1','name',3); -- { serverError TYPE_MISMATCH }
SELECT dictGet('p1','name','a'); -- { serverError TYPE_MISMATCH }
SELECT dictGet('p1','name',(3.,3.,3.)); -- { serverError TYPE_MISMATCH }
SELECT dictGet('p1','name',('3','3'));
SELECT dictGet('p1','name',(nan,3.)); -- { serverError BAD_ARGUMENTS }
SELECT dictGet('p1','name',(inf,3.)); -- { serverError BAD_ARGUMENTS }
SELECT dictGet('p1','name',(NULL,3.)); -- { serverError CANNOT_CONVERT_TYPE }
SELECT * FROM p1; -- { serverError UNSUPPORTED_METHOD }
SELECT * FROM dictionary('p1'); -- { serverError UNSUPPORTED_METHOD }
DESCRIBE TABLE p1;
SHOW CREATE DICTIONARY p1;
CREATE DICTIONARY p2 (key Array(Array(Array(Tuple(Float64,Float64)))), name String DEFAULT 'none', v UInt64 DEFAULT 101) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON(STORE_POLYGON_KEY_COLUMN 1)) LIFETIME(0);
SELECT * FROM p2 ORDER BY name;
SELECT name,key FROM dictionary('p2') ORDER BY v;
SHOW CREATE DICTIONARY p2;
CREATE DICTIONARY p3 (key Array(Array(Array(Tuple(Float64,Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON_SIMPLE()) LIFETIME(0);
CREATE DICTIONARY p4 (key Array(Array(Array(Tuple(Float64,Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON_INDEX_EACH()) LIFETIME(0);
CREATE DICTIONARY p5 (key Array(Array(Array(Tuple(Float64,Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON_INDEX_CELL(MIN_INTERSECTIONS 1 MAX_DEPTH 5)) LIFETIME(0);
SELECT dictGet('p3','name',(3.,3.)), dictGet('p4','name',(3.,3.)), dictGet('p5','name',(3.,3.)), dictGet('p5','name',(300.,3.));
SELECT name,type FROM system.dictionaries ORDER BY name;
CREATE DICTIONARY p6 (key Array(Array(Array(Array(Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[[[0.,0.],[1.,0.],[1.,1.],[0.,1.]]]] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p6','name',(.5,.5));
CREATE DICTIONARY p7 (key Array(Tuple(Float64,Float64)), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [(0.,0.),(1.,0.),(1.,1.),(0.,1.)] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p7','name',(.5,.5));
CREATE DICTIONARY p8 (key Array(Array(Tuple(Float64,Float64))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[(0.,0.),(1.,0.),(1.,1.),(0.,1.)]] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p8','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY p9 (key Array(Array(Array(Float64))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[[0.,0.],[1.,0.],[1.,1.],[0.,1.]]] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p9','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY p10 (key Array(Array(Float64)), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[0.,0.],[1.,0.],[1.,1.],[0.,1.]] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p10','name',(.5,.5));
CREATE DICTIONARY p11 (key MultiPolygon, name String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p11','name',(.5,.5));
CREATE DICTIONARY p12 (key UInt64, name String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p12','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY p13 (key Array(Array(Array(Tuple(Float32,Float32)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[[(0.,0.),(1.,0.),(1.,1.),(0.,1.)]]] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p13','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY p14 (k Array(Array(Array(Tuple(Float64,Float64)))),k2 UInt8, name String) PRIMARY KEY k,k2 SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p14','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY p16 (key Array(Array(Array(Tuple(Float64,Float64)))), name String EXPRESSION upper(name), v Nullable(UInt8), arr Array(UInt8) DEFAULT [1]) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[[(0.,0.),(1.,0.),(1.,1.),(0.,1.)]]] AS key, \'x\' AS name, NULL as v, [5] as arr')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p16',('name','v','arr'),(.5,.5)), dictGet('p16',('v','arr'),(5.5,.5));
CREATE DICTIONARY p17 (key Array(Array(Array(Array(Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[[[0.,0.],[1.,0.,4.],[1.,1.],[0.,1.]]]] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p17','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY p18 (key Array(Array(Array(Tuple(Float64,Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [[[(0.,0.),(1.,0.)]]] AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p18','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY p19 (key Array(Array(Array(Tuple(Float64,Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT arrayJoin([[[[(0.,0.),(1.,0.),(1.,1.),(0.,1.)]]],[]]) AS key, \'x\' AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p19','name',(.5,.5));
CREATE DICTIONARY p20 (key Array(Array(Array(Tuple(Float64,Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT arrayJoin([[[[(0.,0.),(1.,0.),(1.,1.),(0.,1.)]]],[[[(0.,0.),(1.,0.),(1.,1.),(0.,1.)]]]]) AS key, toString(rowNumberInAllBlocks()) AS name')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('p20','name',(.5,.5));
CREATE DICTIONARY p22 (key Array(Array(Array(Tuple(Float64,Float64)))), name String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 'pt')) LAYOUT(POLYGON()) LIFETIME(0) RANGE(MIN a MAX b); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
SELECT dictGet('p22','name',(.5,.5)); -- { serverError BAD_ARGUMENTS }
SELECT dictGet('p1','name',tuple(materialize(3.),number)) FROM numbers(5);
SELECT dictGet('p1','key',(3.,3.)); -- { serverError BAD_ARGUMENTS }
SELECT dictGet('p2','key',(3.,3.)); -- { serverError BAD_ARGUMENTS }
SELECT count() FROM dictionary('p1'); -- { serverError UNSUPPORTED_METHOD }
SELECT dictGetString('p1','name',(3.,3.)), dictGetUInt64('p1','v',(3.,3.)), dictGetUInt64OrDefault('p1','v',(33.,3.),toUInt64(4));
SELECT dictGetHierarchy('p1',(3.,3.)); -- { serverError UNSUPPORTED_METHOD }
SELECT dictIsIn('p1',(3.,3.),(3.,3.)); -- { serverError UNSUPPORTED_METHOD }
SELECT dictGetAll('p1','name',(3.,3.)); -- { serverError NOT_IMPLEMENTED }
SELECT name, type, key.names, key.types, attribute.names, element_count, status FROM system.dictionaries WHERE name IN ('p1', 'p2', 'p3') ORDER BY name;
SELECT dictGet('p3','name',(0.,0.)), dictGet('p3','name',(10.,10.)), dictGet('p3','name',(5.,0.)), dictGet('p3','name',(0.,5.)), dictGet('p3','name',(5.,10.)), dictGet('p3','name',(10.,5.)), dictGet('p3','name',(2.,3.)),dictGet('p3','name',(4.,3.)),dictGet('p3','name',(22.,25.)),dictGet('p3','name',(28.,25.));
SELECT dictGet('p4','name',(0.,0.)), dictGet('p4','name',(10.,10.)), dictGet('p4','name',(5.,0.)), dictGet('p4','name',(0.,5.)), dictGet('p4','name',(5.,10.)), dictGet('p4','name',(10.,5.)), dictGet('p4','name',(2.,3.)),dictGet('p4','name',(4.,3.)),dictGet('p4','name',(22.,25.)),dictGet('p4','name',(28.,25.));
CREATE DICTIONARY p30 (key Ring, name String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [(0.,0.),(1.,0.),(1.,1.),(0.,1.)] AS key, \'x\' AS name')) LAYOUT(POLYGON(STORE_POLYGON_KEY_COLUMN 1)) LIFETIME(0);
SHOW CREATE DICTIONARY p30;
SELECT dictGet('p30','name',(.5,.5));
SELECT * FROM p30;
SELECT dictGet('p30','name',(x,.5)) FROM (SELECT arrayJoin([toNullable(.5),NULL]) AS x); -- { serverError CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN }
SELECT dictGet('p30','name',x) FROM (SELECT arrayJoin([(.5,.5),(2.5,.1)]) AS x);
SELECT dictGet('p30','name',x) FROM (SELECT arrayJoin([[.5,.5],[2.5,.1]]) AS x); -- { serverError TYPE_MISMATCH }
SELECT dictGet('p30',tuple('name'),(.5,.5)), dictGetOrNull('p30',('name'),(5.5,.5)), dictGetOrNull('p30',tuple('name'),(5.5,.5));
CREATE DICTIONARY c4 (key Array(Tuple(Float64,Float64)), v String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(POLYGON()); -- { serverError INCORRECT_DICTIONARY_DEFINITION }
CREATE DICTIONARY c5 (key Polygon, v String) PRIMARY KEY key SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(POLYGON()) LIFETIME(0);
SELECT dictGet('c5','v',(1,2)); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY c7 (key Array(Tuple(Float64,Float64)), v String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [(0.,0.),(0.,2.),(2.,0.),(2.,2.)] AS key, \'x\' AS name')) LAYOUT(POLYGON_INDEX_EACH()) LIFETIME(0);
SELECT dictGet('c7','v',(.1,1.)),dictGet('c7','v',(1.9,1.)),dictGet('c7','v',(1.,.1));
CREATE DICTIONARY c8 (key Array(Tuple(Float64,Float64)), v String) PRIMARY KEY key SOURCE(NULL()) LAYOUT(POLYGON_INDEX_EACH()) LIFETIME(0);
SELECT dictGet('c8','v',(.1,1.)), dictGetOrNull('c8','v',(1.,2.)), dictHas('c8', (1.,2.));
CREATE DICTIONARY c9 (key Array(Tuple(Float64,Float64)), v String) PRIMARY KEY key SOURCE(CLICKHOUSE(QUERY 'SELECT [(0.,0.),(0.,1/0),(2.,0.),(2.,2.)] AS key, \'x\' AS name')) LAYOUT(POLYGON_INDEX_EACH()) LIFETIME(0);
SELECT dictGet('c9','v',(.1,1.)); -- { serverError BAD_ARGUMENTS }
SELECT dictHas('c8',3); -- { serverError TYPE_MISMATCH }
SELECT dictGet('c8','v',NULL);
CREATE DICTIONARY h1 (a UInt64, p UInt64 HIERARCHICAL) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(COMPLEX_KEY_HASHED) LIFETIME(0); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY h2 (a UInt64, p UInt64 BIDIRECTIONAL) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(HASHED) LIFETIME(0); -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY b1 (a UInt64, p UInt64 HIERARCHICAL BIDIRECTIONAL) PRIMARY KEY a SOURCE(CLICKHOUSE(QUERY 'SELECT number + 1, intDiv(number, 2) FROM numbers(6)')) LAYOUT(HASHED) LIFETIME(0);
SELECT dictGetHierarchy('b1', 6), arraySort(dictGetChildren('b1', 1)), arraySort(dictGetDescendants('b1', 1)), dictIsIn('b1', 6, 1);
SHOW CREATE DICTIONARY b1;
