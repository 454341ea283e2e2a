/** One canvas of the viewer: a picture with what lies over it, through the view that all panes share. */
import { drawArrows, drawAxis, drawOutlines, drawScaleBar, type Marks } from "./marks";
import type { View } from "./view";

export interface Picture {
  image: HTMLCanvasElement;
  /** loss or difference over the image */
  over: HTMLCanvasElement | null;
  marks: Marks;
  spacingMm: number;
}

/** A place in a pane, as shares of its width and height. */
export interface Place {
  x: number;
  y: number;
}

/** How much closer the magnifier shows, and its radius as a share of the pane. */
const CLOSER = 2.5;
const RADIUS = 0.23;

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
    canvas.width = canvas.height = Math.round(canvas.clientWidth * devicePixelRatio) || 1;
    new ResizeObserver(([entry]) => {
      const side = Math.round((entry?.contentRect.width ?? 0) * devicePixelRatio);
      if (!side || side === canvas.width) return;
      canvas.width = canvas.height = side;
      redraw();
    }).observe(canvas);
  }

  /** Device pixels per image pixel: the longer side of the image fills the pane at zoom 1. */
  scale(image: HTMLCanvasElement, view: View): number {
    return (this.canvas.width / Math.max(image.width, image.height)) * view.zoom;
  }

  /** The image point at a place, pixels from the centre of an image whose longer side is `side`. */
  point(view: View, place: Place, side: number): { x: number; y: number } {
    const shown = side / view.zoom;
    return { x: view.x + (place.x - 0.5) * shown, y: view.y + (place.y - 0.5) * shown };
  }

  /** Draws `picture`; `magnifier` is the image point (pixels from the centre) to show closer. */
  draw(picture: Picture, view: View, magnifier: { x: number; y: number } | null): void {
    const { context, canvas } = this;
    const scale = this.scale(picture.image, view);
    context.resetTransform();
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const origin = { x: canvas.width / 2 - view.x * scale, y: canvas.height / 2 - view.y * scale };
    this.paint(picture, scale, origin);
    if (magnifier) this.magnify(picture, scale, origin, magnifier);
    context.resetTransform();
    drawScaleBar(context, picture.spacingMm, scale);
  }

  /** `origin`: where the image's centre falls, device pixels. */
  private paint({ image, over, marks }: Picture, scale: number, origin: { x: number; y: number }): void {
    const { context } = this;
    // half a pixel: the image's centre is the middle between its first and last pixel's centres
    const [left, top] = [origin.x - (image.width / 2) * scale, origin.y - (image.height / 2) * scale];
    context.setTransform(scale, 0, 0, scale, left, top);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0);
    if (over) {
      context.imageSmoothingQuality = "low"; // bilinear: at a pixel's centre the colour is the scale's
      context.drawImage(over, 0, 0);
    }
    context.translate(0.5, 0.5); // pixel centres at integers from here on
    drawOutlines(context, marks, scale);
    drawAxis(context, marks, scale, image);
    drawArrows(context, marks, scale);
  }

  private magnify(
    picture: Picture,
    scale: number,
    origin: { x: number; y: number },
    at: { x: number; y: number },
  ): void {
    const { context, canvas } = this;
    const radius = canvas.width * RADIUS;
    const [x, y] = [origin.x + at.x * scale, origin.y + at.y * scale];
    context.save();
    context.resetTransform();
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.clip();
    context.fillStyle = "#000";
    context.fill();
    this.paint(picture, scale * CLOSER, { x: x - at.x * scale * CLOSER, y: y - at.y * scale * CLOSER });
    context.restore();
    context.resetTransform();
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = 3 * devicePixelRatio;
    context.strokeStyle = "#000000c0";
    context.stroke();
    context.lineWidth = 1.5 * devicePixelRatio;
    context.strokeStyle = "#ffffff";
    context.stroke();
  }
}
