//! Which calls give a value for every row, so that they may be evaluated for rows that nobody asks for.
//!
//! The binder guards the others: they run only for rows that the conditions beside them leave. A function that is not
//! listed here is taken to fail, which costs a guard and is never wrong.

use datafusion::logical_expr::ScalarUDF;
use types::DataType;

use crate::bound::BoundUdf;

/// Functions that cannot fail once they are resolved, whatever the values.
const TOTAL: &str = "
    abs and array bitAnd bitCount bitNot bitOr bitXor cityHash64 coalesce concat countEqual domain domainWithoutWWW
    empty endsWith equals extract greater greaterOrEquals greatest has hasAll hasAny hex ifNull ilike indexOf
    intDivOrZero isFinite isInfinite isNaN isNotNull isNull isZeroOrNull least left length lengthUTF8 less
    lessOrEquals like lower lowerUTF8 mapContains mapKeys mapValues match moduloOrZero negate not notEmpty notEquals
    notILike notLike nullIf or path position positionCaseInsensitive protocol reverse right sign sipHash64
    startsWith substring substringUTF8 toDayOfMonth toDayOfWeek toDayOfYear toHour toISOWeek toISOYear toMinute
    toMonday toMonth toNullable toQuarter toSecond toStartOfDay toStartOfFifteenMinutes toStartOfFiveMinutes
    toStartOfHour toStartOfISOYear toStartOfInterval toStartOfMinute toStartOfMonth toStartOfQuarter toStartOfSecond
    toStartOfTenMinutes toStartOfWeek toStartOfYear toTimeZone toTypeName toUnixTimestamp toWeek toYYYYMM toYYYYMMDD
    toYYYYMMDDhhmmss toYear trimBoth trimLeft trimRight tuple tupleElement upper upperUTF8 xor xxHash64";

/// Arithmetic that wraps on plain numbers and times, and overflows on decimals.
const WRAPPING: &str = "
    addDays addHours addInterval addMinutes addMonths addSeconds addWeeks addYears divide minus multiply plus
    subtractDays subtractHours subtractInterval subtractMinutes subtractMonths subtractSeconds subtractWeeks
    subtractYears";

/// Conversions that cannot fail between plain numbers, dates and times.
const CONVERSIONS: &str = "
    CAST _CAST toDate toDateTime toFloat32 toFloat64 toInt16 toInt32 toInt64 toInt8 toString toUInt16 toUInt32
    toUInt64 toUInt8";

/// True when a call may fail for some values of its arguments.
pub fn can_fail(function: &ScalarUDF) -> bool {
    let Some(bound) = function.inner().downcast_ref::<BoundUdf>() else { return false };
    let name = function.name();
    let plain_arguments = || bound.argument_types().iter().all(|ty| is_plain(ty.base()));
    if lists(TOTAL, name) {
        return false;
    }
    if lists(WRAPPING, name) {
        return !plain_arguments();
    }
    if lists(CONVERSIONS, name) {
        return !converts_always(bound);
    }
    true
}

fn lists(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|listed| listed == name)
}

fn converts_always(bound: &BoundUdf) -> bool {
    let (Some(from), to) = (bound.argument_types().first(), bound.result()) else { return false };
    if from.is_nullable() && !to.is_nullable() {
        return false;
    }
    let from_plain = is_plain(from.base());
    match to.base() {
        DataType::String => from_plain || from.base().is_string(),
        target => from_plain && is_plain(target) && !matches!(target, DataType::Interval(_)),
    }
}

/// Numbers of the processor, dates and times.
fn is_plain(ty: &DataType) -> bool {
    let small = ty.is_integer() && ty.integer_width().is_some_and(|width| width <= 8);
    small
        || ty.is_float()
        || matches!(ty, DataType::Bool | DataType::Date | DataType::Date32 | DataType::DateTime(_))
        || matches!(ty, DataType::Interval(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Arg, FunctionContext};
    use crate::resolve::resolve;

    fn fails(name: &str, types: &[&str]) -> bool {
        let args: Vec<Arg> = types.iter().map(|ty| Arg::column(DataType::parse(ty).unwrap())).collect();
        can_fail(&resolve(name, &args, &FunctionContext::default()).unwrap().udf)
    }

    #[test]
    fn division_parsing_and_decimals_can_fail_and_plain_arithmetic_cannot() {
        assert!(fails("intDiv", &["UInt8", "UInt8"]));
        assert!(fails("toUInt32", &["String"]));
        assert!(fails("multiply", &["Decimal(9, 2)", "Decimal(9, 2)"]));
        assert!(!fails("multiply", &["UInt8", "Nullable(Float64)"]));
        assert!(!fails("toUInt32", &["UInt64"]));
        assert!(!fails("minus", &["DateTime", "IntervalDay"]));
    }

    #[test]
    fn every_listed_name_is_a_function() {
        for name in [TOTAL, WRAPPING, CONVERSIONS].into_iter().flat_map(str::split_ascii_whitespace) {
            assert!(crate::registry::is_known(name), "{name}");
        }
    }
}
