SELECT conv('10', 10, 2), conv('ff', 16, 10), conv(255, 10, 16), conv('zz', 36, 10);
SELECT conv('-10', 10, 16), conv('xyz', 10, 2), conv('12z', 10, 2), conv(NULL, 10, 2);
SELECT conv('18446744073709551616', 10, 16), conv('18446744073709551615', 10, 16), conv('99999999999999999999999', 10, 16), conv('-1', 10, 16);
SELECT conv('  12', 10, 16), conv('+12', 10, 16), conv('12.7', 10, 16), conv(12.7, 10, 16), conv(-5, 10, 16);
SELECT conv('FF', 16, 8), conv('0xff', 16, 10), toTypeName(conv('1', 10, 2)), conv(toUInt8(5), 10, 2), conv(toInt64(5), toUInt8(10), 2);
SELECT conv(toString(number), 10, 2), conv(number, 10, number + 2) FROM numbers(4);
SELECT conv('0', 10, 2), conv('000', 10, 2), conv('-0', 10, 2), conv(materialize('z'), 36, 2), conv('8', 8, 10);
SELECT conv('10', 10, -2); -- { serverError BAD_ARGUMENTS }
SELECT conv('10', 1, 2); -- { serverError BAD_ARGUMENTS }
SELECT conv('10', 10, 37); -- { serverError BAD_ARGUMENTS }
SELECT conv('', 10, 2); -- { serverError BAD_ARGUMENTS }
SELECT conv('10', '10', 2); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
SELECT conv('10', 10); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT conv([1], 10, 2); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
SELECT printf('%d|%5d|%-5d|%05d|%x|%o|%s|%.2f|%e|%c|%%|%+d', 1, 2, 3, 4, 255, 8, 'str', 3.14159, 12345.678, 65, 5);
SELECT printf('%5s|%-5s|%.1s', 'ab', 'cd', 'ef'), printf('x'), printf('%i %u %X', -1, 2, 255);
SELECT printf('%d', toInt64(-5)), printf('%5.1f|%-8s|%08.3f', 3.14159, 'ab', 2.5), printf('%s%%', 'x'), printf('%g %G', 0.0001, 1e10);
SELECT printf('%g|%g|%g|%g|%.3g|%e', 100000.0, 1000000.0, 0.00001, 1.5, 1234.5, -0.5);
SELECT printf(materialize('%d-%s'), number, toString(number)) FROM numbers(3);
SELECT printf('%s', NULL), printf('%d', NULL), toTypeName(printf('%d', 1)), printf('%s', toNullable('x')), printf('%lld', 5);
SELECT printf('%u', -1), printf('%x', -1), printf('%d', 18446744073709551615), printf('%u', 18446744073709551615), printf('%o', toInt8(-1));
SELECT printf('% d|%+5d|%#x|%#o', 5, 5, 255, 8);
SELECT printf('%d', 'a'); -- { serverError BAD_ARGUMENTS }
SELECT printf('%s', 1); -- { serverError BAD_ARGUMENTS }
SELECT printf('%d', 1.5); -- { serverError BAD_ARGUMENTS }
SELECT printf('%f', 1); -- { serverError BAD_ARGUMENTS }
SELECT printf('%d'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT printf('%d %d', 1); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT printf('%d', 1, 2); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT printf(123); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
SELECT printf('%s', toDate('2020-01-01')); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
