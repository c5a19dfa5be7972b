//! Aggregate functions of crate `aggregate` as DataFusion aggregate UDFs.
