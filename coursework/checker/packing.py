"""Inputs and outputs of exercises as plain arrays and JSON, so that reading them cannot run code.

A tree is a dictionary whose leaves are arrays, numbers, text, None, and lists of them. `pack` replaces the
arrays by names; `unpack` puts them back. The same pair serves for files (.npz) and HDF5.
"""

import json

import numpy as np

ARRAY = "array number"
DESCRIPTION = "json"


def pack(tree):
    """Arrays by name, and the tree as JSON under the name "json": a dict of str to ndarray."""
    arrays, names = {}, {}

    def replace(node):
        if isinstance(node, np.ndarray | np.generic):
            array = np.asarray(node)
            # Equal arrays are kept once: many cases share a network.
            name = names.setdefault((array.dtype.str, array.shape, array.tobytes()), f"a{len(arrays)}")
            arrays.setdefault(name, array)
            return {ARRAY: name}
        if isinstance(node, dict):
            return {str(key): replace(value) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [replace(value) for value in node]
        return node

    text = json.dumps(replace(tree))
    return arrays | {DESCRIPTION: np.frombuffer(text.encode(), np.uint8)}


def unpack(arrays):
    """The tree that `pack` packed; `arrays` may be any mapping of names to arrays. Equal arrays come back as one."""
    arrays = dict(arrays)  # each is read once, however often it occurs

    def put_back(node):
        if isinstance(node, dict):
            if set(node) == {ARRAY}:
                return np.asarray(arrays[node[ARRAY]])
            return {key: put_back(value) for key, value in node.items()}
        return [put_back(value) for value in node] if isinstance(node, list) else node

    return put_back(json.loads(np.array(arrays[DESCRIPTION]).tobytes().decode()))


def copied(tree):
    """The tree with copies of all arrays."""
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [copied(value) for value in tree]
    return tree.copy() if isinstance(tree, np.ndarray) else tree


def same(a, b):
    """Whether two trees are equal, bit for bit."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and a == b
