"""A PostgreSQL server of Debian's package, in a folder and on a port of its own."""

import shutil
import subprocess
from pathlib import Path

from certificates import Authority
from database import PASSWORD, USER, call
from frame import as_user, free_port, install, own_folder


def binaries():
    """The folder with initdb and postgres, of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class PostgreSql:
    """The server; `sql` speaks to it as its owner."""

    ENGINE, DATABASE, UNREACHABLE, REFUSED, FILTERED = "PostgreSQL", "postgres", 614, 1001, 102
    FORGET_PRICES = ["DROP TABLE prices"]
    DECLARED = "i Int64, n String, b Bool, d String", "2\t3.00\ttrue\t1969-12-03\n"

    def __init__(self):
        install("postgresql", lambda: binaries() is not None)
        self.folder = own_folder("postgres", "everview-postgresql-")
        self.data, self.file = self.folder / "data", self.folder / "log"
        self.port = free_port()
        self.run("initdb", "-D", self.data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        # whoever comes over the network shows a password
        (self.data / "pg_hba.conf").write_text("local all all trust\nhost all all all scram-sha-256\n")
        self.authority = Authority(self.folder / "authority", "good")
        self.authority.sign("server", "localhost")
        for source, target in (("server.key", "server.key"), ("server.crt", "server.crt"), ("good.crt", "root.crt")):
            self.authority.give(source, self.data / target, "postgres")
        self.start()
        password = PASSWORD.replace("'", "''")
        self.sql(f"CREATE ROLE {USER} LOGIN SUPERUSER PASSWORD '{password}'")

    def run(self, program, *words):
        command = as_user("postgres", [str(binaries() / program), *map(str, words)])
        done = subprocess.run(command, cwd=self.folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise SystemExit(f"{program} failed:\n{done.stdout}")

    def start(self, **settings):
        settings = {"port": self.port, "unix_socket_directories": self.folder, "listen_addresses": "127.0.0.1",
                    "log_statement": "all", "fsync": "off", "timezone": "UTC", **settings}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        # its output goes to the file, not to ours: pg_ctl would wait for the server to end
        command = as_user("postgres", [str(binaries() / "pg_ctl"), "-D", str(self.data), "-l", str(self.file), "-w",
                                       "-o", options, "start"])
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            raise SystemExit(f"PostgreSQL did not start:\n{self.file.read_text()}")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")

    def sql(self, *statements):
        command = [str(binaries() / "psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p",
                   str(self.port), "-U", "owner", "postgres"]
        done = subprocess.run(command, input=";\n".join(statements) + ";\n", text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def statements_of(self, action):
        """The COPY statements that the server was asked while the action ran, catalogs left out."""
        before = len(self.file.read_bytes())
        action()
        # statements over the extended protocol are logged as "execute", others as "statement"
        text = self.file.read_bytes()[before:].decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if "LOG:  " in line and ": COPY (" in line]
        return [line[line.index("COPY ("):] for line in lines]

    def table(self, name, schema=None, password=PASSWORD, database=DATABASE, port=None, more=""):
        """A call of the table function."""
        schema = f", '{schema}'" if schema is not None else ""
        return call("postgresql", port or self.port, database, name, password, schema + more)

    def slow_views(self):
        self.sql("CREATE VIEW silent AS SELECT x AS i, pg_sleep(x)::text AS s FROM generate_series(0, 60, 30) x",
                 "CREATE VIEW slow AS SELECT x AS i, repeat('x', 5000) AS t, pg_sleep(0.001)::text AS s "
                 "FROM generate_series(1, 100000) x")

    def is_slow(self):
        return self.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%slow%' AND state = 'active'") != "0"

    def end_slow(self):
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%slow%'")

    def prices(self, rows):
        self.sql("CREATE TABLE IF NOT EXISTS prices (i int, price numeric(10,2))", f"INSERT INTO prices VALUES {rows}")

    def remove(self):
        # a failed check may have left it stopped
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
