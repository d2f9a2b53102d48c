"""lucent is loaded when it is needed; where it cannot be, one sentence says so."""

import subprocess
import sys
from collections.abc import Iterator

import kornia
import pytest

from invis.errors import InvisError
from invis.interop.require import lucent


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    lucent.cache_clear()
    yield
    lucent.cache_clear()


def test_a_missing_lucent_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    # None is how Python marks a module that cannot be imported; so it is with the other `lucent`.
    monkeypatch.setitem(sys.modules, "lucent.optvis.objectives", None)
    with pytest.raises(InvisError, match=r"torch-lucent cannot be used .* pip install") as told:
        lucent()
    assert "\n" not in str(told.value)


def test_a_newer_kornia_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(kornia, "get_rotation_matrix2d")
    with pytest.raises(InvisError, match=r"get_rotation_matrix2d.*kornia==0\.4\.1"):
        lucent()


def test_invis_loads_lucent_only_when_it_is_used() -> None:
    code = (
        "import sys, invis.interop.objective, invis.interop.search, invis.interop.full_image;"
        "print([name for name in ('lucent', 'kornia', 'IPython') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
