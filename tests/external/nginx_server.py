"""nginx of Debian on an ephemeral port, and a server that lies."""

import contextlib
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from certificates import Authority
from frame import free_port, install

CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl;
        ssl_certificate {folder}/authority/server.crt;
        ssl_certificate_key {folder}/authority/server.key;
        root {folder}/pages;
        location /private/ {{
            auth_basic "private";
            auth_basic_user_file {folder}/users;
        }}
        location /token/ {{
            if ($http_x_token != "tok-123-secret") {{ return 403; }}
        }}
        location = /moved.csv {{ return 302 /a.csv; }}
        location = /moved-twice.csv {{ return 302 /moved.csv; }}
        location = /metadata.csv {{ return 302 http://169.254.169.254/latest; }}
        location = /elsewhere.csv {{ return 302 http://203.0.113.7/a.csv; }}
        location = /500.csv {{ return 500; }}
        location = /packed.csv {{ gzip on; gzip_min_length 1; gzip_types *; }}
    }}
}}
"""


class Nginx:
    """A running server, its folder of pages and what it was asked."""

    def __init__(self, folder, port):
        self.folder, self.port = Path(folder), port
        self.pages = self.folder / "pages"
        self.tls_port = free_port()
        self.authority = Authority(self.folder / "authority", "good")
        self.authority.sign("server", "localhost")

    def url(self, path, user=""):
        return f"http://{user}127.0.0.1:{self.port}/{path}"

    def put(self, path, data):
        target = self.pages / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def asked(self):
        """The lines of the access log."""
        return (self.folder / "access.log").read_text(encoding="utf-8").splitlines()

    def start(self):
        (self.folder / "nginx.conf").write_text(CONFIG.format(folder=self.folder, port=self.port, tls_port=self.tls_port), encoding="utf-8")
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise SystemExit(f"nginx did not start: {(self.folder / 'error.log').read_text(encoding='utf-8')}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


@contextlib.contextmanager
def nginx():
    """nginx over a new folder."""
    install("nginx-light", lambda: bool(shutil.which("nginx")) or Path("/usr/sbin/nginx").exists())
    with tempfile.TemporaryDirectory(prefix="everview-nginx-") as folder:
        Path(folder).chmod(0o755)
        server = Nginx(folder, free_port())
        server.pages.mkdir()
        # the password is "pw-secret"; {PLAIN} is one of nginx's own schemes
        (server.folder / "users").write_text("ann:{PLAIN}pw-secret\n", encoding="utf-8")
        server.start()
        try:
            yield server
        finally:
            server.stop()


class Liar(socketserver.ThreadingTCPServer):
    """Answers with exactly the bytes that a test gives for a path; a number among them waits that many seconds, `None` until
    the test ends."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        self.answers, self.posted, self.ended = {}, [], threading.Event()
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def close(self):
        self.ended.set()
        self.shutdown()
        self.server_close()


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        method, path, _ = self.rfile.readline().decode().split(" ")
        headers = {}
        while line := self.rfile.readline().strip():
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        if method == "POST":
            self.server.posted.append((path, headers, self.body(headers)))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        for piece in self.server.answers.get(path.lstrip("/"), [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]):
            if piece is None:
                self.server.ended.wait()
            elif isinstance(piece, float):
                time.sleep(piece)
            else:
                self.wfile.write(piece)
                self.wfile.flush()

    def body(self, headers):
        if "chunked" not in headers.get("transfer-encoding", ""):
            return self.rfile.read(int(headers.get("content-length", "0")))
        whole = b""
        while length := int(self.rfile.readline() or b"0", 16):
            whole += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return whole
