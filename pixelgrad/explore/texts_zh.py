"""Everything that the page says, in Chinese."""

from typing import Any

TEXTS: dict[str, Any] = {}
