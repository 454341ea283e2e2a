"""Which films of a hand are compared with each other."""

from __future__ import annotations

from itertools import combinations

#: Up to so many visits, every film is compared with every other.
ALL_PAIRS_UP_TO = 12
#: With more visits, each film is compared with the baseline and with so many that follow it. All pairs grow with the
#: square of the visits and cost as much to compute, while films' own errors soon are all that is left to win
#: (``trend``): 13 visits then take 57 pairs instead of 78, and every further visit 6.
NEIGHBOURS = 5


def pairs_of(n: int) -> list[tuple[int, int]]:
    """Pairs (earlier, later) of ``n`` films in order of time; those from the baseline first: readers wait for them."""
    pairs = combinations(range(n), 2)
    return [(i, j) for i, j in pairs if n <= ALL_PAIRS_UP_TO or i == 0 or j - i <= NEIGHBOURS]
