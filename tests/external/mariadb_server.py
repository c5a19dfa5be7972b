"""A MariaDB server of Debian's package, in a folder and on a port of its own."""

import shutil
import subprocess
import time

from certificates import Authority
from database import PASSWORD, USER, call
from frame import as_user, free_port, install, own_folder

DATABASE = "shop"


class MariaDb:
    """The server; `sql` speaks to it as its owner."""

    ENGINE, DATABASE, UNREACHABLE, REFUSED, FILTERED = "MySQL", DATABASE, 279, 1000, 103
    FORGET_PRICES = [f"USE {DATABASE}", "DROP TABLE prices"]
    DECLARED = "i Int64, n String, e Enum8('a' = 1, 'z' = 2, 'm' = 3)", "2\t3.00\tm\n"

    def __init__(self):
        install("mariadb-server", lambda: shutil.which("mariadbd") and shutil.which("mariadb-install-db"))
        self.folder = own_folder("mysql", "everview-mariadb-")
        self.data, self.socket = self.folder / "data", self.folder / "socket"
        self.log, self.errors = self.folder / "statements", self.folder / "errors"
        self.port = free_port()
        command = as_user("mysql", [shutil.which("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}",
                                    "--auth-root-authentication-method=normal", "--skip-test-db"])
        done = subprocess.run(command, cwd=self.folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise SystemExit(f"mariadb-install-db failed:\n{done.stdout}")
        self.authority = Authority(self.folder / "authority", "good")
        self.authority.sign("server", "localhost")
        for name in ("server.key", "server.crt", "good.crt"):
            self.authority.give(name, self.folder / name, "mysql")
        self.start()
        password = PASSWORD.replace("'", "''")
        users = [f"'{USER}'@'{host}'" for host in ("localhost", "127.0.0.1")]
        self.sql(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4",
                 *(f"CREATE USER {user} IDENTIFIED BY '{password}'" for user in users),
                 *(f"GRANT ALL ON *.* TO {user}" for user in users))

    def start(self, **settings):
        settings = {"datadir": self.data, "port": self.port, "socket": self.socket, "bind-address": "127.0.0.1",
                    "general-log": 1, "general-log-file": self.log, "innodb-flush-log-at-trx-commit": 0,
                    "default-time-zone": "+00:00", **settings}
        command = [shutil.which("mariadbd"), "--no-defaults", *(f"--{name}={value}" for name, value in settings.items())]
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(as_user("mysql", command), cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=errors, stderr=errors)
        until = time.monotonic() + 60
        while self.client("SELECT 1").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"MariaDB did not start:\n{self.errors.read_text(errors='replace')}")
            time.sleep(0.1)

    def client(self, text):
        command = [shutil.which("mariadb"), "--no-defaults", "--default-character-set=utf8mb4", "-N", "-B",
                   f"--socket={self.socket}", "-uroot"]
        return subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def sql(self, *statements):
        done = self.client(";\n".join(statements) + ";\n")
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)

    def statements_of(self, action):
        """The SELECT statements that the server was asked while the action ran, catalogs left out."""
        before = len(self.log.read_bytes())
        action()
        lines = self.log.read_bytes()[before:].decode("utf-8", "replace").splitlines()
        selects = [line[line.index("SELECT "):] for line in lines if "\tSELECT " in line or " Query\tSELECT " in line]
        return [select for select in selects if "information_schema" not in select]

    def table(self, name, password=PASSWORD, database=DATABASE, port=None, more=""):
        """A call of the table function."""
        return call("mysql", port or self.port, database, name, password, more)

    def slow_views(self):
        self.sql(f"USE {DATABASE}", "CREATE VIEW silent AS SELECT seq AS i, sleep(seq * 30) AS s FROM seq_0_to_2",
                 "CREATE VIEW slow AS SELECT seq AS i, repeat('x', 5000) AS t, sleep(0.001) AS s FROM seq_1_to_100000")

    def slow_connections(self):
        found = self.sql("SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT%`slow`%' "
                         "AND info NOT LIKE '%processlist%' AND command = 'Query'")
        return found.split()

    def is_slow(self):
        return bool(self.slow_connections())

    def end_slow(self):
        for connection in self.slow_connections():
            self.sql(f"KILL {connection}")

    def prices(self, rows):
        self.sql(f"USE {DATABASE}", "CREATE TABLE IF NOT EXISTS prices (i int, price decimal(10,2))",
                 f"INSERT INTO prices VALUES {rows}")

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)
