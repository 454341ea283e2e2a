/** A film's pixels as the server decodes them: 16 bit, nothing windowed. */
export interface FilmPixels {
  width: number;
  height: number;
  /** row-major */
  stored: Uint16Array;
  /** a pixel here is the mean of this many by this many pixels of the film */
  reduction: number;
}

export async function fetchPixels(url: string): Promise<FilmPixels> {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const [height, width] = (response.headers.get("X-Shape") ?? "").split(",").map(Number);
  const stored = new Uint16Array(await response.arrayBuffer());
  if (!height || !width || stored.length !== width * height) throw new Error("film without its shape");
  return { width, height, stored, reduction: Number(response.headers.get("X-Reduction")) || 1 };
}

/** Stored values at the given shares of the film's area, from every few pixels. */
export function quantiles({ stored }: FilmPixels, shares: number[]): number[] {
  const step = Math.max(1, Math.floor(stored.length / 200_000));
  const sample = new Uint16Array(Math.ceil(stored.length / step));
  for (let i = 0, j = 0; i < stored.length; i += step, j++) sample[j] = stored[i] ?? 0;
  sample.sort();
  return shares.map((share) => sample[Math.min(sample.length - 1, Math.floor(share * sample.length))] ?? 0);
}

export interface Window {
  centre: number;
  width: number;
}

/** Windows for the parts of a hand, by where its tones lie: background, soft tissue, bone. */
export function presets(pixels: FilmPixels): Record<string, Window> {
  const [lowest = 0, low = 0, half = 0, upper = 0, high = 1, highest = 1] = quantiles(
    pixels,
    [0, 0.005, 0.5, 0.75, 0.998, 1],
  );
  const between = (from: number, to: number): Window => ({
    centre: (from + to) / 2,
    width: Math.max(to - from, 1),
  });
  // half of a film is background; of the hand, bone is the brighter part
  const tissue = Math.min(Math.max(half, low + 0.05 * (high - low)), upper);
  return {
    auto: between(low, high),
    bone: between(tissue + 0.35 * (high - tissue), high),
    soft: between(low, tissue + 0.55 * (high - tissue)),
    full: between(lowest, highest),
  };
}
