//! A server on a free port over a temporary folder, and a bare client that sees what is on the wire.

#![allow(clippy::unwrap_used, reason = "a test fails where its own client cannot go on")]

use std::io::{Read, Write};
use std::net::SocketAddr;

use engine::{Access, CancellationToken, Engine, EngineConfig};
use server::{HttpConfig, HttpServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    engine: Engine,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
    /// The body ended as its headers said.
    pub is_whole: bool,
}

impl Server {
    /// Starts with the users of a password file.
    pub async fn start(users: &str) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let access = Access::parse(users);
        let config = EngineConfig { access, ..EngineConfig::server(folder.path()) };
        let engine = Engine::open(env::real::env(), &folder.path().join("data"), config).await.unwrap();
        let config =
            HttpConfig { address: "127.0.0.1:0".parse().unwrap(), display_name: "test".to_owned(), is_closed: false };
        let server = HttpServer::bind(engine.clone(), config).await.unwrap();
        let (address, stop) = (server.address(), CancellationToken::new());
        let serving = tokio::spawn(server.serve(stop.clone()));
        Server { address, engine, stop, serving, _folder: folder }
    }

    /// Drains, and gives the folder back.
    pub async fn stop(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        self.engine.close().await.unwrap();
    }

    pub async fn bind_again(&self, address: SocketAddr) -> server::Result<HttpServer> {
        let config = HttpConfig { address, display_name: String::new(), is_closed: false };
        HttpServer::bind(self.engine.clone(), config).await
    }

    pub async fn get(&self, url: &str) -> Reply {
        self.send("GET", url, &[], b"").await
    }

    pub async fn post(&self, url: &str, body: &str) -> Reply {
        self.send("POST", url, &[], body.as_bytes()).await
    }

    /// A statement that must succeed; its answer.
    pub async fn run(&self, statement: &str) -> String {
        let reply = self.post("/", statement).await;
        reply.expect_ok();
        reply.body()
    }

    /// Asks again and again until the answer is as wanted.
    pub async fn until(&self, url: &str, body: &str, is_wanted: impl Fn(&Reply) -> bool) -> Reply {
        for _ in 0..10_000 {
            let reply = self.post(url, body).await;
            if is_wanted(&reply) {
                return reply;
            }
            tokio::task::yield_now().await;
        }
        panic!("{body} never gave what was wanted");
    }

    /// Sends a request and leaves its answer.
    pub async fn begin(&self, url: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&request("POST", url, &[], body.as_bytes())).await.unwrap();
        stream
    }

    pub async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&request(method, url, headers, body)).await.unwrap();
        let mut bytes = Vec::new();
        // a broken connection is what some tests are about: what came before counts
        let _ = stream.read_to_end(&mut bytes).await;
        Reply::parse(&bytes)
    }
}

fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {url} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    [request.as_bytes(), body].concat()
}

impl Reply {
    fn parse(bytes: &[u8]) -> Reply {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer's head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let mut reply = Reply { status, headers, bytes: bytes[end + 4..].to_vec(), is_whole: true };
        if reply.header("transfer-encoding") == "chunked" {
            (reply.bytes, reply.is_whole) = unchunk(&reply.bytes);
        }
        reply
    }

    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or_else(String::new, |(_, value)| value.clone())
    }

    pub fn body(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub fn expect_ok(&self) {
        assert_eq!(self.status, 200, "{}", self.body());
    }
}

/// The bytes of the chunks, and whether the last one came.
fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let len = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if len == 0 {
            return (out, true);
        }
        let Some(chunk) = rest.get(line + 2..line + 2 + len) else { break };
        out.extend_from_slice(chunk);
        rest = rest.get(line + 4 + len..).unwrap_or_default();
    }
    (out, false)
}

pub fn pack(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "zstd" => zstd::encode_all(bytes, 1).unwrap(),
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

pub fn unpack(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "zstd" => return zstd::decode_all(bytes).unwrap(),
        "deflate" => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut out).unwrap(),
        _ => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap(),
    };
    out
}
