"""HTML pages about films of hands: self-contained, so that they can be mailed, filed and opened anywhere."""

from workers.report.agreement import Measured
from workers.report.page import HandFilm, Report, write_report
from workers.report.validation import LeftOut, Validation, write_csv, write_validation

__all__ = [
    "HandFilm",
    "LeftOut",
    "Measured",
    "Report",
    "Validation",
    "write_csv",
    "write_report",
    "write_validation",
]
