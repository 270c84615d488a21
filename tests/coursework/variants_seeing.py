"""Right solutions of the track *Seeing* in other styles: none of them may be rejected.

VARIANTS holds (exercise, what is special, {function: implementation}).
"""

import numpy as np
from scipy.special import softmax as scipy_softmax

from pixelgrad.visualization.cam import upsample_maps
from pixelgrad.visualization.total_variation import tv_beta_loss

# -- saliency ----------------------------------------------------------------------------------------------------------


def gradient_one_by_one(X, y, model, *, relu_rule="standard"):
    """Each image alone."""
    y, gradients = np.broadcast_to(y, len(X)), []
    for n in range(len(X)):
        scores, cache = model.forward(X[n : n + 1])
        gradients.append(
            model.backward(1.0 * (np.arange(scores.shape[1]) == y[n])[None], cache, relu_rule=relu_rule)[0]
        )
    return np.concatenate(gradients)


def gradient_of_a_list(X, y, model, *, relu_rule="standard"):
    """From a row of the identity; not contiguous."""
    scores, cache = model.forward(X, mode="test")
    dX, _ = model.backward(np.eye(scores.shape[1])[np.ones(len(X), int) * y], cache, relu_rule=relu_rule)
    return np.asfortranarray(dX)


def saliency_one_by_one(X, y, model):
    """Each image alone; the largest of maximum and minus minimum."""
    y, maps = np.broadcast_to(y, len(X)), []
    for n in range(len(X)):
        scores, cache = model.forward(X[n : n + 1])
        dscores = np.zeros(scores.shape)
        dscores[0, y[n]] = 1.0
        dX = model.backward(dscores, cache)[0][0]
        maps.append(np.maximum(dX.max(axis=0), -dX.min(axis=0)))
    return np.stack(maps)


def saliency_of_a_list(X, y, model):
    """By loops over the pixels, from the root of the largest square; not contiguous."""
    scores, cache = model.forward(X, mode="test")
    y = np.ones(len(X), int) * y
    dX, _ = model.backward(np.eye(scores.shape[1])[y], cache)
    maps = np.asfortranarray(np.zeros((len(X), *X.shape[2:])))
    for n, i, j in np.ndindex(maps.shape):
        maps[n, i, j] = max(np.sqrt(dX[n, c, i, j] ** 2) for c in range(3))
    return maps


# -- fooling -----------------------------------------------------------------------------------------------------------


def fooling_one_by_one(X, target_y, model, *, learning_rate, normalize, max_iterations, confidence=0.0, callback=None):
    """Each image alone, steps written out; the callback is told in the end, with the batch."""
    targets, (lo, hi) = np.broadcast_to(target_y, len(X)), model.bounds(X)
    stages = []  # of each image
    for x, target in zip(X, targets):
        z, stage = 1 * x[None], []
        while True:
            scores, cache = model.forward(z)
            p = scipy_softmax(scores, axis=1)[0, target]
            stage.append((z, scores[0, target]))
            if (np.argmax(scores) == target and p >= confidence) or len(stage) > max_iterations:
                break
            d = np.zeros_like(scores)
            d[:, target] = 1
            dz = model.backward(d, cache)[0]
            length = np.sqrt(np.sum(dz * dz)) if normalize else 1.0
            z = np.minimum(np.maximum(z + learning_rate * dz / length, lo), hi)
        stages.append(stage)
    if callback:
        for t in range(max(map(len, stages))):
            score = np.array([stage[min(t, len(stage) - 1)][1] for stage in stages])
            callback(t, None, {"score": score})
    return np.concatenate([stage[-1][0] for stage in stages])


# -- class visualisation -----------------------------------------------------------------------------------------------


