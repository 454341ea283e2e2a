/** The arrays behind a measurement, as the server keeps them: nothing is windowed or resampled on the way. */
export interface Image {
  width: number;
  height: number;
  /** row-major; NaN outside the bones in a loss */
  values: Float32Array;
}

export interface Mask {
  width: number;
  height: number;
  inside: Uint8Array;
}

export interface Layers {
  /** side of a pixel */
  spacingMm: number;
  fixed: Image;
  /** on the scale of the baseline, as the loss before registration compares it */
  moving: Image;
  /** the follow-up on the baseline's place and scale; null where registration gave no result */
  warped: Image | null;
  loss: Image | null;
  lossBefore: Image | null;
  upper: Mask;
  lower: Mask;
  /** the bones on the follow-up as taken; null in older results */
  movingBones: { upper: Mask; lower: Mask } | null;
  /** standard deviation of the baseline over its bones: loss 1 is a difference of 1 of these */
  deviation: number;
}

interface Described {
  type: "uint16" | "float32" | "uint8";
  shape: [number, number];
  offset: number;
  slope?: number;
  intercept?: number;
}

interface Head {
  spacing_mm: number;
  layers: Record<string, Described>;
}

/** The newest few joints, decoded: what was fetched ahead shows at once. */
const kept = new Map<string, Promise<Layers>>();
const KEEP = 16;

/** The layers at `url`, from memory where they were asked for before. */
export function layersAt(url: string, priority: RequestPriority = "auto"): Promise<Layers> {
  const known = kept.get(url);
  if (known) return known;
  const loading = load(url, priority);
  kept.set(url, loading);
  loading.catch(() => kept.delete(url));
  for (const oldest of kept.keys()) {
    if (kept.size <= KEEP) break;
    kept.delete(oldest);
  }
  return loading;
}

async function load(url: string, priority: RequestPriority): Promise<Layers> {
  const response = await fetch(url, { credentials: "same-origin", priority });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return decode(await response.arrayBuffer());
}

/** See `jsnsite/measurements/layers.py` for the format. */
export function decode(buffer: ArrayBuffer): Layers {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Head;
  const body = 4 + length;
  const image = (name: string) => numbers(buffer, body, head.layers[name]);
  const [fixed, moving] = [image("fixed"), image("moving")];
  if (!fixed || !moving) throw new Error("no picture in the layers");
  const mask = (name: string) => inside(buffer, body, head.layers[name]);
  const none = { ...fixed, inside: new Uint8Array(fixed.values.length) };
  const [upper, lower] = [mask("upper") ?? none, mask("lower") ?? none];
  const [movingUpper, movingLower] = [mask("moving_upper"), mask("moving_lower")];
  const movingBones = movingUpper && movingLower && { upper: movingUpper, lower: movingLower };
  const bones = either(upper, lower);
  const onMoving = movingBones ? either(movingBones.upper, movingBones.lower) : bones;
  return {
    spacingMm: head.spacing_mm,
    fixed,
    moving: matched(moving, onMoving, fixed, bones),
    warped: image("warped"),
    loss: image("loss_map"),
    lossBefore: image("loss_before"),
    upper,
    lower,
    movingBones,
    deviation: moments(fixed, bones).deviation || 1,
  };
}

function numbers(buffer: ArrayBuffer, body: number, layer: Described | undefined): Image | null {
  if (!layer) return null;
  const [height, width] = layer.shape;
  const [start, count] = [body + layer.offset, width * height];
  if (layer.type === "float32") return { width, height, values: new Float32Array(buffer, start, count) };
  const [slope = 1, intercept = 0] = [layer.slope, layer.intercept];
  const stored = new Uint16Array(buffer, start, count);
  return { width, height, values: Float32Array.from(stored, (value) => slope * value + intercept) };
}

function inside(buffer: ArrayBuffer, body: number, layer: Described | undefined): Mask | null {
  if (!layer) return null;
  const [height, width] = layer.shape;
  return { width, height, inside: new Uint8Array(buffer, body + layer.offset, width * height) };
}

function either(a: Mask, b: Mask): Mask {
  return { ...a, inside: a.inside.map((value, i) => value | (b.inside[i] ?? 0)) };
}

/** Mean and standard deviation inside a mask; of everything where the mask is empty or of another size. */
function moments(image: Image, mask: Mask): { mean: number; deviation: number } {
  const usable = mask.inside.length === image.values.length && mask.inside.includes(1);
  const values = image.values.filter((value, i) => Number.isFinite(value) && (!usable || mask.inside[i]));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** `image` with the mean and deviation over its bones that `reference` has over its own. */
function matched(image: Image, imageBones: Mask, reference: Image, bones: Mask): Image {
  const [from, to] = [moments(image, imageBones), moments(reference, bones)];
  const gain = to.deviation / (from.deviation || 1);
  return { ...image, values: image.values.map((value) => to.mean + gain * (value - from.mean)) };
}

/** Values at the given fractions of the sorted finite values. */
export function quantiles(values: Float32Array, fractions: number[]): number[] {
  const sorted = values.filter(Number.isFinite).sort();
  if (sorted.length === 0) return fractions.map(() => 0);
  return fractions.map((f) => sorted[Math.min(sorted.length - 1, Math.floor(f * sorted.length))] ?? 0);
}
