from __future__ import annotations

import pytest

from engine.settings import Settings, load, resolve_auto, usable_cores


@pytest.mark.parametrize(
    ("cores", "shards", "processes"), [(1, 1, 1), (2, 1, 1), (4, 1, 3), (5, 1, 4), (8, 2, 6), (64, 16, 48)]
)
def test_auto_follows_the_cores(cores, shards, processes):
    run = resolve_auto(Settings(), cores).run
    assert (run.shards, run.nlp_processes) == (shards, processes)


def test_explicit_numbers_stay_and_the_rest_follows():
    assert resolve_auto(load([], {}, {"run.shards": 3}).settings, 4).run.nlp_processes == 1
    assert resolve_auto(load([], {}, {"run.nlp_processes": 7}).settings, 2).run.nlp_processes == 7


def test_the_adaptive_limit_keeps_within_its_bounds():
    aimd = resolve_auto(load([], {}, {"fetch.max_concurrency": 1}).settings, 2).aimd
    assert (aimd.min, aimd.initial, aimd.max) == (1, 1, 1)
    aimd = resolve_auto(load([], {}, {"aimd.min": 20}).settings, 2).aimd
    assert (aimd.min, aimd.initial, aimd.max) == (20, 20, 200)


@pytest.fixture
def cgroup(tmp_path):
    def make(membership, **files):
        for name, text in files.items():
            path = tmp_path / "fs" / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cfs_", "cpu.cfs_")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (tmp_path / "membership").write_text(membership, encoding="utf-8")
        return usable_cores(tmp_path / "fs", tmp_path / "membership")

    return make


@pytest.fixture(autouse=True)
def sixteen_cores(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 16)


def test_without_a_quota_the_affinity_counts(cgroup, tmp_path):
    assert cgroup("0::/\n") == 16
    assert cgroup("0::/a/b\n", a__b__cpu_max="max 100000\n") == 16
    assert usable_cores(tmp_path / "none", tmp_path / "none") == 16


def test_the_tightest_quota_of_all_levels_counts(cgroup):
    assert cgroup("0::/a/b\n", a__cpu_max="350000 100000\n", a__b__cpu_max="800000 100000\n") == 3


def test_a_part_of_a_core_is_one(cgroup):
    assert cgroup("0::/\n", cpu_max="50000 100000\n") == 1


def test_a_path_that_only_the_host_knows_still_ends_at_the_root(cgroup):
    assert cgroup("0::/docker/123\n", cpu_max="200000 100000\n") == 2


def test_version_one_quotas(cgroup):
    membership = "4:memory:/x\n2:cpu,cpuacct:/x\n0::/\n"
    assert cgroup(membership, cpu__x__cfs_quota_us="400000\n", cpu__x__cfs_period_us="100000\n") == 4
    assert cgroup(membership, cpu__x__cfs_quota_us="-1\n", cpu__x__cfs_period_us="100000\n") == 16
