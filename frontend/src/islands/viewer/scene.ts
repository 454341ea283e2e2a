/** What the panes show, made from layers and settings; each part is made again only when what it depends on changes. */
import { differencePixels, greyPixels, heatPixels, shownBones, type Window } from "./colour";
import type { Image, Layers, Mask } from "./layers";
import { LOWER, type Marks, UPPER } from "./marks";
import { type Arrow, arrows, exaggeration, type Motions } from "./motion";
import { outline } from "./outline";
import { bitmap, type Picture } from "./pane";
import type { Settings } from "./settings";

export class Scene {
  readonly exaggeration: number;
  private outlines: Record<"registered" | "taken", Marks["outlines"]> | null = null;
  private readonly arrows: Arrow[];
  private grey = { key: "", fixed: blank(), followup: blank() };
  private over: { key: string; canvas: HTMLCanvasElement | null } = { key: "", canvas: null };

  constructor(
    readonly layers: Layers,
    motions: Motions | null,
  ) {
    this.arrows = motions ? arrows(layers, motions) : [];
    this.exaggeration = exaggeration(this.arrows, layers.spacingMm);
  }

  /** The follow-up as it is to be shown; as taken where registration gave nothing. */
  followup(settings: Settings): Image {
    return (settings.before ? null : this.layers.warped) ?? this.layers.moving;
  }

  pictures(settings: Settings, window: Window): Record<"fixed" | "followup" | "evidence", Picture> {
    this.rewindow(settings, window);
    const { spacingMm } = this.layers;
    const outlines = settings.outlines ? this.outlined() : { registered: [], taken: [] };
    const marks: Marks = {
      outlines: outlines.registered,
      axis: settings.motion,
      arrows: settings.motion ? this.arrows : [],
      exaggeration: this.exaggeration,
    };
    const asTaken = this.followup(settings) === this.layers.moving;
    const moved = {
      ...marks,
      outlines: asTaken ? outlines.taken : outlines.registered,
      arrows: [], // they start at the baseline's bones
    };
    return {
      fixed: { image: this.grey.fixed, over: null, marks, spacingMm },
      followup: { image: this.grey.followup, over: null, marks: moved, spacingMm },
      evidence: { image: this.grey.fixed, over: this.evidence(settings), marks, spacingMm },
    };
  }

  /** Made when they are first asked for: the next joint shows sooner. */
  private outlined(): Record<"registered" | "taken", Marks["outlines"]> {
    const { upper, lower, movingBones } = this.layers;
    if (!this.outlines) {
      const registered = paths(upper, lower);
      const taken = movingBones ? paths(movingBones.upper, movingBones.lower) : registered;
      this.outlines = { registered, taken };
    }
    return this.outlines;
  }

  private rewindow(settings: Settings, window: Window): void {
    const key = [settings.before, window.centre, window.width, window.invert].join();
    if (key === this.grey.key) return;
    this.grey = {
      key,
      fixed: bitmap(greyPixels(this.layers.fixed, window)),
      followup: bitmap(greyPixels(this.followup(settings), window)),
    };
  }

  private evidence(settings: Settings): HTMLCanvasElement | null {
    const { layer, before, upper, lower, opacity } = settings;
    const key = [layer, before, upper, lower, opacity].join();
    if (key !== this.over.key) this.over = { key, canvas: this.makeEvidence(settings) };
    return this.over.canvas;
  }

  private makeEvidence(settings: Settings): HTMLCanvasElement | null {
    const { layers } = this;
    if (settings.layer === "difference") {
      const followup = settings.before ? layers.moving : layers.warped;
      return followup && bitmap(differencePixels(followup, layers.fixed, layers.deviation));
    }
    const loss = settings.before ? layers.lossBefore : layers.loss;
    const shown = shownBones(layers.upper, layers.lower, settings.upper, settings.lower);
    return loss && bitmap(heatPixels(loss, shown, settings.opacity / 100));
  }
}

function paths(upper: Mask, lower: Mask): Marks["outlines"] {
  return [
    { path: outline(upper), colour: UPPER },
    { path: outline(lower), colour: LOWER },
  ];
}

function blank(): HTMLCanvasElement {
  return document.createElement("canvas");
}
