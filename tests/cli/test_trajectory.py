"""`invis trajectory` on real small recordings."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from invis import data_path
from invis.cli.trajectory import trajectory
from invis.errors import InvisError
from invis.trajectory import simulate

KEYS = ["steps", "parameters", "explained", "null_explained", "best_null", "fit", "seconds"]


def write(folder, count, seed=0):
    """A drifting walk of `count` checkpoints."""
    folder.mkdir(exist_ok=True)
    x = torch.from_numpy(simulate(300, 1200, mu=0.1, seed=seed, dtype=np.float32))
    for step in range(0, 10 * count, 10):
        state = {"conv.weight": x[step, :1000].reshape(10, 100), "fc.bias": x[step, 1000:]}
        state = {name: value.contiguous() for name, value in state.items()}
        save_file(state, folder / f"step-{step:06d}.safetensors")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(trajectory, [str(a) for a in arguments], catch_exceptions=False)

    return call


def test_json_has_its_keys_and_nothing_else(run, tmp_path):
    write(tmp_path / "walk", 30)
    done = run("walk", "--json", "--out", "here")
    (row,) = json.loads(done.stdout)
    assert list(row) == KEYS
    assert row["steps"] == list(range(0, 300, 10))
    assert row["parameters"] == 1200
    assert row["best_null"] == "drift"
    assert row["fit"]["nulls"]["drift"]["parameters"]["mu"] == pytest.approx(0.1, rel=0.15)
    assert set(row["fit"]["nulls"]) == {"walk", "momentum", "drift", "ou"}
    assert len(row["explained"]) == len(row["null_explained"]) == 29
    assert sum(row["explained"]) == pytest.approx(1)
    assert row["null_explained"][0] == pytest.approx(0.608, abs=0.01)
    assert row["seconds"] > 0
    assert sorted(p.name for p in (tmp_path / "here").iterdir()) == [
        "gram.npz",
        "projections.csv",
        "trajectory.html",
    ]


def test_tables_name_components_nulls_layers_and_the_page(run, tmp_path):
    write(tmp_path / "walk", 20)
    text = run("walk").stdout
    for word in ("20 checkpoints", "random walk %", "drift", "conv", "fc", "Best null"):
        assert word in text
    assert (tmp_path / "out" / "walk-trajectory" / "trajectory.html").is_file()
    table = np.loadtxt(
        tmp_path / "out" / "walk-trajectory" / "projections.csv", delimiter=",", skiprows=1
    )
    assert table[:, 0].tolist() == list(range(0, 200, 10))
    np.testing.assert_allclose(table[:, 1:].mean(0), 0, atol=1e-6)


def test_training_that_went_on_is_taken_up(run, tmp_path):
    write(tmp_path / "walk", 9)
    run("walk", "--json")
    write(tmp_path / "walk", 13)
    (grown,) = json.loads(run("walk", "--json").stdout)
    (fresh,) = json.loads(run("walk", "--json", "--out", "fresh").stdout)
    assert grown["steps"] == fresh["steps"]
    np.testing.assert_allclose(grown["explained"], fresh["explained"], rtol=1e-9)


def test_another_run_in_the_same_folder_is_not_mixed_in(run, tmp_path):
    write(tmp_path / "walk", 9)
    run("walk", "--json")
    write(tmp_path / "walk", 9, seed=1)
    (again,) = json.loads(run("walk", "--json").stdout)
    (fresh,) = json.loads(run("walk", "--json", "--out", "fresh").stdout)
    assert again["explained"] == fresh["explained"]


def test_damaged_products_are_made_anew(run, tmp_path):
    write(tmp_path / "walk", 9)
    run("walk")
    (tmp_path / "out" / "walk-trajectory" / "gram.npz").write_bytes(b"torn")
    done = run("walk", "--json")
    assert json.loads(done.stdout)[0]["parameters"] == 1200
    assert "made anew" in done.stderr


def test_damaged_checkpoint_is_told(run, tmp_path):
    write(tmp_path / "walk", 20)
    (tmp_path / "walk" / "step-000190.safetensors").write_bytes(b"torn")
    done = run("walk", "--json")
    assert len(json.loads(done.stdout)[0]["steps"]) == 19
    assert "step-000190" in done.stderr


def test_bad_paths_are_told(run, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, told in (("nothing", "does not exist"), ("empty", "no readable checkpoints")):
        with pytest.raises(InvisError, match=told):
            run(path)
    assert not (tmp_path / "out").exists()
    write(tmp_path / "one", 1)
    with pytest.raises(InvisError, match="at least 2"):
        run("one")


@pytest.mark.parametrize(
    "name, parameters, last", [("minivgg", 673172, 4680), ("miniresnet", 974596, 12496)]
)
def test_a_run_that_ships_opens_by_its_name(run, tmp_path, name, parameters, last):
    (row,) = json.loads(run(name, "--json").stdout)
    assert (row["parameters"], row["steps"][0], row["steps"][-1]) == (parameters, 0, last)
    assert row["explained"][0] > row["null_explained"][0] > 0.6
    shipped = np.loadtxt(data_path(f"trajectories/{name}.csv"), delimiter=",", skiprows=1)
    made = tmp_path / "out" / f"{name}-trajectory" / "projections.csv"
    np.testing.assert_allclose(shipped, np.loadtxt(made, delimiter=",", skiprows=1), rtol=1e-9)


def test_the_inner_products_that_it_wrote_are_enough(run, tmp_path):
    write(tmp_path / "walk", 20)
    (first,) = json.loads(run("walk", "--json", "--out", "here").stdout)
    (again,) = json.loads(run("here/gram.npz", "--json", "--out", "there").stdout)
    assert again["explained"] == first["explained"]
    (tmp_path / "bad.npz").write_bytes(b"no such thing")
    with pytest.raises(InvisError, match=r"bad\.npz"):
        run("bad.npz")


def test_what_is_not_there_names_the_runs_that_ship(run):
    with pytest.raises(InvisError, match="minivgg or miniresnet"):
        run("resnet")
