"""One HTML page about two films of a hand: self-contained, so that it can be mailed, filed and opened anywhere."""

from workers.report.page import HandFilm, Report, write_report

__all__ = ["HandFilm", "Report", "write_report"]
