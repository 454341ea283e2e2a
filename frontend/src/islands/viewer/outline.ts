/** The outline of a mask as a path: the mask slightly smoothed, cut at one half (marching squares with interpolation). */
import type { Mask } from "./layers";

/** Sides of a square: 0 top, 1 right, 2 bottom, 3 left. */
type Side = 0 | 1 | 2 | 3;

/** For each of the 16 ways in which a square's corners (1 top left, 2 top right, 4 bottom right, 8 bottom left) lie inside. */
const SEGMENTS: [Side, Side][][] = [
  [],
  [[3, 0]],
  [[0, 1]],
  [[3, 1]],
  [[1, 2]],
  [
    [3, 0],
    [1, 2],
  ],
  [[0, 2]],
  [[3, 2]],
  [[2, 3]],
  [[2, 0]],
  [
    [0, 1],
    [2, 3],
  ],
  [[2, 1]],
  [[1, 3]],
  [[1, 0]],
  [[0, 3]],
  [],
];

/** Path in pixel coordinates (0 = centre of the first pixel). */
export function outline(mask: Mask): Path2D {
  const { width, height } = mask;
  const soft = smoothed(mask);
  const path = new Path2D();
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const place = y * width + x;
      const [a, b, c, d] = [place, place + 1, place + width + 1, place + width].map(
        (i) => (soft[i] as number) - 0.5,
      ) as [number, number, number, number];
      const corners = (a > 0 ? 1 : 0) + (b > 0 ? 2 : 0) + (c > 0 ? 4 : 0) + (d > 0 ? 8 : 0);
      const crossing = (side: Side): [number, number] => {
        if (side === 0) return [x + a / (a - b), y];
        if (side === 1) return [x + 1, y + b / (b - c)];
        if (side === 2) return [x + d / (d - c), y + 1];
        return [x, y + a / (a - d)];
      };
      for (const [from, to] of SEGMENTS[corners] ?? []) {
        path.moveTo(...crossing(from));
        path.lineTo(...crossing(to));
      }
    }
  }
  return path;
}

/** The mask as 0..1, binomially smoothed over five pixels each way; its edge goes on beyond the picture's. */
function smoothed({ width, height, inside }: Mask): Float32Array {
  const along = (values: ArrayLike<number>, step: number, count: number, place: (i: number) => number) => {
    const weights = [1, 4, 6, 4, 1];
    return Float32Array.from(values, (_, i) => {
      const at = place(i);
      return weights.reduce((sum, weight, k) => {
        const offset = Math.min(count - 1, Math.max(0, at + k - 2)) - at;
        return sum + (weight / 16) * (values[i + offset * step] as number);
      }, 0);
    });
  };
  const rows = along(inside, 1, width, (i) => i % width);
  return along(rows, width, height, (i) => Math.floor(i / width));
}
