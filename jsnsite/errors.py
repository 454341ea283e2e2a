"""Errors that services raise and that a person can act on."""


class DomainError(Exception):
    """A rule of the domain refused this. ``code`` is for programs, ``message`` a sentence that says what to
    do.
    """

    http_status = 409

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotAllowed(DomainError):
    """The person sees the object but their role does not include this."""

    http_status = 403

    def __init__(
        self, message: str = "Your role does not include this. Ask your study's administrator."
    ) -> None:
        super().__init__("not_allowed", message)


class Immutable(DomainError):
    """A row that is written once was about to be changed or deleted."""

    def __init__(self, what: str) -> None:
        super().__init__("immutable", f"{what} is kept as it was written; make a new one instead.")
