"""The functions of the notebooks of 2016 in the manner of CS231n's students: see `dialect`.

They take names from their notebook: data, blur_image, deprocess_image, plt.
"""
# ruff: noqa: F821, NPY002, UP031, B007

import numpy as np
from dialect import right, wrong

# -- saliency ----------------------------------------------------------------------------------------------------------

SALIENCY = ("saliency", "compute_saliency_maps")


def saliency_of(make_dscores, reduce=lambda dX: np.max(np.abs(dX), axis=1)):
    def compute_saliency_maps(X, y, model):
        scores, cache = model.forward(X, mode="test")
        dX, grads = model.backward(make_dscores(scores, y), cache)
        return reduce(dX)

    return compute_saliency_maps


def onehot(scores, y):
    dscores = np.zeros_like(scores)
    dscores[np.arange(len(scores)), y] = 1
    return dscores


@right(*SALIENCY)
def saliency_as_in_the_notebook():
    return saliency_of(onehot)


@right(*SALIENCY)
def saliency_with_a_loop():
    def compute_saliency_maps(X, y, model):
        N, C, H, W = X.shape
        saliency = np.zeros((N, H, W))
        for i in range(N):
            scores, cache = model.forward(X[i : i + 1], mode="test")
            dscores = np.zeros(scores.shape)
            dscores[0, y[i]] = 1.0
            dX, _ = model.backward(dscores, cache)
            saliency[i] = np.abs(dX[0]).max(axis=0)
        return saliency

    return compute_saliency_maps


@right(*SALIENCY)
def saliency_with_eye_and_amax():
    return saliency_of(lambda s, y: np.eye(s.shape[1])[y], lambda dX: np.amax(np.absolute(dX), axis=1))


@wrong(*SALIENCY, told="gradient of the loss")
def saliency_of_the_loss():
    def dscores(scores, y):
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return (p - onehot(scores, y)) / len(scores)

    return saliency_of(dscores)


@wrong(*SALIENCY, told=("log-softmax", "gradient of the loss"))
def saliency_of_the_log_softmax():
    def dscores(scores, y):
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        return onehot(scores, y) - p / p.sum(axis=1, keepdims=True)

    return saliency_of(dscores)


@wrong(*SALIENCY, told="scores themselves")
def saliency_backward_of_scores():
    return saliency_of(lambda scores, y: scores)


@wrong(*SALIENCY, told="all images")
def saliency_with_whole_columns():
    def dscores(scores, y):
        d = np.zeros_like(scores)
        d[:, y] = 1
        return d

    return saliency_of(dscores)


@wrong(*SALIENCY, told="no magnitude")
def saliency_without_abs():
    return saliency_of(onehot, lambda dX: dX.max(axis=1))


@wrong(*SALIENCY, told="scores times one-hot")
def saliency_of_scores_times_onehot():
    return saliency_of(lambda s, y: s * onehot(s, y))


@wrong(*SALIENCY, told="square")
def saliency_of_squares():
    return saliency_of(onehot, lambda dX: (dX**2).max(axis=1))


@wrong(*SALIENCY, told="sum over channels")
def saliency_summed():
    return saliency_of(onehot, lambda dX: np.abs(dX).sum(axis=1))


# -- fooling -----------------------------------------------------------------------------------------------------------

FOOLING = ("fooling", "make_fooling_image")


def fooling_with(rate, dscores_of=None, sign=1.0):
    def make_fooling_image(X, target_y, model):
        X_fooling = X.copy()
        for i in range(100):
            scores, cache = model.forward(X_fooling, mode="test")
            if scores[0].argmax() == target_y:
                break
            d = onehot(scores, target_y) if dscores_of is None else dscores_of(scores, target_y)
            dX, _ = model.backward(d, cache)
            X_fooling += sign * rate * dX
        return X_fooling

    return make_fooling_image


@right(*FOOLING)
def fooling_rate_of_one_hundred():
    return fooling_with(100)


@right(*FOOLING)
def fooling_rate_of_five_thousand():
    return fooling_with(5000.0)


