"""The file of answers: inputs, right outcomes and those of known mistakes, as numbers, with a hint for each mistake.

The student edition contains it in place of the solutions: nothing in it is code.
"""

from pathlib import Path

import h5py
import numpy as np

from ..._files import written_beside
from .judge import Answers, KnownMistake, KnownPair
from .packing import pack, unpack

TABLE = "table"
ANSWERS = Path(__file__).resolve().parent / "answers.h5"


def write_answers(path, answers, *, overwrite=False):
    """Write the answers of exercises, {exercise: Answers}."""
    with written_beside(path, overwrite=overwrite) as temporary, h5py.File(temporary, "w") as f:
        f.attrs["format"] = "pixelgrad answers"
        for name, answer in answers.items():
            tree = {
                "inputs": answer.inputs,
                "right": answer.right,
                "mistakes": [{"name": m.name, "hint": m.hint, "outcomes": m.outcomes} for m in answer.mistakes],
                "pairs": [{"names": p.names, "case": p.case, "outcome": p.outcome} for p in answer.pairs],
            }
            group = f.create_group(name)
            packed = pack(tree)
            # One array for all numbers of a kind: thousands of tiny datasets would make a file of many megabytes.
            for kind, (values, table) in _joined(packed).items():
                group.create_dataset(kind, data=values, compression="gzip", shuffle=True)
                group.create_dataset(f"{kind} {TABLE}", data=table, compression="gzip")


def read_answers(names=None, path=ANSWERS):
    """The answers of some exercises, or of all: {exercise: Answers}.

    Raises
    ------
    FileNotFoundError
        There is no such file: this is not a student edition.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is missing; unpack the student edition again, your files stay as they are")
    answers = {}
    with h5py.File(path, "r") as f:
        for name in names or f:
            kinds = [kind for kind in f[name] if not kind.endswith(TABLE)]
            tree = unpack(_parted((f[name][kind][()], f[name][f"{kind} {TABLE}"][()]) for kind in kinds))
            mistakes = [KnownMistake(m["name"], m["hint"], m["outcomes"]) for m in tree["mistakes"]]
            pairs = [KnownPair(tuple(p["names"]), p["case"], p["outcome"]) for p in tree["pairs"]]
            answers[name] = Answers(tree["inputs"], tree["right"], mistakes, pairs)
    return answers


def _joined(arrays):
    """Arrays by name as one long array for each type, with a table of their names and shapes."""
    kinds = {}
    for name, array in arrays.items():
        kinds.setdefault(array.dtype.str.strip("<>|="), []).append((name, array))
    return {
        kind: (
            np.concatenate([array.reshape(-1) for _, array in some]),
            np.frombuffer(_table(some).encode(), np.uint8),
        )
        for kind, some in kinds.items()
    }


def _table(named):
    return ";".join(f"{name}:{','.join(map(str, array.shape))}" for name, array in named)


def _parted(kinds):
    """Arrays by name from pairs (all numbers of a type, their table)."""
    arrays = {}
    for values, table in kinds:
        first = 0
        for entry in table.tobytes().decode().split(";"):
            name, shape = entry.split(":")
            shape = tuple(int(n) for n in shape.split(",") if n)
            count = int(np.prod(shape))
            arrays[name], first = values[first : first + count].reshape(shape), first + count
    return arrays
