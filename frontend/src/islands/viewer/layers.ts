/** The arrays behind a measurement, as the server keeps them: nothing is windowed or resampled on the way. */
export interface Image {
  width: number;
  height: number;
  /** row-major, in the units of the baseline image */
  values: Float32Array;
  /** side of a pixel */
  spacingMm: number;
}

export interface Mask {
  width: number;
  height: number;
  inside: Uint8Array;
}

async function fetchLayer(url: string): Promise<{ response: Response; buffer: ArrayBuffer }> {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return { response, buffer: await response.arrayBuffer() };
}

function shape(response: Response): { width: number; height: number; spacingMm: number } {
  const [height, width] = (response.headers.get("X-Shape") ?? "").split(",").map(Number);
  if (!height || !width) throw new Error("layer without a shape");
  return { width, height, spacingMm: Number(response.headers.get("X-Spacing-Mm")) };
}

/** uint16 on the wire, value = slope * stored + intercept */
export async function fetchImage(url: string): Promise<Image> {
  const { response, buffer } = await fetchLayer(url);
  const [slope = 1, intercept = 0] = (response.headers.get("X-Scale") ?? "1,0").split(",").map(Number);
  const values = Float32Array.from(new Uint16Array(buffer), (stored) => slope * stored + intercept);
  return { ...shape(response), values };
}

/** float32 on the wire; NaN = outside the bones */
export async function fetchFloat(url: string): Promise<Image> {
  const { response, buffer } = await fetchLayer(url);
  return { ...shape(response), values: new Float32Array(buffer) };
}

export async function fetchMask(url: string): Promise<Mask> {
  const { response, buffer } = await fetchLayer(url);
  return { ...shape(response), inside: new Uint8Array(buffer) };
}

/** Values at the given fractions of the sorted finite values. */
export function quantiles(values: Float32Array, fractions: number[]): number[] {
  const sorted = values.filter(Number.isFinite).sort();
  if (sorted.length === 0) return fractions.map(() => 0);
  return fractions.map((f) => sorted[Math.min(sorted.length - 1, Math.floor(f * sorted.length))] ?? 0);
}

/** `image` stretched so that its 2nd and 98th percentile fall on those of `reference`: one window suits both. */
export function matched(image: Image, reference: Image): Image {
  const [low = 0, high = 1] = quantiles(image.values, [0.02, 0.98]);
  const [toLow = 0, toHigh = 1] = quantiles(reference.values, [0.02, 0.98]);
  const gain = (toHigh - toLow) / (high - low || 1);
  return { ...image, values: image.values.map((v) => toLow + gain * (v - low)) };
}
