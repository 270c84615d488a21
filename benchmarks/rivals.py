"""The rivals: each builds a function that does a workload's work once and returns its result as an array.

`prepare_NAME(workload, model)` -> callable. `model` is a pixelgrad network, for its parameters.
"""

import numpy as np

from .workloads import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHTS, TV_WEIGHT


def prepare_pixelgrad(workload, model):
    """The library itself."""
    from pixelgrad.classifiers.optim import nesterov
    from pixelgrad.layers import softmax_loss

    from .workloads import inputs

    X, y = inputs(workload)
    if workload.kind == "forward":
        return lambda: model.scores(X)
    if workload.kind == "dream":

        def dream():
            feats, cache = model.forward(X, end=workload.layer)
            return model.backward(feats, cache)[0]

        return dream
    if workload.kind == "gradient":

        def gradient():
            scores, cache = model.forward(X)
            dscores = np.zeros_like(scores)
            dscores[np.arange(len(y)), y] = 1
            return model.backward(dscores, cache)[0]

        return gradient
    if workload.kind == "style":
        return _style_step(model, X)
    state = {}

    def train():
        scores, cache = model.forward(X, mode="train")
        _, dscores = softmax_loss(scores, y)
        _, grads = model.backward(dscores, cache, input_grad=False)
        for name, gradient in grads.items():
            decay = 5e-4 if name.startswith("W") else 0.0
            model.params[name], state[name] = nesterov(
                model.params[name], gradient, state.get(name, {}), learning_rate=1e-4, weight_decay=decay
            )
        return scores

    return train


def _style_step(model, X):
    """An iteration of style transfer with the library: gradient of all losses, then Adam's first step."""
    from pixelgrad.visualization import gram_matrix
    from pixelgrad.visualization.multilayer import forward_layers
    from pixelgrad.visualization.optimizers import descend
    from pixelgrad.visualization.style_transfer import perceptual_objective

    feats, _ = forward_layers(model, X[:, :, ::-1, ::-1], STYLE_LAYERS)
    style = STYLE_LAYERS, [gram_matrix(feats[k]) for k in STYLE_LAYERS], STYLE_WEIGHTS
    objective = perceptual_objective(
        model, (CONTENT_LAYER, feats[CONTENT_LAYER], CONTENT_WEIGHT), style, TV_WEIGHT, True
    )
    options = {"optimizer": "adam", "learning_rate": 0.1, "num_iterations": 1, "callback": None, "progress": False}
    return lambda: descend(objective, X, model.bounds(X), model, desc="style", **options)


def prepare_im2col(workload, model):
    """The plain NumPy way: the same network on the engine `im2col`, layer by layer, with one product a convolution."""
    return prepare_pixelgrad(workload, model.with_engine("im2col"))


def _style_targets(model, X):
    """Features sought at the content layer, Gram matrices sought, and bounds of the pixels."""
    feats = [model.forward(X[:, :, ::-1, ::-1], end=k)[0] for k in (CONTENT_LAYER, *STYLE_LAYERS)]
    grams = [np.einsum("nchw,ndhw->ncd", f, f) / f[0].size for f in feats[1:]]
    return np.ascontiguousarray(feats[0]), [g.astype(np.float32) for g in grams], model.bounds(X)


