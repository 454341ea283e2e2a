/** Zoom and place, shared by all panes and kept from joint to joint. */
export interface View {
  zoom: number;
  /** image point at the middle of the pane, pixels from the image's centre */
  x: number;
  y: number;
}

const CLOSEST = 12;

export function home(): View {
  return { zoom: 1, x: 0, y: 0 };
}

/** `view` closer by `factor`, with the image point `at` (pixels from the centre) staying where it is. */
export function zoomed(view: View, factor: number, at: { x: number; y: number }, side: number): View {
  const zoom = Math.min(CLOSEST, Math.max(1, view.zoom * factor));
  const stay = 1 - view.zoom / zoom;
  return held({ zoom, x: view.x + (at.x - view.x) * stay, y: view.y + (at.y - view.y) * stay }, side);
}

/** No further out than the image reaches. */
export function held(view: View, side: number): View {
  const reach = (side / 2) * (1 - 1 / view.zoom);
  const hold = (value: number) => Math.min(reach, Math.max(-reach, value));
  return { zoom: view.zoom, x: hold(view.x), y: hold(view.y) };
}