@right(*FOOLING)
def fooling_with_a_while_loop():
    def make_fooling_image(X, target_y, model):
        X_fooling = np.copy(X)
        learning_rate, i = 1000, 0
        y_pred = -1
        while y_pred != target_y and i < 100:
            scores, cache = model.forward(X_fooling, mode="test")
            y_pred = np.argmax(scores)
            if y_pred != target_y:
                dscores = np.zeros(scores.shape)
                dscores[:, target_y] = 1
                dX, _ = model.backward(dscores, cache)
                X_fooling = X_fooling + learning_rate * dX
            i += 1
        return X_fooling

    return make_fooling_image


@right(*FOOLING)
def fooling_with_a_normalised_gradient():
    def make_fooling_image(X, target_y, model):
        X_fooling = X.copy()
        for t in range(100):
            scores, cache = model.forward(X_fooling)
            if np.argmax(scores, axis=1)[0] == target_y:
                print("fooled after", t)
                return X_fooling
            dX, _ = model.backward(onehot(scores, target_y), cache)
            X_fooling += 10 * dX / np.sqrt(np.sum(dX**2))
        return X_fooling

    return make_fooling_image


def log_softmax(scores, y):
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return onehot(scores, y) - p / p.sum(axis=1, keepdims=True)


@wrong(*FOOLING, told=("loss", "log-softmax"))
def fooling_descends_the_loss():
    return fooling_with(1000, log_softmax)


@wrong(*FOOLING, told="descends")
def fooling_goes_down():
    return fooling_with(1000, sign=-1.0)


@wrong(*FOOLING, told="X changed in place")
def fooling_without_a_copy():
    inner = fooling_with(1000)

    def make_fooling_image(X, target_y, model):
        X += inner(X, target_y, model) - X
        return X

    return make_fooling_image


@wrong(*FOOLING, told="scores times one-hot")
def fooling_of_scores_times_onehot():
    return fooling_with(1000, lambda s, y: s * onehot(s, y))


@wrong(*FOOLING, told="before the network is fooled")
def fooling_takes_one_small_step():
    def make_fooling_image(X, target_y, model):
        scores, cache = model.forward(X, mode="test")
        dX, _ = model.backward(onehot(scores, target_y), cache)
        return X + 0.1 * dX

    return make_fooling_image


@wrong(*FOOLING, told="no return")
def fooling_returns_nothing():
    def make_fooling_image(X, target_y, model):
        fooling_with(1000)(X, target_y, model)

    return make_fooling_image


# -- class visualisation -----------------------------------------------------------------------------------------------

VISUALIZATION = ("class_visualization", "create_class_visualization")


def visualization_with(update, dscores_of=onehot):
    def create_class_visualization(target_y, model, **kwargs):
        learning_rate = kwargs.pop("learning_rate", 10000)
        blur_every = kwargs.pop("blur_every", 1)
        l2_reg = kwargs.pop("l2_reg", 1e-6)
        max_jitter = kwargs.pop("max_jitter", 4)
        num_iterations = kwargs.pop("num_iterations", 100)
        show_every = kwargs.pop("show_every", 25)
        X = np.random.randn(1, 3, 64, 64)
        for t in range(num_iterations):
            ox, oy = np.random.randint(-max_jitter, max_jitter + 1, 2)
            X = np.roll(np.roll(X, ox, -1), oy, -2)
            scores, cache = model.forward(X, mode="test")
            dX, _ = model.backward(dscores_of(scores, target_y), cache)
            X = update(X, dX, learning_rate, l2_reg)
            X = np.roll(np.roll(X, -ox, -1), -oy, -2)
            X = np.clip(X, -data["mean_image"], 255.0 - data["mean_image"])
            if t % blur_every == 0:
                X = blur_image(X)
            if t % show_every == 0:
                plt.imshow(deprocess_image(X, data["mean_image"]))
                plt.gcf().set_size_inches(3, 3)
                plt.axis("off")
                plt.show()
        return X

    return create_class_visualization


