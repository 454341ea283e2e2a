/**
 * The joint viewer: baseline, registered follow-up and loss of one measurement, in panes that share window,
 * zoom and position. The controls are in the page; this file gives them meaning.
 */

import { greyPixels, heat, heatPixels, roundUp, type Window } from "./colour";
import { fetchFloat, fetchImage, fetchMask, type Image, matched, quantiles } from "./layers";
import { outline } from "./outline";
import { bitmap, Pane, type View } from "./pane";
import { wireDrag } from "./pointer";

const FLICKER_MS = 500;
/** What a reader keeps from joint to joint, for this tab. */
const KEPT = "viewer";
type PaneName = "fixed" | "followup" | "compare" | "loss";

const LAYERS = ["fixed", "moving", "warped", "loss_map", "loss_before", "upper", "lower"];

/** The next joint's arrays into the browser's cache, so that it shows at once. */
async function prefetchAll(template: string): Promise<void> {
  for (const layer of LAYERS)
    await fetch(template.replace("LAYER", layer), { priority: "low" }).catch(() => null);
}

async function fetchAll(template: string) {
  const url = (layer: string) => template.replace("LAYER", layer);
  const [fixed, moving, warped, lossMap, lossBefore, upper, lower] = await Promise.all([
    fetchImage(url("fixed")),
    fetchImage(url("moving")),
    fetchImage(url("warped")),
    fetchFloat(url("loss_map")),
    fetchFloat(url("loss_before")),
    fetchMask(url("upper")),
    fetchMask(url("lower")),
  ]);
  return { fixed, moving: matched(moving, fixed), warped, lossMap, lossBefore, upper, lower };
}

/** The automatic window: from the 1st to the 99th percentile of the baseline. */
function automatic(fixed: Image): { centre: number; width: number } {
  const [low = 0, high = 1] = quantiles(fixed.values, [0.01, 0.995]);
  return { centre: (low + high) / 2, width: Math.max(high - low, 1e-6) };
}

