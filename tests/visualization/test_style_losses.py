import numpy as np
import pytest

from pixelgrad.layers import check_gradient
from pixelgrad.visualization import content_loss, gram_matrix, gram_matrix_backward, style_loss

rng = np.random.default_rng(0)


def features(N=2, C=3, H=4, W=5, seed=1):
    return np.random.default_rng(seed).standard_normal((N, C, H, W))


def test_content_loss_is_a_weighted_sum_of_squares():
    a, b = features(), features(seed=2)
    loss, dcurrent = content_loss(0.7, a, b)
    np.testing.assert_allclose(loss, 0.7 * sum((x - y) ** 2 for x, y in zip(a.flat, b.flat)))
    check_gradient(lambda z: content_loss(0.7, z, b)[0], a, dcurrent)
    assert content_loss(0.7, a, a)[0] == 0 and content_loss(0, a, b)[0] == 0


def test_gram_matrix_by_loops_over_pairs_of_channels():
    f = features()
    gram, plain = gram_matrix(f), gram_matrix(f, normalize=False)
    for n, i, j in np.ndindex(2, 3, 3):
        np.testing.assert_allclose(plain[n, i, j], sum(f[n, i, h, w] * f[n, j, h, w] for h, w in np.ndindex(4, 5)))
    np.testing.assert_allclose(gram, plain / (3 * 4 * 5))
    np.testing.assert_allclose(gram, gram.transpose(0, 2, 1))


def test_gram_matrix_forgets_where_things_are():
    f = features()
    order = rng.permutation(20)
    shuffled = f.reshape(2, 3, 20)[:, :, order].reshape(2, 3, 5, 4)
    np.testing.assert_allclose(gram_matrix(f), gram_matrix(shuffled))
    np.testing.assert_allclose(gram_matrix(f), gram_matrix(np.concatenate([f, f], axis=3)))  # of any size


@pytest.mark.parametrize("normalize", [True, False])
def test_gradient_of_the_gram_matrix(normalize):
    f, dgram = features(), rng.standard_normal((2, 3, 3))  # not symmetric
    df = gram_matrix_backward(dgram, f, normalize=normalize)
    check_gradient(lambda z: np.sum(gram_matrix(z, normalize=normalize) * dgram), f, df)


def test_style_loss_and_its_gradient_at_each_layer():
    feats = [features(C=3), features(C=4, H=3, seed=2), features(C=2, W=7, seed=3)]
    targets = [rng.standard_normal((1, 4, 4)), rng.standard_normal((2, 2, 2))]
    loss, dfeats = style_loss(feats, [1, 2], targets, [0.3, 2.0])
    expected = (
        0.3 * ((gram_matrix(feats[1]) - targets[0]) ** 2).sum() + 2 * ((gram_matrix(feats[2]) - targets[1]) ** 2).sum()
    )
    np.testing.assert_allclose(loss, expected)
    for k, layer in enumerate([1, 2]):

        def at(z, layer=layer):
            return style_loss([z if i == layer else f for i, f in enumerate(feats)], [1, 2], targets, [0.3, 2.0])[0]

        check_gradient(at, feats[layer], dfeats[k])
    same = style_loss(dict(enumerate(feats)), [1, 2], targets, [0.3, 2.0])
    assert same[0] == loss  # a dictionary of features will do
    own = [gram_matrix(feats[0])]
    assert style_loss(feats, [0], own, [5.0])[0] == 0


def test_inputs_stay_and_float32_stays_float32():
    f = features().astype(np.float32)
    target = gram_matrix(features(seed=3).astype(np.float32))
    copies = f.copy(), target.copy()
    assert content_loss(1.0, f, 2 * f)[1].dtype == np.float32
    assert gram_matrix(f).dtype == gram_matrix_backward(target, f).dtype == np.float32
    assert style_loss([f], [0], [target], [2.0])[1][0].dtype == np.float32
    np.testing.assert_array_equal(f, copies[0])
    np.testing.assert_array_equal(target, copies[1])


def test_wrong_arguments():
    f = features()
    with pytest.raises(ValueError, match="content_weight must not be negative"):
        content_loss(-1, f, f)
    with pytest.raises(ValueError, match="content_loss: content_current must have the shape"):
        content_loss(1, f, f[:, :2])
    with pytest.raises(ValueError, match="gram_matrix: features must have the shape"):
        gram_matrix(f[0])
    with pytest.raises(TypeError, match="gram_matrix: features must be float"):
        gram_matrix(f.astype(int))
    with pytest.raises(ValueError, match="dgram must have the shape"):
        gram_matrix_backward(np.zeros((2, 4, 4)), f)
    with pytest.raises(ValueError, match="1 layers, 1 targets and 2 weights"):
        style_loss([f], [0], [gram_matrix(f)], [1, 2])
    with pytest.raises(ValueError, match="target of layer 0"):
        style_loss([f], [0], [np.zeros((3, 3, 3))], [1])
    with pytest.raises(ValueError, match="style_weights must not be negative"):
        style_loss([f], [0], [gram_matrix(f)], [-1])
