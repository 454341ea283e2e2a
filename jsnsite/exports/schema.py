"""What the OpenAPI page says beyond the code: the guide for statisticians, and how to sign in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

GUIDE = Path(__file__).with_name("README.md")


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "jsnsite.exports.authentication.TokenAuthentication"
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from your profile page. `Authorization: Token …` works as well.",
        }


def describe(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Puts the guide at the head of the schema (a postprocessing hook of drf-spectacular)."""
    result["info"]["description"] = GUIDE.read_text()
    return result
