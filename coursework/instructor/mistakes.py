"""All known mistakes, as code: for the instructor copy only. Students get their numbers; see `answers`."""

from . import mistakes_layers, mistakes_seeing

MISTAKES = [*mistakes_layers.MISTAKES, *mistakes_seeing.MISTAKES]
