"""Against known truth, on the phantom: `make benchmark`. Nothing here asserts on figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from tests.benchmarks import figures, settings
from tests.benchmarks.cases import CURVES, HandPair, along_curve, in_plane, turned
from tests.benchmarks.hard import HARD_KINDS, ORDINARY, PAIRS_A_HAND, hard_hand
from tests.benchmarks.measure import (
    Measured,
    Row,
    by_peer,
    by_pipeline,
    by_whole_hand,
    row_of,
)
from tests.benchmarks.peers import PEERS
from tests.benchmarks.report import Found, rows_of, section
from tests.benchmarks.scores import Score, clopper_pearson, coverage, rms, score
from tests.benchmarks.table import SCORE_HEADER, percent, score_cells, table, verdict
from workers.pipeline import quantify_hands

pytestmark = pytest.mark.timeout(7200)


def test_in_plane() -> None:
    section("in_plane", _in_plane)


def test_out_of_plane() -> None:
    section("out_of_plane", _out_of_plane)


def test_varied_exposure() -> None:
    section("varied_exposure", _varied_exposure)


def test_mismatch() -> None:
    section("mismatch", _mismatch)


def test_sigma() -> None:
    section("sigma", _sigma)


def _in_plane() -> Found:
    pairs = [in_plane(number) for number in range(settings.IN_PLANE_HANDS)]
    found, scores, text = _beside_peers(pairs, settings.PEER_JOINTS)
    rows = [row for measured in found.values() for row in measured.rows]
    ours = scores["JSN, own masks"]
    of_peers = {name: scores[name] for name in PEERS if name in scores}
    lines = [_targets("RMSE <= 0.012 mm from whole hand", scores["JSN, whole hand"].rmse <= 0.012)]
    bound = rms([row.bound_similarity_mm for row in found["JSN, own masks"].rows])
    if of_peers:
        best = min(of_peers, key=lambda name: of_peers[name].rmse)
        same = score([row.error_mm for row in found["JSN, own masks"].rows[: settings.PEER_JOINTS]])
        ratio = same.rmse / of_peers[best].rmse
        lines.append(
            _targets(f"<= half of the best peer's ({best}): {ratio:.2f} of it on its joints", ratio <= 0.5)
        )
    ratio = ours.rmse / bound
    lines.append(_targets(f"<= 2x the Cramer-Rao bound ({bound:.4f} mm): {ratio:.1f}x", ratio <= 2))
    bars = {name: (s.rmse, *s.rmse_interval) for name, s in scores.items()}
    plot = figures.bars(bars, bound, "Cramér-Rao bound", "RMSE of JSN, mm")
    trends = "\n".join(_trend(name, found[name].rows) for name in found)
    return Found("\n\n".join([text, "\n".join(lines), trends]), rows, {"in_plane.svg": plot})


def _varied_exposure() -> Found:
    pairs = [in_plane(number, varied_exposure=True) for number in range(settings.VARIED_HANDS)]
    found, _, text = _beside_peers(pairs, settings.PEER_JOINTS_HARDER)
    return Found(text, [row for measured in found.values() for row in measured.rows])


def _out_of_plane() -> Found:
    pairs = [turned(number) for number in range(settings.TURNED_HANDS)]
    found, scores, text = _beside_peers(pairs, settings.PEER_JOINTS_HARDER)
    rows = [row for measured in found.values() for row in measured.rows]
    whole = scores["JSN, whole hand"]
    text = (
        "Tilt about both axes up to +-8 degrees and flexion up to +-10, in-plane motion as well.\n\n"
        f"{text}\n\n{_targets('RMSE <= 0.04 mm from whole hand', whole.rmse <= 0.04)}"
    )
    if not settings.CURVE_HANDS:
        return Found(text, rows)
    panels: dict[str, dict[str, figures.Curve]] = {}
    lines = []
    for what, angles in CURVES.items():
        by_angle = []
        for angle in angles:
            hands = [along_curve(number, what, angle) for number in range(settings.CURVE_HANDS)]
            by_angle.append(by_pipeline([c for hand in hands for c in hand.cases()], true_masks=False).rows)
        panels[what] = {}
        for name, pick in _READINGS.items():
            kept = [score([r.error_mm for r in part if pick(r)], _hands(part, pick)) for part in by_angle]
            low, high = zip(*(s.rmse_interval for s in kept), strict=True)
            panels[what][name] = (angles, [s.rmse for s in kept], low, high)
            cells = [f"{s.rmse:.3f}" for s in kept]
            lines.append([f"{what}; {name}", *cells])
        lines.append(
            [
                f"{what}; called reliable",
                *(percent(np.mean([_reliable(r) for r in p]), digits=0) for p in by_angle),
            ]
        )
        rows += [row for part in by_angle for row in part]
    header = ["RMSE mm at", *(f"step {i}" for i in range(5))]
    steps = [
        "degrees: tilt; flexion",
        *(f"{a:g}; {b:g}" for a, b in zip(CURVES["tilt, side up"], CURVES["flexion"], strict=True)),
    ]
    labels = dict.fromkeys(CURVES, "degrees between the films")
    plot = figures.curves(panels, labels, "RMSE of JSN, mm")
    return Found(f"{text}\n\n{table(header, [steps, *lines])}", rows, {"out_of_plane.svg": plot})


def _mismatch() -> Found:
    hands = -(-settings.MISMATCH_JOINTS // PAIRS_A_HAND)
    rows: list[Row] = []
    for number in range(hands):
        for pair in hard_hand(number):
            places = [pair.places[0]], [pair.places[1]]
            found = quantify_hands(pair.fixed, pair.moving, *pair.spacing_mm, annotations=places)
            case = f"hard{number} {pair.joint}"
            rows.append(row_of(found[pair.joint], "JSN", case, pair.jsn_mm, pair.kind))
    lines = []
    for condition in (ORDINARY, *HARD_KINDS, "all", "all, called reliable"):
        part = [
            row
            for row in rows
            if condition in (row.condition, "all") or (condition == "all, called reliable" and _reliable(row))
        ]
        wrong = sum(not abs(row.error_mm) <= 0.5 for row in part)
        reliable = sum(_reliable(row) for row in part)
        lines.append(
            [
                condition,
                *score_cells(score([row.error_mm for row in part], [row.hand for row in part])),
                percent(wrong / max(1, len(part)), clopper_pearson(wrong, len(part)), 2),
                percent(reliable / max(1, len(part)), clopper_pearson(reliable, len(part))),
            ]
        )
    header = ("condition", *SCORE_HEADER, "mismatch (no number counts)", "called reliable")
    trusted = [row for row in rows if _reliable(row)]
    wrong, wrong_trusted = (sum(not abs(row.error_mm) <= 0.5 for row in part) for part in (rows, trusted))
    ordinary = [row for row in rows if row.condition == ORDINARY]
    share = float(np.mean([_reliable(row) for row in ordinary]))
    targets = [
        _targets("mismatch <= 0.05 % among those called reliable", wrong_trusted <= 0.0005 * len(trusted)),
        _targets("mismatch <= 0.3 % overall", wrong <= 0.003 * len(rows)),
        _targets(f">= 95 % of ordinary joints called reliable: {share:.1%}", share >= 0.95),
    ]
    text = (
        f"{len(rows)} joint pairs of {hands} hands, half of them hard (`model_store.phantom.hard`); joints placed "
        f"as a locator finds them, masks by the model. `JSN_BENCHMARK_MISMATCH_JOINTS` sets how many."
        f"\n\n{table(header, lines)}\n\n" + "\n".join(targets)
    )
    return Found(text, rows)


def _sigma() -> Found:
    kept = [r for name in ("in_plane", "out_of_plane", "varied_exposure", "mismatch") for r in rows_of(name)]
    own = ("JSN", "JSN, own masks", "JSN, whole hand")
    ours = [r for r in kept if r.method in own and np.isfinite(r.error_mm)]
    if not ours:
        pytest.fail(
            "Sigma is held against the errors of the sections with known truth: run in_plane or mismatch first."
        )
    lines, plots = [], {}
    for name, part in {
        "all": ours,
        "called reliable": [r for r in ours if _reliable(r)],
        "in-plane, whole hand": [r for r in rows_of("in_plane") if r.method == "JSN, whole hand"],
    }.items():
        part = [r for r in part if np.isfinite(r.error_mm)]
        if len(part) < 6:
            continue
        errors, sigmas = (np.array([getattr(r, key) for r in part]) for key in ("error_mm", "sigma_mm"))
        edges = np.quantile(sigmas, [0, 1 / 3, 2 / 3, 1])
        third = np.digitize(sigmas, edges[1:-1])
        for label, chosen in (
            ("all thirds", np.ones(len(part), bool)),
            *((f"sigma {edges[i]:.3f}-{edges[i + 1]:.3f} mm", third == i) for i in range(3)),
        ):
            share, interval, count = coverage(errors[chosen], sigmas[chosen])
            lines.append(
                [
                    f"{name}; {label}",
                    str(count),
                    percent(share, interval),
                    f"{np.std(errors[chosen] / sigmas[chosen]):.2f}",
                    f"{1.4826 * np.median(np.abs(errors[chosen] / sigmas[chosen])):.2f}",
                    verdict(0.93 <= share <= 0.97) if label != "all thirds" else "",
                ]
            )
        levels = np.linspace(0.02, 0.99, 60)
        reach = stats.norm.ppf(0.5 + levels / 2)
        plots[name] = (levels, (np.abs(errors / sigmas)[:, None] <= reach).mean(axis=0))
    header = ("joints", "count", "within 95 % interval", "SD of error/sigma", "robust SD", "93-97 %")
    text = (
        "Errors of every phantom row above (and along the curves) against their own sigma, in thirds of "
        "predicted sigma.\n\n" + table(header, lines)
    )
    return Found(text, [], {"sigma.svg": figures.calibration(plots)})


def _beside_peers(
    pairs: Sequence[HandPair], peer_joints: int
) -> tuple[dict[str, Measured], dict[str, Score], str]:
    """All methods on the same ROIs; a peer on the first ``peer_joints``."""
    cases = [case for pair in pairs for case in pair.cases()]
    found = {
        "JSN, whole hand": by_whole_hand(pairs),
        "JSN, own masks": by_pipeline(cases, true_masks=False),
        "JSN, true masks": by_pipeline(cases, true_masks=True),
    }
    found |= {name: by_peer(name, cases[:peer_joints]) for name in PEERS if peer_joints}
    scores, lines = {}, []
    same = {row.case: row.error_mm for row in found["JSN, own masks"].rows}
    for name, measured in found.items():
        scores[name] = score([r.error_mm for r in measured.rows], [r.hand for r in measured.rows])
        ours = rms([same[row.case] for row in measured.rows])
        bounds = [(c.bound_mm[0], c.bound_mm[1]) for c in cases[: len(measured.rows)]]
        against = [f"{scores[name].rmse / rms(b):.1f}" for b in zip(*bounds, strict=True)]
        lines.append(
            [
                name,
                *score_cells(scores[name]),
                f"{scores[name].rmse / ours:.2f}",
                *(against if np.isfinite(bounds).all() else ["", ""]),
                f"{measured.ms_a_joint:.0f}",
            ]
        )
    trusted = [row for row in found["JSN, whole hand"].rows if _reliable(row)]
    name = "JSN, whole hand, called reliable"
    reliable = score([row.error_mm for row in trusted], [row.hand for row in trusted])
    lines.insert(1, [name, *score_cells(reliable), "", "", "", ""])
    header = (
        "method", *SCORE_HEADER, "RMSE / JSN, own masks, same joints",
        "/ CRB rigid", "/ CRB similarity", "ms a joint",
    )  # fmt: skip
    text = table(header, lines)
    if peer_joints:
        text += f"\n\nPeers: the first {min(peer_joints, len(cases))} joints, with the true masks."
    return found, scores, text


def _trend(name: str, rows: Sequence[Row]) -> str:
    """How the error goes with what was to be measured: a slope other than 0 is a bias that noise does not explain."""
    kept = [row for row in rows if abs(row.error_mm) < 0.2]
    if len(kept) < 5:
        return f"- {name}: too few joints for a trend"
    fit = stats.linregress([row.truth_mm for row in kept], [row.error_mm for row in kept])
    return f"- {name}: error = {fit.intercept:+.4f} mm {fit.slope:+.4f} (+-{1.96 * fit.stderr:.4f}) x JSN"


def _reliable(row: Row) -> bool:
    return row.reliability == "reliable"


def _hands(rows: Sequence[Row], pick: Callable[[Row], bool]) -> list[str]:
    return [row.hand for row in rows if pick(row)]


_READINGS: dict[str, Callable[[Row], bool]] = {
    "JSN, all": lambda row: True,
    "JSN, called reliable": _reliable,
}


def _targets(what: str, holds: bool) -> str:
    return f"- Target {what}: {verdict(bool(holds))}"
