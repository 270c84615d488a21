"""The *Layers* track in the manner of CS231n's students: see `dialect`."""

import numpy as np
from dialect import right, wrong

# -- affine ------------------------------------------------------------------------------------------------------------

AFFINE = ("affine", "affine_forward", "affine_backward")


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


@right(*AFFINE)
def affine_as_in_the_notes():
    return affine_forward, affine_backward


@right(*AFFINE)
def affine_with_n_and_d():
    def forward(x, w, b):
        N = x.shape[0]
        D = np.prod(x.shape[1:])
        x_rs = np.reshape(x, (N, -1))
        out = np.dot(x_rs, w) + b.reshape(1, -1)
        assert D == w.shape[0]
        return out, (x, w, b)

    def backward(dout, cache):
        x, w, b = cache
        N = x.shape[0]
        x_rs = np.reshape(x, (N, -1))
        db = dout.T.dot(np.ones(N))
        dw = np.dot(x_rs.T, dout)
        dx = np.dot(dout, w.T).reshape(*x.shape)
        return dx, dw, db

    return forward, backward


@right(*AFFINE)
def affine_with_more_in_the_cache():
    def forward(x, w, b):
        flat = x.reshape((len(x), w.shape[0]))
        return flat @ w + b, (x, flat, w, b, x.shape)

    def backward(dout, cache):
        _, flat, w, _, shape = cache
        return (dout @ w.T).reshape(shape), flat.T @ dout, dout.sum(0)

    return forward, backward


@right(*AFFINE)
def affine_with_a_string_in_the_cache():
    def forward(x, w, b):
        return np.einsum("ij,jk->ik", x.reshape(len(x), -1), w) + b, ("affine", x, w)

    def backward(dout, cache):
        _, x, w = cache
        return np.einsum("ik,jk->ij", dout, w).reshape(x.shape), x.reshape(len(x), -1).T @ dout, np.sum(dout, 0)

    return forward, backward


@right(*AFFINE)
def affine_in_a_loop_over_images():
    def forward(x, w, b):
        out = np.zeros((x.shape[0], w.shape[1]))
        for i in range(x.shape[0]):
            out[i] = x[i].flatten().dot(w) + b
        return out, (x, w, b)

    def backward(dout, cache):
        x, w, b = cache
        dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
        for i in range(x.shape[0]):
            dx[i] = w.dot(dout[i]).reshape(x[i].shape)
            dw += np.outer(x[i].flatten(), dout[i])
            db += dout[i]
        return dx, dw, db

    return forward, backward


@wrong(*AFFINE, told="dx keeps the flat shape")
def affine_dx_flat():
    def backward(dout, cache):
        x, w, b = cache
        return dout.dot(w.T), x.reshape(x.shape[0], -1).T.dot(dout), dout.sum(axis=0)

    return affine_forward, backward