@right(*VISUALIZATION)
def visualization_as_in_the_notebook():
    return visualization_with(lambda X, dX, lr, reg: X + lr * (dX - 2 * reg * X))


@right(*VISUALIZATION)
def visualization_in_two_lines():
    def update(X, dX, lr, reg):
        dX -= reg * 2 * X
        X += lr * dX
        return X

    return visualization_with(update)


@right(*VISUALIZATION)
def visualization_with_bounds_of_the_model():
    def create_class_visualization(target_y, model, learning_rate=10000, l2_reg=1e-6, num_iterations=100, max_jitter=4):
        X = np.random.randn(1, 3, 64, 64) * 10
        low, high = model.bounds(X)
        for t in range(num_iterations):
            oy, ox = np.random.randint(-max_jitter, max_jitter + 1, size=2)
            shifted = np.roll(X, (oy, ox), axis=(2, 3))
            scores, cache = model.forward(shifted)
            dX, _ = model.backward(onehot(scores, target_y), cache)
            shifted = shifted + learning_rate * (dX - 2 * l2_reg * shifted)
            X = np.clip(np.roll(shifted, (-oy, -ox), axis=(2, 3)), low, high)
        return X

    return create_class_visualization


@wrong(*VISUALIZATION, told="regulariser with the wrong sign")
def visualization_plus_lambda():
    return visualization_with(lambda X, dX, lr, reg: X + lr * (dX + 2 * reg * X))


@wrong(*VISUALIZATION, told="factor 2 missing")
def visualization_lambda_without_two():
    return visualization_with(lambda X, dX, lr, reg: X + lr * (dX - reg * X))


@wrong(*VISUALIZATION, told="descends")
def visualization_goes_down():
    return visualization_with(lambda X, dX, lr, reg: X - lr * (dX + 2 * reg * X))


@wrong(*VISUALIZATION, told="probability")
def visualization_of_a_probability():
    def dscores(scores, y):
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p[:, [y]] * (onehot(scores, y) - p)

    return visualization_with(lambda X, dX, lr, reg: X + lr * (dX - 2 * reg * X), dscores)


@wrong(*VISUALIZATION, told=("loss", "log-softmax"))
def visualization_of_the_log_softmax():
    return visualization_with(lambda X, dX, lr, reg: X + lr * (dX - 2 * reg * X), log_softmax)


@wrong(*VISUALIZATION, told="scores themselves")
def visualization_backward_of_scores():
    return visualization_with(lambda X, dX, lr, reg: X + lr * (dX - 2 * reg * X), lambda s, y: s)


@wrong(*VISUALIZATION, told="no regulariser")
def visualization_without_the_penalty():
    return visualization_with(lambda X, dX, lr, reg: X + lr * dX)


# -- inversion ---------------------------------------------------------------------------------------------------------

INVERSION = ("inversion", "invert_features")


def inversion_with(dfeats_of=lambda f, t: 2 * (f - t), update=lambda X, dX, lr, reg: X - lr * (dX + 2 * reg * X)):
    def invert_features(target_feats, layer, model, **kwargs):
        learning_rate = kwargs.pop("learning_rate", 10000)
        num_iterations = kwargs.pop("num_iterations", 500)
        l2_reg = kwargs.pop("l2_reg", 1e-7)
        blur_every = kwargs.pop("blur_every", 1)
        show_every = kwargs.pop("show_every", 50)
        X = np.random.randn(1, 3, 64, 64)
        for t in range(num_iterations):
            feats, cache = model.forward(X, end=layer, mode="test")
            dX, _ = model.backward(dfeats_of(feats, target_feats), cache)
            X = update(X, dX, learning_rate, l2_reg)
            X = np.clip(X, -data["mean_image"], 255.0 - data["mean_image"])
            if (t > 0) and t % blur_every == 0:
                X = blur_image(X)
            if t % show_every == 0 or t + 1 == num_iterations:
                plt.imshow(deprocess_image(X, data["mean_image"]))
                plt.title("t = %d" % t)
                plt.show()
        return X

    return invert_features


