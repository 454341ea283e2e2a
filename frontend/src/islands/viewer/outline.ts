/** The outline of a mask as a path, half way between pixels inside and outside (marching squares). */
import type { Mask } from "./layers";

type Point = [number, number];
const TOP: Point = [0.5, 0];
const RIGHT: Point = [1, 0.5];
const BOTTOM: Point = [0.5, 1];
const LEFT: Point = [0, 0.5];

/** For each of the 16 ways in which a square's corners (1 top left, 2 top right, 4 bottom right, 8 bottom left) lie inside. */
const SEGMENTS: [Point, Point][][] = [
  [],
  [[LEFT, TOP]],
  [[TOP, RIGHT]],
  [[LEFT, RIGHT]],
  [[RIGHT, BOTTOM]],
  [
    [LEFT, TOP],
    [RIGHT, BOTTOM],
  ],
  [[TOP, BOTTOM]],
  [[LEFT, BOTTOM]],
  [[BOTTOM, LEFT]],
  [[BOTTOM, TOP]],
  [
    [TOP, RIGHT],
    [BOTTOM, LEFT],
  ],
  [[BOTTOM, RIGHT]],
  [[RIGHT, LEFT]],
  [[RIGHT, TOP]],
  [[TOP, LEFT]],
  [],
];

/** Path in pixel coordinates (0 = centre of the first pixel). */
export function outline({ width, height, inside }: Mask): Path2D {
  const path = new Path2D();
  const at = (x: number, y: number) => (inside[y * width + x] ? 1 : 0);
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const corners = at(x, y) + 2 * at(x + 1, y) + 4 * at(x + 1, y + 1) + 8 * at(x, y + 1);
      for (const [from, to] of SEGMENTS[corners] ?? []) {
        path.moveTo(x + from[0], y + from[1]);
        path.lineTo(x + to[0], y + to[1]);
      }
    }
  }
  return path;
}
