//! Which ClickHouse type a column of MySQL or MariaDB has, and how it is compared there.
//!
//! As `mysql_datatypes_support_level` has it by default: decimals, times with fractions, and dates of 32 bits.

use mysql_async::consts::ColumnFlags;
use types::DataType;

/// A column as `information_schema` describes it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// What it is here.
    pub(super) ty: DataType,
    /// What it is there.
    pub(super) class: Class,
}

/// What matters of a type of MySQL when it is read or compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// All integers, signed or not.
    Integer,
    /// `bit(n)`: bytes, the highest first.
    Bit,
    /// `float`, of which six digits come.
    Float,
    /// `double`, of which fifteen digits come.
    Double,
    /// `decimal`, with that many digits after the point.
    Decimal(u8),
    /// `char`, `varchar`, `text`…; true where bytes of UTF-8 are stored, so that their order can be asked for.
    Text(bool),
    /// `enum`, `set`: texts that have an order of their own.
    Named,
    /// `binary`, `varbinary`, `blob`…
    Bytes,
    /// `date`.
    Date,
    /// `datetime`, with that many digits of a second.
    DateTime(u8),
    /// `timestamp`, likewise: an instant, shown in the session's zone.
    Timestamp(u8),
    /// Everything else: texts or bytes that are only read.
    Other,
}

/// What `information_schema.columns` says of a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    pub(super) name: String,
    /// `column_type`: `int(10) unsigned`.
    pub(super) declared: String,
    pub(super) nullable: bool,
    /// `character_maximum_length`.
    pub(super) length: Option<u32>,
    /// `numeric_precision`.
    pub(super) precision: Option<u8>,
    /// `numeric_scale`.
    pub(super) scale: Option<u8>,
    /// `datetime_precision`.
    pub(super) digits: Option<u8>,
    /// `character_set_name`.
    pub(super) charset: Option<String>,
}

/// The number that stands for bytes among collations.
const BINARY: u16 = 63;

impl Described {
    /// What is known of a column of a prepared query.
    pub(super) fn of(column: &mysql_async::Column) -> Described {
        use mysql_async::consts::ColumnType::*;
        let has = |flag| column.flags().contains(flag);
        let unsigned = has(ColumnFlags::UNSIGNED_FLAG);
        let is_bytes = column.character_set() == BINARY;
        let word = match column.column_type() {
            _ if has(ColumnFlags::ENUM_FLAG) => "enum",
            _ if has(ColumnFlags::SET_FLAG) => "set",
            MYSQL_TYPE_TINY => "tinyint",
            MYSQL_TYPE_SHORT => "smallint",
            MYSQL_TYPE_INT24 => "mediumint",
            MYSQL_TYPE_LONG => "int",
            MYSQL_TYPE_LONGLONG => "bigint",
            MYSQL_TYPE_FLOAT => "float",
            MYSQL_TYPE_DOUBLE => "double",
            MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => "decimal",
            MYSQL_TYPE_BIT => "bit",
            MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => "date",
            MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => "datetime",
            MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 => "timestamp",
            // of any length, as the real engine has it
            MYSQL_TYPE_STRING | MYSQL_TYPE_VAR_STRING | MYSQL_TYPE_VARCHAR if is_bytes => "varbinary",
            MYSQL_TYPE_TINY_BLOB | MYSQL_TYPE_BLOB | MYSQL_TYPE_MEDIUM_BLOB | MYSQL_TYPE_LONG_BLOB if is_bytes => {
                "blob"
            }
            MYSQL_TYPE_STRING => "char",
            MYSQL_TYPE_VAR_STRING | MYSQL_TYPE_VARCHAR => "varchar",
            MYSQL_TYPE_TINY_BLOB | MYSQL_TYPE_BLOB | MYSQL_TYPE_MEDIUM_BLOB | MYSQL_TYPE_LONG_BLOB => "text",
            // only read
            _ => "other",
        };
        let scale = column.decimals();
        // the length of a decimal is that of its text, with its point and its sign
        let around = u32::from(scale > 0) + u32::from(!unsigned);
        let precision = column.column_length().saturating_sub(around);
        Described {
            name: column.name_str().into_owned(),
            declared: if unsigned { format!("{word} unsigned") } else { word.to_owned() },
            nullable: !has(ColumnFlags::NOT_NULL_FLAG),
            length: Some(column.column_length()),
            precision: u8::try_from(precision).ok(),
            scale: Some(scale),
            digits: Some(if scale <= 6 { scale } else { 0 }),
            // that of the connection; which one it is stored in is not said
            charset: None,
        }
    }
}

/// Digits of the widest decimal here; MySQL has 65.
const PRECISION_MAX: u8 = 76;