@right(*INVERSION)
def inversion_as_in_the_notebook():
    return inversion_with()


@right(*INVERSION)
def inversion_in_place():
    def update(X, dX, lr, reg):
        dX += 2 * reg * X
        X -= lr * dX
        return X

    return inversion_with(update=update)


@right(*INVERSION)
def inversion_with_a_loss_that_is_printed():
    def dfeats(feats, target):
        difference = feats - target
        assert np.sum(difference**2) >= 0
        return difference * 2.0

    return inversion_with(dfeats)


@wrong(*INVERSION, told="climbs the distance")
def inversion_goes_up():
    return inversion_with(update=lambda X, dX, lr, reg: X + lr * (dX - 2 * reg * X))


@wrong(*INVERSION, told="factor 2 missing")
def inversion_dfeats_without_two():
    return inversion_with(lambda f, t: f - t)


@wrong(*INVERSION, told="regulariser with the wrong sign")
def inversion_minus_lambda():
    return inversion_with(update=lambda X, dX, lr, reg: X - lr * (dX - 2 * reg * X))


@wrong(*INVERSION, told="target not subtracted")
def inversion_without_target():
    return inversion_with(lambda f, t: 2 * f)


@wrong(*INVERSION, told="squared difference as dout")
def inversion_of_squares():
    return inversion_with(lambda f, t: (f - t) ** 2)


# -- dreaming ----------------------------------------------------------------------------------------------------------

DREAM = ("dream", "deepdream")


def dream_with(dfeats_of=lambda feats: feats, sign=1.0, copy=True):
    def deepdream(X, layer, model, **kwargs):
        X = X.copy() if copy else X
        learning_rate = kwargs.pop("learning_rate", 5.0)
        max_jitter = kwargs.pop("max_jitter", 16)
        num_iterations = kwargs.pop("num_iterations", 100)
        show_every = kwargs.pop("show_every", 25)
        for t in range(num_iterations):
            ox, oy = np.random.randint(-max_jitter, max_jitter + 1, 2)
            X = np.roll(np.roll(X, ox, -1), oy, -2)
            feats, cache = model.forward(X, end=layer, mode="test")
            dX, _ = model.backward(dfeats_of(feats), cache)
            X += sign * learning_rate * dX
            X = np.roll(np.roll(X, -ox, -1), -oy, -2)
            mean_pixel = data["mean_image"].mean(axis=(1, 2), keepdims=True)
            X = np.clip(X, -mean_pixel, 255.0 - mean_pixel)
            if t == 0 or (t + 1) % show_every == 0:
                img = deprocess_image(X, data["mean_image"])
                plt.imshow(img)
                plt.show()
        return X

    return deepdream


@right(*DREAM)
def dream_as_in_the_notebook():
    return dream_with()


@right(*DREAM)
def dream_with_a_fixed_rate():
    def deepdream(X, layer, model, **kwargs):
        X = np.array(X)
        for t in range(kwargs.get("num_iterations", 100)):
            feats, cache = model.forward(X, end=layer)
            dX = model.backward(feats, cache)[0]
            X = X + 2.0 * dX
            low, high = model.bounds(X)
            X = np.clip(X, low, high)
        return X

    return deepdream


@wrong(*DREAM, told="the sum of the activations")
def dream_of_ones():
    return dream_with(np.ones_like)


@wrong(*DREAM, told="descends")
def dream_goes_down():
    return dream_with(sign=-1.0)


@wrong(*DREAM, told=("squares", "gradient times features"))
def dream_of_squares():
    return dream_with(lambda feats: feats**2)


@wrong(*DREAM, told="magnitude")
def dream_of_magnitudes():
    return dream_with(np.abs)


# -- guided backpropagation --------------------------------------------------------------------------------------------

GUIDED = ("guided", "guided_backprop")


@right(*GUIDED)
def guided_through_the_model():
    def guided_backprop(X, y, model):
        scores, cache = model.forward(X, mode="test")
        dX, _ = model.backward(onehot(scores, y), cache, relu_rule="guided")
        return dX

    return guided_backprop


