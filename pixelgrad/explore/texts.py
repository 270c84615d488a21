"""Everything that the page says, in English. `TEXTS` holds all languages; `texts_zh` is the Chinese.

`_{...}` and `^{...}` in formulas are set below and above the line, and {name} is filled in by the page.
"""

from . import texts_zh
from .texts_methods import METHODS

VIEWS = {
    "forward": {
        "text": "Each layer turns the maps before it into new maps: early ones answer to edges and colours, late ones "
        "to parts of objects. A bright square is a neuron that responds strongly at that place of the photograph.",
        "formula": "x_{l+1} = max(0, BN(W_{l} ∗ x_{l}))",
        "question": "Which channels of conv1 respond to your photograph's outlines, and which of them to its colours?",
    },
    "gradient": {
        "text": "Send the derivative of one number back through the same layers, in reverse order. Blue says that more "
        "of a neuron would raise the number, orange that more would lower it.",
        "formula": "∂s/∂x_{l} = (∂x_{l+1}/∂x_{l})^{T} ∂s/∂x_{l+1}",
        "question": "Put the robust network beside this one (“Beside it”); it learnt from attacked images. In which "
        "layer do the two gradients begin to look different?",
    },
    "value": {
        "text": "One neuron multiplies every value in its window with the weight at the same place, and adds up. Batch "
        "normalisation shifts and scales that sum, and ReLU sets what is negative to zero.",
        "formula": "y = max(0, γ (a − μ) / √(σ^{2} + ε) + β), a = Σ_{c,i,j} w_{cij} x_{cij}",
        "question": "Cover the largest product with your thumb: would the neuron still be active?",
    },
    "value-affine": {
        "text": "A unit of a fully connected layer multiplies every value of the layer before with a weight of its "
        "own, and adds up. In the last layer that sum and the bias are the score of a class.",
        "formula": "s_{k} = Σ_{c} x_{c} w_{ck} + b_{k}",
        "question": "Which unit speaks most for this class, and which most against it?",
    },
    "value-mean": {
        "text": "The mean of one map: where in the photograph something was seen no longer matters from here on. Only "
        "how much of it was seen is left.",
        "formula": "y_{c} = 1/(H W) Σ_{i,j} x_{cij}",
        "question": "How many neurons of the map carry half of the mean?",
    },
    "value-max": {
        "text": "The largest value of a small window of one map. The others are forgotten, and "
        "with them the exact place.",
        "formula": "y_{cij} = max_{k,l} x_{c,i+k,j+l}",
        "question": "By how much could the other values of the window grow before anything changed?",
    },
    "value-avg": {
        "text": "The mean of a small window of one map. Every value counts alike.",
        "formula": "y_{cij} = 1/n Σ_{k,l} x_{c,i+k,j+l}",
        "question": "What does a chequered pattern of ones and zeros become?",
    },
    "value-relu": {
        "text": "ReLU keeps what is positive, and sets the rest to zero. It has no weights.",
        "formula": "y = max(0, x)",
        "question": "What would several layers be together without it?",
    },
    "value-pixel": {
        "text": "The photograph itself, one colour of one pixel. The network is given its grey level, 0 to 255, minus "
        "the mean of the training images there.",
        "formula": "x = (pixel − mean) / std",
        "question": "What is a black pixel for the network, and what a grey one?",
    },
    "sent": {
        "text": "The neuron feeds every neuron above whose window holds it, once for each filter. Each of them passes "
        "its own gradient back through its ReLU and its batch norm, to its sum a, and sends that times the weight "
        "between the two.",
        "formula": "∂s/∂x_{cij} = Σ_{f,k} w_{fck} ∂s/∂a_{fk}, ∂s/∂a = ∂s/∂y · [ReLU open] · γ/√(σ^{2} + ε)",
        "question": "Switch the ReLU rule to guided: which of the senders fall silent, and why?",
    },
    "sent-affine": {
        "text": "The unit feeds every unit above. Each of them sends back the gradient at its sum a times the weight "
        "between the two.",
        "formula": "∂s/∂x_{c} = Σ_{k} w_{ck} ∂s/∂a_{k}",
        "question": "The gradient starts as 1 at one class and 0 at all others: what is then left of the sum?",
    },
    "sent-mean": {
        "text": "All neurons of a map have the same part in its mean. Each gets the same gradient.",
        "formula": "∂s/∂x_{cij} = 1/(H W) ∂s/∂y_{c}",
        "question": "Grad-CAM takes the mean of this gradient over the map: does that lose anything here?",
    },
    "sent-max": {
        "text": "A maximum depends on the largest value of its window alone. That one gets all of the gradient, and "
        "the others get none.",
        "formula": "∂s/∂x_{cij} = Σ ∂s/∂y over the windows whose largest value it is",
        "question": "Which neurons of this map get no gradient at all?",
    },
    "sent-avg": {
        "text": "Each of the n values of a window has the same part in its mean. Each gets an n-th of the gradient.",
        "formula": "∂s/∂x_{cij} = Σ 1/n ∂s/∂y over the windows that hold it",
        "question": "Which neurons get gradient from more than one window?",
    },
    "sent-relu": {
        "text": "Where the value was positive, the gradient passes as it is. Where it was not, nothing comes back.",
        "formula": "∂s/∂x = ∂s/∂y · [x > 0]",
        "question": "What do the guided rule and the deconvnet do here instead?",
    },
    "attribute": {
        "text": "Every method answers the question where in the photograph the evidence for a class lies, and no two "
        "answers agree. Drag the line to compare two of them.",
        "formula": "s_{k}(x + d) ≈ s_{k}(x) + ⟨∂s_{k}/∂x, d⟩",
        "question": "Which of the maps would change if the network's weights were random? The command "
        "“pixelgrad faithfulness” tells.",
    },
    "paint": {
        "text": "Paint grey over a part of the photograph, and the network looks again. What the class needs is what "
        "you cannot cover without losing it.",
        "formula": "drop = s_{k}(x) − s_{k}(x, painted)",
        "question": "What is the smallest spot that changes the first class? Is it on the object?",
    },
    "fool": {
        "text": "Follow the gradient of another class's score until the network is fooled, and keep the direction. The "
        "slider goes along that line, and the answer changes long before the object in the photograph does.",
        "formula": "x' = clip(x + a d), rms(d) = 1 grey level",
        "question": "How many grey levels does the standard network withstand, and how many the robust one?",
    },
    "class": {
        "text": "Start from noise and climb the gradient of a class's score: the image becomes what the network finds "
        "most typical of the class. Jitter and blur keep the pixels from going their own ways.",
        "formula": "x ← x + η g/‖g‖, g = ∂(s_{k} − λ‖x‖^{2})/∂x",
        "question": "How often does the object appear in the image, and why is once not enough for the network?",
    },
    "dream": {
        "text": "Take whatever a layer sees in the photograph, and make more of it. The gradient of half the squared "
        "activations is the activations themselves.",
        "formula": "x ← x + η g/‖g‖, g = ∂ ½‖f_{l}(x)‖^{2}/∂x",
        "question": "What do early layers dream of, and what do late ones?",
    },
    "inversion": {
        "text": "Look for an image with the same features at a layer as the photograph, starting from noise. What "
        "comes back is what the layer still knows; what stays away, it has forgotten.",
        "formula": "min_{x} ‖f_{l}(x) − f_{l}(x_{0})‖^{2} / ‖f_{l}(x_{0})‖^{2} + λ‖x‖^{2}",
        "question": "From which layer on is it lost where the parts of the object are, but not that they are there?",
    },
}

