"""A constant matrix that meets many others: on CPU in the layout of oneDNN, elsewhere as it is."""

from __future__ import annotations

import torch
from torch import Tensor


class Matrix:
    """``[R, D]``, kept ready for products with its transpose.

    Torch multiplies plain float32 by MKL, which leaves half of an AMD core idle; tensors in
    oneDNN's layout go to oneDNN, at two to three times the speed for few rows (measured: 180
    against 70 Gflop/s for 15 rows of 512 on one EPYC core). Its results may differ in the last bit.
    """

    def __init__(self, dense: Tensor) -> None:
        self.dense = dense
        packed = torch.backends.mkldnn.is_available() and dense.device.type == "cpu"
        self.packed = dense.to_mkldnn() if packed and dense.dtype == torch.float32 else None

    def times(self, rows: Tensor) -> Tensor:
        """``[P, D] -> [P, R]``: every row with every row of the matrix."""
        if self.packed is None:
            return rows @ self.dense.T
        return torch.nn.functional.linear(rows.contiguous().to_mkldnn(), self.packed).to_dense()
