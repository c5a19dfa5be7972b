CREATE TABLE s (a UInt32, b String) ENGINE = MergeTree ORDER BY a;
INSERT INTO s VALUES (1, 'q'), (2, 'r');
CREATE VIEW pv AS SELECT * FROM s WHERE a = {m:Map(String, UInt8)}['x'];
SELECT * FROM pv(m = map('x', 1));
SELECT * FROM pv(m = map('y', 1, 'x', 2));
SELECT * FROM pv(m = 5); -- { serverError CANNOT_PARSE_INPUT_ASSERTION_FAILED }
CREATE VIEW av AS SELECT {p:Array(UInt8)} AS x;
SELECT * FROM av(p = [1, 2]);
SELECT * FROM av(p = 5); -- { serverError CANNOT_READ_ARRAY_FROM_TEXT }
CREATE VIEW sv AS SELECT {p:Array(String)} AS x;
SELECT * FROM sv(p = ['a', 'it''s', 'b\\c', 'd,e']);
SET param_m = '{\'x\':1, \'it\\\'s\': 2}';
SELECT {m:Map(String, UInt8)};
SET param_m = '{}';
SELECT {m:Map(String, UInt8)};
SET param_m = '{1:[1,2],2:[]}';
SELECT {m:Map(UInt8, Array(UInt8))};
SET param_m = '5';
SELECT {m:Map(String, UInt8)}; -- { serverError CANNOT_PARSE_INPUT_ASSERTION_FAILED }
SET param_m = 'x';
SELECT {m:Date}; -- { serverError CANNOT_PARSE_DATE }
SELECT {m:DateTime}; -- { serverError CANNOT_PARSE_DATETIME }
SELECT {m:UUID}; -- { serverError CANNOT_PARSE_UUID }
SELECT {m:Bool}; -- { serverError CANNOT_PARSE_BOOL }
SELECT {m:UInt8}; -- { serverError BAD_QUERY_PARAMETER }
SELECT CAST('[{\'b\':1}]' AS Array(Map(String, UInt8)));
SELECT CAST('(1,{\'b\':1})' AS Tuple(UInt8, Map(String, UInt8)));
SELECT CAST('{\'b\':1}' AS Map(String, UInt8)); -- { serverError TYPE_MISMATCH }