@wrong(*AFFINE, told="db is a row")
def affine_db_keepdims():
    def backward(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, dw, np.sum(dout, axis=0, keepdims=True)

    return affine_forward, backward


@wrong(*AFFINE, told="is a numpy.matrix")
def affine_with_a_matrix():
    def backward(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, np.asmatrix(dw), db

    return affine_forward, backward


@wrong(*AFFINE, told="one number")
def affine_db_a_scalar():
    def backward(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, dw, float(dout.sum())

    return affine_forward, backward


@wrong(*AFFINE, told="cache")
def affine_forward_returns_only_out():
    def forward(x, w, b):
        return x.reshape(x.shape[0], -1).dot(w) + b

    return forward, affine_backward


@wrong(*AFFINE, told="bias forgotten")
def affine_without_b():
    def forward(x, w, b):
        return x.reshape(x.shape[0], -1).dot(w), (x, w, b)

    return forward, affine_backward


@wrong(*AFFINE, told="mean over the batch")
def affine_mean_in_db():
    def backward(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, dw, db / dout.shape[0]

    return affine_forward, backward


# -- relu --------------------------------------------------------------------------------------------------------------

RELU = ("relu", "relu_forward", "relu_backward")


def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    dx, x = None, cache
    dx = dout * (x > 0)
    return dx


@right(*RELU)
def relu_as_in_the_notes():
    return relu_forward, relu_backward


@right(*RELU)
def relu_with_an_indexed_copy():
    def backward(dout, cache):
        dx = np.array(dout, copy=True)
        dx[cache <= 0] = 0
        return dx

    return relu_forward, backward


@right(*RELU)
def relu_with_greater_or_equal():
    def backward(dout, cache):
        return np.where(cache >= 0, dout, 0)

    return relu_forward, backward


@right(*RELU)
def relu_times_the_mask():
    def forward(x):
        mask = (x > 0).astype(float)
        return x * mask, (mask, x.shape)

    def backward(dout, cache):
        mask, _ = cache
        return mask * dout

    return forward, backward


@right(*RELU)
def relu_by_lambda():
    return (lambda x: ((np.abs(x) + x) / 2, x)), (lambda dout, cache: dout * np.greater(cache, 0))


@wrong(*RELU, told="x zeroed in place")
def relu_in_place():
    def forward(x):
        x[x < 0] = 0
        return x, x

    return forward, relu_backward


@wrong(*RELU, told="dout zeroed in place")
def relu_dout_in_place():
    def backward(dout, cache):
        dout[cache <= 0] = 0
        return dout

    return relu_forward, backward


@wrong(*RELU, told="gate looks at dout")
def relu_gate_of_dout():
    def backward(dout, cache):
        return np.maximum(dout, 0)

    return relu_forward, backward


@wrong(*RELU, told="gradient passes at zero", stage="zero")
def relu_zero_passes():
    def backward(dout, cache, rule="standard"):
        if rule == "standard":
            return dout * (cache >= 0)
        if rule == "guided":
            return dout * (cache >= 0) * (dout > 0)
        return dout * (dout > 0)

    return relu_forward, backward


@wrong(*RELU, told=("dout forgotten", "dout"))
def relu_without_dout():
    def backward(dout, cache):
        return (cache > 0).astype(float)

    return relu_forward, backward


@wrong(*RELU, told="multiplied by")
def relu_times_x():
    def backward(dout, cache):
        return dout * np.maximum(cache, 0)

    return relu_forward, backward


# -- softmax -----------------------------------------------------------------------------------------------------------

SOFTMAX = ("softmax", "softmax_loss")


@right(*SOFTMAX)
def softmax_as_it_came_with_the_assignment():
    def softmax_loss(x, y):
        probs = np.exp(x - np.max(x, axis=1, keepdims=True))
        probs /= np.sum(probs, axis=1, keepdims=True)
        N = x.shape[0]
        loss = -np.sum(np.log(probs[np.arange(N), y])) / N
        dx = probs.copy()
        dx[np.arange(N), y] -= 1
        dx /= N
        return loss, dx

    return softmax_loss


@right(*SOFTMAX)
def softmax_with_log_probs():
    def softmax_loss(x, y):
        shifted_logits = x - np.max(x, axis=1, keepdims=True)
        Z = np.sum(np.exp(shifted_logits), axis=1, keepdims=True)
        log_probs = shifted_logits - np.log(Z)
        probs = np.exp(log_probs)
        N = x.shape[0]
        loss = -np.sum(log_probs[np.arange(N), y]) / N
        dx = probs.copy()
        dx[np.arange(N), y] -= 1
        dx /= N
        return loss, dx

    return softmax_loss


@right(*SOFTMAX)
def softmax_in_loops():
    def softmax_loss(x, y):
        N, C = x.shape
        loss, dx = 0.0, np.zeros_like(x)
        for i in range(N):
            f = x[i] - np.max(x[i])
            s = np.sum(np.exp(f))
            loss += -f[y[i]] + np.log(s)
            for j in range(C):
                dx[i, j] = np.exp(f[j]) / s
            dx[i, y[i]] -= 1
        return loss / N, dx / N

    return softmax_loss


@right(*SOFTMAX)
def softmax_with_a_transposed_shift():
    def softmax_loss(x, y):
        e = np.exp((x.T - x.max(axis=1)).T)
        p = (e.T / e.sum(axis=1)).T
        onehot = np.eye(x.shape[1])[y]
        return np.mean(-np.log((p * onehot).sum(axis=1))), (p - onehot) / len(x)

    return softmax_loss


@wrong(*SOFTMAX, told="no shift")
def softmax_without_shift():
    def softmax_loss(x, y):
        N = x.shape[0]
        probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
        loss = -np.sum(np.log(probs[range(N), y])) / N
        probs[range(N), y] -= 1
        return loss, probs / N

    return softmax_loss


@wrong(*SOFTMAX, told="no shift")
def softmax_logsumexp_without_shift():
    def softmax_loss(x, y):
        N = len(y)
        lse = np.log(np.sum(np.exp(x), axis=1))
        loss = np.mean(lse - x[np.arange(N), y])
        dx = np.exp(x) / np.exp(x).sum(axis=1)[:, None]
        dx[np.arange(N), y] -= 1
        return loss, dx / N

    return softmax_loss


@wrong(*SOFTMAX, told=("gradient of the probability", "probabilit"))
def softmax_p_times_one_minus_p():
    def softmax_loss(x, y):
        N = x.shape[0]
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y]).mean()
        return loss, p * (1 - p) / N

    return softmax_loss


@wrong(*SOFTMAX, told="division by N forgotten in the gradient")
def softmax_dx_not_averaged():
    def softmax_loss(x, y):
        N = x.shape[0]
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y]).sum() / N
        p[np.arange(N), y] -= 1
        return loss, p

    return softmax_loss


