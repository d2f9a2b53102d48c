"""Profiles of an atlas's units, beside them and in its table."""

from __future__ import annotations

import pytest

from invis.atlas.annotate import PROFILE
from invis.atlas.profiles import profiles_steps
from invis.progress import until_done


def test_every_finished_unit_gets_a_profile_once(filled):
    first = until_done(profiles_steps([filled]))[-1]
    assert (first.done, first.total) == (5, 5)
    notes = {channel: filled.noted(channel, PROFILE) for channel in filled.done()}
    # A first convolution is linear: its two images draw together with the floor.
    for note in notes.values():
        assert note["kappa"] == pytest.approx(0, abs=0.05)
        assert note["islands_0.98"] == 1
        # Of two images none can be left out.
        assert note["kappa_low"] is None
    filled.note(1, PROFILE, {"kappa": 7.0})
    until_done(profiles_steps([filled]))
    assert filled.noted(1, PROFILE) == {"kappa": 7.0}
