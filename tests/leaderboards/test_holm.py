"""Holm's steps, as published and as a naive loop."""

from __future__ import annotations

import numpy as np
import pytest

from pixvox_leaderboards.holm import holm


def test_as_in_demsar() -> None:
    """JMLR 7 (2006), 3.2.2: C4.5 against three others; the first two hypotheses are rejected."""
    adjusted = holm([0.016, 0.019, 0.607])
    np.testing.assert_allclose(adjusted, [0.048, 0.048, 0.607])
    assert (adjusted <= 0.05).tolist() == [True, True, False]


def test_as_r_adjusts() -> None:
    """p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_adjusted_p_rejects_what_stepping_down_rejects() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        p = np.round(random.beta(0.3, 2, size=8), 3)
        order = sorted(range(8), key=lambda i: p[i])
        rejected = set()
        for step, i in enumerate(order):  # Holm, 1979: stop at the first that stands
            if p[i] > 0.05 / (8 - step):
                break
            rejected.add(i)
        assert set(np.flatnonzero(holm(p) <= 0.05)) == rejected


def test_what_was_not_tested_counts_for_nothing() -> None:
    adjusted = holm([0.02, float("nan"), 0.03])
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2]] == pytest.approx([0.04, 0.04])
    assert holm([]).shape == (0,)
