"""A backbone as a transformer of scikit-learn: images in, features out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

import pixvox_zoo
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError
from pixvox_zoo.image_rows import Shapes, flat, tensor_of
from pixvox_zoo.pooling import AT_ONCE, device_of, pooled_of


class PixVoxEncoder(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Weights as a transformer: ``[N, C, *S]``, ``[N, *S]`` or rows ``[N, F]`` to ``[N, D]``.

    Images are resized to the weights' own side and standardised by their card. Nothing is learnt
    from them; ``fit`` reads the weights and notes the shape of an image, in which later rows are
    read. Rows of ``fit`` itself have ``image_shape``; by default they are squares or cubes. Other
    rows are one line of pixels, alike in all channels, with a warning.

    The estimator holds the name of the weights, and never the backbone, when it is cloned or sent
    to another process.

    Args:
        weights: whatever ``pixvox_zoo.load`` takes.
        batch: images in a forward pass.
        device: auto, cpu or cuda.
        value_range: black and white of the images; by default those of the pretraining data, as
            the card has them (0 and 255 of 8-bit images).
        image_shape: ``(*S)`` or ``(C, *S)`` of what stands in a row.

    Attributes:
        image_shape_: ``(C, *S)``.
        sha256_: of the weights.
        n_features_in_: values of an image.
    """

    def __init__(
        self,
        weights: str | Path,
        *,
        batch: int = AT_ONCE,
        device: str = "auto",
        value_range: tuple[float, float] | None = None,
        image_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.weights = weights
        self.batch = batch
        self.device = device
        self.value_range = value_range
        self.image_shape = image_shape

    def fit(self, X: Any, y: Any = None) -> PixVoxEncoder:
        """Read the weights, and note the shape of an image.

        Raises:
            ValueError: images whose dims or channels the weights do not take, values that are not
                finite, or a parameter that is none.
        """
        self._check()
        pretrained = self._loaded()
        rows, shape = flat(X)
        rows = validate_data(self, rows)
        taken = Shapes.of(pretrained)
        self.image_shape_ = (
            taken.of_rows(rows.shape[1], self.image_shape)
            if shape is None
            else taken.of_images(shape)
        )
        self.sha256_ = pretrained.sha256
        self._n_features_out = int(pretrained.backbone.num_features)  # type: ignore[arg-type]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Features ``[N, D]``.

        Raises:
            ValueError: images of another shape than those of ``fit``, or values that are not
                finite.
            UserError: the weights are not those of ``fit``.
        """
        check_is_fitted(self)
        self._check()
        pretrained = self._loaded()
        if pretrained.sha256 != self.sha256_:
            raise UserError(f"{self.weights} has changed since fit; fit the encoder again.")
        rows, shape = flat(X)
        taken = Shapes.of(pretrained)
        if shape is not None and taken.of_images(shape) != self.image_shape_:
            raise ValueError(
                f"PixVoxEncoder was fitted to images of shape {self.image_shape_}, and these have "
                f"{shape}. Fit it again, or bring them to that shape."
            )
        images = tensor_of(validate_data(self, rows, reset=False), self.image_shape_)
        images = images.expand(-1, taken.in_channels, *images.shape[2:])  # a line is alike in all
        cases = Cases(
            images=images,
            ids=tuple(map(str, range(len(images)))),
            value_range=self.value_range or pretrained.intensity.value_range,
        )
        intensity = pretrained.intensity.in_units_of(cases)
        pieces = pooled_of(
            pretrained, images, intensity, batch=self.batch, device=device_of(self.device)
        )
        return np.concatenate([piece.numpy() for piece in pieces])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: held for name, held in state.items() if name != "_held"}

    def _check(self) -> None:
        """Refuse parameters that are none, which scikit-learn allows a constructor to take."""
        if not _are_whole([self.batch]):
            raise ValueError(f"batch is a whole number of images, 1 or more; {self.batch!r} came.")
        if self.image_shape is not None and not _are_whole(self.image_shape):
            raise ValueError(
                "image_shape is (*S) or (C, *S), whole numbers of 1 or more, as (28, 28); "
                f"{self.image_shape!r} came."
            )

    def _loaded(self) -> Pretrained:
        """The weights, read once."""
        held: tuple[Any, Pretrained] | None = getattr(self, "_held", None)
        if held is None or held[0] != self.weights:
            held = self._held = (self.weights, pixvox_zoo.load(self.weights))
        return held[1]


def _are_whole(values: Any) -> bool:
    """Whether these are whole numbers of 1 or more."""
    some = np.asarray(values)
    return some.ndim == 1 and some.dtype.kind in "iu" and bool((some > 0).all())
