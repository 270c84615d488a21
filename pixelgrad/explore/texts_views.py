"""What each view says of itself, in English: two sentences, a formula and a question; `texts` explains the signs."""

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
    "value-inactive": {
        "text": "One neuron multiplies every value in its window with the weight at the same place, and adds up. Batch "
        "normalisation shifts and scales that sum, and ReLU set it to zero, since it was negative.",
        "formula": "y = max(0, γ (a − μ) / √(σ^{2} + ε) + β), a = Σ_{c,i,j} w_{cij} x_{cij}",
        "question": "Cover the most negative product with your thumb: would the neuron become active?",
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
        "formula": "x = pixel − mean",
        "question": "What is a black pixel for the network, and what a grey one?",
    },
    "value-pixel-std": {
        "text": "The photograph itself, one colour of one pixel. The network is given its grey level, 0 to 255, minus "
        "the mean of the training images, divided by their standard deviation.",
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
    "sent-guided": {
        "text": "The neuron feeds every neuron above whose window holds it, once for each filter. Each of them passes "
        "on only what is positive in its own gradient, and only if its ReLU is open; through its batch norm, and times "
        "the weight between the two.",
        "formula": "∂s/∂x_{cij} → Σ_{f,k} w_{fck} g_{fk}, g = ∂s/∂y · [ReLU open] · [∂s/∂y > 0] · γ/√(σ^{2} + ε)",
        "question": "Switch the ReLU rule back to standard: which senders are added, and what is their sign?",
    },
    "sent-deconv": {
        "text": "The neuron feeds every neuron above whose window holds it, once for each filter. Each of them passes "
        "on only what is positive in its own gradient, whether its ReLU is open or not; through its batch norm, and "
        "times the weight between the two.",
        "formula": "∂s/∂x_{cij} → Σ_{f,k} w_{fck} g_{fk}, g = ∂s/∂y · [∂s/∂y > 0] · γ/√(σ^{2} + ε)",
        "question": "The rule does not ask what the neurons above saw: what can it then say about this photograph?",
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
    "sent-relu-guided": {
        "text": "The gradient passes only where the value was positive and the gradient is, too. Everything else "
        "becomes zero.",
        "formula": "∂s/∂x → ∂s/∂y · [x > 0] · [∂s/∂y > 0]",
        "question": "Which of the two conditions does the standard rule have?",
    },
    "sent-relu-deconv": {
        "text": "The gradient passes where it is positive. What the value was does not matter.",
        "formula": "∂s/∂x → ∂s/∂y · [∂s/∂y > 0]",
        "question": "Does what comes back still depend on the photograph?",
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