def class_visualization_written_out(
    target_y,
    model,
    *,
    X_init,
    learning_rate,
    normalize,
    num_iterations,
    l2_reg,
    max_jitter,
    blur_every,
    blur_sigma,
    objective,
    rng,
    callback=None,
):
    """The step written out, the log odds' gradient as a quotient, np.roll for the jitter."""
    from scipy.ndimage import gaussian_filter

    rng, lo, hi = np.random.default_rng(rng), *model.bounds(X_init)
    X, y = np.clip(X_init, lo, hi), np.broadcast_to(target_y, len(X_init))
    rows = np.arange(len(X))
    for t in range(1, num_iterations + 1):
        dy, dx = rng.integers(-max_jitter, max_jitter + 1, size=2)
        Z = np.roll(np.roll(X, dy, axis=2), dx, axis=3)
        scores, cache = model.forward(Z)
        d = np.zeros_like(scores)
        d[rows, y] = 1
        if objective == "log_odds":  # d log(p / (1 - p)) / dp * dp / dscores
            p = scipy_softmax(scores, axis=1)
            own = p[rows, y][:, None]
            rest = (p * (1 - d)).sum(axis=1, keepdims=True)
            d = own * (d - p) / (own * rest)
        dZ = model.backward(d, cache)[0] - l2_reg * (Z + Z)
        for n in range(len(Z)):
            length = np.linalg.norm(dZ[n].ravel()) if normalize else 1.0
            Z[n] += learning_rate / length * dZ[n]
        X = np.roll(Z, (-dx, -dy), axis=(3, 2)).clip(lo, hi)
        if callback:
            callback(t - 1, X, {"score": scores[rows, y]})
        if blur_every and t % blur_every == 0 and t != num_iterations:
            X = gaussian_filter(X, (0, 0, blur_sigma, blur_sigma))
    return X


# -- inversion ---------------------------------------------------------------------------------------------------------


def inversion_one_by_one(
    target_feats,
    layer,
    model,
    *,
    X_init,
    learning_rate,
    normalize,
    num_iterations,
    l2_reg,
    tv_weight,
    blur_every,
    blur_sigma,
    callback=None,
):
    """Each image alone, with rows of numbers for features; the callback is told afterwards."""
    from pixelgrad.visualization.image_ops import blur

    images, losses = [], np.zeros((num_iterations, len(target_feats)))
    lo, hi = model.bounds(X_init)
    for n, (target, X) in enumerate(zip(target_feats, X_init)):
        X = np.clip(X[None], lo, hi)
        length = target.ravel() @ target.ravel() or 1.0
        for t in range(num_iterations):
            feats, cache = model.forward(X, end=layer)
            off = feats[0] - target
            losses[t, n] = np.linalg.norm(off) ** 2 / length
            dX = model.backward((off + off)[None] / length, cache)[0] + l2_reg * 2 * X
            dX = dX + tv_beta_loss(X, tv_weight, 2.0)[1]
            size = np.sqrt((dX**2).sum()) if normalize else 1.0
            if size > 0:
                X = X - learning_rate * (num_iterations - t) / num_iterations * dX / size
            X = np.clip(X, lo, hi)
            if blur_every and t % blur_every == blur_every - 1 and t < num_iterations - 1:
                X = blur(X, blur_sigma)
        images.append(X[0])
    if callback:
        for t, loss in enumerate(losses):
            callback(t, None, {"loss": loss})
    return np.array(images)


# -- dreaming, of photographs at one size ------------------------------------------------------------------------------


