/** Dragging on the film: plain = window and level; Shift, the middle button or two fingers = move; Ctrl + wheel or pinch = zoom. */
import type { Point } from "./view";

export interface StageActions {
  /** shares of the stage's width and height */
  window(dx: number, dy: number): void;
  pan(dx: number, dy: number): void;
  zoom(factor: number, at: Point): void;
  /** a press without a drag */
  point(at: Point): void;
  /** takes a plain drag over, as a brush does; gives what follows it */
  take(at: Point): { move(at: Point): void; end(): void } | null;
}

const STILL_PX = 4;

/** Where the arrow keys lead. */
export const ARROWS: Record<string, Point> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function wireStage(stage: HTMLElement, actions: StageActions): void {
  const fingers = new Map<number, Point>();
  let taken: ReturnType<StageActions["take"]> = null;
  let start: Point = [0, 0];
  let moved = false;
  const at = (event: MouseEvent): Point => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button === 2 || (event.target as Element).closest("[data-handle]")) return;
    const place = at(event);
    fingers.set(event.pointerId, place);
    if (event.button === 1) event.preventDefault();
    if (fingers.size === 1) {
      start = place;
      moved = false;
      taken = event.shiftKey || event.button === 1 ? null : actions.take(place);
      if (taken) stage.setPointerCapture(event.pointerId);
    } else {
      moved = true;
      taken?.end();
      taken = null;
    }
  });
  stage.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const now = at(event);
    fingers.set(event.pointerId, now);
    if (!moved && Math.hypot(now[0] - start[0], now[1] - start[1]) < STILL_PX && !taken) return;
    if (!moved && !stage.hasPointerCapture(event.pointerId)) stage.setPointerCapture(event.pointerId);
    moved = true;
    const [dx, dy] = [now[0] - last[0], now[1] - last[1]];
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (taken) taken.move(now);
    else if (other) {
      actions.pan(dx / 2, dy / 2);
      const distance = (from: Point) => Math.max(Math.hypot(from[0] - other[0], from[1] - other[1]), 1);
      actions.zoom(distance(now) / distance(last), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    } else if (event.shiftKey || (event.buttons & 4) !== 0) actions.pan(dx, dy);
    else actions.window(dx / stage.clientWidth, dy / stage.clientHeight);
  });
  for (const end of ["pointerup", "pointercancel"] as const)
    stage.addEventListener(end, (event) => {
      if (!fingers.delete(event.pointerId) || fingers.size) return;
      taken?.end();
      if (end === "pointerup" && !moved && !taken && event.button === 0) actions.point(at(event));
      taken = null;
    });
  // a drag that began on a joint must not follow its link
  stage.addEventListener("click", (event) => moved && event.preventDefault(), { capture: true });
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      actions.zoom(2 ** (-event.deltaY / 200), at(event));
    },
    { passive: false },
  );
}

/** A handle that is dragged: `move` gets the place on the stage. */
export function wireHandle(
  handle: SVGElement,
  stage: HTMLElement,
  move: (at: Point, from: Point) => void,
  end: () => void = () => undefined,
): void {
  handle.dataset.handle = "";
  let last: Point | null = null;
  const at = (event: PointerEvent): Point => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    last = at(event);
  });
  handle.addEventListener("pointermove", (event) => {
    if (!last) return;
    const now = at(event);
    move(now, last);
    last = now;
  });
  for (const name of ["pointerup", "pointercancel"] as const)
    handle.addEventListener(name, () => {
      if (last) end();
      last = null;
    });
}
