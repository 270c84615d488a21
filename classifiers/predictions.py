"""What a network sees in images, as a list, as text, and as bars in a notebook."""

import html
from typing import NamedTuple

BAR = 24  # characters, or em, of a probability of 1


class Prediction(NamedTuple):
    """One line of `Network.predict`: class index, its name, its probability."""

    index: int  # type: ignore[assignment]  # tuple.index is not used here
    name: str
    probability: float


class Ranking(list[Prediction]):
    """The most probable classes of an image, most probable first: a list that prints as a table with bars."""

    def __repr__(self) -> str:
        rows = [f"{p.probability:7.1%} {'#' * round(BAR * p.probability):{BAR}s} {p.index:4d} {p.name}" for p in self]
        return "\n".join(rows) or "[]"

    def _repr_html_(self) -> str:
        return f"<table>{''.join(map(_row, self))}</table>"


class Predictions(list[Ranking]):
    """A `Ranking` for each image of a batch: a list that prints as tables with bars."""

    def __repr__(self) -> str:
        if len(self) == 1:
            return repr(self[0])
        return "\n".join(f"image {n}\n{ranking!r}" for n, ranking in enumerate(self)) or "[]"

    def _repr_html_(self) -> str:
        if len(self) == 1:
            return self[0]._repr_html_()
        return "".join(f"<p>image {n}</p>{ranking._repr_html_()}" for n, ranking in enumerate(self))


def _row(p):
    bar = f'<div style="background:#2f6690;height:0.8em;width:{BAR * p.probability / 2:.2f}em"></div>'
    return (
        f'<tr><td style="text-align:right">{p.probability:.1%}</td><td style="min-width:{BAR // 2}em">{bar}</td>'
        f'<td style="text-align:right">{p.index}</td><td style="text-align:left">{html.escape(p.name)}</td></tr>'
    )