export async function mount(root: HTMLElement): Promise<void> {
  const find = <T extends HTMLElement>(selector: string): T => {
    const found = root.querySelector<T>(selector);
    if (!found) throw new Error(`the viewer lacks ${selector}`);
    return found;
  };
  const note = find("[data-note]");
  const layers = await fetchAll(root.dataset.layers ?? "").catch((error: unknown) => {
    note.textContent =
      "The pictures could not be loaded. Reload the page; the numbers beside them are complete.";
    note.hidden = false;
    throw error;
  });
  note.hidden = true;

  const { fixed, lossMap } = layers;
  const auto = automatic(fixed);
  const window_: Window = { ...auto, invert: false };
  const home: View = { zoom: 1, x: (fixed.width - 1) / 2, y: (fixed.height - 1) / 2 };
  const view: View = { ...home };
  const heatMax = roundUp(Math.max(...quantiles(lossMap.values, [0.995])));
  const heats = {
    after: bitmap(heatPixels(lossMap, heatMax)),
    before: bitmap(heatPixels(layers.lossBefore, heatMax)),
  };
  const outlines = [
    { path: outline(layers.upper), colour: "#56d4ff" },
    { path: outline(layers.lower), colour: "#ffd34d" },
  ];
  const opacity = find<HTMLInputElement>("[data-opacity]");
  const swipe = find<HTMLInputElement>("[data-swipe]");
  const [centre, width] = [find<HTMLInputElement>("[data-centre]"), find<HTMLInputElement>("[data-width]")];
  const pressed = (name: string) => find(`[data-toggle="${name}"]`).getAttribute("aria-pressed") === "true";
  let showFollowup = false;
  let timer = 0;

  const panes = new Map<PaneName, Pane>();
  for (const canvas of root.querySelectorAll<HTMLCanvasElement>("canvas[data-pane]"))
    panes.set(canvas.dataset.pane as PaneName, new Pane(canvas, () => draw()));

  const windowed = () => ({
    fixed: bitmap(greyPixels(fixed, window_)),
    warped: bitmap(greyPixels(layers.warped, window_)),
    moving: bitmap(greyPixels(layers.moving, window_)),
  });
  let grey = windowed();

  function rewindow(): void {
    grey = windowed();
    centre.value = String((window_.centre - auto.centre) / auto.width);
    width.value = String(Math.log2(window_.width / auto.width));
    draw();
  }

  function draw(): void {
    const before = pressed("before");
    find("[data-followup-label]").textContent = before ? "Follow-up, as taken" : "Follow-up, registered";
    const followup = before ? grey.moving : grey.warped;
    const lines = pressed("outlines") ? outlines : [];
    const mode = root.dataset.view;
    const common = {
      split: 0,
      heat: null,
      heatOpacity: 0,
      outlines: lines,
      spacingMm: fixed.spacingMm,
    };
    panes.get("fixed")?.draw({ ...common, images: [grey.fixed] }, view);
    // the outlines are those of the baseline: they fit the follow-up once it is registered
    panes.get("followup")?.draw({ ...common, images: [followup] }, view);
    const compared = mode === "swipe" ? [grey.fixed, followup] : [showFollowup ? followup : grey.fixed];
    panes.get("compare")?.draw({ ...common, images: compared, split: Number(swipe.value) / 100 }, view);
    const heatOpacity = Number(opacity.value) / 100;
    const heatImage = before ? heats.before : heats.after;
    panes.get("loss")?.draw({ ...common, images: [grey.fixed], heat: heatImage, heatOpacity }, view);
  }

  function flicker(on: boolean): void {
    clearInterval(timer);
    if (!on) return;
    timer = window.setInterval(() => {
      showFollowup = !showFollowup;
      label();
      draw();
    }, FLICKER_MS);
  }

  function label(): void {
    find("[data-compare-label]").textContent = showFollowup ? "Follow-up" : "Baseline";
  }

  function keep(): void {
    const kept = { view: root.dataset.view, outlines: pressed("outlines"), opacity: opacity.value };
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
  }

  function restore(): void {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Record<string, string> | null;
    if (!kept) return;
    for (const radio of root.querySelectorAll<HTMLInputElement>("input[name=view]"))
      radio.checked = radio.value === kept.view;
    find('[data-toggle="outlines"]').setAttribute("aria-pressed", String(kept.outlines));
    opacity.value = kept.opacity ?? opacity.value;
  }

  function setView(name: string): void {
    root.dataset.view = name;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    flicker(name === "flicker" && !still);
    draw();
  }

  for (const radio of root.querySelectorAll<HTMLInputElement>("input[name=view]"))
    radio.addEventListener("change", () => setView(radio.value));
  for (const button of root.querySelectorAll<HTMLElement>("[data-toggle]")) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      if (button.dataset.toggle === "invert") {
        window_.invert = on;
        rewindow();
      } else draw();
    });
  }
  find("[data-flip]").addEventListener("click", () => {
    flicker(false);
    showFollowup = !showFollowup;
    label();
    draw();
  });
  for (const slider of [opacity, swipe]) slider.addEventListener("input", draw);
  root.addEventListener("change", keep);
  root.addEventListener("click", keep);
  centre.addEventListener("input", () => {
    window_.centre = auto.centre + Number(centre.value) * auto.width;
    rewindow();
  });
  width.addEventListener("input", () => {
    window_.width = auto.width * 2 ** Number(width.value);
    rewindow();
  });
  find("[data-reset]").addEventListener("click", () => {
    Object.assign(window_, auto);
    Object.assign(view, home);
    rewindow();
  });
  for (const button of root.querySelectorAll<HTMLElement>("[data-zoom]")) {
    button.addEventListener("click", () => {
      view.zoom = Math.min(12, Math.max(1, view.zoom * Number(button.dataset.zoom)));
      if (view.zoom === 1) Object.assign(view, home);
      draw();
    });
  }
  for (const pane of panes.values()) {
    wireDrag(pane.canvas, {
      window(dx, dy) {
        window_.width = Math.max(auto.width / 16, window_.width * 2 ** (2 * dx));
        window_.centre += dy * auto.width;
        rewindow();
      },
      pan(dx, dy) {
        const perPixel = fixed.width / view.zoom;
        view.x -= dx * perPixel;
        view.y -= dy * perPixel;
        draw();
      },
      zoom(factor) {
        view.zoom = Math.min(12, Math.max(1, view.zoom * factor));
        draw();
      },
    });
  }

  drawLegend(find<HTMLCanvasElement>("[data-legend]"));
  find("[data-legend-max]").textContent = `${heatMax}`;
  find("[data-legend-mid]").textContent = `${heatMax / 2}`;
  restore();
  rewindow();
  setView(root.querySelector<HTMLInputElement>("input[name=view]:checked")?.value ?? "side");
  if (root.dataset.next) void prefetchAll(root.dataset.next);
}

function drawLegend(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  for (let x = 0; x < canvas.width; x++) {
    context.fillStyle = `rgb(${heat(x / (canvas.width - 1)).join(",")})`;
    context.fillRect(x, 0, 1, canvas.height);
  }
}
