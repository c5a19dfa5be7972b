//! The client's side of HTTP/1.1, as much of it as a server of ours needs: POSTs one after the other on a connection, each
//! answer in pieces.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::error::{Error, Result};

/// Bytes of the answer given on at once.
const PIECE_BYTES: u64 = 64 << 10;
/// Bytes of a line in the answer's head.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Where requests go, and who asks.
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    /// The URL's parameters, encoded.
    pub(crate) parameters: String,
}

/// How the body's end is told.
enum Length {
    Chunked,
    Bytes(u64),
    UntilClose,
}

impl Server {
    /// Sends a statement; gives the pieces of the answer's body to `give`. False when the server refused it: the body is
    /// its error then.
    pub(crate) async fn post(&self, statement: &[u8], give: impl FnMut(bool, &[u8]) -> Result<()>) -> Result<bool> {
        self.connect().await?.post(statement, give).await
    }

    /// A connection for several statements.
    pub(crate) async fn connect(&self) -> Result<Connection<'_>> {
        let address = format!("{}:{}", self.host, self.port);
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        let stream = stream.map_err(|reason| Error::Connect { address: address.clone(), reason })?;
        let head = format!(
            "POST /?{} HTTP/1.1\r\nHost: {address}\r\nX-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\n",
            self.parameters,
            one_line(&self.user),
            one_line(&self.password),
        );
        Ok(Connection { server: self, head, stream: BufReader::new(stream) })
    }
}

/// An open connection.
pub(crate) struct Connection<'a> {
    server: &'a Server,
    /// Of every request, up to its length.
    head: String,
    stream: BufReader<TcpStream>,
}

impl Connection<'_> {
    /// As [`Server::post`]. After an error the connection is of no more use.
    pub(crate) async fn post(
        &mut self,
        statement: &[u8],
        mut give: impl FnMut(bool, &[u8]) -> Result<()>,
    ) -> Result<bool> {
        let failed = |reason| Error::Connect { address: format!("{}:{}", self.server.host, self.server.port), reason };
        let head = format!("{}Content-Length: {}\r\n\r\n", self.head, statement.len());
        self.stream.write_all(&[head.as_bytes(), statement].concat()).await.map_err(failed)?;
        let broken = |error: io::Error| Error::BrokenOff(error.to_string());
        let (status, length) = read_head(&mut self.stream).await.map_err(broken)?;
        let is_ok = status == 200;
        loop {
            let len = match length {
                Length::Chunked => chunk_len(&mut self.stream).await.map_err(broken)?,
                Length::Bytes(len) => len,
                Length::UntilClose => u64::MAX,
            };
            let mut left = len;
            while left > 0 {
                let mut piece = Vec::new();
                let limit = left.min(PIECE_BYTES);
                let read = (&mut self.stream).take(limit).read_to_end(&mut piece).await.map_err(broken)?;
                if read == 0 && matches!(length, Length::UntilClose) {
                    return Ok(is_ok);
                }
                if read == 0 {
                    return Err(Error::BrokenOff("the server closed the connection in its middle".to_owned()));
                }
                left -= read as u64;
                give(is_ok, &piece)?;
            }
            if len > 0 && matches!(length, Length::Chunked) {
                line(&mut self.stream).await.map_err(broken)?;
                continue;
            }
            if matches!(length, Length::Chunked) {
                // behind the last chunk: trailers, which nobody sends, and an empty line
                while !line(&mut self.stream).await.map_err(broken)?.is_empty() {}
            }
            return Ok(is_ok);
        }
    }
}

/// A header's value cannot hold line ends.
fn one_line(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).collect()
}

async fn line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    let read = reader.take(LINE_BYTES_MAX).read_line(&mut line).await?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

async fn read_head(reader: &mut BufReader<TcpStream>) -> io::Result<(u16, Length)> {
    let first = line(reader).await?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("no HTTP server answers there"))?;
    let mut length = Length::UntilClose;
    loop {
        let header = line(reader).await?;
        if header.is_empty() {
            return Ok((status, length));
        }
        let Some((name, value)) = header.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("content-length") {
            let len = value.parse().map_err(|_| io::Error::other("a Content-Length that is no number"))?;
            length = Length::Bytes(len);
        }
    }
}

async fn chunk_len(reader: &mut BufReader<TcpStream>) -> io::Result<u64> {
    let head = line(reader).await?;
    let digits = head.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(digits, 16).map_err(|_| io::Error::other("a chunk without a length"))
}
