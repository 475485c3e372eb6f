"""A PostgreSQL server of the tests' own, where its programs and the driver are installed."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import pytest

PASSWORD = "correct-horse/b@ttery?%zz"
"""The password of the user `shop`, with the signs that have a meaning in a URI."""
NOBODY = 65534


def find_programs():
    """Return the folder of `initdb` and `pg_ctl`, or None."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


@pytest.fixture(scope="session")
def postgresql():
    """Yield `host:port` of a server on loopback, and the password of its user `shop`.

    The server refuses to run as root: it then runs as `nobody`.
    """
    pytest.importorskip("adbc_driver_postgresql", reason="needs the extra shopzoo[sql]")
    programs, prefix = find_programs(), []
    if programs is None:
        pytest.skip("the programs of a PostgreSQL server (initdb, pg_ctl) are not installed")
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL does not run as root, and setpriv is not installed")
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    folder = Path(mkdtemp(prefix="zoo-postgresql-"))  # other users cannot open the folders above tmp_path

    def call(program, *arguments):
        command = [*prefix, str(programs / program), "-D", str(folder / "data"), *arguments]
        with (folder / "errors").open("w") as errors:  # the server keeps a pipe open
            done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors)
        assert done.returncode == 0, "".join(path.read_text() for path in folder.glob("[el]*"))

    try:
        (folder / "password").write_text(PASSWORD)
        if prefix:
            for path in (folder, folder / "password"):
                os.chown(path, NOBODY, NOBODY)
        call(
            "initdb", "-U", "shop", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8", "--no-sync"
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        call("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", options)
        try:
            yield f"127.0.0.1:{port}", PASSWORD
        finally:
            call("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)
