"""Update rules and learning-rate schedules: pure functions of one step.

An update rule takes a parameter, its gradient and its state, and returns the new parameter and the new state, both
as new arrays. A schedule takes the fraction of the training that is done and returns a factor for the learning rate.
"""

import numpy as np


def sgd(w, dw, state, *, learning_rate, momentum=0.9, weight_decay=0.0):
    """Gradient descent with (heavy-ball) momentum; state is {"v"}."""
    dw = dw + w.dtype.type(weight_decay) * w
    v = momentum * state.get("v", 0) + dw
    return (w - learning_rate * v).astype(w.dtype), {"v": v.astype(w.dtype)}


def nesterov(w, dw, state, *, learning_rate, momentum=0.9, weight_decay=0.0):
    """Gradient descent with Nesterov's momentum (Sutskever et al. 2013, section 2); state is {"v"}."""
    dw = dw + w.dtype.type(weight_decay) * w
    v = momentum * state.get("v", 0) + dw
    return (w - learning_rate * (dw + momentum * v)).astype(w.dtype), {"v": v.astype(w.dtype)}


def adam(w, dw, state, *, learning_rate, momentum=0.9, weight_decay=0.0, beta2=0.999, eps=1e-8):
    """Adam (Kingma and Ba 2015, algorithm 1) with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    `momentum` is Adam's beta1; state is {"m", "v", "t"}.
    """
    t = state.get("t", np.zeros(())) + 1
    m = momentum * state.get("m", 0) + (1 - momentum) * dw
    v = beta2 * state.get("v", 0) + (1 - beta2) * dw * dw
    step = (m / (1 - momentum**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    w_new = w - learning_rate * (step + weight_decay * w)
    return w_new.astype(w.dtype), {"m": m.astype(w.dtype), "v": v.astype(w.dtype), "t": t}


def one_cycle(done, *, warmup=0.15):
    """From 1/25 straight up to 1 while done < warmup, then down to 0 along a cosine (after Smith and Topin 2019)."""
    if done < warmup:
        return 0.04 + 0.96 * done / warmup
    return 0.5 * (1 + np.cos(np.pi * (done - warmup) / (1 - warmup)))


def cosine(done, *, warmup=0.0):
    """From 0 straight up to 1 while done < warmup, then down to 0 along a cosine (Loshchilov and Hutter 2017)."""
    if done < warmup:
        return done / warmup
    return 0.5 * (1 + np.cos(np.pi * (done - warmup) / (1 - warmup)))


def constant(done, *, warmup=0.0):
    """From 0 straight up to 1 while done < warmup, then 1."""
    return min(1.0, done / warmup) if warmup > 0 else 1.0


UPDATE_RULES = {"sgd": sgd, "nesterov": nesterov, "adam": adam}
SCHEDULES = {"one_cycle": one_cycle, "cosine": cosine, "constant": constant}