def dream_written_out(X, layer, model, *, rng, max_jitter, learning_rate, normalize, num_iterations, **options):
    """One layer at a time, each with a forward pass of its own; the gradients added at the pixels."""
    from pixelgrad.visualization.image_ops import octave_sizes, resize

    layers, objective = ([layer] if isinstance(layer, int | str) else layer), options["objective"]
    callback, rng = options.get("callback"), np.random.default_rng(rng)
    sizes, dream, count = octave_sizes(X.shape[2:], options["num_octaves"], options["octave_scale"]), None, 0
    before = None
    for size in sizes:
        photograph = X if size == X.shape[2:] else resize(X, size, model)
        dream = photograph if dream is None else photograph + resize(dream, size, model) - resize(before, size, model)
        before, (lo, hi) = photograph, model.bounds(photograph)
        dream = np.clip(dream, lo, hi)
        for _ in range(num_iterations):
            dy, dx = rng.integers(-max_jitter, max_jitter + 1, size=2)
            Z = np.roll(dream, (dy, dx), (2, 3))
            dZ, total = np.zeros_like(Z), np.zeros(len(Z))
            passes = {model.layer_index(name): model.forward(Z, end=name) for name in layers}
            for k, d in objective({k: A for k, (A, _) in passes.items()}).items():
                A, cache = passes[k]
                total += (d * A).reshape(len(A), -1).sum(axis=1)
                dZ += model.backward(d, cache)[0]
            length = np.sqrt(np.einsum("nchw,nchw->n", dZ, dZ))[:, None, None, None] if normalize else 1.0
            Z = Z + learning_rate * np.where(length > 0, dZ / np.where(length > 0, length, 1), 0)
            dream = np.clip(np.roll(Z, (-dy, -dx), (2, 3)), lo, hi)
            if callback:
                callback(count, dream, {"product": total})
            count += 1
    return dream


# -- occlusion ---------------------------------------------------------------------------------------------------------


def occlusion_window_by_window(X, y, model, *, window, stride, fill, objective="score", batch_size=64):
    """One window at a time with a mask; the map by counting."""
    from types import SimpleNamespace

    from pixelgrad.visualization.occlusion import fill_like

    def value(Z, k):
        scores = model.forward(Z)[0][0]
        return (scipy_softmax(scores) if objective == "probability" else scores)[k]

    hidden, y = fill_like(X, fill, model, sigma=window / 2), np.broadcast_to(y, len(X))
    N, _, H, W = X.shape
    tops, lefts = ([*range(0, side - window, stride), side - window] for side in (H, W))
    grid, total, count = np.zeros((N, len(tops), len(lefts))), np.zeros((N, H, W)), np.zeros((N, H, W))
    for n, i, j in np.ndindex(grid.shape):
        mask = np.zeros((H, W))
        mask[tops[i] : tops[i] + window, lefts[j] : lefts[j] + window] = 1
        Z = np.where(mask, hidden[n], X[n])[None]
        grid[n, i, j] = value(X[n : n + 1], y[n]) - value(Z, y[n])
        total[n] += mask * grid[n, i, j]
        count[n] += mask
    return SimpleNamespace(maps=total / count, grid=grid)


# -- guided backpropagation, CAM, Grad-CAM -----------------------------------------------------------------------------


def guided_layer_by_layer(X, y, model):
    """One layer at a time; gradients are clamped before each convolution, whose ReLU then masks them."""
    y, caches, A = np.broadcast_to(y, len(X)), [], X
    for k in range(len(model.layer_names)):
        A, cache = model.forward(A, start=k, end=k)
        caches.append(cache)
    d = np.zeros_like(A)
    d[np.arange(len(X)), y] = 1
    for name, cache in zip(reversed(model.layer_names), reversed(caches)):
        d = np.maximum(d, 0) if name.startswith("conv") else d
        d, _ = model.backward(d, cache)
    return d


def cam_by_loops(X, y, model, *, relu, upsample):
    """Map by map; the class's weights by finding what the head does to each map alone."""
    y, names = np.broadcast_to(y, len(X)), model.layer_names
    pool = names.index("global_avg_pool")
    A, _ = model.forward(X, end=pool - 1)
    zero = np.zeros((1, *A.shape[1:]))
    bias = model.forward(zero, start=pool)[0][0]
    maps = np.zeros((len(X), *A.shape[2:]))
    for c in range(A.shape[1]):
        one = zero.copy()
        one[:, c] = 1
        weight = model.forward(one, start=pool)[0][0] - bias
        for n in range(len(X)):
            maps[n] += weight[y[n]] * A[n, c]
    maps = np.where(maps > 0, maps, 0) if relu else maps
    return upsample_maps(maps, X.shape[2:]) if upsample else maps


