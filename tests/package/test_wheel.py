"""The wheel, as strangers have it: without a compiler, where nothing of theirs can be written.

Slow: installs every dependency for each Python that is found. `make test-wheel` runs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE

pytestmark = pytest.mark.slow

RELEASES = ("3.11", "3.12", "3.13", "3.14")
CHAIN = """
prodassoc clean SAMPLE/orders.csv --products SAMPLE/catalog.csv -o interactions.parquet \
    --products-output products.parquet --holdout last-order --holdout-output holdout.parquet
prodassoc embed products.parquet -o embeddings.parquet
prodassoc mine interactions.parquet -o rules.parquet
prodassoc train interactions.parquet --products products.parquet --embeddings embeddings.parquet \
    --rules rules.parquet -o model.parquet
prodassoc recommend model.parquet --include-seen -o recs.parquet
prodassoc evaluate recs.parquet --truth holdout.parquet -k 10 --require 'ndcg@10>=0.3' -o metrics.parquet
"""
COMPILES = "compiling kernels"


def interpreter(release: str) -> str | None:
    """Return a Python of that release, on the PATH or as pyenv keeps it."""
    kept = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{release}.*/bin/python"))
    for candidate in (shutil.which(f"python{release}"), *map(str, kept)):
        if candidate is not None:
            asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            if done.stdout.strip() == release:
                return candidate
    return None


def as_a_stranger() -> list[str]:
    """Return what must stand before a command so that file modes hold; they do not for root."""
    if os.getuid() != 0:
        return []
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("root may write anywhere, and there is no setpriv to take that away")
    rights = "-dac_override,-dac_read_search"
    return [program, f"--bounding-set={rights}", f"--inh-caps={rights}"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module", params=RELEASES)
def installed(request, wheel, tmp_path_factory) -> Path:
    """A virtual environment with the wheel, which nobody can write to."""
    python = interpreter(request.param)
    if python is None:
        pytest.skip(f"no Python {request.param} on this machine")
    venv = tmp_path_factory.mktemp("venv") / "venv"
    subprocess.run([python, "-m", "venv", str(venv)], check=True)
    without_compiler = {**os.environ, "CC": "false", "CXX": "false"}
    words = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", str(wheel)]
    subprocess.run([str(venv / "bin" / "python"), *words], check=True, env=without_compiler)
    subprocess.run(["chmod", "-R", "a-w", str(venv)], check=True)
    yield venv
    subprocess.run(["chmod", "-R", "u+w", str(venv)], check=True)


def test_the_wheel_holds_the_package_and_no_more(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "prodassoc_cli").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_chain_runs_elsewhere_with_nothing_to_write_to(installed, tmp_path):
    temporary, home = tmp_path / "temporary", tmp_path / "home"
    temporary.mkdir()
    home.mkdir(mode=0o555)
    env = {
        "PATH": f"{installed / 'bin'}:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(temporary),
        "CC": "false", "LANG": "C.UTF-8",
    }  # fmt: skip

    def run(script: str) -> str:
        words = [*as_a_stranger(), "bash", "-c", f"set -eu\n{script}"]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    before = {path: path.lstat().st_mtime_ns for path in installed.rglob("*")}
    said = run(CHAIN.replace("SAMPLE", str(SAMPLE)))
    assert COMPILES in said
    (cache,) = temporary.glob("prodassoc-*")
    assert list(cache.rglob("*.nbi"))
    assert not list(home.rglob("*"))
    compiled = {path: path.stat().st_mtime_ns for path in cache.rglob("*.nb?")}
    run("prodassoc mine interactions.parquet -o again.parquet --force")
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.nb?")} == compiled
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "rules.parquet").read_bytes()
    run("python -c \"from prodassoc_cli import mine; assert mine('interactions.parquet').rules.height > 50\"")
    assert {path: path.lstat().st_mtime_ns for path in installed.rglob("*")} == before
