"""The one kernel decorator."""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

# Reassociation, contraction to FMA and reciprocals let LLVM vectorise sums; "nnan" and "ninf" stay out, so that NaN in
# means NaN out and infinite costs (cells outside of a band) behave.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}


def kernel(function: Function) -> Function:
    """Compile a loop over bare C-contiguous arrays, lazily, with the disk cache.

    One dtype and layout a kernel: each further one costs a compilation. The GIL is released, so that two threads can
    work on two inputs. `NUMBA_DISABLE_JIT=1` and `NUMBA_BOUNDSCHECK=1` work as numba documents them.
    """
    boundscheck = os.environ.get("NUMBA_BOUNDSCHECK") == "1"
    options: dict[str, Any] = {"nogil": True, "fastmath": FASTMATH, "boundscheck": boundscheck}
    try:
        return cast(Function, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # no folder to keep the cache in: compile anew in each process
        return cast(Function, numba.njit(cache=False, **options)(function))
