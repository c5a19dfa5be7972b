//! Engine Buffer: what its arguments say, and when its rows are due in their destination. Nothing here moves a row.

use sql::ast::{ExprKind, Literal, Storage};
use store::{QualifiedName, TableDef, TableKind};
use types::ErrorCode;

use crate::context::QueryContext;
use crate::definition::Definition;
use crate::error::{Error, Result};
use crate::expressions::constant;

/// One more or less of everything that makes rows due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Amount {
    /// Since the oldest row came.
    pub seconds: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes of those, uncompressed.
    pub bytes: u64,
}

/// What a Buffer table was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BufferEngine {
    /// Where the rows go.
    /// Without a name: nowhere, the rows end with the flush.
    pub destination: QualifiedName,
    /// Rows that are beyond all of these are due.
    pub min: Amount,
    /// Rows that are beyond one of these are due.
    pub max: Amount,
    /// The same, looked at beside the inserts only.
    pub flush: Option<Amount>,
    layers: u64,
    numbers: Vec<u64>,
}

impl BufferEngine {
    /// What `ENGINE = Buffer(database, table, layers, min_time, max_time, …)` says.
    pub fn of_storage(storage: &Storage, ctx: &QueryContext) -> Result<BufferEngine> {
        let arguments = storage.engine.as_ref().map_or(&[][..], |engine| &engine.arguments);
        if !(9..=12).contains(&arguments.len()) {
            let message = "storage Buffer requires from 9 to 12 parameters: destination_database, destination_table, \
                           num_buckets, min_time, max_time, min_rows, max_rows, min_bytes, max_bytes[, flush_time, \
                           flush_rows, flush_bytes]";
            return Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message));
        }
        let database = match name(&arguments[0], ctx)? {
            database if database.is_empty() => ctx.caller.database.to_string(),
            database => database,
        };
        let destination = QualifiedName::new(database, name(&arguments[1], ctx)?);
        let numbers = arguments[2..].iter().map(|argument| number(argument, ctx)).collect::<Result<Vec<_>>>()?;
        let (layers, limits) = (numbers[0], &numbers[1..]);
        if layers == 0 {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "number of layers of a Buffer must be positive"));
        }
        let at = |position: usize| limits.get(position).copied();
        let flush = (6 < limits.len()).then(|| Amount {
            seconds: at(6).unwrap_or(u64::MAX),
            rows: at(7).unwrap_or(u64::MAX),
            bytes: at(8).unwrap_or(u64::MAX),
        });
        let min = Amount { seconds: limits[0], rows: limits[2], bytes: limits[4] };
        let max = Amount { seconds: limits[1], rows: limits[3], bytes: limits[5] };
        Ok(BufferEngine { destination, min, max, flush, layers, numbers: limits.to_vec() })
    }

    /// That of a table; none for tables of other engines.
    pub fn of_table(def: &TableDef, ctx: &QueryContext) -> Result<Option<BufferEngine>> {
        if def.kind != TableKind::Buffer {
            return Ok(None);
        }
        let definition = Definition::parse(def)?;
        definition.storage().map(|storage| BufferEngine::of_storage(storage, ctx)).transpose()
    }

    /// The engine's arguments as SHOW CREATE prints them.
    pub fn arguments(&self) -> Vec<sql::Expr> {
        let text = |text: &str| sql::Expr::literal(Literal::String(text.as_bytes().to_vec()));
        let number = |number: &u64| sql::Expr::literal(Literal::UInt(*number));
        let names = [text(&self.destination.database), text(&self.destination.name)];
        names.into_iter().chain([number(&self.layers)]).chain(self.numbers.iter().map(number)).collect()
    }

    /// True when so much is due.
    pub fn is_due(&self, amount: Amount) -> bool {
        let beyond =
            |limit: Amount| [limit.seconds < amount.seconds, limit.rows < amount.rows, limit.bytes < amount.bytes];
        beyond(self.min).iter().all(|beyond| *beyond) || beyond(self.max).iter().any(|beyond| *beyond)
    }

    /// True when a block of so many rows and bytes is not kept at all but goes on at once.
    pub fn is_too_large(&self, rows: u64, bytes: u64) -> bool {
        self.max.rows < rows || self.max.bytes < bytes
    }

    /// True when so much is due beside the inserts.
    pub fn is_due_by_itself(&self, amount: Amount) -> bool {
        let by_flush = self.flush.is_some_and(|flush| {
            flush.seconds < amount.seconds || flush.rows < amount.rows || flush.bytes < amount.bytes
        });
        by_flush || self.is_due(amount)
    }

    /// After how many seconds so many rows and bytes are due at the latest.
    pub fn due_after_s(&self, rows: u64, bytes: u64) -> u64 {
        let by_max = self.max.seconds.min(self.flush.map_or(u64::MAX, |flush| flush.seconds));
        match self.min.rows < rows && self.min.bytes < bytes {
            true => by_max.min(self.min.seconds),
            false => by_max,
        }
    }
}

fn name(expr: &sql::Expr, ctx: &QueryContext) -> Result<String> {
    if let ExprKind::Identifier(parts) = &expr.kind
        && let [word] = parts.as_slice()
    {
        return Ok(word.name.clone());
    }
    let text = constant(expr, ctx)?.as_bytes().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Error::refused(ErrorCode::BAD_ARGUMENTS, format!("{expr} must be a name")))
}

fn number(expr: &sql::Expr, ctx: &QueryContext) -> Result<u64> {
    constant(expr, ctx)?.as_u64().ok_or_else(|| {
        Error::refused(ErrorCode::CANNOT_CONVERT_TYPE, format!("{expr} must be a whole number, not negative"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(flush: Option<Amount>) -> BufferEngine {
        BufferEngine {
            destination: QualifiedName::new("d", "t"),
            min: Amount { seconds: 10, rows: 100, bytes: 1000 },
            max: Amount { seconds: 60, rows: 500, bytes: 9000 },
            flush,
            layers: 1,
            numbers: Vec::new(),
        }
    }

    #[test]
    fn rows_are_due_beyond_all_of_the_least_or_one_of_the_most() {
        let buffer = engine(None);
        let amount = |seconds, rows, bytes| Amount { seconds, rows, bytes };
        assert!(!buffer.is_due(amount(10, 101, 1001)), "the least must be passed");
        assert!(buffer.is_due(amount(11, 101, 1001)));
        assert!(!buffer.is_due(amount(59, 100, 9000)));
        assert!(
            buffer.is_due(amount(61, 1, 1)) && buffer.is_due(amount(0, 501, 1)) && buffer.is_due(amount(0, 1, 9001))
        );
        assert_eq!((buffer.due_after_s(1, 1), buffer.due_after_s(101, 1001)), (60, 10));
    }

    #[test]
    fn flush_limits_hold_beside_the_inserts_only() {
        let buffer = engine(Some(Amount { seconds: 5, rows: 50, bytes: u64::MAX }));
        let amount = Amount { seconds: 6, rows: 1, bytes: 1 };
        assert!(buffer.is_due_by_itself(amount) && !buffer.is_due(amount));
        assert_eq!(buffer.due_after_s(1, 1), 5);
    }
}
