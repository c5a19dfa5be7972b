"""An S3 server (moto, from PyPI) on an ephemeral port; installed once, in the versions of requirements-s3.txt, under
${EVERVIEW_CACHE:-~/.cache/everview}/external."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

from frame import free_port

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("EVERVIEW_CACHE") or Path.home() / ".cache" / "everview") / "external"
KEY, SECRET = "AKIAEVERVIEWKEY", "sEcReT-of-the-bucket"


def interpreter():
    """The interpreter of an environment with moto."""
    requirements = HERE / "requirements-s3.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = CACHE / f"s3-{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--no-deps", "-r", requirements], check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"


# Puts what standard input says, a JSON line each, and answers with what there is.
CLIENT = """
import base64, boto3, json, sys
endpoint, key, secret = sys.argv[1:4]
client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1")
for line in sys.stdin:
    what = json.loads(line)
    if what["do"] == "bucket":
        client.create_bucket(Bucket=what["name"], **({"ACL": "public-read"} if what["public"] else {}))
        print("{}", flush=True)
    elif what["do"] == "put":
        acl = {"ACL": "public-read"} if what["public"] else {}
        client.put_object(Bucket=what["bucket"], Key=what["key"], Body=base64.b64decode(what["data"]), **acl)
        print("{}", flush=True)
    elif what["do"] == "get":
        found = client.get_object(Bucket=what["bucket"], Key=what["key"])["Body"].read()
        print(json.dumps({"data": base64.b64encode(found).decode()}), flush=True)
"""


class S3:
    """A running server, and a client of its own kind."""

    def __init__(self, python, folder):
        self.python, self.folder, self.port = python, Path(folder), free_port()
        self.start()
        command = [self.python, "-c", CLIENT, self.url(""), KEY, SECRET]
        self.client = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start(self):
        log = open(self.folder / "moto.log", "a", encoding="utf-8")
        command = [self.python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url('')}moto-api/", timeout=1).close()
                return
            time.sleep(0.1)
        raise SystemExit(f"moto did not start:\n{(self.folder / 'moto.log').read_text(encoding='utf-8')}")

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def tell(self, **what):
        self.client.stdin.write(json.dumps(what) + "\n")
        self.client.stdin.flush()
        return json.loads(self.client.stdout.readline())

    def requests(self):
        """The lines that the server logged."""
        return (self.folder / "moto.log").read_text(encoding="utf-8").splitlines()

    def stop(self):
        for process in (self.client, self.process):
            process.terminate()
            process.wait(timeout=60)


@contextlib.contextmanager
def s3():
    with tempfile.TemporaryDirectory(prefix="everview-s3-") as folder:
        server = S3(interpreter(), folder)
        try:
            yield server
        finally:
            server.stop()
