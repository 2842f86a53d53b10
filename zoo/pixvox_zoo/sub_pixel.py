"""From a vector to an image by sub-pixel convolutions (Shi et al., arXiv:1609.05158)."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_zoo.patches import joined


class SubPixel(nn.Module):
    """A linear layer to a coarse map, then convolutions that double its side, norm, and GELU.

    Each convolution paints 2 x 2 (x 2) finer places for every place that it sees, so none works on
    the finest map, where volumes cost most.

    Args:
        channels: of the coarse map; halved at every step.
        coarsest: greatest side of the coarse map.
    """

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        num_features: int,
        channels: int,
        coarsest: int,
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        norm = nn.BatchNorm2d if dims == 2 else nn.BatchNorm3d
        sides = [(image_size + 1) // 2, image_size]
        while sides[0] > coarsest:
            sides.insert(0, (sides[0] + 1) // 2)
        self.coarse, *self.sides = sides
        self.dims = dims
        widths = [max(1, channels // 2**step) for step in range(len(self.sides))]
        self.enter = nn.Linear(num_features, channels * self.coarse**dims)
        self.steps = nn.ModuleList(
            convolution(here, following * 2**dims, 3, padding=1)
            for here, following in zip(widths, [*widths[1:], in_channels], strict=True)
        )
        self.between = nn.ModuleList(nn.Sequential(norm(w), nn.GELU()) for w in widths[1:])

    def forward(self, vectors: Tensor) -> Tensor:
        """``[R, E] -> [R, C, *S]``."""
        x: Tensor = self.enter(vectors).unflatten(1, (-1, *[self.coarse] * self.dims))
        x = finer(self.steps[0](x), self.sides[0])
        rest = zip(self.between, self.steps[1:], self.sides[1:], strict=True)
        for between, step, side in rest:
            x = finer(step(between(x)), side)
        return x


def finer(x: Tensor, side: int) -> Tensor:
    """``[R, C * 2^dims, *S] -> [R, C, *side]``: channels become places, beyond ``side`` none."""
    spread: Tensor = joined(x.flatten(2).mT, x.shape[2:], 2)
    for axis in range(2, x.ndim):
        spread = spread.narrow(axis, 0, side)
    return spread
