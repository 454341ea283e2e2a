/** Lines over a picture: bone outlines, joint axis, displacement arrows, scale bar. */
import { language } from "../../language";
import type { Arrow } from "./motion";

export const UPPER = "#56d4ff";
export const LOWER = "#ffd34d";

export interface Marks {
  outlines: { path: Path2D; colour: string }[];
  axis: boolean;
  arrows: Arrow[];
  exaggeration: number;
}

type Context = CanvasRenderingContext2D;

/** A line in `colour` on a dark one that keeps it apart from bright bone. Widths in CSS pixels, path in image pixels. */
function stroke(context: Context, path: Path2D, colour: string, width: number, scale: number): void {
  for (const [style, extra] of [
    ["#000000a0", 1.5],
    [colour, 0],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = ((width + extra) * devicePixelRatio) / scale;
    context.stroke(path);
  }
}

export function drawOutlines(context: Context, marks: Marks, scale: number): void {
  for (const { path, colour } of marks.outlines) stroke(context, path, colour, 1.5, scale);
}

/** The finger's axis through the joint centre, dashed, with a tick across at the centre. */
export function drawAxis(
  context: Context,
  marks: Marks,
  scale: number,
  { width, height }: { width: number; height: number },
): void {
  if (!marks.axis) return;
  const [x, y] = [(width - 1) / 2, (height - 1) / 2];
  const [axis, tick] = [new Path2D(), new Path2D()];
  axis.moveTo(x, 0);
  axis.lineTo(x, height - 1);
  tick.moveTo(x - width / 24, y);
  tick.lineTo(x + width / 24, y);
  const dash = (6 * devicePixelRatio) / scale;
  context.setLineDash([dash, dash]);
  stroke(context, axis, "#ffffff", 1, scale);
  context.setLineDash([]);
  stroke(context, tick, "#ffffff", 1.5, scale);
}

export function drawArrows(context: Context, marks: Marks, scale: number): void {
  const head = (5 * devicePixelRatio) / scale;
  for (const { bone, x, y, dx, dy } of marks.arrows) {
    const [toX, toY] = [x + dx * marks.exaggeration, y + dy * marks.exaggeration];
    const path = new Path2D();
    path.moveTo(x, y);
    path.lineTo(toX, toY);
    const angle = Math.atan2(toY - y, toX - x);
    for (const turn of [-0.5, 0.5]) {
      path.moveTo(toX, toY);
      path.lineTo(toX - head * Math.cos(angle + turn), toY - head * Math.sin(angle + turn));
    }
    stroke(context, path, bone === "upper" ? UPPER : LOWER, 1.75, scale);
  }
}

/** A bar of a round length at the lower left. The transform is that of the device. */
export function drawScaleBar(context: Context, spacingMm: number, scale: number): void {
  const [{ canvas }, ratio] = [context, devicePixelRatio];
  const mm = [10, 5, 2, 1, 0.5].find((length) => (length / spacingMm) * scale < canvas.width * 0.4) ?? 0.5;
  const length = (mm / spacingMm) * scale;
  const [x, y] = [10 * ratio, canvas.height - 10 * ratio];
  const words = `${mm.toLocaleString(language)} mm`;
  context.font = `${11 * ratio}px "Inter Variable", sans-serif`;
  for (const [colour, grow] of [
    ["#000000b0", 2],
    ["#ffffff", 0],
  ] as const) {
    context.fillStyle = colour;
    const thick = (2 + grow) * ratio;
    context.fillRect(x - (grow * ratio) / 2, y - thick / 2, length + grow * ratio, thick);
    context.strokeStyle = colour;
    context.lineWidth = 3 * ratio;
    if (grow) context.strokeText(words, x, y - 6 * ratio);
    else context.fillText(words, x, y - 6 * ratio);
  }
}
