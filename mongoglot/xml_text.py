"""Text in a picture: escaped, and without what XML cannot hold."""

from __future__ import annotations

import html
import re
from typing import Final

_NOT_IN_XML: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Characters that XML has no way to say, and those that turn the direction of writing."""


def xml_text(text: str) -> str:
    """Text as the content of an element, or of an attribute in quotes."""
    return html.escape(_NOT_IN_XML.sub("\ufffd", text))
