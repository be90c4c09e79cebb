"""What every test goes by: marks that need a browser or root skip, with the reason, where there is none."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.browser import Browser

# In CI the same cases each time: what it refuses is of the change that it looks at, and can be seen again. Elsewhere new ones.
hypothesis.settings.register_profile("the same", derandomize=True, database=None)
if "TEITEN_SAME_CASES" in os.environ:
    hypothesis.settings.load_profile("the same")

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _own_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the user of this machine has imported (lists, geo data) is no part of a test; ZMap's table is made once for all."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of short processes would compile every module anew
    base, data = tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("user-data")
    table = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "zmap"
    table.mkdir(exist_ok=True)
    (data / "zmap").symlink_to(table)
    os.environ["TEITEN_DATA"] = str(data)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[Path], object], Path], Path]:
    """(build, folder): what `build` puts into a folder, which is made once and copied for each test that changes it."""
    made: dict[str, Path] = {}

    def copied(build: Callable[[Path], object], into: Path) -> Path:
        name = f"{build.__module__}.{build.__qualname__}"
        if name not in made:
            made[name] = tmp_path_factory.mktemp("once")
            build(made[name])
        return shutil.copytree(made[name], into, symlinks=True, dirs_exist_ok=True)

    return copied


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for what its user imports; in it only ZMap's table, which takes seconds to make."""
    data = tmp_path / "own"
    data.mkdir()
    (data / "zmap").symlink_to(Path(os.environ["TEITEN_DATA"]) / "zmap")
    monkeypatch.setenv("TEITEN_DATA", str(data))
    return data


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    browser = any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    for item in items:
        if not browser and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="needs Chromium, which is not installed here"))
        if not root and item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real logs and captures beside the repository; they are not ours to carry."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real logs and captures (../shared/data) are not here")
    return SHARED_DATA


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[int, str], None]:
    """Prints what a promise's proof came to; with TEITEN_FIGURES=FILE it is also added there, for tools/build_promises.py."""

    def told(promise: int, text: str) -> None:
        print(f"promise {promise}: {text}")
        if file := os.environ.get("TEITEN_FIGURES"):
            proof = request.path.relative_to(Path(__file__).parents[1]).as_posix()
            line = {"promise": promise, "proof": proof, "figure": text, "date": f"{dt.date.today()}"}
            with Path(file).open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")

    return told


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    """A tab of a Chromium that is the module's own."""
    from tests import browser

    with browser.browser() as found:
        yield found


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, the usual check of accessibility, as one script."""
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed (make install of the tools)")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
