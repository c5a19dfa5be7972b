//! Errors as ClickHouse's HTTP interface says them: text, status, and the block at the end of an answer that had begun.

use hyper::StatusCode;
use types::ErrorCode;

/// The version in error texts: the dialect's, then ours.
const VERSION: &str = concat!("26.9.2.1 (Everview ", env!("CARGO_PKG_VERSION"), ")");
/// An error's text in the middle of an answer is cut off here, as in ClickHouse.
const MESSAGE_BYTES_MAX: usize = 16 << 10;

/// Why a request is not answered as asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Exception {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Exception {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Exception {
        Exception { code, message: message.into() }
    }

    /// `Code: 60. DB::Exception: table … is gone. (UNKNOWN_TABLE) (version …)` and a line end.
    pub(crate) fn text(&self) -> String {
        let stop = if self.message.ends_with('.') { "" } else { "." };
        let (number, name) = (self.code.0, self.code.name());
        format!("Code: {number}. DB::Exception: {}{stop} ({name}) (version {VERSION})\n", self.message)
    }

    /// What ends an answer that had begun: the text between marks that only this answer's headers know.
    pub(crate) fn block(&self, tag: &str) -> String {
        let mut text = self.text();
        if text.len() > MESSAGE_BYTES_MAX {
            let end = (0..=MESSAGE_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push('\n');
        }
        format!("\r\n__exception__\r\n{tag}\r\n{text}{} {tag}\r\n__exception__\r\n", text.len())
    }

    /// The status that ClickHouse gives for the code.
    pub(crate) fn status(&self) -> StatusCode {
        status_of(self.code)
    }
}

impl From<engine::Error> for Exception {
    fn from(error: engine::Error) -> Exception {
        Exception::new(error.code(), error.to_string())
    }
}

impl From<types::Error> for Exception {
    fn from(error: types::Error) -> Exception {
        Exception::new(error.code(), error.to_string())
    }
}

/// ClickHouse's table of statuses; a code that it has no status for is 500.
fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::REQUIRED_PASSWORD => StatusCode::UNAUTHORIZED,
        ErrorCode::UNKNOWN_USER
        | ErrorCode::WRONG_PASSWORD
        | ErrorCode::AUTHENTICATION_FAILED
        | ErrorCode::ACCESS_DENIED => StatusCode::FORBIDDEN,
        ErrorCode::BAD_ARGUMENTS
        | ErrorCode::CANNOT_COMPILE_REGEXP
        | ErrorCode::CANNOT_PARSE_TEXT
        | ErrorCode::CANNOT_PARSE_ESCAPE_SEQUENCE
        | ErrorCode::CANNOT_PARSE_QUOTED_STRING
        | ErrorCode::CANNOT_PARSE_DATE
        | ErrorCode::CANNOT_PARSE_DATETIME
        | ErrorCode::CANNOT_PARSE_NUMBER
        | ErrorCode::CANNOT_PARSE_IPV4
        | ErrorCode::CANNOT_PARSE_IPV6
        | ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED
        | ErrorCode::CANNOT_PARSE_UUID
        | ErrorCode::DUPLICATE_COLUMN
        | ErrorCode::ILLEGAL_COLUMN
        | ErrorCode::THERE_IS_NO_COLUMN
        | ErrorCode::TOO_DEEP_AST
        | ErrorCode::TOO_BIG_AST
        | ErrorCode::SYNTAX_ERROR
        | ErrorCode::INCORRECT_DATA
        | ErrorCode::TYPE_MISMATCH
        // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        | ErrorCode(321) => StatusCode::BAD_REQUEST,
        ErrorCode::UNKNOWN_TABLE
        | ErrorCode::UNKNOWN_FUNCTION
        | ErrorCode::UNKNOWN_IDENTIFIER
        | ErrorCode::UNKNOWN_TYPE
        | ErrorCode::UNKNOWN_STORAGE
        | ErrorCode::UNKNOWN_DATABASE
        | ErrorCode::UNKNOWN_SETTING
        | ErrorCode::UNKNOWN_DIRECTION_OF_SORTING
        | ErrorCode::UNKNOWN_AGGREGATE_FUNCTION
        | ErrorCode::UNKNOWN_FORMAT
        | ErrorCode::UNKNOWN_TYPE_OF_QUERY
        // UNKNOWN_DATABASE_ENGINE
        | ErrorCode(336) => StatusCode::NOT_FOUND,
        ErrorCode::NOT_IMPLEMENTED => StatusCode::NOT_IMPLEMENTED,
        ErrorCode::SOCKET_TIMEOUT | ErrorCode::CANNOT_OPEN_FILE => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::TIMEOUT_EXCEEDED => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_code_name_and_version() {
        let exception = Exception::new(ErrorCode::UNKNOWN_TABLE, "table \"t\" is gone");
        let expected =
            "Code: 60. DB::Exception: table \"t\" is gone. (UNKNOWN_TABLE) (version 26.9.2.1 (Everview 0.1.0))\n";
        assert_eq!(exception.text(), expected);
        assert_eq!(exception.status(), StatusCode::NOT_FOUND);
        let block = format!("\r\n__exception__\r\nabc\r\n{expected}{} abc\r\n__exception__\r\n", expected.len());
        assert_eq!(exception.block("abc"), block);
    }

    #[test]
    fn a_code_without_a_status_of_its_own_is_an_internal_error() {
        assert_eq!(status_of(ErrorCode::READONLY), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(status_of(ErrorCode::NOT_IMPLEMENTED), StatusCode::NOT_IMPLEMENTED);
        assert_eq!(status_of(ErrorCode::AUTHENTICATION_FAILED), StatusCode::FORBIDDEN);
    }
}
