/** How the pictures are shown. What matters is in the address; the rest stays in this tab from joint to joint. */
import { PRESETS, type Preset } from "./presets";

export const MODES = ["side", "flicker", "swipe"] as const;
export const LAYERS = ["loss", "difference"] as const;
/** Toggles that are off unless they are asked for, and those that are on. */
const SHOW = ["before", "outlines", "motion", "magnifier", "invert"] as const;
const BONES = ["upper", "lower"] as const;

export type Toggle = (typeof SHOW)[number] | (typeof BONES)[number];
export interface Settings extends Record<Toggle, boolean> {
  mode: (typeof MODES)[number];
  layer: (typeof LAYERS)[number];
  window: Preset;
  /** per cent */
  opacity: number;
  /** changes a second */
  rate: number;
}

const DEFAULTS: Settings = {
  mode: "side",
  layer: "loss",
  window: "auto",
  before: false,
  outlines: false,
  motion: false,
  magnifier: false,
  invert: false,
  upper: true,
  lower: true,
  opacity: 80,
  rate: 3,
};
const KEPT = "viewer";
const PARAMETERS = ["mode", "layer", "window", "show", "bones"];

export function readSettings(): Settings {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as Partial<Settings>;
  return { ...DEFAULTS, ...kept, ...fromAddress(new URLSearchParams(location.search)) };
}

export function keepSettings(settings: Settings): void {
  sessionStorage.setItem(KEPT, JSON.stringify(settings));
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(toAddress(settings)))
    value === null ? address.searchParams.delete(name) : address.searchParams.set(name, value);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

/** `href` with the way of looking that the present address names. */
export function withSettings(href: string): string {
  const [to, here] = [new URL(href, location.href), new URLSearchParams(location.search)];
  for (const name of PARAMETERS) {
    const value = here.get(name);
    if (value !== null) to.searchParams.set(name, value);
  }
  return to.href;
}

function fromAddress(query: URLSearchParams): Partial<Settings> {
  const found: Partial<Settings> = {};
  const oneOf = <T extends string>(name: string, choices: readonly T[]) =>
    choices.find((choice) => choice === query.get(name));
  const [mode, layer, window] = [oneOf("mode", MODES), oneOf("layer", LAYERS), oneOf("window", PRESETS)];
  if (mode) found.mode = mode;
  if (layer) found.layer = layer;
  if (window) found.window = window;
  const show = query.get("show")?.split(",");
  if (show) for (const name of SHOW) found[name] = show.includes(name);
  const bones = query.get("bones")?.split(",");
  if (bones) for (const name of BONES) found[name] = bones.includes(name);
  return found;
}

function toAddress(settings: Settings): Record<string, string | null> {
  const on = (names: readonly Toggle[]) => names.filter((name) => settings[name]).join(",");
  const bones = on(BONES);
  return {
    mode: settings.mode,
    layer: settings.layer,
    window: settings.window === DEFAULTS.window ? null : settings.window,
    show: on(SHOW) || null,
    bones: bones === BONES.join(",") ? null : bones,
  };
}
