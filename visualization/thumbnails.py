"""An embedding as a picture: every image in a free cell of a grid near its point."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from .._typing import Array, Images, IntArray
from .checks import check_features, check_whole


def grid_cells(Y: Array, *, shape: tuple[int, int] | None = None) -> IntArray:
    """Assign each point to its own cell of a grid, near its position.

    Parameters
    ----------
    Y : ndarray (N, 2)
        Positions: right, up.
    shape : (int, int), optional
        Rows and columns, at least N cells. By default nearly square, without cells to spare for another row.

    Returns
    -------
    cells : ndarray (N, 2) of int
        Row (from the top) and column of each point; no two are the same.

    Raises
    ------
    ValueError, TypeError
        Y is not a table of positions, or the grid is too small.

    Notes
    -----
    The assignment with the least sum of squared distances, after Y has been stretched to the grid. It takes seconds
    for 2,000 points.

    Examples
    --------
    >>> grid_cells(np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]])).shape
    (4, 2)
    """
    op = "grid_cells"
    check_features(op, Y, "Y", least=1)
    if Y.shape[1] != 2:
        raise ValueError(f"{op}: Y must have the shape (N, 2), got {Y.shape}")
    columns = int(np.ceil(np.sqrt(len(Y))))
    rows, columns = (-(-len(Y) // columns), columns) if shape is None else shape
    check_whole(op, 1, rows=rows, columns=columns)
    if rows * columns < len(Y):
        raise ValueError(f"{op}: a grid of {rows} x {columns} cells is too small for {len(Y)} points")
    low, span = Y.min(axis=0), np.ptp(Y, axis=0)
    unit = (Y - low) / np.where(span > 0, span, 1)
    wanted = np.stack([(1 - unit[:, 1]) * (rows - 1), unit[:, 0] * (columns - 1)], axis=1).astype(np.float64)
    cells = np.stack(np.unravel_index(np.arange(rows * columns), (rows, columns)), axis=1)
    cost = (wanted**2).sum(axis=1)[:, None] + (cells**2).sum(axis=1) - 2 * wanted @ cells.T  # (N, rows * columns)
    _, chosen = linear_sum_assignment(cost)
    return cells[chosen]


def thumbnail_map(
    pictures: Images, cells: IntArray, *, shape: tuple[int, int] | None = None, gap: int = 1, background: int = 255
) -> Images:
    """A large picture with each small one in its cell.

    Parameters
    ----------
    pictures : ndarray (N, H, W, 3) uint8
    cells : ndarray (N, 2) of int
        Row and column of each, as from `grid_cells`; no two the same.
    shape : (int, int), optional
        Rows and columns; as many as needed by default.
    gap : int
        Pixels between pictures.
    background : int
        Grey level of gaps and empty cells.

    Returns
    -------
    ndarray (rows * (H + gap) - gap, columns * (W + gap) - gap, 3) uint8

    Examples
    --------
    >>> pictures = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    >>> thumbnail_map(pictures, np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).shape
    (17, 17, 3)
    """
    op = "thumbnail_map"
    pictures, cells = np.asarray(pictures), np.asarray(cells)
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or len(pictures) == 0:
        raise ValueError(f"{op}: pictures must be uint8 (N, H, W, 3), got {pictures.dtype} {pictures.shape}")
    if cells.shape != (len(pictures), 2) or not np.issubdtype(cells.dtype, np.integer) or cells.min() < 0:
        raise ValueError(f"{op}: {len(pictures)} pictures need as many cells (row, column), got {cells.shape}")
    rows, columns = cells.max(axis=0) + 1 if shape is None else shape
    if (cells >= (rows, columns)).any() or len(np.unique(cells, axis=0)) < len(cells):
        raise ValueError(f"{op}: cells must differ and lie in the grid of {rows} x {columns}")
    check_whole(op, 0, gap=gap, background=background)
    H, W = pictures.shape[1] + gap, pictures.shape[2] + gap
    out = np.full((rows * H - gap, columns * W - gap, 3), background, dtype=np.uint8)
    for picture, (row, column) in zip(pictures, cells):
        out[row * H : row * H + H - gap, column * W : column * W + W - gap] = picture
    return out