@wrong(*SOFTMAX, told=("small number", "a small constant"))
def softmax_log_of_p_plus_eps():
    def softmax_loss(x, y):
        N = x.shape[0]
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y] + 1e-5).sum() / N
        p[np.arange(N), y] -= 1
        return loss, p / N

    return softmax_loss


@wrong(*SOFTMAX, told=("right class", "gradient"))
def softmax_without_minus_one():
    def softmax_loss(x, y):
        N = x.shape[0]
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(N), y]).sum() / N, p / N

    return softmax_loss


# -- svm ---------------------------------------------------------------------------------------------------------------

SVM = ("svm", "svm_loss")


@right(*SVM)
def svm_as_it_came_with_the_assignment():
    def svm_loss(x, y):
        N = x.shape[0]
        correct_class_scores = x[np.arange(N), y]
        margins = np.maximum(0, x - correct_class_scores[:, np.newaxis] + 1.0)
        margins[np.arange(N), y] = 0
        loss = np.sum(margins) / N
        num_pos = np.sum(margins > 0, axis=1)
        dx = np.zeros_like(x)
        dx[margins > 0] = 1
        dx[np.arange(N), y] -= num_pos
        dx /= N
        return loss, dx

    return svm_loss


@right(*SVM)
def svm_in_loops():
    def svm_loss(x, y):
        N, C = x.shape
        loss, dx = 0.0, np.zeros(x.shape)
        for i in range(N):
            correct = x[i, y[i]]
            for j in range(C):
                if j == y[i]:
                    continue
                margin = x[i, j] - correct + 1
                if margin > 0:
                    loss += margin
                    dx[i, j] += 1
                    dx[i, y[i]] -= 1
        return loss / N, dx / N

    return svm_loss


@wrong(*SVM, told="right class counted")
def svm_counts_the_right_class():
    def svm_loss(x, y):
        N = x.shape[0]
        margins = np.maximum(0, x - x[np.arange(N), y].reshape(-1, 1) + 1)
        loss = margins.sum() / N
        margins[np.arange(N), y] = 0
        dx = (margins > 0).astype(float)
        dx[np.arange(N), y] = -dx.sum(axis=1)
        return loss, dx / N

    return svm_loss


@wrong(*SVM, told="right class gets nothing")
def svm_no_gradient_for_the_right_class():
    def svm_loss(x, y):
        N = x.shape[0]
        margins = np.maximum(0, x - x[np.arange(N), y].reshape(-1, 1) + 1)
        margins[np.arange(N), y] = 0
        return margins.sum() / N, (margins > 0).astype(float) / N

    return svm_loss


@wrong(*SVM, told="division by N forgotten")
def svm_sum_over_the_batch():
    def svm_loss(x, y):
        N = x.shape[0]
        margins = np.maximum(0, x - x[np.arange(N), y].reshape(-1, 1) + 1)
        margins[np.arange(N), y] = 0
        dx = (margins > 0).astype(float)
        dx[np.arange(N), y] = -dx.sum(axis=1)
        return margins.sum(), dx

    return svm_loss


# -- conv --------------------------------------------------------------------------------------------------------------

CONV = ("conv", "conv_forward_naive", "conv_backward_naive")