def grad_cam_one_by_one(X, y, model, *, layer, relu, upsample):
    """Each image alone; the weights as sums divided by the number of places; not contiguous."""
    y = np.broadcast_to(y, len(X))
    last = model.layer_names.index("global_avg_pool") - 1 if layer is None else layer
    last = model.layer_index(last)
    maps = []
    for n in range(len(X)):
        A, _ = model.forward(X[n : n + 1], end=last)
        scores, cache = model.forward(A, start=last + 1)
        dA, _ = model.backward(1.0 * (np.arange(scores.size) == y[n])[None], cache)
        alpha = dA[0].sum(axis=(1, 2)) / dA[0, 0].size
        maps.append(sum(a * m for a, m in zip(alpha, A[0])))
    maps = np.array(maps)
    maps = (maps + abs(maps)) / 2 if relu else maps
    maps = upsample_maps(maps, X.shape[2:]) if upsample else maps
    return maps.transpose(2, 1, 0).copy().transpose(2, 1, 0)


# -- LayerCAM and Grad-CAM++, RISE, LRP --------------------------------------------------------------------------------


def layer_cam_by_mask(A, g):
    return g * (g > 0)


def plus_plus_one_by_one(A, g):
    """Position by position, the fraction cut by g^2."""
    weights = np.zeros((*g.shape[:2], 1, 1))
    for n, c, i, j in np.ndindex(g.shape):
        below = 2 + A[n, c].sum() * g[n, c, i, j]
        if g[n, c, i, j] > 0 and below != 0:
            weights[n, c] += g[n, c, i, j] / below
    return weights


def layer_cam_by_halves(A, g):
    """Not contiguous."""
    return np.asfortranarray((g + abs(g)) / 2)


def plus_plus_by_einsum(A, g):
    below = 2 * g * g + np.einsum("nchw->nc", A)[:, :, None, None] * g * g * g
    alpha = np.where(below == 0, 0, g * g / np.where(below == 0, 1, below))
    return np.einsum("nchw,nchw->nc", alpha, np.where(g > 0, g, 0)).reshape(*g.shape[:2], 1, 1)


def rise_mask_by_mask(X, y, model, *, samples, grid, keep, fill, rng, batch_size, objective="probability"):
    """One mask and one image at a time, each map by itself; the masks are drawn as `rise` draws them."""
    from pixelgrad.visualization.occlusion import fill_like
    from pixelgrad.visualization.rise import random_masks

    rng, y = np.random.default_rng(rng), np.broadcast_to(y, len(X))
    empty = fill_like(X, fill, model, sigma=min(X.shape[2:]) / 12, rng=rng)
    masks = [
        mask
        for first in range(0, samples, batch_size)
        for mask in random_masks(min(batch_size, samples - first), X.shape[2:], grid=grid, keep=keep, rng=rng)
    ]
    maps = np.zeros((len(X), *X.shape[2:]))
    for n in range(len(X)):
        for mask in masks:
            scores = model.forward(mask * X[n : n + 1] + (1 - mask) * empty[n : n + 1])[0][0]
            value = scipy_softmax(scores)[y[n]] if objective == "probability" else scores[y[n]]
            maps[n] += value * mask / keep / samples
    return maps


def relevance_output_by_output(R, a, layer, model, *, epsilon=0.0):
    """One output of one image at a time, by the row of weights that its unit vector brings back."""
    out = np.zeros(a.shape)
    for n in range(len(a)):
        z, cache = model.forward(a[n : n + 1], start=layer, end=layer)
        rms = np.linalg.norm(z) / np.sqrt(z.size)
        for place in np.ndindex(z.shape):
            below = z[place] + epsilon * rms * (1 if z[place] >= 0 else -1)
            if below == 0:
                continue
            unit = np.zeros(z.shape)
            unit[place] = 1.0
            w, _ = model.backward(unit, cache)
            out[n] += a[n] * w[0] / below * R[n][place[1:]]
    return out


