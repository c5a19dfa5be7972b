//! The names of aggregate functions: which are functions, which are aliases, and which end in combinators.
//!
//! Only names: what a function does is crate `aggregate`'s. The table is here because the Arrow fields of a state column
//! depend on how its name is taken apart.

/// A suffix that makes a new aggregate function of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // ClickHouse's names
pub enum Combinator {
    If,
    Array,
    ForEach,
    Distinct,
    OrNull,
    OrDefault,
    Resample,
    Map,
    ArgMin,
    ArgMax,
    State,
    Merge,
    SimpleState,
}

/// Every combinator by its suffix. A suffix that ends in another comes first.
pub const COMBINATORS: &[(&str, Combinator)] = &[
    ("SimpleState", Combinator::SimpleState),
    ("State", Combinator::State),
    ("Merge", Combinator::Merge),
    ("If", Combinator::If),
    ("Array", Combinator::Array),
    ("ForEach", Combinator::ForEach),
    ("Distinct", Combinator::Distinct),
    ("OrNull", Combinator::OrNull),
    ("OrDefault", Combinator::OrDefault),
    ("Resample", Combinator::Resample),
    ("Map", Combinator::Map),
    ("ArgMin", Combinator::ArgMin),
    ("ArgMax", Combinator::ArgMax),
];

/// Every aggregate function without combinators, sorted.
pub const FUNCTIONS: &[&str] = &[
    "any",
    "anyHeavy",
    "anyLast",
    "anyLast_respect_nulls",
    "any_respect_nulls",
    "argMax",
    "argMin",
    "avg",
    "avgWeighted",
    "boundingRatio",
    "corr",
    "corrStable",
    "count",
    "covarPop",
    "covarPopStable",
    "covarSamp",
    "covarSampStable",
    "deltaSum",
    "deltaSumTimestamp",
    "entropy",
    "exponentialMovingAverage",
    "groupArray",
    "groupArrayInsertAt",
    "groupArrayLast",
    "groupArrayMovingAvg",
    "groupArrayMovingSum",
    "groupArraySample",
    "groupArraySorted",
    "groupBitAnd",
    "groupBitOr",
    "groupBitXor",
    "groupBitmap",
    "groupBitmapAnd",
    "groupBitmapOr",
    "groupBitmapXor",
    "groupConcat",
    "groupUniqArray",
    "kurtPop",
    "kurtSamp",
    "max",
    "maxMap",
    "min",
    "minMap",
    "quantile",
    "quantileBFloat16",
    "quantileDeterministic",
    "quantileExact",
    "quantileExactExclusive",
    "quantileExactHigh",
    "quantileExactInclusive",
    "quantileExactLow",
    "quantileExactWeighted",
    "quantileInterpolatedWeighted",
    "quantileTDigest",
    "quantileTDigestWeighted",
    "quantileTiming",
    "quantileTimingWeighted",
    "quantiles",
    "quantilesBFloat16",
    "quantilesDeterministic",
    "quantilesExact",
    "quantilesExactExclusive",
    "quantilesExactHigh",
    "quantilesExactInclusive",
    "quantilesExactLow",
    "quantilesExactWeighted",
    "quantilesInterpolatedWeighted",
    "quantilesTDigest",
    "quantilesTDigestWeighted",
    "quantilesTiming",
    "quantilesTimingWeighted",
    "retention",
    "sequenceCount",
    "sequenceMatch",
    "simpleLinearRegression",
    "singleValueOrNull",
    "skewPop",
    "skewSamp",
    "stddevPop",
    "stddevPopStable",
    "stddevSamp",
    "stddevSampStable",
    "sum",
    "sumCount",
    "sumKahan",
    "sumMap",
    "sumMapFiltered",
    "sumMapWithOverflow",
    "sumWithOverflow",
    "topK",
    "topKWeighted",
    "uniq",
    "uniqCombined",
    "uniqCombined64",
    "uniqExact",
    "uniqHLL12",
    "uniqUpTo",
    "varPop",
    "varPopStable",
    "varSamp",
    "varSampStable",
    "windowFunnel",
];

/// Functions of the table whose own name ClickHouse reads in any case, sorted.
pub const ANY_CASE: &[&str] = &["avg", "corr", "count", "max", "min", "sum"];

