"""``python -m model_store.training MODEL``: train on the phantom, go on where it stopped, install.

The pool of phantom hands and each run's checkpoint live in ``model_store/training/runs``; deleting a run's folder
starts it afresh. With ``--fine-tune STEPS`` training goes on from the installed weights, in a folder of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from model_store import registry
from model_store.locator.network import HandLocator
from model_store.registrar.network import RegistrationNetwork
from model_store.segmenter.network import JointSegmenter
from model_store.training.card import About, code_version, install
from model_store.training.locator_task import LocatorTask
from model_store.training.loop import Run, Schedule, Task
from model_store.training.pool import POOL, VALIDATION_SEED, load_pool, make_pool
from model_store.training.registrar_task import RegistrarTask
from model_store.training.segmenter_task import SegmenterTask

RUNS = Path(__file__).parent / "runs"
_DATA = (
    "Phantom radiographs alone: the bone meshes of `myo-sim` (Apache-2.0), deformed and posed at random, projected and "
    "exposed by `model_store/phantom`, composed and spoilt by `model_store/training`. No radiograph of a person was "
    "used for training or for stopping."
)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: its network, its task from pool files (training, validation), schedule and card."""

    network: Callable[[], nn.Module]
    task: Callable[[list[Path], list[Path]], Task]
    schedule: Schedule
    about: About


def _segmenter_task(training: list[Path], validation: list[Path]) -> Task:
    return SegmenterTask(load_pool(training, "rois"), load_pool(validation, "rois"))


def _registrar_task(training: list[Path], validation: list[Path]) -> Task:
    return RegistrarTask(load_pool(training, "rois"), load_pool(validation, "rois"))


def _locator_task(training: list[Path], validation: list[Path]) -> Task:
    keys = ("bone", "soft", "landmarks")
    return LocatorTask(*([load_pool(files, key) for key in keys] for files in (training, validation)))


RECIPES = {
    "segmenter": Recipe(
        JointSegmenter,
        _segmenter_task,
        Schedule(steps=6000, batch_size=8, learning_rate=2e-3, validate_every=500),
        About(
            "Joint segmenter",
            "Upper (distal) and lower (proximal) bone of a finger joint in an upright ROI of 22.4 mm, 128 x 128 "
            "pixels, as two independent probabilities: the bones may overlap.",
            "U-Net++ with four levels (16, 16, 32, 64 channels), 7x7 first convolution, deep supervision "
            "(Zhou et al. 2018; Wang et al. 2023).",
            f"{_DATA} What is varied, and how far, was set with real MCP joints beside training ROIs; the fading "
            "margin of metacarpal heads was added after earlier weights missed it on those joints. Figures on them "
            "are therefore not those of an untouched test set.",
            (
                "Trained on adult bones with closed growth plates; open plates may be taken for the joint space.",
                "Erosions, osteophytes, slipped and vanished joint spaces, rings and film edges are drawn, not taken "
                "from patients; ankylosis, mutilation and implants were not seen in training.",
                "The ROI must be upright within about 20 degrees and centred within about 5 mm.",
            ),
        ),
    ),
    "registrar": Recipe(
        RegistrationNetwork,
        _registrar_task,
        Schedule(steps=2000, batch_size=12, learning_rate=1e-3),
        About(
            "Joint registrar",
            "Rigid motion of the upper and of the lower bone of a finger joint between two ROIs. The network "
            "proposes a start beside an exhaustive correlation search; a Gauss-Newton refinement "
            "(`model_store/registrar/refine.py`, no weights) measures. The metrics below are the network's alone.",
            "ResNet with stages of 64/128/256/512 channels, one basic block each (MONAI), on both images and their "
            "masks at 64 x 64 pixels of 0.35 mm; eight outputs (Wang et al. 2023, section 3.2).",
            f"{_DATA} The refinement's smoothing, margins and priors were tried on half of the repeat films of real "
            "MCP joints as well as on the phantom, and left where both agreed; how far a bone may stand out "
            "otherwise, and the sigma above which a joint asks for review, were chosen with all of these films in "
            "view. Sigma is calibrated on the phantom alone.",
            (
                "Bones that turned out of the film's plane change their silhouette; the residual tells, not this.",
                "The refinement solves for tone, sharpness and how far bone stands out on the films. What one of them "
                "alone went through besides, it does not: on phantom films, non-linear multi-scale contrast cost "
                "0.02 mm, adaptive histogram equalisation 0.06 mm of one sign, motion blur of 0.3 mm along one "
                "direction 0.03 mm.",
                "Shifts beyond 6 mm and turns beyond 15 degrees between the ROIs were not seen in training.",
            ),
        ),
    ),
    "locator": Recipe(
        HandLocator,
        _locator_task,
        Schedule(steps=2600, batch_size=8, learning_rate=1.5e-3, validate_every=200),
        About(
            "Joint locator",
            "Fourteen finger joints and five finger tips on a film of one hand, at any rotation, left or right.",
            "Residual U-Net (MONAI DynUNet), six levels (32, 32, 48, 64, 96, 128 channels), one heatmap of 128 x 128 "
            "for each landmark, each a softmax over pixels and 'not on this film'.",
            f"{_DATA} Frames, markers, double exposure and growth plates were added to the films after looking at real "
            "ones.",
            (
                "It sees one hand; the pipeline looks for a second one beside it.",
                "Laterality is that of a posteroanterior view; an anteroposterior film reads as the other hand.",
                "Amputations, fused fingers and mutilating disease were not seen in training.",
            ),
        ),
    ),
}


def gentler(schedule: Schedule, steps: int) -> Schedule:
    """A schedule for weights that are good already: `steps` at a quarter of the rate."""
    return replace(
        schedule,
        steps=steps,
        learning_rate=schedule.learning_rate / 4,
        validate_every=min(schedule.validate_every, max(1, steps // 4)),
    )


def main() -> None:
    """Train, or with ``--install`` only put the run's newest weights in their place."""
    parser = argparse.ArgumentParser(prog="python -m model_store.training", description=__doc__)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--hands", type=int, default=1000, help="phantom hands to train on")
    parser.add_argument("--validation-hands", type=int, default=40)
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of pool and checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--fine-tune", type=int, metavar="STEPS", help="go on from the installed weights for so many steps"
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help="judge and install the run's newest weights without training on",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = RECIPES[options.model]
    pool = options.runs / POOL
    training = make_pool(pool, range(options.hands))
    validation = make_pool(pool, range(VALIDATION_SEED, VALIDATION_SEED + options.validation_hands))
    torch.manual_seed(recipe.schedule.seed)
    network, schedule, folder = recipe.network(), recipe.schedule, options.runs / options.model
    if options.fine_tune:
        installed = load_file(registry.weights_path(options.model))
        network.load_state_dict({name: value.float() for name, value in installed.items()})
        schedule = gentler(schedule, options.fine_tune)
        folder = options.runs / f"{options.model}-fine-tuned"
    run = Run(network, recipe.task(training, validation), schedule, folder)
    if not run.resume() and options.fine_tune:
        run.sessions.append(f"weights at the start: SHA-256 `{registry.digest(options.model)}`")
    if options.install:
        run.judge()
    else:
        run.fit(code_version())
    settings = {**run.settings(), "steps done": run.step, "hands": options.hands, "hours": run.seconds / 3600}
    weights = run.folder / "weights.safetensors"
    place = install(options.model, recipe.about, weights, run.metrics, settings, run.sessions)
    print(f"Installed {place}")


if __name__ == "__main__":
    main()
