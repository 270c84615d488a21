"""Dropout's masks, whichever generator draws them."""

import numpy as np

from ..._language import translated as _
from .registry import ReturnError


class Masks:
    """Translates what was made with masks of any generator to what the same function makes with masks of ours.

    Which generator draws a mask is a matter of taste, `np.random.seed` and `rand` as in CS231n or a `Generator`: so a
    mask is judged by how many entries it keeps, and by whether it is the same for the same seed only.

    Attributes
    ----------
    complaint : str
        What is wrong with how masks are drawn; empty where nothing is.
    """

    _PROBE = (100, 100)  # of so many entries the share that is kept is p up to 0.02

    def __init__(self, f, dropout_param, shape):
        self.complaint, self._seen, self._share, self._factor = "", [], None, 1.0
        p, seed = dropout_param["p"], dropout_param["seed"]
        self._numbers = np.random.default_rng(seed).random((3, *shape))
        if dropout_param["mode"] == "train":
            drawn = [
                self._probe(f, {**dropout_param, "seed": seed + k}, state) for k, state in ((0, 1), (0, 2), (1, 1))
            ]
            if all(one is not None for one in drawn):
                self._look(p, *drawn)
        # Who draws from NumPy's global generator without the seed shall always get the same, or nobody could tell.
        np.random.seed(1)  # noqa: NPY002

    def _probe(self, f, dropout_param, state):
        """Where forward keeps the entries of an array of ones; None where it does something else."""
        np.random.seed(state)  # noqa: NPY002
        try:
            out = np.asarray(f.dropout_forward(np.ones(self._PROBE), dropout_param)[0])
            if out.shape != self._PROBE:
                return None
            self._factor = out.max()
            return out != 0
        except ReturnError:
            raise
        except Exception:
            return None

    def _look(self, p, first, again, other):
        if not np.array_equal(first, again):
            self.complaint = _(
                "dropout_forward drops other entries when it is called again with the same seed; seed the generator "
                "with dropout_param['seed'] in every call"
            )
        elif np.array_equal(first, other) and not first.all():
            self.complaint = _("dropout_forward drops the same entries whatever dropout_param['seed'] is")
        if self.complaint or first.all() or not first.any():
            return
        near = [share for share in (p, 1 - p) if abs(first.mean() - share) < 0.03]
        if (first == first[:1]).all():
            self.complaint = _(
                "dropout_forward drops the same entries of every image, as 100 images of 100 numbers show: draw a "
                "number for each entry of x"
            )
            self._numbers = np.broadcast_to(self._numbers[:, :1], self._numbers.shape)
            near = near or [p]  # a single row may keep any share
        elif not near:
            self.complaint = _(
                "dropout_forward keeps another share than p, as 100 images of 100 numbers show: draw uniform numbers, "
                "and keep where they are below p"
            )
        self._share = near[0] if near else round(20 * first.mean()) / 20

    def translated(self, value, given):
        """What was made of `given` by a mask and a factor, with our mask; anything else as it came.

        All that was given is the result of a mask only where forward's mask has kept all of it.
        """
        value = np.asarray(value)
        if self._share is None or value.shape != given.shape or value.dtype.kind != "f":
            return value
        kept = value != 0
        for base in (given, np.ones(given.shape)):
            factor = value[kept][0] / base[kept][0] if kept.any() else self._factor
            unmasked = kept.all() and factor == 1 and self._seen and not self._seen[0].all()
            if np.allclose(value, base * kept * factor, rtol=1e-5, atol=0) and not unmasked:
                known = [k for k, mask in enumerate(self._seen) if np.array_equal(mask, kept)]
                if not known and len(self._seen) < len(self._numbers):
                    known = [len(self._seen)]
                    self._seen.append(kept)
                if known:
                    return (base * (self._numbers[known[0]] < self._share) * factor).astype(value.dtype)
        return value
