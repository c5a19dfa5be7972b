//! Cells of MySQL's text protocol to values.

use format::{ColumnBuilder, Misfit};
use types::DataType;
use types::text::time::{Civil, days_of};

use super::columns::Class;

/// A value that is not NULL.
pub(super) fn append(
    column: &mut ColumnBuilder,
    ty: &DataType,
    class: Class,
    text: &[u8],
) -> std::result::Result<(), Misfit> {
    match (class, ty.base()) {
        (Class::Bit, ty) if ty.is_integer() => {
            let number = text.iter().try_fold(0u64, |n, byte| Some(n.checked_mul(256)? | u64::from(*byte)));
            column.append_text(number.ok_or(Misfit)?.to_string().as_bytes())
        }
        (_, DataType::Date | DataType::Date32) => match real_date(text) {
            Real::AsIs => column.append_text(text),
            Real::Moved(date) => column.append_text(&date),
            Real::Zero | Real::Incomplete => column.append_text(b"1970-01-01"),
        },
        (_, DataType::DateTime(_) | DataType::DateTime64 { .. }) => match real_date(text) {
            Real::AsIs => column.append_text(text),
            Real::Moved(mut date) => {
                date.extend_from_slice(text.get(10..).unwrap_or_default());
                column.append_text(&date)
            }
            // the instant 0, whatever the zone
            Real::Zero => column.append_text(b"0"),
            Real::Incomplete => column.append_text(b"1900-01-01 00:00:00"),
        },
        _ => column.append_text(text),
    }
}

/// What is meant by a date that MySQL may store although no calendar has it. The real engine's answers.
enum Real {
    /// It is in the calendar, or no date at all.
    AsIs,
    /// A day past the end of its month: one of the next.
    Moved(Vec<u8>),
    /// `0000-00-00`.
    Zero,
    /// Month or day is zero.
    Incomplete,
}

fn real_date(text: &[u8]) -> Real {
    let number =
        |from: usize, to: usize| -> Option<i64> { std::str::from_utf8(text.get(from..to)?).ok()?.parse().ok() };
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else { return Real::AsIs };
    match (year, month, day) {
        (0, 0, 0) => Real::Zero,
        (_, 0, _) | (_, _, 0) => Real::Incomplete,
        (_, 1..=12, 1..=31) if types::text::scan::parse_date(text.get(..10).unwrap_or_default()).is_none() => {
            let first = days_of(Civil { year, month: u8::try_from(month).unwrap_or(1), day: 1 });
            let mut moved = Vec::with_capacity(10);
            types::text::write_date(&mut moved, first + day - 1);
            Real::Moved(moved)
        }
        _ => Real::AsIs,
    }
}

#[cfg(test)]
mod tests {
    use types::text::{Quoting, Zone, write_cell};
    use types::{Column as HeaderColumn, Header};

    use super::*;
    use crate::error::{Kind, Result};
    use crate::rows::RowBuilder;

    fn read(ty: &str, class: Class, text: &[u8]) -> Result<String> {
        let ty = DataType::parse(ty).unwrap();
        let header = Header::new(vec![HeaderColumn::new("c", ty.clone())]);
        let mut rows = RowBuilder::new(Kind::MySql, header, |_| class, append, 1, Zone::Utc);
        rows.cell(0, Some(text))?;
        rows.end_row();
        let block = rows.take()?.unwrap();
        let mut out = Vec::new();
        write_cell(&mut out, &ty, block.array(0), 0, Quoting::Raw, Zone::Utc);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn bits_are_numbers_with_the_highest_byte_first() {
        assert_eq!(read("UInt64", Class::Bit, &[0x0a, 0xaa]).unwrap(), "2730");
        assert_eq!(read("UInt64", Class::Bit, &[0xff; 8]).unwrap(), u64::MAX.to_string());
        assert!(read("UInt64", Class::Bit, &[1; 9]).is_err());
    }

    #[test]
    fn dates_that_no_calendar_has_are_what_the_real_engine_makes_of_them() {
        let date = |text: &str| read("Date32", Class::Date, text.as_bytes()).unwrap();
        let time = |text: &str| read("DateTime64(3)", Class::DateTime(3), text.as_bytes()).unwrap();
        assert_eq!(date("0000-00-00"), "1970-01-01");
        assert_eq!(date("2024-00-10"), "1970-01-01");
        assert_eq!(date("2024-02-30"), "2024-03-01");
        assert_eq!(date("1969-12-31"), "1969-12-31");
        assert_eq!(time("0000-00-00 00:00:00.000"), "1970-01-01 00:00:00.000");
        assert_eq!(time("2024-00-00 00:00:00.000"), "1900-01-01 00:00:00.000");
        assert_eq!(time("2024-02-30 12:00:00.500"), "2024-03-01 12:00:00.500");
        assert_eq!(time("1969-12-31 23:59:59.500"), "1969-12-31 23:59:59.500");
        assert_eq!(read("DateTime", Class::Timestamp(0), b"0000-00-00 00:00:00").unwrap(), "1970-01-01 00:00:00");
    }

    #[test]
    fn null_is_the_default_where_a_type_has_none() {
        let header = Header::new(vec![HeaderColumn::new("c", DataType::Int32)]);
        let mut rows = RowBuilder::new(Kind::MySql, header, |_| Class::Integer, append, 1, Zone::Utc);
        rows.cell(0, None).unwrap();
        assert!(!rows.is_full());
        rows.end_row();
        assert!(rows.is_full() && rows.take().unwrap().is_some_and(|block| block.rows() == 1));
    }

    #[test]
    fn what_a_type_cannot_hold_is_named_with_its_column() {
        let error = read("Int8", Class::Integer, b"128").unwrap_err().to_string();
        assert!(error.contains("\"c\"") && error.contains("'128'"), "{error}");
        assert!(read("DateTime64(3)", Class::Other, "é".as_bytes()).is_err());
    }
}