def relevance_by_errstate(R, a, layer, model, *, epsilon=0.0):
    """Divides by everything, and repairs it."""
    z, cache = model.forward(a, start=layer, end=layer)
    rows = z.reshape(len(z), -1)
    rms = np.sqrt(np.einsum("np,np->n", rows, rows) / rows.shape[1])
    below = rows + epsilon * rms[:, None] * (2.0 * (rows >= 0) - 1)
    with np.errstate(all="ignore"):
        ratio = R.reshape(rows.shape) / below
    ratio[below == 0] = 0
    return np.multiply(model.backward(ratio.reshape(z.shape), cache)[0], a)


# -- losses of style transfer ------------------------------------------------------------------------------------------


def content_by_norm(content_weight, content_current, content_original):
    """The loss as a squared norm, as NumPy's kind of number."""
    off = (content_current - content_original).ravel()
    return content_weight * np.linalg.norm(off) ** 2, (2 * content_weight * off).reshape(content_current.shape)


def content_expanded(content_weight, content_current, content_original):
    """By loops, as an array of no dimensions."""
    loss, d = np.zeros(()), np.empty_like(content_current)
    for place in np.ndindex(d.shape):
        a, b = content_current[place], content_original[place]
        loss = loss + content_weight * (a - b) * (a - b)
        d[place] = content_weight * (a - b) + content_weight * (a - b)
    return loss, d


def gram_einsum(features, normalize=True):
    gram = np.einsum("nchw,ndhw->ncd", features, features)
    return gram / np.prod(features.shape[1:]) if normalize else gram


def gram_backward_einsum(dgram, features, normalize=True):
    d = np.einsum("ncd,ndhw->nchw", dgram, features) + np.einsum("ndc,ndhw->nchw", dgram, features)
    return d / np.prod(features.shape[1:]) if normalize else d


def gram_one_by_one(features, normalize=True):
    """Rows for channels, each image alone."""
    N, C, H, W = features.shape
    out = []
    for F in features.reshape(N, C, H * W):
        out.append(F.dot(F.T) / (C * H * W if normalize else 1))
    return np.array(out)


def gram_backward_one_by_one(dgram, features, normalize=True):
    N, C, H, W = features.shape
    d = np.zeros(features.shape, order="F")
    for n in range(N):
        F = features[n].reshape(C, -1)
        d[n] = (dgram[n] @ F + dgram[n].T @ F).reshape(C, H, W) / (C * H * W if normalize else 1)
    return d


def style_by_loops(feats, style_layers, style_targets, style_weights):
    """The gradient written out, G being symmetric; a tuple of gradients."""
    loss, dfeats = 0, []
    for i in range(len(style_layers)):
        F = feats[style_layers[i]]
        off = gram_einsum(F) - style_targets[i]
        loss = loss + style_weights[i] * (off**2).sum()
        both = off + off.transpose(0, 2, 1)
        dfeats.append(2 * style_weights[i] * np.einsum("ncd,ndhw->nchw", both, F) / F[0].size)
    return loss, tuple(dfeats)


def tv_by_loops(img, tv_weight):
    loss, d = 0.0, np.zeros_like(img)
    N, C, H, W = img.shape
    for n, c, i, j in np.ndindex(N, C, H, W):
        for k, l in ((i + 1, j), (i, j + 1)):
            if k < H and l < W:
                off = img[n, c, k, l] - img[n, c, i, j]
                loss += tv_weight * off**2
                d[n, c, k, l] += 2 * tv_weight * off
                d[n, c, i, j] -= 2 * tv_weight * off
    return loss, d


