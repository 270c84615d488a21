"""The command line, a module for each family of commands; `commands` puts them together."""

from .commands import console, main

__all__ = ["console", "main"]
