/** From values to colours: the grey window, the heat scale of the loss, the grey scale of the difference. */
import type { Image, Mask } from "./layers";

export interface Window {
  centre: number;
  width: number;
  invert: boolean;
}

type Rgb = readonly [number, number, number];

/** Stops of matplotlib's `inferno`: brightness rises evenly with the value, readable without colour vision and in print. */
const INFERNO: readonly Rgb[] = [
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
];

/** Top of the loss scale: a squared difference as large as the variance of the baseline's bones. */
export const LOSS_TOP = 1;
/** Both ends of the difference scale, in standard deviations: squared, the top of the loss scale. */
export const DIFFERENCE_END = 1;

function within(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Colour of `t` in 0..1 on the heat scale. */
export function heat(t: number): Rgb {
  const position = within(t) * (INFERNO.length - 1);
  const index = Math.min(INFERNO.length - 2, Math.floor(position));
  const [a, b] = [INFERNO[index] as Rgb, INFERNO[index + 1] as Rgb];
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (position - index) * (b[i] - a[i]));
  return [mix(0), mix(1), mix(2)];
}

/**
 * Opacity of the heat at `t` for the slider's `opacity`, both 0..1. A good match lets the bone show through; at full
 * opacity every colour is the scale's own.
 */
export function heatAlpha(t: number, opacity: number): number {
  return 1 - (1 - opacity) ** (0.25 + 2 * within(t));
}

/** Grey of a difference in standard deviations: middle grey is none. */
export function differenceGrey(deviations: number): number {
  return Math.round(255 * within(0.5 + deviations / (2 * DIFFERENCE_END)));
}

/** The image as grey through the window. */
export function greyPixels(image: Image, window: Window): ImageData {
  const out = new ImageData(image.width, image.height);
  const low = window.centre - window.width / 2;
  const gain = 255 / Math.max(window.width, 1e-9);
  for (let i = 0; i < image.values.length; i++) {
    const grey = ((image.values[i] as number) - low) * gain;
    out.data.fill(window.invert ? 255 - grey : grey, 4 * i, 4 * i + 3); // Uint8ClampedArray clamps
    out.data[4 * i + 3] = 255;
  }
  return out;
}

/** Colours looked up in this many steps from 0 to the top of the scale. */
const STEPS = 1024;

/** The loss in colour where `shown` is set; transparent elsewhere. */
export function heatPixels(loss: Image, shown: Uint8Array, opacity: number): ImageData {
  const out = new ImageData(loss.width, loss.height);
  const [pixels, colours] = [new Uint32Array(out.data.buffer), heatTable(opacity)];
  for (let i = 0; i < loss.values.length; i++) {
    const t = (loss.values[i] as number) / LOSS_TOP;
    if (shown[i] && Number.isFinite(t)) pixels[i] = colours[Math.round(STEPS * within(t))] as number;
  }
  return out;
}

/** Red, green, blue and opacity of every step, as they lie in a picture's memory. */
function heatTable(opacity: number): Uint32Array {
  const bytes = new Uint8ClampedArray(4 * (STEPS + 1));
  for (let step = 0; step <= STEPS; step++)
    bytes.set([...heat(step / STEPS), 255 * heatAlpha(step / STEPS, opacity)], 4 * step);
  return new Uint32Array(bytes.buffer);
}

/** `image` less `reference` as grey, in the reference's standard deviations. */
export function differencePixels(image: Image, reference: Image, deviation: number): ImageData {
  const out = new ImageData(reference.width, reference.height);
  for (let i = 0; i < reference.values.length; i++) {
    const difference = ((image.values[i] as number) - (reference.values[i] as number)) / deviation;
    const grey = Number.isFinite(difference) ? differenceGrey(difference) : 128;
    out.data.set([grey, grey, grey, 255], 4 * i);
  }
  return out;
}

/** Which pixels' loss to show: a pixel of both bones counts with either. */
export function shownBones(upper: Mask, lower: Mask, showUpper: boolean, showLower: boolean): Uint8Array {
  return upper.inside.map((value, i) => ((showUpper && value) || (showLower && lower.inside[i]) ? 1 : 0));
}
