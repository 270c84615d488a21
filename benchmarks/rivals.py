"""The rivals: each builds a function that does a workload's work once and returns its result as an array.

`prepare_NAME(workload, model)` -> callable. `model` is a pixelgrad network, for its parameters.
"""

import numpy as np


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


def prepare_plain(workload, model):
    """The plain NumPy way: one im2col a layer through sliding_window_view, one GEMM, col2im by filter offsets."""
    from .plain import PlainNetwork
    from .workloads import inputs

    X, y = inputs(workload)
    network = PlainNetwork(model)
    if workload.kind == "forward":
        return lambda: network.forward(X)[0]
    if workload.kind == "dream":

        def dream():
            feats, cache = network.forward(X, end=workload.layer)
            return network.backward(feats, cache)[0]

        return dream
    if workload.kind == "gradient":

        def gradient():
            scores, cache = network.forward(X)
            dscores = np.zeros_like(scores)
            dscores[np.arange(len(y)), y] = 1
            return network.backward(dscores, cache)[0]

        return gradient
    return lambda: network.train_step(X, y)


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

    def forward(x, end=None):
        for i, (_, block) in enumerate(model.named_blocks()):
            kind, n = type(block).__name__, getattr(block, "number", 0)
            if kind == "Conv":
                x = F.conv2d(x, params[f"W{n}"], params.get(f"b{n}"), stride=block.stride, padding=block.pad)
            elif kind == "Affine":
                x = F.linear(x.flatten(1), params[f"W{n}"].t(), params.get(f"b{n}"))
            else:
                x = x.mean(dim=(2, 3))
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
    "plain": prepare_plain,
    "pytorch": prepare_pytorch,
    "pytorch channels_last": lambda workload, model: prepare_pytorch(workload, model, channels_last=True),
}
