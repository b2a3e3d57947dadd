from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optimization import compiled_store
from optimization.compiled_store import CompiledStore
from optimization.engine import Horizon, solve
from optimization.engine.compiled import Compiled, cache, compile_topology
from optimization.engine.problem import SiteProblem
from optimization.engine.topology import Site, Topology
from optimization.scenarios import named_scenario

ZONE = ZoneInfo("Europe/Berlin")


def problem_of(name: str) -> SiteProblem:
    scenario, horizon = named_scenario(name), Horizon.market_day(date(2026, 11, 22), ZONE)
    return scenario.problem(scenario.sample_series(horizon, ZONE), horizon, ZONE)


@pytest.fixture(scope="module")
def pv() -> tuple[Topology, Compiled]:
    topology = Site(problem_of("pv")).topology
    return topology, compile_topology(topology)


@pytest.fixture
def store(tmp_path: Path) -> CompiledStore:
    return CompiledStore(tmp_path / "var" / "compiled")


def only_file(store: CompiledStore) -> Path:
    (path,) = store.folder.iterdir()
    return path


def test_what_was_kept_fills_to_the_same_model(store: CompiledStore, pv: tuple[Topology, Compiled]) -> None:
    topology, compiled = pv
    assert store.load(topology) is None
    store.save(topology, compiled)
    loaded = CompiledStore(store.folder).load(Site(problem_of("pv")).topology)
    assert loaded is not None
    numbers = Site(problem_of("pv")).numbers
    for mine, kept in zip(vars(compiled.fill(numbers)).values(), vars(loaded.fill(numbers)).values(), strict=True):
        np.testing.assert_array_equal(mine, kept)
    assert store.folder.stat().st_mode & 0o777 == 0o700


def test_a_worker_solves_with_the_model_of_another(store: CompiledStore, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of("bat")
    plan = solve(problem)
    topology = Site(problem).topology
    store.save(topology, compile_topology(topology))

    def compile_again(_topology: Topology) -> Compiled:
        raise AssertionError("the model was compiled again")

    monkeypatch.setattr("optimization.engine.compiled.compile_topology", compile_again)
    monkeypatch.setattr(cache, "store", store)
    monkeypatch.setattr(cache, "_known", type(cache._known)())
    assert solve(problem).objective_eur == plan.objective_eur


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x05N.", b"\x80\x05(K\x01K\x02t."])
def test_a_file_that_is_no_model_is_written_anew(
    store: CompiledStore, pv: tuple[Topology, Compiled], content: bytes
) -> None:
    store.save(*pv)
    only_file(store).write_bytes(content)
    assert store.load(pv[0]) is None
    store.save(*pv)
    assert store.load(pv[0]) is not None


def test_the_model_of_another_topology_is_not_taken(store: CompiledStore, pv: tuple[Topology, Compiled]) -> None:
    store.save(*pv)
    other = Site(problem_of("bat")).topology
    only_file(store).rename(store.path(other))
    assert store.load(other) is None


def test_another_engine_takes_no_model_of_this_one(
    store: CompiledStore, pv: tuple[Topology, Compiled], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(*pv)
    monkeypatch.setattr(compiled_store.pyomo, "__version__", "0.1")
    assert CompiledStore(store.folder).load(pv[0]) is None


def test_a_folder_that_others_can_write_to_is_not_trusted(store: CompiledStore, pv: tuple[Topology, Compiled]) -> None:
    store.save(*pv)
    store.folder.chmod(0o770)
    assert store.load(pv[0]) is None
    only_file(store).unlink()
    store.save(*pv)
    assert not list(store.folder.iterdir())


def test_a_place_that_cannot_be_written_to_breaks_nothing(tmp_path: Path, pv: tuple[Topology, Compiled]) -> None:
    (tmp_path / "file").write_text("in the way")
    store = CompiledStore(tmp_path / "file" / "compiled")
    store.save(*pv)
    assert store.load(pv[0]) is None


def test_the_oldest_go(tmp_path: Path, pv: tuple[Topology, Compiled]) -> None:
    store = CompiledStore(tmp_path / "compiled", most_files=1)
    store.save(*pv)
    other = Site(problem_of("bat")).topology
    store.save(other, compile_topology(other))
    assert len(list(store.folder.iterdir())) == 1
