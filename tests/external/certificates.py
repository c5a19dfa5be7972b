"""Certificates of authorities, servers and clients, made for a test by openssl."""

import os
import shutil
import subprocess
from pathlib import Path


class Authority:
    """An authority with a key of its own."""

    def __init__(self, folder, name):
        self.folder, self.name = Path(folder), name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                 "-out", f"{name}.crt")

    def run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pem(self, name=None, kind="crt"):
        return (self.folder / f"{name or self.name}.{kind}").read_text(encoding="utf-8")

    def sign(self, name, host):
        """A certificate for a host, and its key."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n", encoding="utf-8")
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.crt", "-CAkey", f"{self.name}.key",
                 "-CAcreateserial", "-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.crt")

    def give(self, source, target, user):
        """A copy that a server running as that user takes."""
        shutil.copy(self.folder / source, target)
        target.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(target, user, user)
