SELECT CAST('x' AS Nullable(Int16)), CAST('' AS Nullable(Int16)), 'y'::Nullable(Date), CAST(toNullable('x') AS Nullable(Int8));
SELECT CAST('1.5' AS Nullable(Int16)), CAST('300' AS Nullable(UInt8)), CAST('12x' AS Nullable(UInt8)), CAST('-5' AS Nullable(UInt8)), CAST('99999999999999999999999' AS Nullable(Int64)), CAST('12345678901.5' AS Nullable(Decimal(9, 2)));
SELECT CAST('z' AS Nullable(Float64)), CAST('z' AS Nullable(UUID)), CAST('z' AS Nullable(Decimal(9, 2))), CAST('z' AS Nullable(DateTime)), CAST('z' AS Nullable(DateTime64(3))), CAST('z' AS Nullable(IPv4)), CAST('z' AS Nullable(IPv6)), CAST('z' AS Nullable(Date32)), CAST('z' AS Nullable(Int128));
SELECT CAST(['x', '1'] AS Array(Nullable(Int8))), CAST(('x', '2') AS Tuple(Nullable(Int8), Nullable(UInt8))), CAST(map('a', 'x') AS Map(String, Nullable(Int8)));
SELECT CAST('x' AS LowCardinality(Nullable(UInt8))) SETTINGS allow_suspicious_low_cardinality_types = 1;
SELECT CAST('abcd' AS Nullable(FixedString(3))), accurateCast('x', 'Nullable(Int8)');
SELECT CAST('z' AS Nullable(Bool)); -- { serverError CANNOT_PARSE_BOOL }
SELECT CAST('z' AS Nullable(Enum8('a' = 1))); -- { serverError UNKNOWN_ELEMENT_OF_ENUM }
SELECT CAST('x' AS Int8); -- { serverError CANNOT_PARSE_TEXT }
SELECT count() FROM numbers(3) WHERE CAST(concat('x', toString(number)) AS Nullable(Int8)) IS NULL;
CREATE TABLE c (a Nullable(Int8), d Nullable(Date)) ENGINE = MergeTree ORDER BY tuple();
INSERT INTO c SELECT 'x', 'y';
INSERT INTO c SELECT '5', '2020-01-01';
SELECT * FROM c ORDER BY ALL;
ALTER TABLE c UPDATE a = 'x' WHERE a = 5;
SELECT * FROM c ORDER BY ALL;
CREATE TABLE mc (k UInt8, s String) ENGINE = MergeTree ORDER BY k;
INSERT INTO mc VALUES (1, 'x'), (2, '5');
ALTER TABLE mc MODIFY COLUMN s Nullable(UInt8);
SELECT * FROM mc ORDER BY k;
