"""The nginx of docs/deploy.md before a service on this machine."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from pages import ROOT

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
(CONFIG,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
# round the configuration of the page, what a distribution's nginx.conf has
MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    {temporary}
    {config}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find_nginx() -> str | None:
    """Return the program, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def configuration(folder: Path, port: int, service: str) -> str:
    """Return the page's configuration for this machine: other ports, and no certificate."""
    config = re.sub(r"^server \{\n    listen 80;.*?^\}\n", "", CONFIG, flags=re.DOTALL | re.MULTILINE)
    config = re.sub(r"^ *(ssl_|add_header Strict).*\n", "", config, flags=re.MULTILINE)
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("server 127.0.0.1:8000;", f"server {service.removeprefix('http://')};"),
        ("/var/log/nginx/windowclf.log", f"{folder}/access.log"),
    ):
        assert config.count(old) == 1
        config = config.replace(old, new)
    temporary = "\n    ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    return MAIN.format(folder=folder, temporary=temporary, config=config)


@contextmanager
def nginx(service: str) -> Iterator[str]:
    """Run nginx before a service, and yield its URL, until the block ends."""
    program = find_nginx()
    if program is None:
        raise SystemExit("This needs nginx: apt-get install nginx")
    with TemporaryDirectory(prefix="nginx-") as name, socket.create_server(("127.0.0.1", 0)) as probe:
        folder, port = Path(name), probe.getsockname()[1]
        folder.chmod(0o755)  # its workers may be another user's
        file = folder / "nginx.conf"
        file.write_text(configuration(folder, port, service))
        probe.close()
        with subprocess.Popen(
            [program, "-p", name, "-c", str(file)], stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                end = time.monotonic() + 30
                while not is_ready(f"http://127.0.0.1:{port}"):
                    if process.poll() is not None or time.monotonic() > end:
                        process.kill()
                        raise RuntimeError(f"nginx did not start: {process.communicate()[1]}")
                    time.sleep(0.05)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def is_ready(url: str) -> bool:
    """Return whether a service is ready for new clients."""
    try:
        with urlopen(f"{url}/v2/health/ready", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
