"""Parameters of a network: drawn, checked, and laid out in memory."""

import numpy as np

from ..layers.fast.conv import channels_last_filters


def stored_parameter(value, dtype):
    """A copy of a parameter; filters in the order of memory that convolutions like best."""
    value = np.array(value, dtype=dtype)
    return channels_last_filters(value) if value.ndim == 4 else value


def draw_parameters(shapes, dtype, rng):
    """Parameters of an untrained network, {name: array}; weights as in He et al. 2015, section 2.2."""
    params, last = {}, next((name for name in reversed(shapes) if name.startswith("W")), None)
    for name, shape in shapes.items():
        if name.startswith("W"):
            fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
            # A small last layer starts training from even odds for all classes.
            scale = np.sqrt(2 / fan_in) * (0.01 if name == last else 1)
            params[name] = (scale * rng.standard_normal(shape)).astype(dtype)
        else:
            ones = name.startswith(("gamma", "running_var"))
            params[name] = np.full(shape, 1.0 if ones else 0.0, dtype=dtype)
    return params
