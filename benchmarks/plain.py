"""A network in the plain NumPy way: what one writes first, in NCHW, without looking at speed.

Convolution: one im2col for the whole batch through `sliding_window_view`, one matrix product; its gradient: one
product and col2im, a loop over filter offsets. Frozen parameters get no gradients. Batch norm and ReLU as they stand in
the textbook.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class PlainNetwork:
    """The same parameters and results as a pixelgrad network of conv-bn-relu blocks, pooling and affine layers."""

    def __init__(self, model):
        self.blocks, self.params = model.named_blocks(), {k: v.copy() for k, v in model.params.items()}
        self.velocity = {}

    def forward(self, x, end=None, train=False):
        caches = []
        for _, block in self.blocks[: None if end is None else end + 1]:
            kind, n = type(block).__name__, getattr(block, "number", 0)
            shape = x.shape
            if kind == "GlobalAvgPool":
                x, cols = x.mean(axis=(2, 3)), None
            elif kind == "Conv":
                x, cols = self._conv(x, block)
            else:
                cols = x.reshape(len(x), -1)
                x = cols @ self.params[f"W{n}"] + self.params.get(f"b{n}", 0)
            norm = None
            if getattr(block, "batchnorm", False):
                x, norm = self._batchnorm(x, n, train)
            if getattr(block, "relu", False):
                x = np.maximum(x, 0)
            caches.append((block, shape, cols if train else None, norm, x))
        return x, caches

    def backward(self, dout, caches, train=False):
        grads = {}
        for block, shape, cols, norm, out in reversed(caches):
            kind, n = type(block).__name__, getattr(block, "number", 0)
            if getattr(block, "relu", False):
                dout = dout * (out > 0)
            if norm is not None:
                dout = self._batchnorm_backward(dout, norm, n, train, grads)
            if kind == "GlobalAvgPool":
                dout = np.broadcast_to(dout[:, :, None, None] / (shape[2] * shape[3]), shape)
            elif kind == "Conv":
                dout = self._conv_backward(dout, block, shape, cols, train, grads)
            else:
                if train:
                    grads[f"W{n}"] = cols.T @ dout
                    if f"b{n}" in self.params:
                        grads[f"b{n}"] = dout.sum(axis=0)
                dout = (dout @ self.params[f"W{n}"].T).reshape(shape)
        return dout, grads

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

    def _conv(self, x, block):
        w = self.params[f"W{block.number}"]
        F, C, k, _ = w.shape
        p, s = block.pad, block.stride
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = sliding_window_view(padded, (k, k), axis=(2, 3))[:, :, ::s, ::s]  # (N, C, HO, WO, k, k)
        N, _, HO, WO = windows.shape[:4]
        cols = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * HO * WO, C * k * k)
        out = cols @ w.reshape(F, -1).T
        if f"b{block.number}" in self.params:
            out = out + self.params[f"b{block.number}"]
        return out.reshape(N, HO, WO, F).transpose(0, 3, 1, 2), cols

    def _conv_backward(self, dout, block, shape, cols, train, grads):
        w = self.params[f"W{block.number}"]
        F, C, k, _ = w.shape
        p, s = block.pad, block.stride
        N, _, HO, WO = dout.shape
        rows = dout.transpose(0, 2, 3, 1).reshape(-1, F)
        if train:
            grads[f"W{block.number}"] = (rows.T @ cols).reshape(w.shape)
            if f"b{block.number}" in self.params:
                grads[f"b{block.number}"] = rows.sum(axis=0)
            if block.number == 1:  # training has no use for the gradient to its images
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
