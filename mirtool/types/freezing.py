"""What makes the containers read-only."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def frozen(array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
    """Return a read-only view (or copy, where the dtype changes) of an array."""
    view = np.asarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view
