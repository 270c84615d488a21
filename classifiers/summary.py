"""A network in words: the table of its layers, a layer and a class by name."""

import difflib
import html
import re
from typing import Any

import numpy as np

ORIGIN = ("source", "command", "data", "val_top1", "date")  # of the provenance, what a line has room for
UNKNOWN = "drawn at random, or of unknown origin"


def summary_table(named_blocks: list[Any], input_size: tuple[int, int]) -> str:
    """Every layer with its output shape, parameters and multiply-adds for one image, as text.

    Parameters
    ----------
    named_blocks : list of (str, block)
    input_size : (int, int)
        Height and width of the image.

    Returns
    -------
    str
    """
    shape = (3, *input_size)
    rows = [("", "layer", "output", "parameters", "multiply-adds"), ("", "input", _times(shape), "", "")]
    total_params = total_work = 0
    for i, (name, block) in enumerate(named_blocks):
        trained = [s for n, s in block.param_shapes(shape).items() if not n.startswith("running")]
        count, work = sum(int(np.prod(s)) for s in trained), block.multiply_adds(shape)
        shape = block.output_shape(shape)
        rows.append((str(i), name, _times(shape), f"{count:,}", f"{work:,}"))
        total_params, total_work = total_params + count, total_work + work
    rows.append(("", "total", "", f"{total_params:,}", f"{total_work:,}"))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join([r[0].rjust(widths[0]), r[1].ljust(widths[1]), *(r[i].rjust(widths[i]) for i in (2, 3, 4))])
        for r in rows
    )


def network_text(model: Any) -> str:
    """A network as text: what it is, its layers, and where its weights come from."""
    known = [f"{key}: {model.provenance[key]}" for key in ORIGIN if model.provenance.get(key) is not None]
    return f"{_title(model)}\n{model.summary()}\nweights: {'; '.join(known) or UNKNOWN}"


def network_html(model: Any) -> str:
    """The same for a notebook, with all that is known of the weights."""
    known = "".join(f"<li>{html.escape(f'{key}: {value}')}</li>" for key, value in model.provenance.items())
    return (
        f"<b>{html.escape(_title(model))}</b><pre>{html.escape(model.summary())}</pre>"
        f"<details><summary>weights</summary><ul>{known or f'<li>{UNKNOWN}</li>'}</ul></details>"
    )


def _title(model):
    height, width = model.input_size
    return f"{type(model).__name__}: {model.num_classes} classes, images of {height} x {width}, engine {model.engine}"


def find_layer(layer: int | str, layer_names: list[str]) -> int:
    """The index of a layer given by index or name; negative indices count from the end. ValueError lists the layers."""
    if isinstance(layer, str):
        if layer in layer_names:
            return layer_names.index(layer)
    elif isinstance(layer, int | np.integer) and not isinstance(layer, bool):
        if -len(layer_names) <= layer < len(layer_names):
            return int(layer) % len(layer_names)
    valid = ", ".join(f"{i} {name}" for i, name in enumerate(layer_names))
    raise ValueError(f"unknown layer {layer!r}; the layers are {valid}")


def find_class(label: int | str, class_names: list[str], wnids: list[str] | None = None) -> int:
    """The index of a class given by index, name (or one of its names) or WordNet id.

    Parameters
    ----------
    label : int or str
        As text, a number is an index; where a class has that number for a name, "index:5" and "name:5" tell them
        apart.
    class_names : list of str
        In the order of the scores; a name may be several with commas between them.
    wnids : list of str, optional

    Returns
    -------
    int

    Raises
    ------
    ValueError
        Nothing fits, or several do; the message lists the nearest names.
    """
    if isinstance(label, bool | np.bool_) or not isinstance(label, str | int | np.integer):
        raise TypeError(f"a class is given by its index, its name or its WordNet id, got {label!r}")
    text = str(label).strip()
    if not text:
        raise ValueError("the name of a class is empty; give an index, a name or a WordNet id")
    kind, _, rest = text.partition(":")
    if kind == "name" and rest.strip():
        return _by_name(rest.strip(), class_names, wnids)
    if kind == "index" and re.fullmatch("-?[0-9]+", rest.strip()):
        text, label = rest.strip(), int(rest)
    if re.fullmatch("-?[0-9]+", text):
        named = [k for k, names in enumerate(_synonyms(class_names)) if text in names]
        in_range = 0 <= int(text) < len(class_names)
        if isinstance(label, str) and named and not (in_range and named == [int(text)]):
            if in_range:
                raise ValueError(
                    f"class {text!r} is ambiguous: index {text} is the class {class_names[int(text)]!r}, and a class "
                    f"of index {named[0]} has this name; write index:{text} or name:{text}"
                )
            return _by_name(text, class_names, wnids)
        if 0 <= int(text) < len(class_names):
            return int(text)
        raise ValueError(f"class {text} is out of range: the network has classes 0 to {len(class_names) - 1}")
    return _by_name(text, class_names, wnids)


def _synonyms(class_names):
    """For each class its names, in small letters: the parts between commas, and the whole."""
    return [{part.strip().lower() for part in name.split(",")} | {name.lower()} for name in class_names]


def _by_name(text, class_names, wnids):
    """The index of a class given by name or WordNet id."""
    if wnids and text in wnids:
        return wnids.index(text)
    synonyms = _synonyms(class_names)
    wanted = text.lower()
    exact = [k for k, names in enumerate(synonyms) if wanted in names]
    if len(exact) == 1:
        return exact[0]
    partial = exact or [k for k, name in enumerate(class_names) if wanted in name.lower()]
    if partial:
        near = partial
    else:
        every = {name: k for k, names in enumerate(synonyms) for name in names}
        near = [every[name] for name in difflib.get_close_matches(wanted, every, n=5, cutoff=0.5)]
    near = [f"{k} {class_names[k]}" for k in dict.fromkeys(near[:8])]
    hint = f"did you mean {', '.join(near)}?" if near else "`pixelgrad summary --classes` lists all of them"
    raise ValueError(f"unknown class {text!r}; {hint}")


def _times(shape):
    return " x ".join(map(str, shape))