def conv_forward(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant", constant_values=0)
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    h, k = i * stride, j * stride
                    out[n, f, i, j] = np.sum(x_pad[n, :, h : h + HH, k : k + WW] * w[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    _, _, H_out, W_out = dout.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
    dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            db[f] += dout[n, f].sum()
            for i in range(H_out):
                for j in range(W_out):
                    h, k = i * stride, j * stride
                    dw[f] += x_pad[n, :, h : h + HH, k : k + WW] * dout[n, f, i, j]
                    dx_pad[n, :, h : h + HH, k : k + WW] += w[f] * dout[n, f, i, j]
    dx = dx_pad[:, :, pad : pad + H, pad : pad + W]
    return dx, dw, db


@right(*CONV)
def conv_as_in_the_notes():
    return conv_forward, conv_backward


@right(*CONV)
def conv_with_an_assertion():
    def forward(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        assert (x.shape[2] + 2 * pad - w.shape[2]) % stride == 0, "width does not work"
        assert (x.shape[3] + 2 * pad - w.shape[3]) % stride == 0, "height does not work"
        return conv_forward(x, w, b, conv_param)

    return forward, conv_backward


@right(*CONV)
def conv_with_true_division_and_int():
    def forward(x, w, b, conv_param):
        P, S = conv_param["pad"], conv_param["stride"]
        N, C, H, W = x.shape
        F, C, HH, WW = w.shape
        Ho, Wo = int(1 + (H + 2 * P - HH) / S), int(1 + (W + 2 * P - WW) / S)
        xp = np.zeros((N, C, H + 2 * P, W + 2 * P))
        xp[:, :, P : P + H, P : P + W] = x
        out = np.zeros((N, F, Ho, Wo))
        for i in range(Ho):
            for j in range(Wo):
                patch = xp[:, :, i * S : i * S + HH, j * S : j * S + WW]
                for f in range(F):
                    out[:, f, i, j] = np.sum(patch * w[f], axis=(1, 2, 3)) + b[f]
        return out, (x, xp, w, b, conv_param)

    def backward(dout, cache):
        x, xp, w, b, conv_param = cache
        return conv_backward(dout, (x, w, b, conv_param))

    return forward, backward


@right(*CONV)
def conv_by_rows_of_windows():
    def forward(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, k, l = w.shape
        h, v = (H + 2 * p - k) // s + 1, (W + 2 * p - l) // s + 1
        xp = np.pad(x, [(0,), (0,), (p,), (p,)], "constant")
        out = np.empty((N, F, h, v))
        for i in range(h):
            for j in range(v):
                rows = xp[:, :, i * s : i * s + k, j * s : j * s + l].reshape(N, -1)
                out[:, :, i, j] = rows.dot(w.reshape(F, -1).T) + b
        return out, (x, w, b, conv_param)

    def backward(dout, cache):
        dx, dw, _ = conv_backward(dout, cache)
        return dx, dw, np.sum(dout, axis=(0, 2, 3))

    return forward, backward


@wrong(*CONV, told="pad:-pad")
def conv_cuts_by_pad_minus_pad():
    def backward(dout, cache):
        x, w, b, conv_param = cache
        pad = conv_param["pad"]
        wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        dxp, dw, db = conv_backward(dout, (wide, w, b, {"stride": conv_param["stride"], "pad": 0}))
        return dxp[:, :, pad:-pad, pad:-pad], dw, db

    return conv_forward, backward


@wrong(*CONV, told="stride forgotten in backward")
def conv_without_stride_in_backward():
    def backward(dout, cache):
        x, w, b, conv_param = cache
        pad = conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        dx_pad, dw, db = np.zeros_like(x_pad), np.zeros_like(w), dout.sum(axis=(0, 2, 3))
        for n in range(N):
            for f in range(F):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        dw[f] += x_pad[n, :, i : i + HH, j : j + WW] * dout[n, f, i, j]
                        dx_pad[n, :, i : i + HH, j : j + WW] += w[f] * dout[n, f, i, j]
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward, backward


@wrong(*CONV, told="last window")
def conv_assigns_dx():
    def backward(dout, cache):
        x, w, b, conv_param = cache
        s, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        dx_pad = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
        _, dw, db = conv_backward(dout, cache)
        for n in range(N):
            for f in range(F):
                for i in range(dout.shape[2]):
                    for j in range(dout.shape[3]):
                        dx_pad[n, :, i * s : i * s + HH, j * s : j * s + WW] = w[f] * dout[n, f, i, j]
        return dx_pad[:, :, pad : pad + H, pad : pad + W], dw, db

    return conv_forward, backward


@wrong(*CONV, told="bias forgotten")
def conv_without_b():
    def forward(x, w, b, conv_param):
        return conv_forward(x, w, 0 * b, conv_param)[0], (x, w, b, conv_param)

    return forward, conv_backward


@wrong(*CONV, told="once per channel")
def conv_adds_b_in_the_loop_over_channels():
    def forward(x, w, b, conv_param):
        out, cache = conv_forward(x, w, b, conv_param)
        return out + (x.shape[1] - 1) * b[None, :, None, None], cache

    return forward, conv_backward


@wrong(*CONV, told="None", stage="no-bias")
def conv_needs_a_bias():
    return conv_forward, conv_backward


@wrong(*CONV, told=("pad", "cut off"))
def conv_dx_with_its_padding():
    def backward(dout, cache):
        x, w, b, conv_param = cache
        pad = conv_param["pad"]
        wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        return conv_backward(dout, (wide, w, b, {"stride": conv_param["stride"], "pad": 0}))

    return conv_forward, backward


# -- max pool ----------------------------------------------------------------------------------------------------------

POOL = ("max_pool", "max_pool_forward_naive", "max_pool_backward_naive")


def pool_forward(x, pool_param):
    N, C, H, W = x.shape
    ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    out = np.zeros((N, C, 1 + (H - ph) // s, 1 + (W - pw) // s))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = np.max(x[:, :, i * s : i * s + ph, j * s : j * s + pw], axis=(2, 3))
    return out, (x, pool_param)


def pool_backward_by_mask(dout, cache):
    x, pool_param = cache
    ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
                    mask = window == np.max(window)
                    dx[n, c, i * s : i * s + ph, j * s : j * s + pw] += mask * dout[n, c, i, j]
    return dx


@right(*POOL)
def pool_by_mask():
    return pool_forward, pool_backward_by_mask


@right(*POOL)
def pool_by_argmax():
    def backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros(x.shape)
        for n, c, i, j in np.ndindex(*dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            k = np.argmax(window)
            a, b = np.unravel_index(k, window.shape)
            dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j]
        return dx

    return pool_forward, backward


@right(*POOL)
def pool_by_where_with_an_assertion():
    def forward(x, pool_param):
        assert (x.shape[2] - pool_param["pool_height"]) % pool_param["stride"] == 0
        assert (x.shape[3] - pool_param["pool_width"]) % pool_param["stride"] == 0
        return pool_forward(x, pool_param)

    def backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        dx = np.zeros_like(x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                window = x[:, :, i * s : i * s + ph, j * s : j * s + pw]
                top = window.max(axis=(2, 3))[:, :, None, None]
                dx[:, :, i * s : i * s + ph, j * s : j * s + pw] += np.where(
                    window == top, dout[:, :, i : i + 1, j : j + 1], 0
                )
        return dx

    return forward, backward


@wrong(*POOL, told="overwrites")
def pool_assigns_through_a_mask():
    def backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(*dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            dx[n, c, i * s : i * s + ph, j * s : j * s + pw] = (window == window.max()) * dout[n, c, i, j]
        return dx

    return pool_forward, backward


@wrong(*POOL, told="overwrites")
def pool_assigns_through_an_argmax():
    def backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(*dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            mask = np.zeros(window.size)
            mask[window.argmax()] = 1
            dx[n, c, i * s : i * s + ph, j * s : j * s + pw] = mask.reshape(window.shape) * dout[n, c, i, j]
        return dx

    return pool_forward, backward


@wrong(*POOL, told="every tied maximum", stage="ties")
def pool_ties_share_everything():
    return pool_forward, pool_backward_by_mask


@wrong(*POOL, told=("ceil_mode", "hang over"), stage="ceil-mode")
def pool_knows_no_ceil_mode():
    def backward(dout, cache):
        x, pool_param = cache
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        dx = np.zeros(x.shape)
        for n, c, i, j in np.ndindex(*dout.shape):
            window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
            a, b = np.unravel_index(np.argmax(window), window.shape)
            dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j]
        return dx

    return pool_forward, backward


@wrong(*POOL, told="starts at 0")
def pool_maximum_from_zero():
    def forward(x, pool_param):
        out, cache = pool_forward(x, pool_param)
        return np.maximum(out, 0), cache

    return forward, pool_backward_by_mask


@wrong(*POOL, told="square windows")
def pool_height_twice():
    def forward(x, pool_param):
        N, C, H, W = x.shape
        ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        out = np.zeros((N, C, 1 + (H - ph) // s, 1 + (W - pw) // s))
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                out[:, :, i, j] = np.max(x[:, :, i * s : i * s + ph, j * s : j * s + ph], axis=(2, 3))
        return out, (x, pool_param)

    return forward, pool_backward_by_mask
