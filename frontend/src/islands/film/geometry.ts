/** Regions and outlines in film pixels: x right, y down, pixel centres at integers. */
import { contours } from "d3-contour";
import type { Point } from "./view";

export interface Region {
  x: number;
  y: number;
  /** direction of the distal bone, degrees, 0 = up the film, positive clockwise */
  angle: number;
  /** side of the square */
  size: number;
}

/** A place of the region (shares of its side from its centre, y down) on the film. */
export function inRegion({ x, y, angle, size }: Region, [u, v]: Point): Point {
  const turn = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn) * size, Math.sin(turn) * size];
  return [x + cos * u - sin * v, y + sin * u + cos * v];
}

/** Upper left, upper right, lower right, lower left. */
export function corners(region: Region): Point[] {
  const places: Point[] = [
    [-0.5, -0.5],
    [0.5, -0.5],
    [0.5, 0.5],
    [-0.5, 0.5],
  ];
  return places.map((place) => inRegion(region, place));
}

/** The largest outline of the values above a threshold, in pixels of the grid. */
export function traced(values: ArrayLike<number>, width: number, height: number, threshold: number): Point[] {
  const [shape] = contours().size([width, height]).thresholds([threshold])(Array.from(values));
  const rings = (shape?.coordinates ?? []).map((polygon) =>
    // its pixels have their corners at integers
    (polygon[0] ?? []).slice(0, -1).map(([x = 0, y = 0]): Point => [x - 0.5, y - 0.5]),
  );
  return rings.reduce((best, ring) => (area(ring) > area(best) ? ring : best), [] as Point[]);
}

export function area(polygon: Point[]): number {
  let sum = 0;
  for (let i = 0; i < polygon.length; i++) {
    const [x0, y0] = polygon[i] as Point;
    const [x1, y1] = polygon[(i + 1) % polygon.length] as Point;
    sum += x0 * y1 - x1 * y0;
  }
  return Math.abs(sum) / 2;
}

/** Fewer corners that stay within a tolerance of the line (Douglas and Peucker 1973). */
export function simplified(polygon: Point[], tolerance: number): Point[] {
  if (polygon.length < 4) return polygon;
  const half = Math.floor(polygon.length / 2);
  const first = reduce(polygon.slice(0, half + 1), tolerance);
  const second = reduce([...polygon.slice(half), polygon[0] as Point], tolerance);
  return [...first.slice(0, -1), ...second.slice(0, -1)];
}

function reduce(line: Point[], tolerance: number): Point[] {
  const [start, end] = [line[0] as Point, line[line.length - 1] as Point];
  let farthest = 0;
  let distance = 0;
  for (let i = 1; i < line.length - 1; i++) {
    const d = distanceTo(line[i] as Point, start, end);
    if (d > distance) [farthest, distance] = [i, d];
  }
  if (distance <= tolerance) return [start, end];
  return [
    ...reduce(line.slice(0, farthest + 1), tolerance).slice(0, -1),
    ...reduce(line.slice(farthest), tolerance),
  ];
}

/** From a point to a line segment. */
export function distanceTo([x, y]: Point, [x0, y0]: Point, [x1, y1]: Point): number {
  const length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const along = length ? Math.min(1, Math.max(0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length)) : 0;
  return Math.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0));
}

/** The outline with a brush's circles added to it or taken away. Works on a grid about what is painted. */
export function painted(polygon: Point[], stroke: Point[], radius: number, add: boolean): Point[] {
  const all = [...polygon, ...stroke];
  const margin = radius + 3;
  const [left, top] = [
    Math.min(...all.map((p) => p[0])) - margin,
    Math.min(...all.map((p) => p[1])) - margin,
  ];
  const [right, bottom] = [
    Math.max(...all.map((p) => p[0])) + margin,
    Math.max(...all.map((p) => p[1])) + margin,
  ];
  const fine = Math.min(2, 1200 / Math.max(right - left, bottom - top)); // grid points per pixel of the film
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil((right - left) * fine);
  canvas.height = Math.ceil((bottom - top) * fine);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return polygon;
  context.setTransform(fine, 0, 0, fine, -left * fine, -top * fine);
  context.beginPath();
  for (const [x, y] of polygon) context.lineTo(x, y);
  context.fill();
  context.globalCompositeOperation = add ? "source-over" : "destination-out";
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = 2 * radius;
  context.beginPath();
  for (const [x, y] of stroke.length > 1 ? stroke : [...stroke, ...stroke]) context.lineTo(x, y);
  context.stroke();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const alpha = new Uint8Array(canvas.width * canvas.height);
  for (let i = 0; i < alpha.length; i++) alpha[i] = data[4 * i + 3] ?? 0;
  const ring = traced(alpha, canvas.width, canvas.height, 127.5);
  if (ring.length < 3) return polygon;
  return simplified(
    ring.map(([x, y]) => [(x + 0.5) / fine + left, (y + 0.5) / fine + top]),
    0.4,
  );
}
