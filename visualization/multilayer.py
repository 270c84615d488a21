"""Several layers at once: forward in spans from one to the next, and back with a gradient added at each."""


def forward_spans(model, X, layers):
    """Features of several layers in one forward pass.

    Parameters
    ----------
    model : Network
    X : ndarray (N, 3, H, W)
    layers : iterable of int
        Layer indices, in any order.

    Returns
    -------
    feats : dict of int to ndarray
    caches : list
        For `backward_spans`.
    """
    feats, caches, start = {}, [], None
    for layer in sorted(set(layers)):
        X, cache = model.forward(X, start=start, end=layer)
        feats[layer] = X
        caches.append((layer, cache))
        start = layer + 1
    return feats, caches


def backward_spans(model, dfeats, caches):
    """The gradient to the images of a loss whose gradients at the layers are `dfeats`, a dict of int to ndarray."""
    dX = None
    for layer, cache in reversed(caches):
        dX = dfeats[layer] if dX is None else dX + dfeats[layer]
        dX, _ = model.backward(dX, cache)
    return dX
