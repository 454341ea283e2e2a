/** Windows to look through, from the baseline's own values, so that one serves both films. */
import { type Layers, quantiles } from "./layers";

export type Preset = "auto" | "bone" | "space" | "full";
export const PRESETS: readonly Preset[] = ["auto", "bone", "space", "full"];

/** Half the side of the square about the joint centre that the joint space preset looks at. */
const SPACE_MM = 3;

type Range = { centre: number; width: number };

export function presetWindow(layers: Layers, preset: Preset): Range {
  const { fixed, upper, lower } = layers;
  if (preset === "full") return range(fixed.values, 0, 1);
  if (preset === "bone") {
    const bones = fixed.values.filter((_, i) => upper.inside[i] || lower.inside[i]);
    return range(bones.length ? bones : fixed.values, 0.02, 0.995);
  }
  if (preset === "space") {
    const reach = SPACE_MM / layers.spacingMm;
    const near = fixed.values.filter((_, i) => {
      const [x, y] = [i % fixed.width, Math.floor(i / fixed.width)];
      return Math.abs(x - (fixed.width - 1) / 2) < reach && Math.abs(y - (fixed.height - 1) / 2) < reach;
    });
    return range(near.length ? near : fixed.values, 0.02, 0.98);
  }
  return range(fixed.values, 0.01, 0.995);
}

function range(values: Float32Array, from: number, to: number): Range {
  const [low = 0, high = 1] = quantiles(values, [from, to]);
  return { centre: (low + high) / 2, width: Math.max(high - low, 1e-6) };
}
