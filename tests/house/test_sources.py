"""The sources' habits: a line that says a module's job, tests that mirror the sources, no trace of a developer's machine."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "teiten"
MODULES = sorted(SRC.rglob("*.py"))
OUTSIDE_THE_MIRROR = {"house", "conformance", "faults", "golden"}
"""folders of tests that look at the whole, not at one module"""
TOPICS = {
    "kills", "overlap", "cases", "conformance", "grammar", "hostile", "fuzz", "browser", "transports", "times", "accept", "sql",
    "march2019", "months", "overview2019", "payload", "report", "theta", "quarter",
}  # fmt: skip
"""tests of a package as a whole, by what they are about; a new one is put in here on purpose"""


def committed() -> list[Path]:
    """The files under version control; all that lie here where there is no git (a source archive)."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [p for name in listed.decode().split("\0") if name and (p := ROOT / name).is_file()]


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_a_module_says_its_job(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    if not tree.body:
        return
    doc = ast.get_docstring(tree)
    assert doc, f"{module.relative_to(ROOT)} does not begin with its job"
    first = doc.splitlines()[0]
    assert first.endswith((".", ";", ":", "?")), f"the first line is no whole sentence: {first}"
    assert len(first) <= 125


def test_tests_mirror_the_sources() -> None:
    """tests/<package>/test_<module>.py tests src/teiten/<package>/<module>.py (or the package <module>/)."""
    strays = []
    for test in sorted((ROOT / "tests").rglob("test_*.py")):
        where = test.relative_to(ROOT / "tests")
        if len(where.parts) == 1 or where.parts[0] in OUTSIDE_THE_MIRROR:
            continue
        base = SRC.joinpath(*where.parts[:-1])
        name = where.stem.removeprefix("test_")
        candidates = {name, f"_{name}", "__init__" if name == where.parts[-2] else name}
        # test_netfilter_times.py and test_netfilter_fuzz.py are both about netfilter
        known = {p.stem for p in base.glob("*.py")} | {p.name for p in base.iterdir() if p.is_dir()} if base.is_dir() else set()
        if (
            (name in TOPICS and base.is_dir())
            or candidates & known
            or any(name.startswith(f"{k.lstrip('_')}_") for k in known if k.strip("_"))
        ):
            continue
        strays.append(str(where))
    assert not strays, strays


def test_every_package_is_tested() -> None:
    bare = [
        package.name
        for package in sorted(SRC.iterdir())
        if (package / "__init__.py").is_file()
        and any(p.stat().st_size for p in package.rglob("*.py"))
        and not any((ROOT / "tests" / package.name).rglob("test_*.py"))
    ]
    assert not bare, bare


def test_no_file_names_a_developers_machine() -> None:
    """No path of a machine, no registry's host: what is committed works anywhere."""
    words = [
        "/" + "work/",
        "/" + "root/",
        "/opt/" + "wheels",
        "pypi" + r"\.org",
        "python" + r"hosted\.org",
        "registry" + r"\.npmjs",
        "deb" + r"\.debian\.org",
        r"^--(extra-)?index-url",
        r"^--find-links",
        "farm" + "-",
    ]
    pattern = re.compile("|".join(words).encode())
    found = []
    for path in committed():
        if path.suffix in {".png", ".xz", ".gz", ".bz2", ".zst", ".woff2", ".otf", ".parquet", ".pcap"}:
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line[:120]!r}")
    assert not found, "\n".join(found)


def test_no_big_file_is_carried() -> None:
    """What a clone weighs stays small: data for tests is made, or lies outside the repository."""
    big = {str(p.relative_to(ROOT)): p.stat().st_size for p in committed() if p.stat().st_size > 3 << 20}
    assert not big, big


def test_the_lock_pins_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": project["dependencies"] + project["optional-dependencies"]["dev"],
    }
    pins: dict[str, dict[str, str]] = {}
    for name, wanted in asked.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text and "--find" not in text and "--index" not in text
        blocks = re.split(r"\n(?=\S)", text.strip())
        for block in blocks:
            assert "--hash=sha256:" in block, f"{name}: no hash for {block.split()[0]}"
        pins[name] = dict(re.findall(r"^([a-z0-9._-]+)==([^ \\]+)", text, re.MULTILINE))
        missing = {re.sub(r"[-_.]+", "-", re.split(r"[<>=!~ \[]", w)[0].lower()) for w in wanted} - set(pins[name])
        assert not missing, f"{name} lacks {missing}: run `make lock`"
    common = set(pins["requirements.lock"]) & set(pins["requirements-dev.lock"])
    assert all(pins["requirements.lock"][n] == pins["requirements-dev.lock"][n] for n in common)
    assert common == set(pins["requirements.lock"])


def test_package_data_is_declared() -> None:
    """Every kind of file that lies in the package is named in pyproject, or an installed copy would lack it."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    declared = tool["setuptools"]["package-data"]
    patterns = [f"{p.replace('.', '/').lstrip('*')}/{glob}".lstrip("/") for p, globs in declared.items() for glob in globs]
    ours = [p for p in committed() if p.is_relative_to(SRC)]
    lost = [str(p.relative_to(ROOT)) for p in ours if p.suffix != ".py" and not any(p.match(pattern) for pattern in patterns)]
    assert not lost, lost
