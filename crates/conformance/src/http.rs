//! A client of the HTTP interface, as small as the cases need: one request a connection, an answer read whole.
//!
//! Never here: what a case means.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer.
pub struct Answer {
    /// The body; of an error: its text.
    pub body: Vec<u8>,
    /// `X-ClickHouse-Exception-Code`.
    pub exception: Option<i32>,
}

/// Sends a statement as the body; `target` is the path with its query.
pub async fn ask(address: SocketAddr, target: &str, statement: &[u8]) -> Result<Answer, String> {
    let mut socket = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        statement.len()
    );
    let mut bytes = Vec::new();
    let exchange = async {
        socket.write_all(head.as_bytes()).await?;
        socket.write_all(statement).await?;
        socket.read_to_end(&mut bytes).await
    };
    exchange.await.map_err(|error| error.to_string())?;
    decode(&bytes).ok_or_else(|| "the answer is no HTTP".to_owned())
}

fn decode(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(bytes.get(..end)?).ok()?, bytes.get(end + 4..)?);
    let header = |name: &str| {
        let values = head.lines().filter_map(|line| line.split_once(':'));
        values.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    };
    let chunked = header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let body = if chunked { join_chunks(body)? } else { body.to_vec() };
    Some(Answer { body, exception: header("x-clickhouse-exception-code").and_then(|code| code.parse().ok()) })
}

/// The bytes of a chunked body; `None` when it breaks off.
fn join_chunks(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut joined = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(body.get(..end)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(joined);
        }
        let start = end + 2;
        joined.extend_from_slice(body.get(start..start.checked_add(size)?)?);
        body = body.get(start + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let answer = decode(bytes).expect("an answer");
        assert_eq!((answer.body.as_slice(), answer.exception), (b"abcde".as_slice(), None));
    }

    #[test]
    fn an_exception_has_its_code() {
        let bytes = b"HTTP/1.1 404 Not Found\r\nX-ClickHouse-Exception-Code: 60\r\nContent-Length: 4\r\n\r\ngone";
        let answer = decode(bytes).expect("an answer");
        assert_eq!((answer.body.as_slice(), answer.exception), (b"gone".as_slice(), Some(60)));
    }

    #[test]
    fn a_body_that_breaks_off_is_no_answer() {
        assert!(decode(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab").is_none());
    }
}
