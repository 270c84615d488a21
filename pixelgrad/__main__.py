"""`python -m pixelgrad`: the same as the console command `pixelgrad`."""

import sys

from .cli import console

sys.exit(console())
