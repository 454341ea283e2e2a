"""The browser for the tests is found where people have it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.setup.chromium import ChromiumMissing, find_chromium


def test_a_named_browser_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSN_CHROMIUM", sys.executable)
    assert find_chromium() == Path(sys.executable)


def test_a_download_of_playwright_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JSN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    browser = tmp_path / "chromium-1200" / "chrome-linux" / "chrome"
    browser.parent.mkdir(parents=True)
    browser.touch(mode=0o755)
    assert find_chromium() == browser


def test_without_a_browser_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JSN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(ChromiumMissing, match="JSN_CHROMIUM"):
        find_chromium()
