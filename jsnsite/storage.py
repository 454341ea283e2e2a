"""Where images and arrays lie: private files with random names, handed out by views after the scope check."""

from uuid import uuid4

from django.core.files.storage import FileSystemStorage


class PrivateFileSystemStorage(FileSystemStorage):
    """Files on disk without an address."""

    def url(self, name: str | None) -> str:
        raise ValueError("Private files have no address; a view hands them out.")


def random_name(folder: str, suffix: str) -> str:
    """``folder/ab/abcdef….suffix``: says nothing about its content, and keeps folders small."""
    name = uuid4().hex
    return f"{folder}/{name[:2]}/{name}{suffix}"