@wrong(*GUIDED, told="clamped at the image only")
def guided_by_a_clamp_at_the_end():
    def guided_backprop(X, y, model):
        scores, cache = model.forward(X, mode="test")
        return np.maximum(model.backward(onehot(scores, y), cache)[0], 0)

    return guided_backprop


@wrong(*GUIDED, told="scores themselves")
def guided_backward_of_scores():
    def guided_backprop(X, y, model):
        scores, cache = model.forward(X, mode="test")
        return model.backward(scores, cache, relu_rule="guided")[0]

    return guided_backprop


@wrong(*GUIDED, told="log-softmax")
def guided_of_the_log_softmax():
    def guided_backprop(X, y, model):
        scores, cache = model.forward(X, mode="test")
        return model.backward(log_softmax(scores, y), cache, relu_rule="guided")[0]

    return guided_backprop


# -- losses of style transfer ------------------------------------------------------------------------------------------


@right("content", "content_loss")
def content_as_a_sum_of_squares():
    def content_loss(content_weight, content_current, content_original):
        difference = content_current - content_original
        return content_weight * np.sum(difference**2), 2 * content_weight * difference

    return content_loss


@wrong("content", "content_loss", told="mean for sum")
def content_as_a_mean():
    def content_loss(content_weight, content_current, content_original):
        difference = content_current - content_original
        return content_weight * np.mean(difference**2), 2 * content_weight * difference / difference.size

    return content_loss


@right("tv", "tv_loss")
def tv_by_slices():
    def tv_loss(img, tv_weight):
        dh, dw = img[:, :, 1:, :] - img[:, :, :-1, :], img[:, :, :, 1:] - img[:, :, :, :-1]
        grad = np.zeros_like(img)
        grad[:, :, 1:, :] += 2 * dh
        grad[:, :, :-1, :] -= 2 * dh
        grad[:, :, :, 1:] += 2 * dw
        grad[:, :, :, :-1] -= 2 * dw
        return tv_weight * (np.sum(dh**2) + np.sum(dw**2)), tv_weight * grad

    return tv_loss


@right("tv", "tv_loss")
def tv_by_diff():
    def tv_loss(img, tv_weight):
        loss, grad = 0.0, np.zeros(img.shape)
        for axis in (2, 3):
            d = np.diff(img, axis=axis)
            loss += (d * d).sum()
            wide = [(0, 0)] * 4
            wide[axis] = (1, 1)
            grad -= 2 * np.diff(np.pad(d, wide), axis=axis)
        return tv_weight * loss, tv_weight * grad

    return tv_loss


@wrong("tv", "tv_loss", told=("magnitudes", "absolute"))
def tv_of_magnitudes():
    def tv_loss(img, tv_weight):
        dh, dw = img[:, :, 1:, :] - img[:, :, :-1, :], img[:, :, :, 1:] - img[:, :, :, :-1]
        grad = np.zeros_like(img)
        grad[:, :, 1:, :] += np.sign(dh)
        grad[:, :, :-1, :] -= np.sign(dh)
        grad[:, :, :, 1:] += np.sign(dw)
        grad[:, :, :, :-1] -= np.sign(dw)
        return tv_weight * (np.abs(dh).sum() + np.abs(dw).sum()), tv_weight * grad

    return tv_loss


@wrong("tv", "tv_loss", told="factor 2 missing")
def tv_without_a_two():
    def tv_loss(img, tv_weight):
        dh, dw = img[:, :, 1:, :] - img[:, :, :-1, :], img[:, :, :, 1:] - img[:, :, :, :-1]
        grad = np.zeros_like(img)
        grad[:, :, 1:, :] += dh
        grad[:, :, :-1, :] -= dh
        grad[:, :, :, 1:] += dw
        grad[:, :, :, :-1] -= dw
        return tv_weight * (np.sum(dh**2) + np.sum(dw**2)), tv_weight * grad

    return tv_loss
