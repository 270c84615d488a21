"""The track *Seeing*: saliency, fooling, class visualisation, inversion, dreaming, occlusion, CAM, style."""

from . import seeing_cases as cases
from .registry import Exercise
from .seeing_cases import dream_objective, objective
from .seeing_core import as_checked
from .seeing_networks import network

__all__ = [
    "EXERCISES",
    "as_checked",
    "dream_objective",
    "network",
    "objective",
]  # the others are for students to paste

_AS_CHECKED = "from pixelgrad.coursework.exercises.seeing import as_checked\n"
_MODEL = "from pixelgrad.coursework.exercises.seeing import network\nmodel = network(c)\n"

EXERCISES = [
    Exercise(
        id="saliency",
        track="seeing",
        title="Saliency maps",
        files={
            "class_gradient": "visualization/saliency.py",
            "compute_saliency_maps": "visualization/saliency.py",
        },
        points=6,
        extensions=cases.SALIENCY_STAGES,
        cases=cases.saliency_cases,
        run=cases.run_saliency,
        forward=("dX",),
        paste=_MODEL + 'dX = class_gradient(c["X"], c["y"], model, relu_rule=c["relu_rule"])\n'
        'saliency = compute_saliency_maps(c["X"], c["y"], model)',
        instructions={
            "class_gradient": "Return how the score of class y reacts to each pixel and channel, (N, 3, H, W). Send "
            "the images through the network, and send the derivative of the chosen scores, (N, K), back to the pixels. "
            "y is an array (N,) of class indices; one_hot(y, scores) gives an array like the scores with 1 at those "
            "classes. model.forward returns scores and cache, model.backward takes a gradient and the cache and "
            "returns dX and a dict; read their docstrings. Hand relu_rule on to model.backward.",
            "compute_saliency_maps": "Return how strongly the score of class y reacts to each pixel, (N, H, W): make "
            "one number that is never negative of the three channels of class_gradient.",
        },
        hints=(
            "What is the derivative of the number 'score of class y' by each of the K scores? It is what goes into the "
            "backward pass, and it does not depend on how large the scores are.",
            "Backward from there gives a gradient with three channels. A channel that speaks strongly against the "
            "class matters as much as one that speaks for it.",
            "Of each pixel take the largest of the three magnitudes: first the magnitudes, then the largest over the "
            "axis of the channels.",
        ),
        reading="Simonyan, Vedaldi, Zisserman: Deep inside convolutional networks, 2014, section 3",
    ),
    Exercise(
        id="fooling",
        track="seeing",
        title="Fooling images",
        files={"make_fooling_image": "visualization/fooling.py"},
        points=8,
        extensions=cases.FOOLING_STAGES,
        cases=cases.fooling_cases,
        run=cases.run_fooling,
        forward=("X_fooling", "callback"),
        paste=_MODEL + 'X_fooling = make_fooling_image(c["X"], c["target_y"], model, **c.get("options", {}))',
        instructions={
            "make_fooling_image": "Climb the score of the target class by small steps on the pixels until the network "
            "is fooled, at most max_iterations steps, and return the images, (N, 3, H, W); X itself stays as it is. "
            "Iterate over `steps`: it counts t from 0 to max_iterations, one turn more than there are steps, since the "
            "last turn only looks. In each turn call fooled = look(t, X_fooling, scores) once, before the step: an "
            "array (N,) that tells which images are done; these change no more, and once all are done no further turn "
            "is made. step(X, dX, learning_rate, "
            "normalize=normalize) moves along a gradient, clip(X, bounds) keeps pixels between black and white, "
            "one_hot(target, scores) marks the targets."
        },
        hints=(
            "It is a saliency map's gradient, of another class, and used to change the image instead of showing it. "
            "Where do you go if you follow it, and where if you follow its negative?",
            "In each turn: scores, look, leave the loop if all are fooled or the steps are used up, gradient of the "
            "target's scores, step, clip. The gradient is taken at the image as it is now.",
            "Two things are easily forgotten. The step must not be taken by images that fool the network already; "
            "np.where with a mask of the shape (N, 1, 1, 1) chooses image by image. And start from a copy.",
        ),
        reading="Szegedy et al.: Intriguing properties of neural networks, 2014, section 4",
    ),
    Exercise(
        id="class_visualization",
        track="seeing",
        title="Class visualisation",
        files={"create_class_visualization": "visualization/class_visualization.py"},
        points=11,
        extensions=cases.CLASS_VISUALIZATION_STAGES,
        cases=cases.class_visualization_cases,
        run=cases.run_class_visualization,
        forward=("X", "callback"),
        paste=_MODEL
        + 'X = create_class_visualization(c["target_y"], model, X_init=c["X_init"], **c["options"])\n'
        + _AS_CHECKED
        + 'X = as_checked(create_class_visualization, c["core_options"])(c["target_y"], model)',
        instructions={
            "create_class_visualization": "Climb the score of class y minus l2_reg * ||X||^2, and return the images, "
            "(N, 3, H, W). Iterate over `steps` (t = 0, 1, ...). In each: draw dy, dx with one call "
            "rng.integers(-max_jitter, max_jitter + 1, size=2) and shift the images with jitter(X, dy, dx); gradient "
            "and step belong to the shifted images; shift back, clip(X, bounds), blur with blur(X, blur_sigma) after "
            "every blur_every steps (0: never; not after the last step), then report(t, X, scores). With objective "
            '"log_odds" the objective is the score minus the log of the sum of exp(score) over all other classes; its '
            "derivative needs the softmax over the other classes. Helpers: one_hot, softmax, jitter, step, clip, blur."
        },
        hints=(
            "Without the extras it is gradient ascent on a score, as for fooling images, and the extras come one after "
            "the other. Pass the cases with one step first, then jitter, then blur.",
            "The penalty is subtracted from the score, so its derivative is subtracted from the gradient. What is the "
            "derivative of x^2, and of which images, the shifted or the others?",
            "A shift by (dy, dx) is undone by a shift the other way. For the log odds give the class itself a score of "
            "minus infinity before the softmax: then the others share all of it.",
        ),
        reading="Simonyan, Vedaldi, Zisserman: Deep inside convolutional networks, 2014, section 2",
    ),
    Exercise(
        id="inversion",
        track="seeing",
        title="Feature inversion",
        files={"invert_features": "visualization/inversion.py"},
        points=11,
        extensions=cases.INVERSION_STAGES,
        cases=cases.inversion_cases,
        run=cases.run_inversion,
        forward=("X", "callback"),
        paste=_MODEL
        + 'X = invert_features(c["target_feats"], c["layer"], model, X_init=c["X_init"], **c["options"])\n'
        + _AS_CHECKED
        + 'X = as_checked(invert_features, c["core_options"])(c["target_feats"], c["layer"], model)',
        instructions={
            "invert_features": "Go downhill on ||f(X) - target||^2 / ||target||^2 + l2_reg * ||X||^2 + total variation "
            "and return the images, (N, 3, H, W). f are the features at layer index `end`, both norms are taken image "
            "by image (sum over the axes per_image); a target of zeros is divided by 1. Iterate over `steps` "
            "(t = 0, 1, ...). In step t: features, gradient, the terms of the regularisers (tv_beta_loss(X, tv_weight, "
            "tv_beta) returns loss and gradient), a step of rate learning_rate * (1 - t / num_iterations), "
            "clip(X, bounds), blur(X, blur_sigma) after every blur_every steps (0: never; not after the last step), "
            "then report(t, X, loss) with the normalised distance before the step, (N,)."
        },
        hints=(
            "The loss is a squared distance at a layer. What goes into the backward pass there is the derivative of "
            "that distance by the features, an array of the features' shape.",
            "The derivative of (a - b)^2 by a has a factor and a difference in it; the squared length of the target "
            "divides it. Downhill is against the gradient.",
            "Give model.forward the same `end` that the target comes from. Compute the squared length of each target "
            "once, before the loop, with keepdims=True, so that it divides image by image; replace zeros by 1.",
        ),
        reading="Mahendran, Vedaldi: Understanding deep image representations by inverting them, 2015, sections 2-3",
    ),
    Exercise(
        id="dream",
        track="seeing",
        title="DeepDream",
        files={"deepdream": "visualization/dreaming.py"},
        points=13,
        extensions=cases.DREAM_STAGES,
        cases=cases.dream_cases,
        run=cases.run_dream,
        forward=("X", "callback"),
        paste=_MODEL
        + "from pixelgrad.coursework.exercises.seeing import dream_objective\n"
        + "layers, objective = dream_objective(c, model)\n"
        + 'X = deepdream(c["X"], layers, model, objective=objective, **c["options"])\n'
        + _AS_CHECKED
        + 'X = as_checked(deepdream, c["core_options"])(c["X"], c["layer"], model)',
        instructions={
            "deepdream": "Write one step, from the images `dream` to the next `dream`. Shift them by dy, dx with "
            "jitter; read the layers with feats, caches = forward_layers(model, images, layers), where feats is a dict "
            "of layer index to array; ask objective(feats) for `dfeats`, a dict of the same keys with the gradient of "
            "what shall grow (for half the squared activations these are the activations themselves, but any other "
            "objective may be given); bring it back to the pixels with backward_layers(model, dfeats, caches); "
            "step(images, dX, rate, normalize=normalize); shift back; clip(images, bounds). The lines below use the "
            "names dream, feats and dfeats."
        },
        hints=(
            "It is the same loop as in class visualisation: forward, a gradient at the layers, backward, a step. Only "
            "what goes into the backward pass comes from a function that was passed in.",
            "The function takes all features at once and returns a gradient for each of them; nothing is to be "
            "multiplied or added to that. backward_layers adds the layers up on the way back.",
            "The features are those of the shifted images, and the step is taken on the shifted images. Then undo the "
            "shift, and clip to the bounds of the octave.",
        ),
        reading="Mordvintsev, Olah, Tyka: Inceptionism: going deeper into neural networks, 2015",
    ),
    Exercise(
        id="occlusion",
        track="seeing",
        title="Occlusion maps",
        files={"occlusion_maps": "visualization/occlusion.py"},
        points=5,
        cases=cases.occlusion_cases,
        run=cases.run_occlusion,
        forward=("maps", "grid"),
        paste=_MODEL
        + 'occlusion = occlusion_maps(c["X"], c["y"], model, **c["options"])\nocclusion.maps, occlusion.grid',
        instructions={
            "occlusion_maps": "Measure one batch of windows. places[part] lists them as (n, top, left): the image's "
            "index, first row and first column; `image` holds the n alone. Make for each a copy of its image in which "
            "the square of window x window pixels is replaced, in all channels, by the same square of hidden[n]; send "
            "them through the network with model.scores(images, batch_size=batch_size); write into drop[part] how much "
            "lower the class's value is than value[n], that of the whole image. class_value(scores, y, objective) "
            "takes an array (M,) of classes, one for each row of the scores. X must stay as it is."
        },
        hints=(
            "No gradient here: hide, measure, compare. A class that depends on what is hidden loses, and its drop is "
            "positive.",
            "X[image] with an array of indices is a copy already, one image for each window. Each copy is hidden in "
            "one place only.",
            "Value, class and filling belong to the window's own image: index all three by the n of the window.",
        ),
        reading="Zeiler, Fergus: Visualizing and understanding convolutional networks, 2014, section 4.2",
    ),
    Exercise(
        id="guided",
        track="seeing",
        title="Guided backpropagation",
        files={"guided_backprop": "visualization/guided.py"},
        points=4,
        cases=cases.guided_cases,
        run=cases.run_guided,
        forward=(),
        paste=_MODEL + 'dX = guided_backprop(c["X"], c["y"], model)',
        instructions={
            "guided_backprop": "Go back from the score of class y to the pixels, and let through at every ReLU only "
            "what is positive and was active. Returned is everything that arrives, (N, 3, H, W), with its signs. "
            "model.backward has an option that says what a ReLU sends back; its docstring and that of relu_backward "
            "(layers/basic.py) list the choices. one_hot(y, scores) marks the classes."
        },
        hints=(
            "Compare three rules at a ReLU: send back where the input was positive; where the gradient is positive; "
            "where both are. Which is which?",
            "Up to the ReLUs nothing differs from a saliency map's gradient: the derivative of the class's score goes "
            "back through the network.",
            "The rule holds at every ReLU on the way, so it must be given to the backward pass; clamping what has "
            "arrived at the pixels is something else.",
        ),
        reading="Springenberg et al.: Striving for simplicity: the all convolutional net, 2015, section 3.4",
    ),
    Exercise(
        id="cam",
        track="seeing",
        title="Class activation maps",
        files={"class_activation_maps": "visualization/cam.py"},
        points=4,
        cases=cases.cam_cases,
        run=cases.run_cam,
        forward=("maps",),
        paste=_MODEL + 'maps = class_activation_maps(c["X"], c["y"], model, **c["options"])',
        instructions={
            "class_activation_maps": "Given are the last maps A, (N, C, h, w), and the weights W, (C, K), of the "
            "affine layer behind the pooling. Return for each image the sum of its maps, each weighted by what it adds "
            "to the score of the image's class y: (N, h, w). Where W is None every class has a map of its own: take "
            "it. With relu leave out what is negative; with upsample return upsample_maps(maps, X.shape[2:]), "
            "(N, H, W)."
        },
        hints=(
            "Write the class's score as a formula: bias plus a sum over the maps of weight times mean. Leave the mean "
            "away, and what is left in each place is the map.",
            "Which axis of W belongs to the maps, and which to the classes? Each image has a class of its own, so the "
            "weights you need form an array with one row or column for each image.",
            "Indexing W by the array y gives these weights; np.einsum can multiply by the maps and sum over the "
            "channels, keeping image and place.",
        ),
        reading="Zhou et al.: Learning deep features for discriminative localization, 2016, section 2",
    ),
    Exercise(
        id="grad_cam",
        track="seeing",
        title="Grad-CAM",
        files={"grad_cam": "visualization/cam.py"},
        points=6,
        cases=cases.grad_cam_cases,
        run=cases.run_grad_cam,
        forward=("maps",),
        paste=_MODEL + 'maps = grad_cam(c["X"], c["y"], model, **c["options"])',
        instructions={
            "grad_cam": "Return the sum of the maps of layer index `layer`, (N, C, h, w), each weighted by the mean, "
            "over its places, of the gradient of the score of class y to it: (N, h, w). You need the network in two "
            "parts, up to the layer and from there on; model.forward takes start and end, both included, and the "
            "cache of a part goes back through that part. With relu leave out what is negative; with upsample "
            "return upsample_maps(maps, X.shape[2:]), (N, H, W)."
        },
        hints=(
            "The gradient wanted is that to the maps of a layer, not to the pixels: the backward pass must stop there.",
            "Run the first part to get the maps, and the second part on the maps to get scores and a cache. "
            "What goes into the backward pass is the same as for a saliency map.",
            "alpha has one number for each image and channel: the mean over the two axes of the places. Multiply, sum "
            "over the channels, then take the ReLU, then enlarge.",
        ),
        reading="Selvaraju et al.: Grad-CAM, 2017, section 3, equations 1 and 2",
    ),
    Exercise(
        id="layer_cam",
        track="seeing",
        title="LayerCAM and Grad-CAM++",
        files={
            "layer_cam_weights": "visualization/cam_weights.py",
            "grad_cam_plus_plus_weights": "visualization/cam_weights.py",
        },
        points=5,
        cases=cases.layer_cam_cases,
        run=cases.run_layer_cam,
        forward=("LayerCAM", "Grad-CAM++"),
        paste='weights = layer_cam_weights(c["A"], c["g"])\nweights = grad_cam_plus_plus_weights(c["A"], c["g"])',
        instructions={
            "layer_cam_weights": "A are a layer's maps and g is the gradient of the score to them, both "
            "(N, C, h, w). Return a weight for each position, (N, C, h, w): its gradient where a stronger activation "
            "would raise the score, and 0 elsewhere. A and g must not change.",
            "grad_cam_plus_plus_weights": "Return a weight for each channel, (N, C, 1, 1): the sum over its positions "
            "of alpha times the positive part of g, where alpha is g^2 divided by 2 g^2 + S g^3, and S is the sum of "
            "the channel's map A over all its positions. Where the denominator is 0, alpha is 0. A and g must not "
            "change.",
        },
        hints=(
            "Grad-CAM has one weight for each channel, the mean of the gradient over all positions. Here a position "
            "whose gradient is negative does not take anything from the others.",
            "alpha has the shape of g, for it differs from position to position. S does not: it is one number for "
            "each image and channel. Which axes does its sum run over, and what keeps them for broadcasting?",
            "np.divide with `out` and `where` divides only where the denominator is not 0. The positive part of g is "
            "taken of the factor behind alpha, not of g^2 and g^3.",
        ),
        reading="Jiang et al.: LayerCAM, 2021, section III; Chattopadhyay et al.: Grad-CAM++, 2018, section 3",
    ),
    Exercise(
        id="rise",
        track="seeing",
        title="RISE",
        files={"rise": "visualization/rise.py"},
        points=5,
        cases=cases.rise_cases,
        run=cases.run_rise,
        forward=("maps",),
        paste=_MODEL + 'maps = rise(c["X"], c["y"], model, **c["options"])',
        instructions={
            "rise": "Make `maps`, (N, H, W): for each image the sum of all masks, each times the value of the class in "
            "the image under this mask, divided by `samples` and by `keep`. Add the sum up in `total`, (N, H, W), "
            "which is zero so far. Iterate over `batches`: it gives masks (M, H, W) from 0 to 1, and there are "
            "`samples` in all; each is for all images. Where a mask is 1 the image X[n] is seen, where it is 0 "
            "empty[n], and in between a mixture. value_of(images, label) returns the class's probability or score in "
            "each of M images, (M,). y has a class for each image. X must not change."
        },
        hints=(
            "Nothing here looks into the network. A mask under which the class is still seen gets a large weight, and "
            "the pixels that such masks show become bright.",
            "For each batch and each image: the image under all M masks, (M, 3, H, W), by broadcasting; the value of "
            "the image's class in each, (M,); and the masks, each times its value, added to total[n].",
            "Write the mixture as empty + mask * (image - empty): masks need an axis for the channels. The weighted "
            "sum over M masks is np.tensordot(values, masks, axes=1). Divide once, behind the loop.",
        ),
        reading="Petsiuk, Das, Saenko: RISE, 2018, section 3",
    ),
    Exercise(
        id="lrp",
        track="seeing",
        title="Layer-wise relevance propagation",
        files={"propagate_relevance": "visualization/lrp.py"},
        points=6,
        cases=cases.lrp_cases,
        run=cases.run_lrp,
        forward=("relevance",),
        paste=_MODEL + 'relevance = propagate_relevance(c["R"], c["a"], c["layer"], model, epsilon=c["epsilon"])',
        instructions={
            "propagate_relevance": "R is the relevance of a layer's outputs z, and a are its inputs. Input j "
            "contributes a_j w_jk to z_k, and gets the same share of R_k: return the relevance of the inputs, of the "
            "shape of a. The layer is linear: a convolution, an affine layer or average pooling. Run it alone, by "
            "model.forward with start and end, both included; model.backward with its cache sums over the outputs. Add "
            "to z, before you divide by it, epsilon times the root mean square of the image's own z, with the sign of "
            "z, 0 counting as positive. An output that is 0 even so hands nothing on. R and a must not change."
        },
        hints=(
            "Take the formula R_j = sum over k of a_j w_jk R_k / z_k apart: a_j does not depend on k. What is left is "
            "a sum of w_jk times something, and you know which pass of a layer does that.",
            "Four steps: z, the ratio of R to it, the ratio back through the layer, times the inputs. Epsilon "
            "concerns the second only. It must make a denominator larger in magnitude, so it follows the sign of z.",
            "The root mean square is taken over all axes but the first, with keepdims=True. np.where chooses between "
            "z plus and z minus it; np.divide with `out` and `where` leaves 0 where nothing can be divided.",
        ),
        reading="Montavon et al.: Layer-wise relevance propagation: an overview, 2019, sections 10.2 and 10.4",
    ),
    Exercise(
        id="content",
        track="seeing",
        title="Content loss",
        files={"content_loss": "visualization/style_losses.py"},
        points=3,
        cases=cases.content_cases,
        run=cases.run_content,
        forward=("loss",),
        paste='loss, dcurrent = content_loss(c["content_weight"], c["content_current"], c["content_original"])',
        instructions={
            "content_loss": "Return the loss, content_weight times the sum of squared differences of the two arrays of "
            "features, as a float, and its gradient by content_current, an array of the features' shape. Neither "
            "of the given arrays may change."
        },
        hints=(
            "A sum over everything is one number; the gradient has an entry for each of the features.",
            "Take one feature: what is the derivative of weight * (a - b)^2 by a?",
            "The same difference stands in both, squared in the loss and with a factor of two in the gradient; the "
            "weight in both, too.",
        ),
        reading="Gatys, Ecker, Bethge: Image style transfer using convolutional neural networks, 2016, section 2.1",
    ),
    Exercise(
        id="gram",
        track="seeing",
        title="Gram matrix",
        files={
            "gram_matrix": "visualization/style_losses.py",
            "gram_matrix_backward": "visualization/style_losses.py",
        },
        points=6,
        cases=cases.gram_cases,
        run=cases.run_gram,
        forward=("gram",),
        paste='gram = gram_matrix(c["features"], c["normalize"])\n'
        'dfeatures = gram_matrix_backward(c["dgram"], c["features"], c["normalize"])',
        instructions={
            "gram_matrix": "Return for each image the (C, C) products of all pairs of channels, summed over the H * W "
            "places: (N, C, C). Bring each image's features (C, H, W) into the form of a matrix with a row or column "
            "for each channel first. With normalize divide by C * H * W.",
            "gram_matrix_backward": "Return the gradient by the features, (N, C, H, W), for an upstream gradient "
            "dgram, (N, C, C). Each feature stands in the Gram matrix twice, in a row and in a column, and dgram need "
            "not be symmetric. With normalize divide as in the forward pass. dgram must not change.",
        },
        hints=(
            "Think of one image: F is (C, H * W), one row for each channel, and G = F F^T. Every image has its own.",
            "Going from (C, H, W) to a matrix with channels as columns needs a transpose: a reshape alone mixes "
            "channels and places. If you transpose, transpose back at the end.",
            "F stands in G = F F^T on the left and on the right. The left one contributes dG F to the gradient, the "
            "right one the same with dG transposed; add the two.",
        ),
        reading="Gatys, Ecker, Bethge: Image style transfer using convolutional neural networks, 2016, section 2.2",
    ),
    Exercise(
        id="style",
        track="seeing",
        title="Style loss",
        files={"style_loss": "visualization/style_losses.py"},
        points=5,
        cases=cases.style_cases,
        run=cases.run_style,
        forward=("loss",),
        paste='loss, dfeats = style_loss(c["feats"], c["layers"], c["targets"], c["weights"])',
        instructions={
            "style_loss": "Return the loss, a float: the sum over the style layers of weight times the sum of squared "
            "differences between the Gram matrix of feats[layer] and its target; and a list with the gradient by the "
            "features of each style layer, (N, C, H, W), in the order of style_layers. Use gram_matrix and "
            "gram_matrix_backward, both normalised."
        },
        hints=(
            "For one layer it is a content loss between Gram matrices. Its gradient by the Gram matrix goes back "
            "through gram_matrix_backward.",
            "style_layers holds indices into feats; targets and weights are in the order of style_layers. zip goes "
            "through the three together.",
            "Add up the losses, and keep the gradients apart: append each to a list.",
        ),
        reading="Gatys, Ecker, Bethge: Image style transfer using convolutional neural networks, 2016, section 2.2",
        needs=("gram",),
    ),
    Exercise(
        id="tv",
        track="seeing",
        title="Total variation",
        files={"tv_loss": "visualization/total_variation.py"},
        points=4,
        cases=cases.tv_cases,
        run=cases.run_tv,
        forward=("loss",),
        paste='loss, dimg = tv_loss(c["img"], c["tv_weight"])',
        instructions={
            "tv_loss": "Return the loss, tv_weight times the sum of squared differences of all neighbours, vertical "
            "and horizontal, as a float, and its gradient, (N, C, H, W). Nothing lies beyond the border. Slices make "
            "it without loops: one array of differences downwards, (N, C, H - 1, W), and one to the right, "
            "(N, C, H, W - 1). img must not change. Write the sums out: a call of tv_beta_loss, which stands below, "
            "is no solution."
        },
        hints=(
            "Try it on a single row of three pixels, by hand: two differences, and the middle pixel stands in both.",
            "All rows but the first, minus all rows but the last; the same for columns. Check the shapes: a slice that "
            "is one row high is broadcast without a word.",
            "Each difference pulls at two pixels, with opposite signs. Collect into an array of zeros: four slices, "
            "two with plus and two with minus, then the factor.",
        ),
        reading="Mahendran, Vedaldi: Understanding deep image representations by inverting them, 2015, section 3",
    ),
    Exercise(
        id="style_transfer",
        track="seeing",
        title="Style transfer",
        files={"perceptual_objective": "visualization/style_transfer.py"},
        points=10,
        cases=cases.style_transfer_cases,
        run=cases.run_style_transfer,
        forward=("loss", "style", "content", "tv"),
        paste="from pixelgrad.coursework.exercises.seeing import objective\n"
        'loss, dX, info = objective(c, perceptual_objective)(c["X"])',
        instructions={
            "perceptual_objective": "Define a function of the image X, (1, 3, H, W), and return the function. It "
            'returns the loss, its gradient dX, and a dict with the parts of the loss, "style", "tv" and, unless '
            'content is None, "content"; the loss is their sum. forward_layers(model, X, layers) returns the features '
            "of all layers as a dict and caches; style_loss, content_loss and tv_loss do the rest of the forward "
            "pass. Collect the gradients at the layers in a dict of layer index to array, of which "
            "backward_layers(model, dfeats, caches) makes the gradient by X. A layer may occur more than once, and may "
            "serve content and style. tv_factor(X) is the weight of the total variation. style_layers, grams, "
            "style_weights, content_layer, target and content_weight are given above."
        },
        hints=(
            "Three losses on different things: style and content on features, total variation on the image itself. "
            "Their values add up, and so do their gradients.",
            "Every layer in `layers` needs an entry in the dict of gradients. What if it has one already?",
            "Total variation has nothing to do with the network: its gradient is added after the way back through "
            "the layers.",
        ),
        reading="Gatys, Ecker, Bethge: Image style transfer using convolutional neural networks, 2016, section 2.3",
        needs=("content", "gram", "style", "tv"),
    ),
]
