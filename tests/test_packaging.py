"""What gets into the installed package, and what importing it costs."""

from __future__ import annotations

import configparser
import subprocess
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "crypto_ws_sync"


def _setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_folder_with_code_is_a_package() -> None:
    """Folders without an __init__.py are not found by `packages = find:`."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_every_data_file_is_packed() -> None:
    packed = " ".join(_setup()["options.package_data"].values()).replace(",", " ").split()
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    data = [path for path in files if path.suffix != ".py"]
    assert PACKAGE / "py.typed" in data
    assert [path for path in data if not any(path.match(pattern) for pattern in packed)] == []


def test_every_console_script_leads_somewhere() -> None:
    scripts = _setup()["options.entry_points"]["console_scripts"].strip().splitlines()
    assert len(scripts) >= 3
    for script in scripts:
        module, _, function = script.partition("=")[2].strip().partition(":")
        assert callable(getattr(import_module(module), function))


def test_the_changelog_begins_with_this_version() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    newest = next(line for line in lines if line.startswith("## "))
    assert newest.split()[1] == _setup()["metadata"]["version"]


def test_importing_starts_nothing_and_leaves_the_heavy_packages_out() -> None:
    program = (
        "import sys, threading, logging, crypto_ws_sync; "
        "heavy = {'cryptography', 'websockets', 'pandas', 'numpy', 'platformdirs', 'tomli', 'rich'}; "
        "print(sorted(heavy & set(sys.modules)), threading.active_count(), logging.getLogger().handlers)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] 1 []"
    assert done.stderr == ""
