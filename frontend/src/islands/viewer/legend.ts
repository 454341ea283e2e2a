/** The colour scales beside the evidence: the same functions that colour the picture. */
import { DIFFERENCE_END, differenceGrey, heat } from "./colour";

const SCALES = {
  loss: (t: number) => heat(t),
  difference: (t: number) => new Array(3).fill(differenceGrey((2 * t - 1) * DIFFERENCE_END)) as number[],
};

export function drawLegends(root: HTMLElement): void {
  for (const canvas of root.querySelectorAll<HTMLCanvasElement>("canvas[data-legend]")) {
    const colour = SCALES[canvas.dataset.legend as keyof typeof SCALES];
    const context = canvas.getContext("2d");
    for (let x = 0; context && x < canvas.width; x++) {
      context.fillStyle = `rgb(${colour(x / (canvas.width - 1)).join(",")})`;
      context.fillRect(x, 0, 1, canvas.height);
    }
  }
}