WORDS = {
    "title": "pixelgrad explorer",
    "skip": "Skip to the view",
    "choices": "Photograph, network, engine",
    "photograph": "Photograph",
    "ownFile": "Your file …",
    "ownFileHelp": "Or drop a picture on the page. It stays on this computer.",
    "ownNote": "{name}: the square in its middle, made {size} pixels small, as the network takes it. It knows {count} "
    "classes, and answers with one of them whatever the picture shows.",
    "camera": "Camera",
    "shoot": "Take the picture",
    "cancel": "Cancel",
    "dropHere": "Drop the photograph here",
    "yours": "your photograph",
    "given": "{name} (given)",
    "network": "Network",
    "networkHelp": "standard was trained on photographs; robust also on photographs that were changed to fool it",
    "beside": "Beside it",
    "besideHelp": "a second network, below the first",
    "nothing": "nothing",
    "engine": "Engine",
    "engineHelp": "who computes: fast for speed, im2col and naive to be read; the numbers are the same",
    "views": "Views",
    "street": "Two-way street",
    "microscope": "Microscope",
    "where": "Where it looks",
    "hands": "Paint and fool",
    "grow": "Growing images",
    "show": "Show",
    "activations": "activations",
    "gradient": "gradient",
    "of": "Gradient of",
    "rule": "ReLU rule",
    "ruleHelp": "what a ReLU lets pass of a gradient: standard, where the neuron was active; guided, only positive "
    "gradients there; deconv, all positive gradients",
    "rule-standard": "standard",
    "rule-guided": "guided",
    "rule-deconv": "deconv",
    "class": "Class",
    "layer": "Layer",
    "channel": "Channel",
    "unit": "Unit",
    "colour": "Colour",
    "red": "red",
    "green": "green",
    "blue": "blue",
    "row": "Row",
    "column": "Column",
    "scores": "Scores",
    "softmaxHead": "score → softmax → %",
    "softmaxHelp": "Softmax turns the scores of all classes into percentages. The gradient is that of a score.",
    "classScore": "{name}: score {score}, {p} %",
    "layers": "Layers",
    "enlarge": "Enlarge",
    "close": "Close",
    "markHelp": "The pink mark is what it was for the whole photograph.",
    "scale": "0 to {value}",
    "scaleSigned": "± {value}",
    "later": "comes later: 0",
    "legend": "Colours",
    "legendActivations": "from 0 to the number above each layer, which has a scale of its own; layers with negative "
    "values are shown orange (below 0) and blue. The largest 0.5 % may be larger.",
    "legendGradient": "orange below 0, blue above, up to the number above each layer and below the photograph, where "
    "the strongest of the three colours counts. The largest 0.5 % may be larger.",
    "legendMaps": "Methods with a sign: blue speaks for the class, orange against it. The others: dark is 0, yellow "
    "is most. Every map has its own scale.",
    "hoverNeuron": "channel {channel}, row {row}, column {column}: {value}",
    "hoverUnit": "unit {channel}: {value}",
    "probability": "{p} %",
    "selected": "{layer}, channel {channel}, row {row}, column {column}: {value}",
    "selectedUnit": "{layer}, unit {channel}: {value}",
    "selectedClass": "{layer}, class {name} ({channel}): score {value}",
    "selectedPixel": "{layer}, {colour}, row {row}, column {column}: {value}",
    "withGradient": "; gradient {gradient}",
    "maps": "{layer}: {count} channels of {h} by {w}. Arrow keys choose a channel, Enter looks closer.",
    "units": "{layer}: {count} units. Arrow keys choose one, Enter looks closer.",
    "chooseNeuron": "Map of {layer}, channel {channel}. Arrow keys choose a neuron, Enter looks closer.",
    "sendChannel": "Gradient of this channel",
    "sendNeuron": "Gradient of this neuron",
    "closer": "Under the microscope",
    "targetClass": "class {name}",
    "targetChannel": "{layer}, channel {channel}",
    "targetNeuron": "{layer}, channel {channel} at {row}, {column}",
    "pixelName": "{colour} at {row}, {column}",
    "field": "What the neuron sees of the photograph",
    "forwardSum": "Where the value comes from",
    "backwardSum": "Who sends it gradient",
    "inputChannel": "channel {channel}",
    "inputUnit": "unit {channel}",
    "placeIn": "{name}, row {row}, column {column}",
    "greyOf": " ({grey} of 255, minus the mean)",
    "padding": "padding: outside of the map, always 0",
    "windowOf": "{layer}: rows {top} to {bottom}, columns {left} to {right}",
    "orderHelp": "Channels of {layer} by the size of their sum, largest first, of either sign. Channels, rows and "
    "columns are counted from 0.",
    "orderColours": "The colours by the size of their sum, largest first, of either sign. Rows and columns are counted "
    "from 0.",
    "countHelp": "Channels, rows and columns are counted from 0.",
    "rounded": "The numbers in these tables are rounded. Point at one, or go there with Tab and the arrow keys, and "
    "all its digits stand below.",
    "squeezeMap": "squeeze map {channel}",
    "window": "window",
    "filter": "filter",
    "products": "products",
    "value": "value",
    "weight": "weight",
    "product": "product",
    "sumIs": "sum {value}",
    "others": "{count} other channels together: {value}",
    "othersUnits": "{count} other units together: {value}",
    "allSums": "The sums of all channels",
    "step-sum": "sum of all products",
    "step-bias": "plus the bias {bias}",
    "step-batchnorm": "batch norm: {gamma} · ({before} − {mean}) / √({var} + {eps}) + {beta}",
    "step-relu": "ReLU: max(0, {before})",
    "step-mean": "mean of these values",
    "step-max": "largest of the window",
    "step-copy": "the value before",
    "inNetwork": "the network's own value ({engine} engine, float32)",
    "difference": "difference",
    "pixelValue": "grey level {grey} of 255 − mean {mean} = {value}. Nothing comes before it.",
    "pixelValueStd": "(grey level {grey} of 255 − mean {mean}) / {std} = {value}. Nothing comes before it.",
    "sentSum": "sum, the gradient of this neuron",
    "sentRest": "the {count} others together",
    "sentOrder": "The senders of most gradient, largest first, of either sign; then those that would send most if "
    "their ReLU were open.",
    "sent-gradient": "its gradient",
    "sent-gate": "× ReLU",
    "sent-scale": "× γ/√(σ²+ε)",
    "sent-at_sum": "= at its sum",
    "sent-weights": "× weight",
    "sent-sent": "= sent here",
    "ownGradient": "This is the gradient at the neuron's output, behind its ReLU and batch norm. At its sum it is "
    "{gradient} × {gate} (ReLU open) × {scale} (γ/√(σ²+ε)) = {at_sum}; that, times its weights, goes on to the layer "
    "before.",
    "ownSilent": "This is the gradient at the neuron's output, behind its ReLU. The ReLU lets nothing of it pass: "
    "{gradient} × {gate} × {scale} = {at_sum} at its sum, so the layer before gets nothing from this neuron.",
    "fromLayer": "from {layer}",
    "sentAt": "channel {channel} at {row}, {column}",
    "gradientStarts": "The gradient starts here, at {target}, with the value 1. Nothing comes after it.",
    "gradientBeside": "The gradient starts at {target}, in this layer. Here it is 0.",
    "gradientLater": "The gradient starts at {target}, which comes before this layer. Here it is 0.",
    "down": "◀ strongest in the layer before",
    "up": "strongest in the layer after ▶",
    "stepHelp": "The arrow keys ← and → follow the largest term from layer to layer. Click a number of the window, or "
    "press Enter on it, to go to that neuron; the browser's Back button returns.",
    "inner": "The window lies in the squeeze maps of this Fire module.",
    "left": "Left",
    "right": "Right",
    "compare": "Boundary between the two maps",
    "family-gradient": "Gradients",
    "family-path": "Along a path",
    "family-rule": "Rules for layers",
    "family-cam": "Class activation maps",
    "family-perturbation": "Covering parts",
    "strength": "Opacity of the map",
    "brush": "Brush",
    "pixels": "{n} pixels",
    "restore": "Restore the photograph",
    "takeOver": "Use as the photograph",
    "paintHelp": "Draw on the photograph; with the keyboard, arrow keys move the brush and the space bar paints.",
    "painted": "{name}, painted",
    "dropIs": "Score of {name}: {whole} − {painted} = drop {drop}",
    "paintTitle": "Paint grey",
    "foolTitle": "A fooling step",
    "foolHelp": "From the photograph as it was chosen, without the grey that you paint here.",
    "leadsFrom": "{name} leads from {n} grey levels on",
    "leadsNever": "{name} does not get to the first place on this line",
    "seenAlready": "The network takes the photograph for this class already: choose another target.",
    "now": "now",
    "target": "Target",
    "amount": "Amount",
    "greyLevels": "{n} grey levels on average (RMS)",
    "change": "the change, {n}× stronger",
    "what": "What grows",
    "what-class": "class visualisation",
    "what-dream": "DeepDream",
    "what-inversion": "inversion",
    "steps": "Steps",
    "start": "Start",
    "stop": "Stop",
    "goOn": "Go on",
    "growHere": "The image grows here.",
    "stepIs": "step {t}",
    "value-class": "score {value}",
    "value-dream": "squared activations {value}",
    "value-inversion": "distance {value}",
    "axis-class": "score",
    "axis-dream": "squared activations",
    "axis-inversion": "distance",
    "pace": "Pace",
    "pace-slow": "5 a second",
    "pace-watch": "25 a second",
    "pace-fast": "as fast as it can",
    "question": "To think about",
    "code": "The line that computes it",
    "wholeFunction": "The whole function",
    "working": "Computing …",
    "ready": "Ready.",
    "stopped": "Stopped.",
    "failed": "That failed: {error}",
    "gone": "The explorer has ended. Start it again with “pixelgrad explore”, and open the new address.",
    "noCamera": "No camera: {error}",
    "tooLarge": "The file is too large; at most {mb} MB are taken.",
    "slow": "The loops of the naive engine take a few seconds; the maps appear as they are done.",
    "recorded": "This page is one file with results computed beforehand. What is not among them is computed live by "
    "“pixelgrad explore” on your computer.",
    "notRecorded": "This was not computed beforehand. In the running explorer (“pixelgrad explore”) it is.",
    "recordedLive": "You see a recording. The running explorer computes each step while you watch.",
    "theNetworks": {
        "standard": "standard",
        "robust": "robust",
        "squeezenet": "SqueezeNet",
        "file": "your weights file",
    },
}

TEXTS = {"en": {"views": VIEWS, "methods": METHODS, "words": WORDS}, "zh": texts_zh.TEXTS}
