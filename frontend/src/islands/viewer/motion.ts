/** The displacement of each bone as arrows, and how much longer than life they are drawn. */
import type { Layers, Mask } from "./layers";

/** dx, dy in mm (right, down), rotation in degrees clockwise, scale: from baseline to follow-up at the joint centre. */
export type Motion = readonly [number, number, number, number];
export interface Motions {
  upper: Motion;
  lower: Motion;
}

/** From (x, y) to (x + dx, y + dy), image pixels; not yet exaggerated. */
export interface Arrow {
  bone: keyof Motions;
  x: number;
  y: number;
  dx: number;
  dy: number;
}

/** Distance between two arrows, and how long the longest should look. */
const GRID_MM = 3;
const LONGEST_MM = 2.2;
const FACTORS = [1, 2, 5, 10, 20, 50, 100];

export function parseMotions(text: string | undefined): Motions | null {
  return text ? (JSON.parse(text) as Motions) : null;
}

/** Displacement (pixels) of a point at (x, y) pixels from the joint centre. */
export function displacement([dx, dy, degrees, scale]: Motion, x: number, y: number, spacingMm: number) {
  const [cos, sin] = [
    scale * Math.cos((degrees * Math.PI) / 180),
    scale * Math.sin((degrees * Math.PI) / 180),
  ];
  return { dx: dx / spacingMm + cos * x - sin * y - x, dy: dy / spacingMm + sin * x + cos * y - y };
}

/**
 * A grid of arrows on both bones. What the bones share (how the hand lay on the film) is taken off: what is left is
 * the motion of the bones against each other, which JSN measures along the axis.
 */
export function arrows(layers: Layers, { upper, lower }: Motions): Arrow[] {
  const shared = upper.map((value, i) => (value + (lower[i] as number)) / 2) as unknown as Motion;
  return [
    ...grid(layers, layers.upper, "upper", upper, shared),
    ...grid(layers, layers.lower, "lower", lower, shared),
  ];
}

function grid(
  { spacingMm }: Layers,
  mask: Mask,
  bone: keyof Motions,
  motion: Motion,
  shared: Motion,
): Arrow[] {
  const step = GRID_MM / spacingMm;
  const [cx, cy] = [(mask.width - 1) / 2, (mask.height - 1) / 2];
  const found: Arrow[] = [];
  for (let y = cy - Math.floor(cy / step) * step; y < mask.height; y += step) {
    for (let x = cx - Math.floor(cx / step) * step; x < mask.width; x += step) {
      if (!mask.inside[Math.round(y) * mask.width + Math.round(x)]) continue;
      const own = displacement(motion, x - cx, y - cy, spacingMm);
      const both = displacement(shared, x - cx, y - cy, spacingMm);
      found.push({ bone, x, y, dx: own.dx - both.dx, dy: own.dy - both.dy });
    }
  }
  return found;
}

/** The largest round factor at which no arrow looks longer than `LONGEST_MM`. */
export function exaggeration(drawn: Arrow[], spacingMm: number): number {
  const longest = Math.max(...drawn.map(({ dx, dy }) => Math.hypot(dx, dy) * spacingMm), 1e-9);
  return Math.max(1, ...FACTORS.filter((factor) => factor * longest <= LONGEST_MM));
}
