"""A network in the plain NumPy way: what one writes first, in NCHW, without looking at speed.

Convolution: one im2col for the whole batch through `sliding_window_view`, one matrix product; its gradient: one
product and col2im, a loop over filter offsets. Frozen parameters get no gradients. Batch norm and ReLU as they stand in
the textbook.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .workloads import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHTS, TV_WEIGHT


class PlainNetwork:
    """The same parameters and results as a pixelgrad network of conv-bn-relu blocks, pooling and affine layers."""

    def __init__(self, model):
        self.blocks, self.params = model.named_blocks(), {k: v.copy() for k, v in model.params.items()}
        self.velocity = {}

    def forward(self, x, end=None, train=False):
        caches = []
        for _, block in self.blocks[: None if end is None else end + 1]:
            kind, n = type(block).__name__, getattr(block, "number", 0)
            shape, cols = x.shape, None
            if kind == "GlobalAvgPool":
                x = x.mean(axis=(2, 3))
            elif kind == "Conv":
                x, cols = self._conv(x, n, block.stride, block.pad)
            elif kind == "Pool":
                x, cols = _max_pool(x, block)
            elif kind == "Fire":
                squeezed = np.maximum(self._conv(x, n, 1, 0)[0], 0)
                expanded = [self._conv(squeezed, n + 1, 1, 0)[0], self._conv(squeezed, n + 2, 1, 1)[0]]
                x, cols = np.maximum(np.concatenate(expanded, axis=1), 0), squeezed
            elif kind == "Affine":
                cols = x.reshape(len(x), -1)
                x = cols @ self.params[f"W{n}"] + self.params.get(f"b{n}", 0)
            norm = None
            if getattr(block, "batchnorm", False):
                x, norm = self._batchnorm(x, n, train)
            if getattr(block, "relu", False) or kind == "Relu":
                x = np.maximum(x, 0)
            kept = train or kind in ("Pool", "Fire")
            caches.append((block, shape, cols if kept else None, norm, x))
        return x, caches

    def backward(self, dout, caches, train=False, more=()):
        """`more` holds gradients to add on the way: {layer: gradient}."""
        grads = {}
        for i, (block, shape, cols, norm, out) in reversed(list(enumerate(caches))):
            kind, n = type(block).__name__, getattr(block, "number", 0)
            if i in more:
                dout = dout + more[i]
            if getattr(block, "relu", False) or kind in ("Relu", "Fire"):
                dout = dout * (out > 0)
            if norm is not None:
                dout = self._batchnorm_backward(dout, norm, n, train, grads)
            if kind == "GlobalAvgPool":
                dout = np.broadcast_to(dout[:, :, None, None] / (shape[2] * shape[3]), shape)
            elif kind == "Conv":
                dout = self._conv_backward(dout, n, block.stride, block.pad, shape, cols, train, grads)
            elif kind == "Pool":
                dout = _max_pool_backward(dout, block, shape, cols)
            elif kind == "Fire":
                e = block.expand1
                dsqueezed = self._conv_backward(dout[:, :e], n + 1, 1, 0, cols.shape, None, False, grads)
                dsqueezed = dsqueezed + self._conv_backward(dout[:, e:], n + 2, 1, 1, cols.shape, None, False, grads)
                dout = self._conv_backward(dsqueezed * (cols > 0), n, 1, 0, shape, None, False, grads)
            elif kind == "Affine":
                if train:
                    grads[f"W{n}"] = cols.T @ dout
                    if f"b{n}" in self.params:
                        grads[f"b{n}"] = dout.sum(axis=0)
                dout = (dout @ self.params[f"W{n}"].T).reshape(shape)
        return dout, grads

    def style_step(self, X, content, grams, bounds):
        """A function that does an iteration of style transfer; see `workloads`."""
        content_weight = CONTENT_WEIGHT / (content**2).sum()
        style_weights = [w / (gram**2).sum() for w, gram in zip(STYLE_WEIGHTS, grams)]
        tv_weight = TV_WEIGHT / (X.size * (bounds[1] - bounds[0]).mean() ** 2)

        def step():
            _, caches = self.forward(X, end=max(STYLE_LAYERS))
            more = {}
            for k, gram, weight in zip(STYLE_LAYERS, grams, style_weights):
                feats = caches[k][-1]
                rows = feats.reshape(1, feats.shape[1], -1)
                difference = rows @ rows.transpose(0, 2, 1) / rows.size - gram
                more[k] = (4 * weight / rows.size * difference @ rows).reshape(feats.shape)
            more[CONTENT_LAYER] = more[CONTENT_LAYER] + 2 * content_weight * (caches[CONTENT_LAYER][-1] - content)
            dX, _ = self.backward(np.zeros_like(caches[-1][-1]), caches, more=more)
            down, right = X[:, :, 1:] - X[:, :, :-1], X[:, :, :, 1:] - X[:, :, :, :-1]
            dX[:, :, 1:] += 2 * tv_weight * down
            dX[:, :, :-1] -= 2 * tv_weight * down
            dX[:, :, :, 1:] += 2 * tv_weight * right
            dX[:, :, :, :-1] -= 2 * tv_weight * right
            first, second = 0.1 * dX, 0.001 * dX**2
            return np.clip(X - 0.1 * (first / 0.1) / (np.sqrt(second / 0.001) + 1e-12), *bounds)

        return step

    def train_step(self, X, y):
        scores, caches = self.forward(X, train=True)
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        dscores = e / e.sum(axis=1, keepdims=True)
        dscores[np.arange(len(y)), y] -= 1
        _, grads = self.backward(dscores / len(y), caches, train=True)
        for name, g in grads.items():
            if name.startswith("W"):
                g = g + 5e-4 * self.params[name]
            v = self.velocity[name] = 0.9 * self.velocity.get(name, 0) + g
            self.params[name] = self.params[name] - 1e-4 * (g + 0.9 * v)
        return scores

    def _conv(self, x, number, s, p):
        w = self.params[f"W{number}"]
        F, C, k, _ = w.shape
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = sliding_window_view(padded, (k, k), axis=(2, 3))[:, :, ::s, ::s]  # (N, C, HO, WO, k, k)
        N, _, HO, WO = windows.shape[:4]
        cols = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * HO * WO, C * k * k)
        out = cols @ w.reshape(F, -1).T
        if f"b{number}" in self.params:
            out = out + self.params[f"b{number}"]
        return out.reshape(N, HO, WO, F).transpose(0, 3, 1, 2), cols

    def _conv_backward(self, dout, number, s, p, shape, cols, train, grads):
        w = self.params[f"W{number}"]
        F, C, k, _ = w.shape
        N, _, HO, WO = dout.shape
        rows = dout.transpose(0, 2, 3, 1).reshape(-1, F)
        if train:
            grads[f"W{number}"] = (rows.T @ cols).reshape(w.shape)
            if f"b{number}" in self.params:
                grads[f"b{number}"] = rows.sum(axis=0)
            if number == 1:  # training has no use for the gradient to its images
                return None
        dcols = (rows @ w.reshape(F, -1)).reshape(N, HO, WO, C, k, k)
        dpadded = np.zeros((N, C, shape[2] + 2 * p, shape[3] + 2 * p), dtype=dout.dtype)
        for i in range(k):
            for j in range(k):
                dpadded[:, :, i : i + s * HO : s, j : j + s * WO : s] += dcols[..., i, j].transpose(0, 3, 1, 2)
        return dpadded[:, :, p : p + shape[2], p : p + shape[3]]

    def _batchnorm(self, x, n, train):
        axes, column = (0, *range(2, x.ndim)), (1, -1) + (1,) * (x.ndim - 2)
        if train:
            mean, var = x.mean(axis=axes), x.var(axis=axes)
        else:
            mean, var = self.params[f"running_mean{n}"], self.params[f"running_var{n}"]
        inv_std = 1 / np.sqrt(var + np.float32(1e-5))
        xhat = (x - mean.reshape(column)) * inv_std.reshape(column)
        out = xhat * self.params[f"gamma{n}"].reshape(column) + self.params[f"beta{n}"].reshape(column)
        return out, (xhat if train else None, inv_std, axes, column)

    def _batchnorm_backward(self, dout, norm, n, train, grads):
        xhat, inv_std, axes, column = norm
        scale = (self.params[f"gamma{n}"] * inv_std).reshape(column)
        if not train:
            return dout * scale
        dgamma, dbeta = (dout * xhat).sum(axis=axes), dout.sum(axis=axes)
        grads[f"gamma{n}"], grads[f"beta{n}"] = dgamma, dbeta
        M = dout.size // dout.shape[1]
        return scale * (dout - dbeta.reshape(column) / M - xhat * dgamma.reshape(column) / M)


def _max_pool(x, block):
    """Square windows; with ceil_mode the last ones hang over the border."""
    k, s = block.size, block.stride
    _, HO, WO = block.output_shape(x.shape[1:])
    missing = [(n - 1) * s + k - size for n, size in zip((HO, WO), x.shape[2:])]
    padded = np.pad(x, ((0, 0), (0, 0), *((0, max(0, m)) for m in missing)), constant_values=-np.inf)
    windows = sliding_window_view(padded, (k, k), axis=(2, 3))[:, :, ::s, ::s][:, :, :HO, :WO]
    flat = windows.reshape(*windows.shape[:4], k * k)
    return flat.max(axis=-1), flat.argmax(axis=-1)


def _max_pool_backward(dout, block, shape, winner):
    k, s = block.size, block.stride
    N, C, HO, WO = dout.shape
    H, W = max(shape[2], (HO - 1) * s + k), max(shape[3], (WO - 1) * s + k)
    dpadded = np.zeros((N, C, H, W), dout.dtype)
    for i in range(k):
        for j in range(k):
            dpadded[:, :, i : i + s * HO : s, j : j + s * WO : s] += dout * (winner == i * k + j)
    return dpadded[:, :, : shape[2], : shape[3]]
