"""A lake of what a responding sensor heard, asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.payloads import talks

from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.lake import Lake


@pytest.fixture(scope="session")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    chosen = talks.lake_of(tmp_path_factory.mktemp("heard"))
    with open_session(Lake.open(chosen.lake), chosen) as session:
        yield session