impl Column {
    pub(super) fn new(described: &Described) -> Column {
        let (class, ty) = of(described);
        let ty = if described.nullable { ty.to_nullable() } else { ty };
        Column { name: described.name.clone(), ty, class }
    }
}

fn of(described: &Described) -> (Class, DataType) {
    let declared = described.declared.to_ascii_lowercase();
    let word = declared.split(['(', ' ']).next().unwrap_or_default();
    // as the real engine asks: `int(10) unsigned zerofill` is signed to it
    let unsigned = declared.ends_with("unsigned");
    let integer = |width: usize| (Class::Integer, DataType::integer(!unsigned, width));
    let utf8 = matches!(described.charset.as_deref(), Some("utf8" | "utf8mb3" | "utf8mb4" | "ascii"));
    let digits = described.digits.unwrap_or(0).min(6);
    let time = DataType::DateTime64 { precision: digits, zone: None };
    match word {
        "tinyint" => integer(1),
        "smallint" => integer(2),
        "mediumint" | "int" | "integer" => integer(4),
        "bigint" => integer(8),
        "float" => (Class::Float, DataType::Float32),
        "double" => (Class::Double, DataType::Float64),
        "bit" => (Class::Bit, DataType::UInt64),
        "decimal" | "numeric" => match (described.precision, described.scale.unwrap_or(0)) {
            (Some(precision), scale) if 0 < precision && precision <= PRECISION_MAX && scale <= precision => {
                (Class::Decimal(scale), DataType::Decimal { precision, scale })
            }
            _ => (Class::Other, DataType::String),
        },
        "date" => (Class::Date, DataType::Date32),
        "datetime" => (Class::DateTime(digits), time),
        "timestamp" if digits == 0 => (Class::Timestamp(0), DataType::DateTime(None)),
        "timestamp" => (Class::Timestamp(digits), time),
        "binary" => (Class::Bytes, DataType::FixedString(described.length.unwrap_or(1).max(1))),
        "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => (Class::Bytes, DataType::String),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" => (Class::Text(utf8), DataType::String),
        // MariaDB's JSON is a longtext, MySQL's a type of its own: equal texts are equal in both
        "longtext" => (Class::Text(utf8), DataType::String),
        "enum" | "set" => (Class::Named, DataType::String),
        _ => (Class::Other, DataType::String),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(declared: &str, more: Described) -> String {
        Column::new(&Described { declared: declared.to_owned(), ..more }).ty.to_string()
    }

    fn decimal(precision: u8, scale: u8) -> Described {
        Described { precision: Some(precision), scale: Some(scale), ..Described::default() }
    }

    fn digits(digits: u8) -> Described {
        Described { digits: Some(digits), ..Described::default() }
    }

    fn length(length: u32) -> Described {
        Described { length: Some(length), ..Described::default() }
    }

    #[test]
    fn types_are_those_that_the_real_engine_gives() {
        let plain = [
            ("tinyint(4)", "Int8"),
            ("tinyint(1)", "Int8"),
            ("tinyint(3) unsigned", "UInt8"),
            ("smallint(5) unsigned", "UInt16"),
            ("mediumint(9)", "Int32"),
            ("mediumint(8) unsigned", "UInt32"),
            ("int(10) unsigned", "UInt32"),
            ("int(10) unsigned zerofill", "Int32"),
            ("bigint(20) unsigned", "UInt64"),
            ("float unsigned", "Float32"),
            ("double(10,2)", "Float64"),
            ("bit(12)", "UInt64"),
            ("date", "Date32"),
            ("time(6)", "String"),
            ("year(4)", "String"),
            ("varchar(10)", "String"),
            ("longblob", "String"),
            ("enum('a','unsigned (x)')", "String"),
            ("set('x','y')", "String"),
            ("json", "String"),
            ("uuid", "String"),
        ];
        for (declared, ty) in plain {
            assert_eq!(mapped(declared, Described::default()), ty, "{declared}");
            let nullable = Described { nullable: true, ..Described::default() };
            assert_eq!(mapped(declared, nullable), format!("Nullable({ty})"), "{declared}");
        }
        assert_eq!(mapped("decimal(9,2)", decimal(9, 2)), "Decimal(9, 2)");
        assert_eq!(mapped("decimal(65,30)", decimal(65, 30)), "Decimal(65, 30)");
        assert_eq!(mapped("datetime", digits(0)), "DateTime64(0)");
        assert_eq!(mapped("datetime(3)", digits(3)), "DateTime64(3)");
        assert_eq!(mapped("timestamp", digits(0)), "DateTime");
        assert_eq!(mapped("timestamp(6)", digits(6)), "DateTime64(6)");
        assert_eq!(mapped("binary(4)", length(4)), "FixedString(4)");
    }
}
