"""Engines: three sets of functions that compute the same network.

- `naive`: the plain loops of `layers.naive` with `layers.basic` and `layers.norm`, which is what students write;
- `im2col`: the same, but a convolution is a matrix product, and max pooling looks at the same rows (`layers.im2col`);
- `fast`, the default: the kernels of `layers.fast`, which join convolution, batch normalisation and ReLU.

An engine offers what a block of a network consists of, as pairs ``x_forward(...) -> (out, cache)`` and
``x_backward(dout, cache, ...)``. Images are (N, C, H, W), filters (F, C, HH, WW), features (N, D), weights of an affine
layer (D, M); vectors have a number for each filter or feature. The first two engines call the layers' functions through
their modules, one after the other: what you write in those files is what runs.
"""

from ..layers import basic, im2col, naive, norm
from ..layers.fast import conv as fast_conv
from ..layers.fast import fused
from ..layers.fast import pool as fast_pool
from ..layers.fast import relu as fast_relu


class LayerByLayer:
    """Sandwich layers: as many calls forward as there are layers, and the same back. Subclasses say which convolution.

    Every `backward` computes all gradients, since that is what the functions in `layers` do, and returns those that
    were asked for: `input_grad` is the one to x, `param_grads` all others. What was not asked for is None.
    """

    one_pass_fire = False  # a Fire module is three convolutions; the fast engine has one kernel for it

    def conv_relu_forward(self, x, w, b, conv_param):
        a, conv_cache = self.conv_forward(x, w, b, conv_param)
        out, relu_cache = basic.relu_forward(a)
        return out, (conv_cache, relu_cache)

    def conv_relu_backward(self, dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
        conv_cache, relu_cache = cache
        da = basic.relu_backward(dout, relu_cache, relu_rule)
        return self.conv_backward(da, conv_cache, param_grads=param_grads, input_grad=input_grad)

    def conv_bn_relu_forward(self, x, w, b, gamma, beta, conv_param, bn_param):
        a, conv_cache = self.conv_forward(x, w, b, conv_param)
        normed, bn_cache = norm.spatial_batchnorm_forward(a, gamma, beta, bn_param)
        out, relu_cache = basic.relu_forward(normed)
        return out, (conv_cache, bn_cache, relu_cache)

    def conv_bn_relu_backward(self, dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
        conv_cache, bn_cache, relu_cache = cache
        dnormed = basic.relu_backward(dout, relu_cache, relu_rule)
        da, dgamma, dbeta = norm.spatial_batchnorm_backward(dnormed, bn_cache)
        dx, dw, db = self.conv_backward(da, conv_cache)
        return _asked_for((dx, dw, db, dgamma, dbeta), param_grads, input_grad)

    def affine_forward(self, x, w, b):
        return basic.affine_forward(x, w, b)

    def affine_backward(self, dout, cache, *, param_grads=True, input_grad=True):
        return _asked_for(basic.affine_backward(dout, cache), param_grads, input_grad)

    def affine_relu_forward(self, x, w, b):
        a, affine_cache = basic.affine_forward(x, w, b)
        out, relu_cache = basic.relu_forward(a)
        return out, (affine_cache, relu_cache)

    def affine_relu_backward(self, dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
        affine_cache, relu_cache = cache
        da = basic.relu_backward(dout, relu_cache, relu_rule)
        return self.affine_backward(da, affine_cache, param_grads=param_grads, input_grad=input_grad)

    def affine_bn_relu_forward(self, x, w, b, gamma, beta, bn_param):
        a, affine_cache = basic.affine_forward(x, w, b)
        normed, bn_cache = norm.batchnorm_forward(a, gamma, beta, bn_param)
        out, relu_cache = basic.relu_forward(normed)
        return out, (affine_cache, bn_cache, relu_cache)

    def affine_bn_relu_backward(self, dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
        affine_cache, bn_cache, relu_cache = cache
        dnormed = basic.relu_backward(dout, relu_cache, relu_rule)
        da, dgamma, dbeta = norm.batchnorm_backward(dnormed, bn_cache)
        dx, dw, db = basic.affine_backward(da, affine_cache)
        return _asked_for((dx, dw, db, dgamma, dbeta), param_grads, input_grad)

    def relu_forward(self, x):
        return basic.relu_forward(x)

    def relu_backward(self, dout, cache, *, relu_rule="standard"):
        return basic.relu_backward(dout, cache, relu_rule)

    def avg_pool_forward(self, x, pool_param):
        return naive.avg_pool_forward_naive(x, pool_param)

    def avg_pool_backward(self, dout, cache):
        return naive.avg_pool_backward_naive(dout, cache)

    def global_avg_pool_forward(self, x):
        return naive.global_avg_pool_forward_naive(x)

    def global_avg_pool_backward(self, dout, cache):
        return naive.global_avg_pool_backward_naive(dout, cache)


class Naive(LayerByLayer):
    """Plain loops."""

    def conv_forward(self, x, w, b, conv_param):
        return naive.conv_forward_naive(x, w, b, conv_param)

    def conv_backward(self, dout, cache, *, param_grads=True, input_grad=True):
        return _asked_for(naive.conv_backward_naive(dout, cache), param_grads, input_grad)

    def max_pool_forward(self, x, pool_param):
        return naive.max_pool_forward_naive(x, pool_param)

    def max_pool_backward(self, dout, cache):
        return naive.max_pool_backward_naive(dout, cache)


class Im2col(LayerByLayer):
    """Windows as rows of a matrix."""

    def conv_forward(self, x, w, b, conv_param):
        return im2col.conv_forward_im2col(x, w, b, conv_param)

    def conv_backward(self, dout, cache, *, param_grads=True, input_grad=True):
        return _asked_for(im2col.conv_backward_im2col(dout, cache), param_grads, input_grad)

    def max_pool_forward(self, x, pool_param):
        return im2col.max_pool_forward_im2col(x, pool_param)

    def max_pool_backward(self, dout, cache):
        return im2col.max_pool_backward_im2col(dout, cache)


class Fast:
    """The kernels of `layers.fast`; SqueezeNet's Fire modules of frozen networks are one kernel, too."""

    one_pass_fire = True

    conv_forward = staticmethod(fast_conv.conv_forward)
    conv_backward = staticmethod(fast_conv.conv_backward)
    conv_relu_forward = staticmethod(fused.conv_relu_forward)
    conv_relu_backward = staticmethod(fused.conv_relu_backward)
    conv_bn_relu_forward = staticmethod(fused.conv_bn_relu_forward)
    conv_bn_relu_backward = staticmethod(fused.conv_bn_relu_backward)
    affine_forward = staticmethod(fused.affine_forward)
    affine_backward = staticmethod(fused.affine_backward)
    affine_relu_forward = staticmethod(fused.affine_relu_forward)
    affine_relu_backward = staticmethod(fused.affine_relu_backward)
    affine_bn_relu_forward = staticmethod(fused.affine_bn_relu_forward)
    affine_bn_relu_backward = staticmethod(fused.affine_bn_relu_backward)
    relu_forward = staticmethod(fast_relu.relu_forward)
    relu_backward = staticmethod(fast_relu.relu_backward)
    max_pool_forward = staticmethod(fast_pool.max_pool_forward)
    max_pool_backward = staticmethod(fast_pool.max_pool_backward)
    avg_pool_forward = staticmethod(fast_pool.avg_pool_forward)
    avg_pool_backward = staticmethod(fast_pool.avg_pool_backward)
    global_avg_pool_forward = staticmethod(fast_pool.global_avg_pool_forward)
    global_avg_pool_backward = staticmethod(fast_pool.global_avg_pool_backward)


ENGINES = {"fast": Fast(), "im2col": Im2col(), "naive": Naive()}


def _asked_for(gradients, param_grads, input_grad):
    dx, *others = gradients
    return dx if input_grad else None, *(others if param_grads else [None] * len(others))
