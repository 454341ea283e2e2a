/**
 * The joint viewer: baseline, registered follow-up and evidence of one measurement, in panes that share window, zoom
 * and place. The controls are in the page (`measurements/_viewer.html`); this file gives them meaning.
 */
import type { Window } from "./colour";
import { Controls } from "./controls";
import { Flicker } from "./flicker";
import { type Layers, layersAt } from "./layers";
import { drawLegends } from "./legend";
import { parseMotions } from "./motion";
import { Pane, type Place } from "./pane";
import { wirePointer } from "./pointer";
import { presetWindow } from "./presets";
import { Probe } from "./probe";
import { Scene } from "./scene";
import { keepSettings, readSettings, type Settings } from "./settings";
import { held, home, type View, zoomed } from "./view";

/** Kept from joint to joint while the page lives: place, and the window relative to the preset's. */
const look = { view: home() as View, level: 0, width: 0 };

/** How near a drag must start to the swipe's edge to move it, as a share of the pane. */
const GRIP = 0.08;

export async function mount(root: HTMLElement): Promise<void> {
  const state = root.querySelector<HTMLElement>("[data-state]") as HTMLElement;
  const load = async () => {
    state.dataset.state = "loading";
    try {
      const layers = await layersAt(root.dataset.layers ?? "");
      state.dataset.state = "ready";
      new Viewer(root, layers);
    } catch (error) {
      state.dataset.state = "failed";
      console.warn("the layers could not be loaded", error);
    }
  };
  root.querySelector("[data-again]")?.addEventListener("click", () => void load());
  await load();
}

class Viewer {
  private readonly settings: Settings = readSettings();
  private readonly controls: Controls;
  private readonly scene: Scene;
  private readonly probe: Probe;
  private readonly panes: Record<"fixed" | "followup" | "evidence", Pane>;
  private readonly flicker: Flicker;
  private readonly swipe: HTMLInputElement;
  private preset = { centre: 0, width: 1 };
  /** where the magnifier is, pixels from the joint centre */
  private magnifier = { x: 0, y: 0 };

  constructor(
    readonly root: HTMLElement,
    private readonly layers: Layers,
  ) {
    this.preset = presetWindow(layers, this.settings.window);
    this.scene = new Scene(layers, parseMotions(root.dataset.motion));
    this.controls = new Controls(root, this.settings, (name) => this.changed(name));
    this.probe = new Probe(root);
    this.swipe = this.controls.get("[data-swipe]");
    const pane = (name: string) => {
      const made = new Pane(this.controls.get(`canvas[data-pane=${name}]`), () => this.draw());
      this.wire(made);
      return made;
    };
    this.panes = { fixed: pane("fixed"), followup: pane("followup"), evidence: pane("loss") };
    this.flicker = new Flicker(
      (shown) => {
        root.dataset.shown = shown;
      },
      () => root.isConnected,
    );
    this.wireButtons();
    drawLegends(root);
    this.controls.get("[data-exaggeration]").textContent = `${this.scene.exaggeration} `;
    this.controls.get("[data-unregistered]").hidden = layers.warped !== null;
    this.arrange();
    this.rewindow();
  }

  private get side(): number {
    return Math.max(this.layers.fixed.width, this.layers.fixed.height);
  }

  private get window(): Window {
    const { centre, width } = this.preset;
    return {
      centre: centre + look.level * width,
      width: width * 2 ** look.width,
      invert: this.settings.invert,
    };
  }

  private draw(): void {
    if (!this.panes) return; // a pane that has just got its size while the others are being made
    const pictures = this.scene.pictures(this.settings, this.window);
    const magnifier = this.settings.magnifier ? this.magnifier : null;
    for (const name of ["fixed", "followup", "evidence"] as const)
      this.panes[name].draw(pictures[name], look.view, magnifier);
  }

  private changed(name: keyof Settings): void {
    if (name === "mode") this.arrange();
    if (name === "window") {
      this.preset = presetWindow(this.layers, this.settings.window);
      Object.assign(look, { level: 0, width: 0 });
    }
    if (name === "magnifier") this.magnifier = { x: 0, y: 0 };
    this.controls.show();
    keepSettings(this.settings);
    this.rewindow();
  }

  /** Starts and stops what the arrangement needs. With reduced motion nothing moves by itself. */
  private arrange(): void {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.run(this.settings.mode === "flicker" && !still);
    this.split(Number(this.swipe.value) / 100);
  }

  private run(on: boolean): void {
    on ? this.flicker.start(() => this.settings.rate) : this.flicker.stop();
    this.controls.get("[data-run]").setAttribute("aria-pressed", String(on));
  }

  /** The follow-up right of `share` of the pane, the baseline left of it. */
  private split(share: number): void {
    this.swipe.value = String(100 * share);
    this.root.style.setProperty("--split", `${100 * share}%`);
  }

  private rewindow(): void {
    this.controls.get<HTMLInputElement>("[data-level]").value = String(look.level);
    this.controls.get<HTMLInputElement>("[data-width]").value = String(look.width);
    this.draw();
  }

  private move(view: View): void {
    look.view = view;
    this.draw();
  }

  private wireButtons(): void {
    const { controls } = this;
    controls.get("[data-flip]").addEventListener("click", () => {
      this.run(false);
      this.flicker.flip();
    });
    controls.get("[data-run]").addEventListener("click", () => this.run(!this.flicker.running));
    this.swipe.addEventListener("input", () => this.split(Number(this.swipe.value) / 100));
    for (const name of ["level", "width"] as const) {
      const range = controls.get<HTMLInputElement>(`[data-${name}]`);
      range.addEventListener("input", () => {
        look[name] = Number(range.value);
        this.draw();
      });
    }
    controls.get("[data-reset]").addEventListener("click", () => {
      Object.assign(look, { view: home(), level: 0, width: 0 });
      this.rewindow();
    });
    for (const button of controls.all("[data-zoom]"))
      button.addEventListener("click", () =>
        this.move(zoomed(look.view, Number(button.dataset.zoom), look.view, this.side)),
      );
  }

  private wire(pane: Pane): void {
    const point = (at: Place) => pane.point(look.view, at, this.side);
    const swiped = () => this.settings.mode === "swipe" && pane !== this.panes.evidence;
    wirePointer(pane.canvas, {
      window: (dx, dy) => {
        look.width = Math.min(2, Math.max(-3, look.width + 2 * dx));
        look.level = Math.min(1, Math.max(-1, look.level + dy));
        this.rewindow();
      },
      pan: (dx, dy) => {
        const { zoom, x, y } = look.view;
        this.move(held({ zoom, x: x - (dx * this.side) / zoom, y: y - (dy * this.side) / zoom }, this.side));
      },
      zoom: (factor, at) => this.move(zoomed(look.view, factor, point(at), this.side)),
      closer: (at) => this.move(look.view.zoom > 3.9 ? home() : zoomed(look.view, 2, point(at), this.side)),
      hover: (at) => this.probe.show(at && point(at), this.scene, this.settings),
      takes: (at) =>
        this.settings.magnifier || (swiped() && Math.abs(at.x - Number(this.swipe.value) / 100) < GRIP),
      take: (at) => {
        if (this.settings.magnifier) {
          this.magnifier = point(at);
          this.draw();
        } else this.split(Math.min(1, Math.max(0, at.x)));
      },
    });
  }
}
