/** Dragging on a pane: plain = window and level; with Shift, the middle button or two fingers = move; Ctrl + wheel = zoom. */
export interface DragActions {
  /** shares of the pane's width and height */
  window(dx: number, dy: number): void;
  pan(dx: number, dy: number): void;
  zoom(factor: number): void;
}

export function wireDrag(canvas: HTMLCanvasElement, actions: DragActions): void {
  const fingers = new Map<number, PointerEvent>();
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 2) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    if (event.button === 1) event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const dx = (event.clientX - last.clientX) / canvas.clientWidth;
    const dy = (event.clientY - last.clientY) / canvas.clientHeight;
    const middle = (event.buttons & 4) !== 0;
    if (fingers.size > 1) {
      actions.pan(dx / fingers.size, dy / fingers.size);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const distance = (e: PointerEvent) =>
          Math.hypot(e.clientX - other.clientX, e.clientY - other.clientY);
        actions.zoom(distance(event) / Math.max(distance(last), 1));
      }
    } else if (event.shiftKey || middle) actions.pan(dx, dy);
    else actions.window(dx, dy);
    fingers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"] as const)
    canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      actions.zoom(2 ** (-event.deltaY / 200));
    },
    { passive: false },
  );
}
