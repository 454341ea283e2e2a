/**
 * The whole film: 16-bit pixels in Cornerstone3D, joints as links over them, and the two editors that the panel
 * beside opens. Everything is saved by the panel's own forms; this script gives them places instead of numbers.
 */

import { data } from "../../data";
import { type JointData, Joints } from "./joints";
import { wirePanel } from "./panel";
import { fetchPixels } from "./pixels";
import { ARROWS, wireStage } from "./pointer";
import type { Frame } from "./region";
import type { Editor, Stage } from "./stage";
import { type KeptTones, Tones } from "./tones";
import { FilmView, type Point } from "./view";

/** Lengths of the scale bar, mm, and the share of the stage that it stays below. */
const BARS = [100, 50, 20, 10, 5, 2, 1];
const WIDEST_BAR = 0.35;
/** How far an arrow key moves the film. */
const PAN_PX = 60;

/** What is kept of a film for this tab, so that saving does not move what one looks at. */
interface Kept extends KeptTones {
  place: Point;
  scale: number;
}

function typing(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !["radio", "checkbox", "range"].includes(target.type);
  return target instanceof HTMLElement && ["TEXTAREA", "SELECT"].includes(target.tagName);
}

async function open(root: HTMLElement, words: Record<string, string>) {
  const note = root.querySelector<HTMLElement>("[data-note]");
  const element = root.querySelector<HTMLDivElement>("[data-pixels-element]");
  if (!note || !element) throw new Error("the film viewer lacks its parts");
  note.textContent = words.loading ?? "";
  try {
    const pixels = await fetchPixels(root.dataset.pixels ?? "");
    const view = await FilmView.open(element, pixels);
    note.hidden = true;
    return { pixels, view };
  } catch (error) {
    note.textContent = words.failed ?? "";
    note.classList.replace("info", "error");
    throw error;
  }
}

export async function mount(root: HTMLElement): Promise<void> {
  const find = <T extends Element>(selector: string): T => {
    const found = root.querySelector<T>(selector);
    if (!found) throw new Error(`the film viewer lacks ${selector}`);
    return found;
  };
  const frame = data<Frame>("film-frame") as Frame;
  const words = data<Record<string, string>>("film-words") ?? {};
  const { pixels, view } = await open(root, words);
  const element = find<HTMLElement>("[data-stage]");
  const overlay = find<SVGSVGElement>("[data-overlay]");
  const tones = new Tones(root, view, pixels);
  const joints = new Joints(overlay, view);
  let shown: JointData = { selected: "", joints: [] };
  let editor: Editor | null = null;
  let rest: () => void = () => undefined;

  const stage: Stage = {
    view,
    frame,
    element,
    words,
    spacing: frame.spacing_mm ?? 1,
    get joints() {
      return shown;
    },
    say(text) {
      find("[data-say]").textContent = text;
    },
    begin(next) {
      editor = next;
      root.classList.add("editing");
      overlay.append(next.group);
      showJoints();
      redraw();
      element.scrollIntoView({ block: "nearest" });
      next.group.focus({ preventScroll: true });
    },
    leave() {
      editor?.remove();
      editor = null;
      root.classList.remove("editing");
      showJoints();
      rest();
    },
  };

  function showJoints(): void {
    shown = data<JointData>("film-joints") ?? shown;
    joints.show(shown, editor !== null);
  }

  function redraw(): void {
    joints.place();
    editor?.place();
    const pixel = view.scale / stage.spacing;
    const mm = BARS.find((length) => length * pixel < element.clientWidth * WIDEST_BAR) ?? 1;
    find<HTMLElement>("[data-scale]").hidden = frame.spacing_mm === null;
    find<HTMLElement>("[data-scale-bar]").style.width = `${mm * pixel}px`;
    find("[data-scale-words]").textContent = `${mm} mm`;
  }

  function openPanel(): void {
    const section = document.querySelector<HTMLElement>("[data-joint]");
    rest = section ? wirePanel(section, stage) : () => undefined;
  }

  wireStage(element, {
    window: (dx, dy) => tones.drag(dx, dy),
    pan: (dx, dy) => view.pan(dx, dy),
    zoom: (factor, at) => view.zoom(factor, at),
    point: (at) => editor?.point?.(view.toFilm(at)),
    take: (at) => editor?.take?.(at) ?? null,
  });
  find('[data-toggle="joints"]').addEventListener("click", (event) => {
    const button = event.currentTarget as HTMLElement;
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    joints.hidden = !on;
  });
  for (const button of root.querySelectorAll<HTMLElement>("[data-zoom]"))
    button.addEventListener("click", () => view.zoom(Number(button.dataset.zoom)));
  find("[data-fit]").addEventListener("click", () => view.fit());
  find("[data-actual]").addEventListener("click", () => view.zoom(1 / devicePixelRatio / view.scale));

  element.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.target !== element) return;
    event.preventDefault();
    view.pan(-PAN_PX * arrow[0], -PAN_PX * arrow[1]);
  });
  // before the page's own keys: while an editor is open, its keys come first
  const keys = (event: KeyboardEvent) => {
    if (!editor || typing(event.target) || event.target === element || document.querySelector("dialog[open]"))
      return;
    const onControl = event.target instanceof Element && event.target.matches("button, a, input, summary");
    if (event.key === "Escape") stage.leave();
    else if (event.key === "Enter" && !onControl) editor.save();
    else if (onControl && event.key.startsWith("Arrow"))
      return; // of a slider or a choice
    else if (!editor.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("keydown", keys, { capture: true });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const swapped = (event.target as HTMLElement).id;
    if (swapped === "film-side") {
      stage.leave();
      openPanel();
    } else if (swapped === "film-state") showJoints();
  });

  const key = `film ${frame.uuid}`;
  addEventListener("pagehide", () => {
    const kept: Kept = { place: view.middle, scale: view.scale, ...tones.state };
    sessionStorage.setItem(key, JSON.stringify(kept));
  });
  const kept = JSON.parse(sessionStorage.getItem(key) ?? "null") as Kept | null;
  if (kept) {
    const { place, scale, ...state } = kept;
    tones.state = state;
    view.lookAt(place, scale);
  }
  tones.show();
  view.onChange(redraw);
  openPanel();
  showJoints();
  redraw();
  element.classList.add("ready");
}
