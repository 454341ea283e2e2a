/**
 * Pointers on a pane. One finger or button: window and level, or the magnifier or the swipe where they are on. Shift,
 * the middle button or two fingers: move. Two fingers or Ctrl + wheel: zoom. Twice in one place: closer there.
 */
import type { Place } from "./pane";

export interface Gestures {
  /** shares of the pane's width and height */
  window(dx: number, dy: number): void;
  pan(dx: number, dy: number): void;
  zoom(factor: number, at: Place): void;
  closer(at: Place): void;
  /** where the pointer is; null when it has left */
  hover(at: Place | null): void;
  /** whether a plain drag from here is taken (by magnifier or swipe) */
  takes(at: Place): boolean;
  take(at: Place): void;
}

export function wirePointer(canvas: HTMLCanvasElement, gestures: Gestures): void {
  const down = new Map<number, PointerEvent>();
  let taken = false;
  const place = (event: MouseEvent): Place => ({
    x: event.offsetX / canvas.clientWidth,
    y: event.offsetY / canvas.clientHeight,
  });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 2) return;
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
    if (event.button === 1) event.preventDefault();
    taken = down.size === 1 && event.button === 0 && !event.shiftKey && gestures.takes(place(event));
    if (taken) gestures.take(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    gestures.hover(place(event));
    const last = down.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [
      (event.clientX - last.clientX) / canvas.clientWidth,
      (event.clientY - last.clientY) / canvas.clientHeight,
    ];
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      gestures.pan(dx / 2, dy / 2);
      const distance = (e: PointerEvent) => Math.hypot(e.clientX - other.clientX, e.clientY - other.clientY);
      gestures.zoom(distance(event) / Math.max(distance(last), 1), place(event));
    } else if (taken) gestures.take(place(event));
    else if (event.shiftKey || event.buttons & 4) gestures.pan(dx, dy);
    else gestures.window(dx, dy);
    down.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"] as const)
    canvas.addEventListener(end, (event) => {
      down.delete(event.pointerId);
      if (event.pointerType !== "mouse") gestures.hover(null);
    });
  canvas.addEventListener("pointerleave", () => gestures.hover(null));
  canvas.addEventListener("dblclick", (event) => gestures.closer(place(event)));
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      gestures.zoom(2 ** (-event.deltaY / 200), place(event));
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[
      event.key
    ];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    gestures.pan(step[0] as number, step[1] as number);
  });
}