/// Other names: the alias, the function, whether ClickHouse reads the alias in any case.
pub const ALIASES: &[(&str, &str, bool)] = &[
    ("BIT_AND", "groupBitAnd", true),
    ("BIT_OR", "groupBitOr", true),
    ("BIT_XOR", "groupBitXor", true),
    ("COVAR_POP", "covarPop", true),
    ("COVAR_SAMP", "covarSamp", true),
    ("STD", "stddevPop", true),
    ("STDDEV", "stddevSamp", true),
    ("STDDEV_POP", "stddevPop", true),
    ("STDDEV_SAMP", "stddevSamp", true),
    ("VAR_POP", "varPop", true),
    ("VAR_SAMP", "varSamp", true),
    ("anyLastRespectNulls", "anyLast_respect_nulls", false),
    ("anyRespectNulls", "any_respect_nulls", false),
    ("anyValueRespectNulls", "any_respect_nulls", false),
    ("any_value", "any", true),
    ("any_value_respect_nulls", "any_respect_nulls", true),
    ("array_agg", "groupArray", true),
    ("array_concat_agg", "groupArrayArray", true),
    ("firstValueRespectNulls", "any_respect_nulls", false),
    ("first_value", "any", true),
    ("first_value_respect_nulls", "any_respect_nulls", true),
    ("group_concat", "groupConcat", true),
    ("lastValueRespectNulls", "anyLast_respect_nulls", false),
    ("last_value", "anyLast", true),
    ("last_value_respect_nulls", "anyLast_respect_nulls", true),
    ("max_by", "argMax", true),
    ("maxMappedArrays", "maxMap", false),
    ("median", "quantile", false),
    ("medianBFloat16", "quantileBFloat16", false),
    ("medianDeterministic", "quantileDeterministic", false),
    ("medianExact", "quantileExact", false),
    ("medianExactHigh", "quantileExactHigh", false),
    ("medianExactLow", "quantileExactLow", false),
    ("medianExactWeighted", "quantileExactWeighted", false),
    ("medianInterpolatedWeighted", "quantileInterpolatedWeighted", false),
    ("medianTDigest", "quantileTDigest", false),
    ("medianTDigestWeighted", "quantileTDigestWeighted", false),
    ("medianTiming", "quantileTiming", false),
    ("medianTimingWeighted", "quantileTimingWeighted", false),
    ("min_by", "argMin", true),
    ("minMappedArrays", "minMap", false),
    ("string_agg", "groupConcat", true),
    ("sumMappedArrays", "sumMap", false),
];

/// Bytes of a name at most: combinators are taken apart by recursion, which outside text must not drive deep.
const NAME_MAX: usize = 256;

/// A name taken apart once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Split<'a> {
    /// A function of [`FUNCTIONS`]; aliases are already replaced.
    Function(&'static str),
    /// A combinator over another name.
    Combined(&'a str, Combinator),
}

/// What `name` is: a function (aliases included), or a combinator over a name that itself is known. `None` when neither.
pub fn split(name: &str) -> Option<Split<'_>> {
    if name.len() > NAME_MAX {
        return None;
    }
    if let Ok(found) = FUNCTIONS.binary_search(&name) {
        return Some(Split::Function(FUNCTIONS[found]));
    }
    if let Some((_, function, _)) = ALIASES.iter().find(|(alias, _, any_case)| same_name(alias, name, *any_case)) {
        return split(function);
    }
    if let Some(function) = ANY_CASE.iter().find(|function| function.eq_ignore_ascii_case(name)) {
        return Some(Split::Function(function));
    }
    COMBINATORS.iter().find_map(|(suffix, combinator)| {
        let inner = name.strip_suffix(suffix)?;
        split(inner).map(|_| Split::Combined(inner, *combinator))
    })
}

/// The function of [`FUNCTIONS`] below all combinators of `name`.
pub fn base_function(name: &str) -> Option<&'static str> {
    match split(name)? {
        Split::Function(function) => Some(function),
        Split::Combined(inner, _) => base_function(inner),
    }
}

fn same_name(alias: &str, name: &str, any_case: bool) -> bool {
    alias == name || (any_case && alias.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(FUNCTIONS.is_sorted());
        assert!(ANY_CASE.is_sorted());
        assert!(ANY_CASE.iter().all(|name| FUNCTIONS.contains(name)));
    }

    #[test]
    fn functions_win_over_combinators() {
        assert_eq!(split("sumMap"), Some(Split::Function("sumMap")));
        assert_eq!(split("avgMap"), Some(Split::Combined("avg", Combinator::Map)));
        assert_eq!(split("groupArrayArray"), Some(Split::Combined("groupArray", Combinator::Array)));
        assert_eq!(split("sumArrayIf"), Some(Split::Combined("sumArray", Combinator::If)));
        assert_eq!(split("STDDEV_POP"), Some(Split::Function("stddevPop")));
        assert_eq!(split("array_concat_agg"), Some(Split::Combined("groupArray", Combinator::Array)));
        assert_eq!(split("SUMIF"), None);
        assert_eq!(split("nosuchIf"), None);
        assert_eq!(base_function("uniqIfOrNullState"), Some("uniq"));
    }
}
