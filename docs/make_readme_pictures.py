"""Make the pictures of the README: parts of figures of the gallery, as docs/pictures/NAME.png.

    python docs/make_readme_pictures.py

They show photographs that installed packages carry (`gallery` extra), on the two networks that ship with pixelgrad.
"""

import tempfile
from pathlib import Path

from PIL import Image

from pixelgrad._files import written_beside
from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.visualization.gallery import make_gallery

DOCS = Path(__file__).resolve().parent
# Name of the picture: figure of the gallery, and the part of its columns and rows that is shown.
PARTS = {
    "saliency": ("saliency", (0, 4, 4), (0, 1, 4)),
    "fooling": ("fooling", (0, 4, 4), (0, 2, 4)),
    "two-networks": ("class-visualization", (2, 6, 6), (0, 2, 2)),
    "style-transfer": ("style-transfer", (0, 3, 3), (0, 1, 2)),
    "saliency-methods": ("saliency-methods", (0, 1, 1), (0, 1, 1)),  # not in the README: on the page about attribution
}


def main():
    with tempfile.TemporaryDirectory() as folder:
        networks = PretrainedCNN(), PretrainedCNN(variant="robust")
        figures = sorted({figure for figure, _, _ in PARTS.values()})
        make_gallery(Path(folder) / "gallery", networks[0], twin=networks[1], only=figures, jobs=2, progress=True)
        for name, (figure, columns, rows) in PARTS.items():
            picture = Image.open(Path(folder) / "gallery" / f"{figure}.png").convert("RGB")
            left, right = (picture.width * n // columns[2] for n in columns[:2])
            top, bottom = (picture.height * n // rows[2] for n in rows[:2])
            with written_beside(DOCS / "pictures" / f"{name}.png", overwrite=True) as temporary:
                picture.crop((left, top, right, bottom)).save(temporary, format="PNG", optimize=True)


if __name__ == "__main__":
    main()
