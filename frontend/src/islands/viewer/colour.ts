/** Grey window and the heat scale. */
import type { Image } from "./layers";

export interface Window {
  centre: number;
  width: number;
  invert: boolean;
}

/** Stops of matplotlib's `inferno`: brightness rises with the value, readable without colour vision and in print. */
const INFERNO = [
  [0, 0, 4],
  [27, 12, 65],
  [74, 12, 107],
  [120, 28, 109],
  [165, 44, 96],
  [207, 68, 70],
  [237, 105, 37],
  [251, 155, 6],
  [247, 209, 61],
  [252, 255, 164],
] as const;

/** Colour of `t` in 0..1 on the heat scale. */
export function heat(t: number): [number, number, number] {
  const position = Math.min(1, Math.max(0, t)) * (INFERNO.length - 1);
  const index = Math.min(INFERNO.length - 2, Math.floor(position));
  const a = INFERNO[index] ?? INFERNO[0];
  const b = INFERNO[index + 1] ?? a;
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (position - index) * (b[i] - a[i]));
  return [mix(0), mix(1), mix(2)];
}

/** Opacity of the heat at `t`, as a share of the slider's: a good match lets the bone show through. */
export function heatAlpha(t: number): number {
  return Math.min(1, 0.2 + 1.6 * t);
}

/** The image as grey through the window. */
export function greyPixels(image: Image, window: Window): ImageData {
  const out = new ImageData(image.width, image.height);
  const low = window.centre - window.width / 2;
  const gain = 255 / Math.max(window.width, 1e-9);
  image.values.forEach((value, i) => {
    const grey = (value - low) * gain;
    const shown = window.invert ? 255 - grey : grey;
    out.data.fill(shown, 4 * i, 4 * i + 3); // Uint8ClampedArray clamps
    out.data[4 * i + 3] = 255;
  });
  return out;
}

/** The loss map in colour; transparent outside the bones. */
export function heatPixels(loss: Image, max: number): ImageData {
  const out = new ImageData(loss.width, loss.height);
  loss.values.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const t = value / max;
    out.data.set([...heat(t), 255 * heatAlpha(t)], 4 * i);
  });
  return out;
}

/** A round top for the heat scale: the smallest of 1, 2, 5 x 10^n that holds the value. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  return [1, 2, 5, 10].map((m) => m * power).find((m) => m >= value * 0.999) ?? value;
}
