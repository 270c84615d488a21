"""Pixels replaced by a mixture of their neighbours: what ROAD puts in place of what it removes.

Y. Rong et al., "A consistent and efficient evaluation strategy for attribution methods", 2022, section 4.2: each
missing pixel is the weighted mean of its eight neighbours, missing or not. That is a system of linear equations, with a
row for each missing pixel.
"""

import numpy as np

# (rows down, columns right, weight): direct neighbours count twice as much as diagonal ones.
NEIGHBOURS = [
    (dy, dx, 1 / 6 if dy == 0 or dx == 0 else 1 / 12) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)
]


def fill_smoothly(image, missing):
    """An image (C, H, W) whose `missing` pixels (H, W) are the weighted means of their neighbours.

    At the border the weights of the neighbours that there are count in full. Without any pixel to start from the
    result is 0 everywhere.
    """
    import scipy.sparse  # a quarter of a second to import, and few need it
    from scipy.sparse.linalg import splu

    if not missing.any():
        return image.copy()
    if missing.all():
        return np.zeros_like(image)
    padded = np.pad(image.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    exists, known = np.pad(np.ones(missing.shape), 1), np.pad(~missing, 1)
    number = np.full(known.shape, -1)
    rows, columns = np.nonzero(np.pad(missing, 1))
    P = len(rows)
    number[rows, columns] = np.arange(P)

    weights, given = np.zeros(P), np.zeros((P, len(image)))
    entries = []
    for dy, dx, weight in NEIGHBOURS:
        place = rows + dy, columns + dx
        weights += weight * exists[place]
        given += weight * (padded[:, place[0], place[1]] * known[place]).T
        coupled = np.flatnonzero(number[place] >= 0)
        entries.append((coupled, number[place][coupled], np.full(len(coupled), -weight)))
    entries.append((np.arange(P), np.arange(P), weights))
    i, j, values = (np.concatenate(part) for part in zip(*entries))
    matrix = scipy.sparse.csc_matrix((values, (i, j)), shape=(P, P))
    solved = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(given)  # (P, C)
    out = image.copy()
    out[:, missing] = solved.T
    return out
