"""Put a result of `pixelgrad rank-maps` into the documentation.

    pixelgrad rank-maps tiny-imagenet-100-A.zip --images 500 --seed 0 --out rank-maps
    python docs/make_which_map_page.py rank-maps

It copies the table to docs/_tables/which-map.md and the figures to docs/pictures/. The words of docs/which-map.md are
written by hand: read them again when the numbers change.
"""

import argparse
import shutil
from pathlib import Path

DOCS = Path(__file__).resolve().parent
COPIES = {
    "table.md": "_tables/which-map.md",
    "standard.png": "pictures/which-map-standard.png",
    "robust.png": "pictures/which-map-robust.png",
    "standard-agreement.png": "pictures/which-map-agreement.png",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("result", metavar="FOLDER", help="what rank-maps wrote, for both shipped networks")
    result = Path(parser.parse_args().result)
    missing = [name for name in COPIES if not (result / name).is_file()]
    if missing:
        parser.error(f"{result} lacks {', '.join(missing)}; run rank-maps with standard and robust")
    (DOCS / "_tables").mkdir(exist_ok=True)
    for source, target in COPIES.items():
        shutil.copyfile(result / source, DOCS / target)


if __name__ == "__main__":
    main()
