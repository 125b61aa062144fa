"""Look up rows of tables by ids. Backward sums over all positions where a row was read.

Dimensions: N windows, K window width, D vector dimension, F features a word, V vocabulary,
U distinct words of a batch, S reserved ids (out of vocabulary, boundary), R distinct rows that were read.
"""

from collections.abc import Callable

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import ShapeError
from windowclf.nn.gradients import RowGradient, check_ids

EmbeddingBackward = Callable[[Floats], RowGradient | None]
WordEmbeddingBackward = Callable[[Floats], tuple[RowGradient | None, RowGradient]]
TunedEmbeddingBackward = Callable[[Floats], tuple[RowGradient, RowGradient]]
WindowBackward = Callable[[Floats], Floats]


def embedding(E: Floats, *, ids: Ints, needs_gradient: bool = True) -> tuple[Floats, EmbeddingBackward]:
    """Replace each id by its row: x[i] = E[ids[i]].

    Parameters
    ----------
    E : Floats of shape (V, D)
    ids : Ints of any shape
        Rows of E, from 0 to V - 1.
    needs_gradient : bool
        False if E is frozen, that is, not trained.

    Returns
    -------
    x : Floats of shape ids.shape + (D,)
    backward : callable
        dx (the shape of x) -> dE, a RowGradient; None if E is frozen.

    Raises
    ------
    ShapeError
        If an id is not a row of E.

    Notes
    -----
    x = O E, with O the one-hot matrix of the ids. So dE = O^T dx: row v of dE is the sum of dx over all
    positions with id v. O is never built.
    """
    check_ids(ids, len(E))

    def backward(dx: Floats) -> RowGradient | None:
        if not needs_gradient:
            return None
        return RowGradient.from_places(ids.reshape(-1), dx.reshape(-1, E.shape[1]), len(E))

    return E[ids], backward


def word_embedding(
    E: Floats, special: Floats, *, ids: Ints, E_needs_gradient: bool = True
) -> tuple[Floats, WordEmbeddingBackward]:
    """Look words up in two tables end to end: first `special`, with the vectors of reserved ids, then E.

    An id below S is row `id` of `special` (0: out of vocabulary, 1: sentence boundary), any other one is row
    `id - S` of E. The tables are separate because E may be frozen, of another dtype, and a read-only memory
    map too large to copy. Only rows with an id in `ids` are read.

    Parameters
    ----------
    E : Floats of shape (V, D)
        The words' vectors.
    special : Floats of shape (S, D)
        The vectors of reserved ids; always trained.
    ids : Ints of any shape
        From 0 to S + V - 1.
    E_needs_gradient : bool
        False if E is frozen.

    Returns
    -------
    x : Floats of shape ids.shape + (D,)
        In the dtype of `special`.
    backward : callable
        dx (the shape of x) -> (dE, dspecial), two RowGradients; dE is None if E is frozen.

    Raises
    ------
    ShapeError
        If an id is in neither table, or the tables differ in D.
    """
    S, D = special.shape
    if E.shape[1] != D:
        raise ShapeError("E and special differ in dimension", found=E.shape[1], allowed=str(D))
    check_ids(ids, S + len(E))
    is_special = ids < S
    special_ids, word_ids = ids[is_special], ids[~is_special] - S

    x = np.empty((*ids.shape, D), special.dtype)
    x[is_special] = special[special_ids]
    x[~is_special] = E[word_ids]

    def backward(dx: Floats) -> tuple[RowGradient | None, RowGradient]:
        # Each position belongs to one of the tables, which sums over its own positions.
        dE = RowGradient.from_places(word_ids, dx[~is_special], len(E)) if E_needs_gradient else None
        return dE, RowGradient.from_places(special_ids, dx[is_special], S)

    return x, backward


def tuned_embedding(
    T: Floats, special: Floats, *, ids: Ints, frozen: Floats
) -> tuple[Floats, TunedEmbeddingBackward]:
    """Look words up in a tuned copy T of the first rows of a frozen table; ids as in `word_embedding`.

    The second of two channels (Kim 2014, "Convolutional neural networks for sentence classification", section
    3.1), beside a frozen `word_embedding`. Rows that training never reads would stay equal in both, so T does
    not have them and the frozen table is read instead. The vectors of reserved ids are always trained, and
    are the same in both channels.

    Parameters
    ----------
    T : Floats of shape (R, D)
        The tuned vectors of words 0 to R - 1.
    special, ids
        As in `word_embedding`.
    frozen : Floats of shape (V, D)
        The vectors that T was copied from, R <= V.

    Returns
    -------
    x : Floats of shape ids.shape + (D,)
        In the dtype of `special`.
    backward : callable
        dx (the shape of x) -> (dT, dspecial), two RowGradients; `frozen` gets no gradient.

    Raises
    ------
    ShapeError
        If an id is in no table, the tables differ in D, or T has more rows than `frozen`.
    """
    (R, D), S = T.shape, len(special)
    if not frozen.shape[1] == special.shape[1] == D or R > len(frozen):
        found = (T.shape, special.shape, frozen.shape)
        raise ShapeError(
            "the shapes of the tables do not agree", found=found, allowed="(R, D), (S, D), (V, D), R <= V"
        )
    check_ids(ids, S + len(frozen))
    is_special = ids < S
    is_tuned = ~is_special & (ids < S + R)
    is_frozen = ids >= S + R
    special_ids, tuned_ids = ids[is_special], ids[is_tuned] - S

    x = np.empty((*ids.shape, D), special.dtype)
    x[is_special] = special[special_ids]
    x[is_tuned] = T[tuned_ids]
    x[is_frozen] = frozen[ids[is_frozen] - S]

    def backward(dx: Floats) -> tuple[RowGradient, RowGradient]:
        return (
            RowGradient.from_places(tuned_ids, dx[is_tuned], R),
            RowGradient.from_places(special_ids, dx[is_special], S),
        )

    return x, backward


def window(x: Floats, *, ids: Ints) -> tuple[Floats, WindowBackward]:
    """Put the K words of each window side by side: y[n] = [x[ids[n, 0]], …, x[ids[n, K-1]]].

    Parameters
    ----------
    x : Floats of shape (U, F)
        The distinct words of the batch, each once.
    ids : Ints of shape (N, K)
        The words of each window, as rows of x.

    Returns
    -------
    y : Floats of shape (N, K·F)
    backward : callable
        dy (N, K·F) -> dx (U, F).

    Raises
    ------
    ShapeError
        If `ids` is not a matrix or names a row that x does not have.

    Notes
    -----
    A word is in up to K consecutive windows, and may be twice in one. dx[u] sums the F numbers of dy at all
    positions (n, k) with ids[n, k] = u.
    """
    if ids.ndim != 2:
        raise ShapeError("window ids must be a matrix", found=ids.shape, allowed="(N, K)")
    U, F = x.shape
    N, K = ids.shape
    check_ids(ids, U)

    def backward(dy: Floats) -> Floats:
        dx_at_places = dy.reshape(N * K, F)
        return RowGradient.from_places(ids.reshape(-1), dx_at_places, U).to_dense()

    return x[ids].reshape(N, K * F), backward
