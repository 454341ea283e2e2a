/** One canvas of the viewer: grey image, heat over it, outlines and a scale bar, through a shared view. */
export interface View {
  zoom: number;
  /** image point at the middle of the pane, pixels */
  x: number;
  y: number;
}

export interface Scene {
  /** drawn left of `split` (a share of the pane's width) and right of it; one entry fills the pane */
  images: HTMLCanvasElement[];
  split: number;
  heat: HTMLCanvasElement | null;
  heatOpacity: number;
  outlines: { path: Path2D; colour: string }[];
  spacingMm: number;
}

/** Pixels of an image as a canvas that can be drawn scaled. */
export function bitmap(pixels: ImageData): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}

export class Pane {
  private readonly context: CanvasRenderingContext2D;

  constructor(
    readonly canvas: HTMLCanvasElement,
    redraw: () => void,
  ) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no 2D canvas");
    this.context = context;
    new ResizeObserver(([entry]) => {
      const side = Math.round((entry?.contentRect.width ?? 0) * devicePixelRatio);
      if (side && side !== canvas.width) {
        canvas.width = side;
        canvas.height = side;
        redraw();
      }
    }).observe(canvas);
  }

  /** Device pixels per image pixel. */
  scale(view: View, imageWidth: number): number {
    return (this.canvas.width / imageWidth) * view.zoom;
  }

  draw(scene: Scene, view: View): void {
    const { context, canvas } = this;
    const [first, second] = scene.images;
    if (!first || !canvas.offsetParent) return; // a hidden pane is drawn when it is shown
    const scale = this.scale(view, first.width);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    const place = () =>
      context.setTransform(
        scale,
        0,
        0,
        scale,
        canvas.width / 2 - view.x * scale,
        canvas.height / 2 - view.y * scale,
      );
    place();
    context.drawImage(first, -0.5, -0.5);
    if (second) {
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.beginPath();
      context.rect(canvas.width * scene.split, 0, canvas.width, canvas.height);
      context.clip();
      place();
      context.drawImage(second, -0.5, -0.5);
      context.restore();
    }
    if (scene.heat && scene.heatOpacity > 0) {
      context.globalAlpha = scene.heatOpacity;
      context.drawImage(scene.heat, -0.5, -0.5);
      context.globalAlpha = 1;
    }
    for (const { path, colour } of scene.outlines) {
      context.strokeStyle = colour;
      context.lineWidth = (1.5 * devicePixelRatio) / scale;
      context.stroke(path);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (second) this.splitLine(scene.split);
    this.scaleBar(scene.spacingMm, scale);
  }

  private splitLine(split: number): void {
    const { context, canvas } = this;
    context.fillStyle = "#ffffffb0";
    context.fillRect(canvas.width * split - devicePixelRatio / 2, 0, devicePixelRatio, canvas.height);
  }

  private scaleBar(spacingMm: number, scale: number): void {
    const { context, canvas } = this;
    const ratio = devicePixelRatio;
    const mm = [10, 5, 2, 1, 0.5].find((length) => (length / spacingMm) * scale < canvas.width * 0.4) ?? 0.5;
    const length = (mm / spacingMm) * scale;
    const x = 10 * ratio;
    const y = canvas.height - 10 * ratio;
    context.font = `${11 * ratio}px "Inter Variable", sans-serif`;
    for (const [colour, grow] of [
      ["#000000b0", 2],
      ["#ffffff", 0],
    ] as const) {
      context.fillStyle = colour;
      context.fillRect(
        x - (grow * ratio) / 2,
        y - ((2 + grow) * ratio) / 2,
        length + grow * ratio,
        (2 + grow) * ratio,
      );
      context.strokeStyle = "#000000b0";
      context.lineWidth = 3 * ratio;
      if (grow) context.strokeText(`${mm} mm`, x, y - 6 * ratio);
      else context.fillText(`${mm} mm`, x, y - 6 * ratio);
    }
  }
}
