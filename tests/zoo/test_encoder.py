"""PixVoxEncoder: all of scikit-learn's checks, pipelines, shapes, units, and what is pickled."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import pixvox_zoo
from pixvox_registry import UserError
from pixvox_registry.source_spec import build_source
from pixvox_zoo.encoder import PixVoxEncoder

CHECKS = """
import sys, warnings
from sklearn.utils.estimator_checks import check_estimator
from pixvox_zoo.encoder import PixVoxEncoder
warnings.simplefilter("error")
warnings.filterwarnings("ignore", message="Rows of .* values are hardly images")
done = check_estimator(PixVoxEncoder(sys.argv[1]))  # a check that is skipped warns
print(len(done), {check["status"] for check in done})
"""


def images(dims: int, count: int = 6, side: int = 16) -> Any:
    draw = np.random.default_rng(0)
    return draw.integers(0, 255, (count, 1, *[side] * dims)).astype(np.uint8)


def reference(folder: Path, stored: Any) -> Any:
    loaded = pixvox_zoo.load(folder)
    with torch.inference_mode():
        said = loaded.backbone(loaded.intensity.standardise(torch.from_numpy(stored))).pooled
    return said.numpy()


@pytest.mark.parametrize("dims", [2, 3])
def test_it_passes_every_check_of_scikit_learn(untrained: dict[int, Path], dims: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECKS, str(untrained[dims])],
        capture_output=True,
        text=True,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},  # without it one check skips itself
    )
    assert done.returncode == 0, done.stderr
    count, states = done.stdout.split(maxsplit=1)
    assert int(count) >= 40 and states.strip() == "{'passed'}"


@pytest.mark.parametrize("dims", [2, 3])
def test_features_are_those_of_the_backbone(untrained: dict[int, Path], dims: int) -> None:
    stored = images(dims)
    expected = reference(untrained[dims], stored)
    encoder = PixVoxEncoder(untrained[dims], batch=4)
    found = encoder.fit_transform(stored)
    assert found.dtype == np.float32 and encoder.n_features_in_ == 16**dims
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    for same in (stored[:, 0], stored.reshape(6, -1), torch.from_numpy(stored), stored.tolist()):
        np.testing.assert_array_equal(encoder.transform(same), found)
        np.testing.assert_array_equal(
            PixVoxEncoder(untrained[dims], batch=4).fit_transform(same), found
        )
    assert list(encoder.get_feature_names_out())[-1] == "pixvoxencoder23"


def test_it_serves_in_a_pipeline_and_names_its_columns(untrained: dict[int, Path]) -> None:
    source = build_source("phantoms:texture_2d,count=160,image_size=24")
    train, test = source.cases("train"), source.cases("test")
    pipeline = make_pipeline(PixVoxEncoder(untrained[2]), LogisticRegression(C=1e4, max_iter=5000))
    pipeline.fit(train.images.numpy(), train.labels["class"].numpy())
    share = pipeline.score(test.images.numpy(), test.labels["class"].numpy())
    assert share > 1.6 / len(source.classes)
    frame = clone(pipeline[0]).set_output(transform="pandas").fit_transform(train.images.numpy())
    assert list(frame.columns) == list(pipeline[0].get_feature_names_out())
    assert len(frame) == 160


def test_images_of_another_side_and_other_units(untrained: dict[int, Path]) -> None:
    cases = build_source("phantoms:shapes_2d,count=8,image_size=40").cases("train")
    encoder = PixVoxEncoder(untrained[2]).fit(cases.images.numpy())
    assert encoder.image_shape_ == (1, 40, 40)
    expected = reference(untrained[2], cases.resized(16).images.numpy())
    found = encoder.transform(cases.images.numpy().reshape(8, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    unit = PixVoxEncoder(untrained[2], value_range=(0.0, 1.0))
    stored = images(2)
    np.testing.assert_allclose(
        unit.fit_transform(stored / 255.0), reference(untrained[2], stored), rtol=1e-4, atol=1e-5
    )


def test_rows_are_squares_or_what_is_said_or_told_to_be_hardly_images(
    untrained: dict[int, Path],
) -> None:
    draw = np.random.default_rng(0).random((4, 240))
    said = PixVoxEncoder(untrained[2], image_shape=(12, 20))
    there = PixVoxEncoder(untrained[2]).fit_transform(draw.reshape(4, 1, 12, 20))
    np.testing.assert_array_equal(said.fit_transform(draw), there)
    with pytest.warns(UserWarning, match="Rows of 240 values are hardly images"):
        line = PixVoxEncoder(untrained[2]).fit(draw)
    assert line.image_shape_ == (1, 1, 240)
    with pytest.raises(ValueError, match="has 260 values, and a row has 240"):
        PixVoxEncoder(untrained[2], image_shape=(13, 20)).fit(draw)


def test_what_does_not_fit_is_refused(untrained: dict[int, Path]) -> None:
    encoder = PixVoxEncoder(untrained[2]).fit(images(2))
    with pytest.raises(ValueError, match="X has 225 features, but PixVoxEncoder is expecting 256"):
        encoder.transform(images(2, side=15).reshape(6, -1))
    with pytest.raises(ValueError, match=r"fitted to images of shape \(1, 16, 16\)"):
        encoder.transform(images(2).reshape(6, 1, 8, 32))
    with pytest.raises(ValueError, match=r"take images \[N, 1, H, W\] or \[N, H, W\]"):
        encoder.fit(images(3))
    with pytest.raises(ValueError, match="NaN"):
        encoder.transform(np.full((1, 1, 16, 16), np.nan))
    with pytest.raises(ValueError, match=r"take images \[N, 1, D, H, W\]"):
        PixVoxEncoder(untrained[3]).fit(images(2, side=16)[:, :, :1].repeat(3, 1))
    with pytest.raises(UserError, match="Did you mean 'cuda'"):
        PixVoxEncoder(untrained[2], device="cud").fit(images(2)).transform(images(2))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("batch", 0),
        ("batch", 2.5),
        ("batch", True),
        ("image_shape", "ab"),
        ("image_shape", 16),
        ("image_shape", (16, -16)),
        ("image_shape", ()),
    ],
)
def test_parameters_that_are_none_are_refused_before_anything_is_read(
    untrained: dict[int, Path], setting: str, value: Any
) -> None:
    with pytest.raises(ValueError, match=f"{setting} is "):
        PixVoxEncoder("no such weights", **{setting: value}).fit(images(2))
    encoder = PixVoxEncoder(untrained[2]).fit(images(2))
    with pytest.raises(ValueError, match=f"{setting} is "):
        encoder.set_params(**{setting: value}).transform(images(2))


def test_it_is_pickled_without_its_backbone_and_reads_the_weights_again(
    untrained: dict[int, Path], tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(untrained[2], mine)
    encoder = PixVoxEncoder(str(mine)).fit(images(2))
    found = encoder.transform(images(2))
    content = pickle.dumps(encoder)
    assert len(content) < 2000 and b"torch" not in content
    np.testing.assert_array_equal(pickle.loads(content).transform(images(2)), found)
    pixvox_zoo.pretrain(
        "random_init",
        "phantoms:shapes_2d,count=16",
        tmp_path / "other",
        overrides=["backbone={name: conv_encoder, settings: {channels: 4, stages: 2}}"],
        image_size=16,
        seed=1,
        quiet=True,
    )
    shutil.rmtree(mine)
    (tmp_path / "other" / "weights").rename(mine)
    with pytest.raises(UserError, match="has changed since fit"):
        pickle.loads(content).transform(images(2))
