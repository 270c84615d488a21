"""Layers as pure functions: `x_forward(...) -> (out, cache)` and `x_backward(dout, cache) -> gradients`.

Names and argument order follow Stanford's CS231n assignments. Shape letters: N batch, C channels, H W height and
width, F filters, HH WW filter size, K classes, D features. Nothing here changes its inputs, with one exception:
batch normalisation in training mode writes the running averages into its `bn_param`.
"""

from .basic import (
    affine_backward,
    affine_forward,
    concat_backward,
    concat_forward,
    dropout_backward,
    dropout_forward,
    relu_backward,
    relu_forward,
)
from .fast.conv import conv_backward, conv_forward
from .fast.fused import (
    affine_bn_relu_backward,
    affine_bn_relu_forward,
    affine_relu_backward,
    affine_relu_forward,
    conv_bn_relu_backward,
    conv_bn_relu_forward,
    conv_relu_backward,
    conv_relu_forward,
)
from .fast.pool import (
    avg_pool_backward,
    avg_pool_forward,
    global_avg_pool_backward,
    global_avg_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from .gradient_check import (
    GradientError,
    check_gradient,
    check_projection,
    compare_gradients,
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    rel_error,
)
from .im2col import conv_backward_im2col, conv_forward_im2col, max_pool_backward_im2col, max_pool_forward_im2col
from .layer_check import check_layer
from .losses import softmax_loss, svm_loss
from .naive import (
    avg_pool_backward_naive,
    avg_pool_forward_naive,
    conv_backward_naive,
    conv_forward_naive,
    global_avg_pool_backward_naive,
    global_avg_pool_forward_naive,
    max_pool_backward_naive,
    max_pool_forward_naive,
)
from .norm import (
    batchnorm_backward,
    batchnorm_forward,
    layernorm_backward,
    layernorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)

__all__ = [
    "GradientError",
    "affine_backward",
    "affine_bn_relu_backward",
    "affine_bn_relu_forward",
    "affine_forward",
    "affine_relu_backward",
    "affine_relu_forward",
    "avg_pool_backward",
    "avg_pool_backward_naive",
    "avg_pool_forward",
    "avg_pool_forward_naive",
    "batchnorm_backward",
    "batchnorm_forward",
    "check_gradient",
    "check_layer",
    "check_projection",
    "compare_gradients",
    "concat_backward",
    "concat_forward",
    "conv_backward",
    "conv_backward_im2col",
    "conv_backward_naive",
    "conv_bn_relu_backward",
    "conv_bn_relu_forward",
    "conv_forward",
    "conv_forward_im2col",
    "conv_forward_naive",
    "conv_relu_backward",
    "conv_relu_forward",
    "dropout_backward",
    "dropout_forward",
    "eval_numerical_gradient",
    "eval_numerical_gradient_array",
    "global_avg_pool_backward",
    "global_avg_pool_backward_naive",
    "global_avg_pool_forward",
    "global_avg_pool_forward_naive",
    "layernorm_backward",
    "layernorm_forward",
    "max_pool_backward",
    "max_pool_backward_im2col",
    "max_pool_backward_naive",
    "max_pool_forward",
    "max_pool_forward_im2col",
    "max_pool_forward_naive",
    "rel_error",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "svm_loss",
]