def prepare_pytorch(workload, model, *, channels_last=False):
    """PyTorch, eager, on the processor."""
    import torch
    from torch.nn import functional as F

    from .workloads import inputs

    training = workload.kind == "train"
    params = {name: torch.tensor(np.ascontiguousarray(value)) for name, value in model.params.items()}
    trained = [p.requires_grad_() for n, p in params.items() if training and not n.startswith("running")]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for name, p in params.items():
        if p.dim() == 4:
            params[name].data = p.data.contiguous(memory_format=layout)
    X, y = (torch.tensor(a) for a in inputs(workload))
    X = X.contiguous(memory_format=layout)

    def forward(x, end=None, taken=None):
        for i, (_, block) in enumerate(model.named_blocks()):
            kind, n = type(block).__name__, getattr(block, "number", 0)
            if kind == "Conv":
                x = F.conv2d(x, params[f"W{n}"], params.get(f"b{n}"), stride=block.stride, padding=block.pad)
            elif kind == "Affine":
                x = F.linear(x.flatten(1), params[f"W{n}"].t(), params.get(f"b{n}"))
            elif kind == "Relu":
                x = F.relu(x)
            elif kind == "Pool":
                x = F.max_pool2d(x, block.size, block.stride, ceil_mode=block.ceil_mode)
            elif kind == "Fire":
                x = F.relu(F.conv2d(x, params[f"W{n}"], params[f"b{n}"]))
                ones = F.relu(F.conv2d(x, params[f"W{n + 1}"], params[f"b{n + 1}"]))
                x = torch.cat([ones, F.relu(F.conv2d(x, params[f"W{n + 2}"], params[f"b{n + 2}"], padding=1))], 1)
            else:
                x = x.mean(dim=(2, 3))
            if taken is not None:
                taken.append(x)
            if getattr(block, "batchnorm", False):
                mean, var = params[f"running_mean{n}"], params[f"running_var{n}"]
                x = F.batch_norm(x, mean, var, params[f"gamma{n}"], params[f"beta{n}"], training, 0.1, 1e-5)
            if getattr(block, "relu", False):
                x = F.relu(x)
            if i == end:
                break
        return x

    if workload.kind == "forward":

        def scores():
            with torch.no_grad():
                return forward(X).numpy()

        return scores
    if workload.kind == "train":
        groups = [
            {"params": [p for n, p in params.items() if n.startswith("W")], "weight_decay": 5e-4},
            {"params": [p for n, p in params.items() if n.startswith(("b", "gamma"))], "weight_decay": 0.0},
        ]
        assert sum(len(g["params"]) for g in groups) == len(trained)
        optimizer = torch.optim.SGD(groups, lr=1e-4, momentum=0.9, nesterov=True)

        def train():
            out = forward(X)
            optimizer.zero_grad()
            F.cross_entropy(out, y).backward()
            optimizer.step()
            return out.detach().numpy()

        return train

    if workload.kind == "style":
        content, grams, (lo, hi) = _style_targets(model, X.numpy())
        content, lo, hi = (torch.tensor(a) for a in (content, lo, hi))
        grams = [torch.tensor(g) for g in grams]
        content_weight = CONTENT_WEIGHT / (content**2).sum()
        style_weights = [w / (g**2).sum() for w, g in zip(STYLE_WEIGHTS, grams)]
        tv_weight = TV_WEIGHT / (X.numel() * (255 * model.pixel_scale) ** 2)

        def style():
            x = X.detach().clone().requires_grad_()
            optimizer = torch.optim.Adam([x], lr=0.1, eps=1e-12)
            feats = []
            forward(x, max(STYLE_LAYERS), feats)
            loss = content_weight * ((feats[CONTENT_LAYER] - content) ** 2).sum()
            for k, gram, weight in zip(STYLE_LAYERS, grams, style_weights):
                rows = feats[k].flatten(2)
                loss = loss + weight * ((rows @ rows.transpose(1, 2) / feats[k][0].numel() - gram) ** 2).sum()
            down, right = x[:, :, 1:] - x[:, :, :-1], x[:, :, :, 1:] - x[:, :, :, :-1]
            loss = loss + tv_weight * ((down**2).sum() + (right**2).sum())
            loss.backward()
            optimizer.step()
            return torch.clamp(x.detach(), lo, hi).numpy()

        return style

    def gradient():
        x = X.detach().requires_grad_()
        if workload.kind == "dream":
            target = 0.5 * (forward(x, workload.layer) ** 2).sum()
        else:
            target = forward(x)[torch.arange(len(y)), y].sum()
        return torch.autograd.grad(target, x)[0].numpy()

    return gradient


PREPARE = {
    "pixelgrad": prepare_pixelgrad,
    "im2col": prepare_im2col,
    "pytorch": prepare_pytorch,
    "pytorch channels_last": lambda workload, model: prepare_pytorch(workload, model, channels_last=True),
}
