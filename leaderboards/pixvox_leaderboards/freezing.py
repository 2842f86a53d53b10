"""Which protocols keep the encoder frozen, and which train it; of others nothing is said."""

from __future__ import annotations

FROZEN = frozenset(
    {"clustering", "clustering_by_classes", "knn_probe", "linear_probe", "segmentation_frozen"}
)
ALONG = frozenset({"finetune", "segmentation_finetune"})  # it starts at the weights of the method
TRAINED = ALONG | {"from_scratch"}
