"""The types that signatures speak of. Shapes stand in the docstrings: NumPy's types do not know them."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]  # float32 in networks, float64 in gradient checks
IntArray: TypeAlias = NDArray[np.integer[Any]]
BoolArray: TypeAlias = NDArray[np.bool_]
Images: TypeAlias = NDArray[np.uint8]  # pictures for people, (H, W, 3) or (N, H, W, 3)
Cache: TypeAlias = Any  # what a forward pass keeps for its backward pass: only these two look inside
