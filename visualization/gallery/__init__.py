"""The gallery: every technique on a photograph, as pictures, arrays, a manifest and one page that explains them."""

from .build import make_gallery

__all__ = ["make_gallery"]
