//! What the cells of a type look like.

use arrow::datatypes::{DataType as ArrowType, Fields};
use types::DataType;

/// Where NULL and NaN stand among other values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Nulls {
    /// Before all others: for maxima, which must not choose them.
    First,
    /// After all others.
    Last,
}

/// How the bytes of a FixedSizeBinary column sort.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FixedOrder {
    /// Byte by byte: FixedString, IPv6, and wide integers, whose columns are sortable already.
    Bytes,
    /// Second half before first half: ClickHouse's order of UUIDs.
    Uuid,
}

/// The form of a type's cells.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub(crate) enum Shape {
    Null,
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F32,
    F64,
    D128(ArrowType),
    D256(ArrowType),
    Bytes,
    Fixed(i32, FixedOrder),
    Nullable(Box<Shape>),
    List(Box<Shape>, ArrowType),
    Struct(Vec<Shape>, Fields),
}

impl Shape {
    /// The shape of `ty`'s cells.
    pub fn of(ty: &DataType) -> Shape {
        match ty {
            DataType::Nullable(inner) if **inner == DataType::Nothing => Shape::Null,
            DataType::Nullable(inner) => Shape::Nullable(Box::new(Shape::of(inner))),
            DataType::LowCardinality(inner) => Shape::of(inner),
            DataType::SimpleAggregateFunction(signature) => signature.args.first().map_or(Shape::Null, Shape::of),
            DataType::Uuid => Shape::Fixed(16, FixedOrder::Uuid),
            DataType::Array(inner) => Shape::List(Box::new(Shape::of(inner)), ty.arrow_type()),
            DataType::Map(entry) => {
                let arrow = ty.arrow_type();
                let fields = match &arrow {
                    ArrowType::List(item) => struct_fields(item.data_type()),
                    _ => Fields::empty(),
                };
                let entry = Shape::Struct(vec![Shape::of(&entry.0), Shape::of(&entry.1)], fields);
                Shape::List(Box::new(entry), arrow)
            }
            DataType::Tuple(fields) => {
                Shape::Struct(fields.iter().map(|f| Shape::of(&f.ty)).collect(), struct_fields(&ty.arrow_type()))
            }
            other => Shape::of_arrow(&other.arrow_type()),
        }
    }

    /// The shape of an Arrow type without NULLs: of plain types, and of the fields of states.
    fn of_arrow(ty: &ArrowType) -> Shape {
        match ty {
            ArrowType::Boolean => Shape::Bool,
            ArrowType::UInt8 => Shape::U8,
            ArrowType::UInt16 => Shape::U16,
            ArrowType::UInt32 => Shape::U32,
            ArrowType::UInt64 => Shape::U64,
            ArrowType::Int8 => Shape::I8,
            ArrowType::Int16 => Shape::I16,
            ArrowType::Int32 => Shape::I32,
            ArrowType::Int64 => Shape::I64,
            ArrowType::Float32 => Shape::F32,
            ArrowType::Float64 => Shape::F64,
            ArrowType::Decimal128(..) => Shape::D128(ty.clone()),
            ArrowType::Decimal256(..) => Shape::D256(ty.clone()),
            ArrowType::Binary => Shape::Bytes,
            ArrowType::FixedSizeBinary(width) => Shape::Fixed(*width, FixedOrder::Bytes),
            // values inside states may be NULL: their ClickHouse types are not known here
            ArrowType::List(item) => {
                Shape::List(Box::new(Shape::Nullable(Box::new(Shape::of_arrow(item.data_type())))), ty.clone())
            }
            ArrowType::Struct(fields) => {
                let shapes = fields.iter().map(|f| Shape::Nullable(Box::new(Shape::of_arrow(f.data_type()))));
                Shape::Struct(shapes.collect(), fields.clone())
            }
            // no other type is in the table of types; columns of it hold nothing
            _ => Shape::Null,
        }
    }

    /// True for strings: a cell that stands alone need not be escaped.
    pub fn is_raw(&self) -> bool {
        *self == Shape::Bytes
    }
}

fn struct_fields(ty: &ArrowType) -> Fields {
    match ty {
        ArrowType::Struct(fields) => fields.clone(),
        _ => Fields::empty(),
    }
}
