/** The film on the screen, by Cornerstone3D: its world coordinates are the film's pixels, centres at integers. */
import {
  Enums,
  getShouldUseCPURendering,
  imageLoader,
  init,
  metaData,
  RenderingEngine,
  type Types,
} from "@cornerstonejs/core";
import type { FilmPixels, Window } from "./pixels";

export type Point = [number, number];

const SCHEME = "film";
const IMAGE = `${SCHEME}:0`;
const LARGEST = 24; // screen pixels per pixel of the film

function image(pixels: FilmPixels): Types.IImage {
  const { width, height, stored } = pixels;
  return {
    imageId: IMAGE,
    rows: height,
    columns: width,
    height,
    width,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    columnPixelSpacing: pixels.reduction,
    rowPixelSpacing: pixels.reduction,
    slope: 1,
    intercept: 0,
    invert: false,
    minPixelValue: 0,
    maxPixelValue: 65535,
    windowCenter: 32768,
    windowWidth: 65536,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR_EXACT,
    dataType: "Uint16Array",
    sizeInBytes: stored.byteLength,
    getPixelData: () => stored,
    getCanvas: () => document.createElement("canvas"),
  };
}

/** What a DICOM header would say; world coordinates become pixels of the film. */
function describe(pixels: FilmPixels, type: string): unknown {
  const { width: columns, height: rows, reduction } = pixels;
  const first = (reduction - 1) / 2;
  if (type === "imagePixelModule")
    return {
      bitsAllocated: 16,
      bitsStored: 16,
      highBit: 15,
      pixelRepresentation: 0,
      samplesPerPixel: 1,
      photometricInterpretation: "MONOCHROME2",
      rows,
      columns,
    };
  if (type === "imagePlaneModule")
    return {
      rows,
      columns,
      imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      rowCosines: [1, 0, 0],
      columnCosines: [0, 1, 0],
      imagePositionPatient: [first, first, 0],
      columnPixelSpacing: reduction,
      rowPixelSpacing: reduction,
      frameOfReferenceUID: SCHEME,
    };
  if (type === "generalSeriesModule") return { modality: "DX" };
  if (type === "modalityLutModule") return { rescaleIntercept: 0, rescaleSlope: 1 };
  return undefined;
}

export class FilmView {
  private readonly half: number;

  private constructor(
    private readonly engine: RenderingEngine,
    private readonly viewport: Types.IStackViewport,
    readonly element: HTMLDivElement,
  ) {
    // its CPU path counts from the corner of the first pixel, its GPU path from the centre
    this.half = getShouldUseCPURendering() ? 0.5 : 0;
  }

  static async open(element: HTMLDivElement, pixels: FilmPixels): Promise<FilmView> {
    await init();
    imageLoader.registerImageLoader(SCHEME, () => ({ promise: Promise.resolve(image(pixels)) }));
    metaData.addProvider(
      (type: string, id: string) => (id === IMAGE ? describe(pixels, type) : undefined),
      100,
    );
    const engine = new RenderingEngine(SCHEME);
    engine.enableElement({ viewportId: SCHEME, element, type: Enums.ViewportType.STACK });
    const viewport = engine.getViewport(SCHEME) as Types.IStackViewport;
    await viewport.setStack([IMAGE]);
    return new FilmView(engine, viewport, element);
  }

  /** Calls back after every change of what is seen. */
  onChange(changed: () => void): void {
    this.element.addEventListener(Enums.Events.CAMERA_MODIFIED, changed);
    this.element.addEventListener(Enums.Events.IMAGE_RENDERED, changed);
    new ResizeObserver(() => {
      this.engine.resize(true, true);
      changed();
    }).observe(this.element);
  }

  /** From a pixel of the film to CSS pixels of the element. */
  toScreen([x, y]: Point): Point {
    const [left, top] = this.viewport.worldToCanvas([x + this.half, y + this.half, 0]);
    return [left, top];
  }

  toFilm(at: Point): Point {
    const [x, y] = this.viewport.canvasToWorld(at);
    return [x - this.half, y - this.half];
  }

  /** CSS pixels per pixel of the film. */
  get scale(): number {
    const [from] = this.toScreen([0, 0]);
    const [to] = this.toScreen([100, 0]);
    return (to - from) / 100;
  }

  get middle(): Point {
    return this.toFilm([this.element.clientWidth / 2, this.element.clientHeight / 2]);
  }

  fit(): void {
    this.viewport.resetCamera();
    this.viewport.render();
  }

  /** Zoom and keep the place under `at` where it is. */
  zoom(factor: number, at?: Point): void {
    const still = at ?? [this.element.clientWidth / 2, this.element.clientHeight / 2];
    const before = this.toFilm(still);
    this.setScale(this.scale * factor);
    const after = this.toFilm(still);
    this.shift(before[0] - after[0], before[1] - after[1]);
    this.viewport.render();
  }

  pan(dx: number, dy: number): void {
    this.shift(-dx / this.scale, -dy / this.scale);
    this.viewport.render();
  }

  /** Put a place of the film in the middle, at this scale. */
  lookAt(place: Point, scale: number): void {
    this.setScale(scale);
    const middle = this.middle;
    this.shift(place[0] - middle[0], place[1] - middle[1]);
    this.viewport.render();
  }

  window({ centre, width }: Window, invert: boolean): void {
    this.viewport.setProperties({
      voiRange: { lower: centre - width / 2, upper: centre + width / 2 },
      invert,
    });
    this.viewport.render();
  }

  private setScale(wanted: number): void {
    const scale = Math.min(LARGEST, Math.max(0.02, wanted));
    const { parallelScale } = this.viewport.getCamera();
    if (parallelScale) this.viewport.setCamera({ parallelScale: (parallelScale * this.scale) / scale });
  }

  private shift(x: number, y: number): void {
    const { focalPoint, position } = this.viewport.getCamera();
    if (!focalPoint || !position) return;
    this.viewport.setCamera({
      focalPoint: [focalPoint[0] + x, focalPoint[1] + y, focalPoint[2]],
      position: [position[0] + x, position[1] + y, position[2]],
    });
  }
}
