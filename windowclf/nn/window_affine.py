"""`window` and the `affine` above it as one operation, which multiplies each distinct word once.

Dimensions: N windows, K window width, U distinct words of the batch, F numbers a word, H hidden units.
"""

from collections.abc import Callable

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import ShapeError
from windowclf.nn.gradients import check_ids
from windowclf.nn.selection import Selection
from windowclf.nn.workspace import Workspace, take

WindowAffineBackward = Callable[[Floats], tuple[Floats | None, Floats, Floats]]


def window_affine(
    x: Floats,
    W: Floats,
    b: Floats,
    *,
    ids: Ints,
    x_needs_gradient: bool = True,
    x_rows: Ints | None = None,
    workspace: Workspace | None = None,
) -> tuple[Floats, WindowAffineBackward]:
    """Compute z[n] = Σ_k x[ids[n, k]] W_k + b: `window`, then `affine`, multiplying each word once.

    Parameters
    ----------
    x : Floats of shape (U, F)
        The distinct words of the batch, each once.
    W : Floats of shape (K·F, H)
        Its block W_k, the rows k·F to (k+1)·F, is for the word at position k of a window.
    b : Floats of shape (H,)
    ids : Ints of shape (N, K)
        The words of each window, as rows of x.
    x_needs_gradient : bool
        False if nothing below x is trained: dx is then None, and is not computed.
    x_rows : Ints of shape (R,), optional
        The rows of x below which something is trained; the other rows of dx stay zero. Default: all.
    workspace : Workspace, optional
        Memory to reuse; `backward` must then be called before its next use.

    Returns
    -------
    z : Floats of shape (N, H)
    backward : callable
        dz (N, H) -> (dx, dW, db).

    Raises
    ------
    ShapeError
        If the shapes do not agree, or an id is not a row of x.

    Notes
    -----
    The words of a window side by side, times W, is the sum of each word times its block. So we multiply each
    distinct word by all blocks, P = x [W_0, …, W_K-1] (U, K·H), and add up K pieces of H numbers a window:
    z = S P + b, with P read as (U·K, H) and S (N, U·K) the matrix that has a 1 at (n, ids[n, k]·K + k) for
    each k. This is U·K·F·H multiplications instead of N·K·F·H. Backward, by the rules of `affine`:

    - dP = S^T dz: piece (u, k) sums dz over all windows with word u at position k;
    - dx = dP [W_0, …, W_K-1]^T  and  [dW_0, …, dW_K-1] = x^T dP, one product each, again of U rows;
    - db[j] = Σ_n dz[n, j].
    """
    if ids.ndim != 2:
        raise ShapeError("window ids must be a matrix", found=ids.shape, allowed="(N, K)")
    N, K = ids.shape
    U, F = x.shape
    H = len(b)
    if W.shape != (K * F, H):
        found = (x.shape, W.shape, b.shape, ids.shape)
        allowed = "x (U, F), W (K·F, H), b (H,), ids (N, K)"
        raise ShapeError(
            "the shapes of x, W, b and ids do not agree", where="window_affine", found=found, allowed=allowed
        )
    check_ids(ids, U)
    blocks = take(workspace, "blocks", (F, K * H), W.dtype)  # the W_k side by side, for one product
    np.copyto(blocks.reshape(F, K, H), W.reshape(K, F, H).transpose(1, 0, 2))
    products = np.matmul(x, blocks, out=take(workspace, "products", (U, K * H), x.dtype))
    pieces = (ids.astype(np.int32) * K + np.arange(K, dtype=np.int32)).reshape(-1)
    selection = Selection(pieces, np.arange(0, N * K + 1, K, dtype=np.int32), U * K)
    z = selection.add(products.reshape(U * K, H))
    z += b

    def backward(dz: Floats) -> tuple[Floats | None, Floats, Floats]:
        dproducts = selection.spread(dz).reshape(U, K * H)
        dx: Floats | None = None
        if x_needs_gradient and x_rows is None:
            dx = dproducts @ blocks.T
        elif x_needs_gradient:
            dx = np.zeros_like(x)
            dx[x_rows] = dproducts[x_rows] @ blocks.T
        dblocks = np.matmul(x.T, dproducts, out=take(workspace, "dblocks", (F, K * H), x.dtype))
        dW = np.empty_like(W)
        np.copyto(dW.reshape(K, F, H), dblocks.reshape(F, K, H).transpose(1, 0, 2))
        return dx, dW, dz.sum(axis=0)

    return z, backward