def tv_by_differences(img, tv_weight):
    """np.diff, with the gradient as differences of differences padded by zero."""
    down, right = np.diff(img, axis=2), np.diff(img, axis=3)
    loss = tv_weight * ((down**2).sum() + (right**2).sum())
    none, rows, columns = (0, 0), ((0, 0), (0, 0), (1, 1), (0, 0)), ((0, 0), (0, 0), (0, 0), (1, 1))
    assert none == rows[0]
    d = np.diff(np.pad(down, rows), axis=2) + np.diff(np.pad(right, columns), axis=3)
    return loss, -2 * tv_weight * d


def objective_part_by_part(model, content, style, tv_weight, normalize):
    """Each layer with a forward and a backward pass of its own; the gradients added at the pixels."""
    layers, grams, weights = style

    def objective(X):
        dX, parts = np.zeros_like(X), {"style": 0.0}
        for layer, gram, weight in zip(layers, grams, weights):
            weight = weight / ((gram**2).sum() if normalize else 1)
            F, cache = model.forward(X, end=layer)
            loss, (d,) = style_by_loops([F], [0], [gram], [weight])
            parts["style"] += loss
            dX += model.backward(d, cache)[0]
        if content is not None:
            layer, target, weight = content
            F, cache = model.forward(X, end=layer)
            weight = weight / ((target**2).sum() if normalize else 1)
            parts["content"], d = content_by_norm(weight, F, target)
            dX += model.backward(d, cache)[0]
        factor = 1 / (X.size * (255 * model.pixel_scale) ** 2) if normalize else 1
        parts["tv"], d = tv_by_differences(X, tv_weight * factor)
        return sum(parts.values()), d + dX, parts

    return objective


VARIANTS = [
    (
        "saliency",
        "one image at a time",
        {"class_gradient": gradient_one_by_one, "compute_saliency_maps": saliency_one_by_one},
    ),
    (
        "saliency",
        "loops over pixels",
        {"class_gradient": gradient_of_a_list, "compute_saliency_maps": saliency_of_a_list},
    ),
    ("fooling", "one image at a time", {"make_fooling_image": fooling_one_by_one}),
    ("class_visualization", "steps written out", {"create_class_visualization": class_visualization_written_out}),
    ("inversion", "one image at a time", {"invert_features": inversion_one_by_one}),
    ("dream", "one layer at a time", {"deepdream": dream_written_out}),
    ("occlusion", "one window at a time", {"occlusion_maps": occlusion_window_by_window}),
    ("guided", "layer by layer", {"guided_backprop": guided_layer_by_layer}),
    ("cam", "map by map", {"class_activation_maps": cam_by_loops}),
    ("grad_cam", "one image at a time", {"grad_cam": grad_cam_one_by_one}),
    (
        "layer_cam",
        "one position at a time",
        {"layer_cam_weights": layer_cam_by_mask, "grad_cam_plus_plus_weights": plus_plus_one_by_one},
    ),
    (
        "layer_cam",
        "einsum",
        {"layer_cam_weights": layer_cam_by_halves, "grad_cam_plus_plus_weights": plus_plus_by_einsum},
    ),
    ("rise", "one mask at a time", {"rise": rise_mask_by_mask}),
    ("lrp", "one output at a time", {"propagate_relevance": relevance_output_by_output}),
    ("lrp", "divided and repaired", {"propagate_relevance": relevance_by_errstate}),
    ("content", "a squared norm", {"content_loss": content_by_norm}),
    ("content", "loops", {"content_loss": content_expanded}),
    ("gram", "einsum", {"gram_matrix": gram_einsum, "gram_matrix_backward": gram_backward_einsum}),
    ("gram", "one image at a time", {"gram_matrix": gram_one_by_one, "gram_matrix_backward": gram_backward_one_by_one}),
    ("style", "gradient written out", {"style_loss": style_by_loops}),
    ("tv", "loops", {"tv_loss": tv_by_loops}),
    ("tv", "np.diff", {"tv_loss": tv_by_differences}),
    ("style_transfer", "part by part", {"perceptual_objective": objective_part_by_part}),
]
