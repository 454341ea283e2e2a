/**
 * JSN of one joint over time: estimates with intervals, the fitted line with its band, the smallest detectable change.
 * The table below the chart holds the same numbers.
 */
import { CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { data } from "../data";
import { day, decimal, language } from "../language";
import { token } from "../tokens";

use([
  LineChart,
  ScatterChart,
  CustomChart,
  GridComponent,
  TooltipComponent,
  MarkAreaComponent,
  MarkLineComponent,
  SVGRenderer,
]);

type Status = "baseline" | "reliable" | "review" | "unreliable" | "flagged";

interface Point {
  date: string;
  label: string;
  jsn_mm: number;
  half_width_mm: number | null;
  status: Status;
  url: string | null;
}

interface Trend {
  points: Point[];
  left_out: Point[];
  band: { date: string; jsn_mm: number; low_mm: number; high_mm: number }[];
  sdc_mm: number | null;
}

interface Words {
  axis: string;
  left_out: string;
  status: Record<Status, string>;
}

/** What the chart shows of JSN, mm, and how far its lines are apart. */
interface Scale {
  low: number;
  high: number;
  step: number;
}

interface DrawApi {
  value(dimension: number): number;
  coord(value: [number | string, number]): [number, number];
}

const SYMBOLS: Record<Status, string> = {
  baseline: "circle",
  reliable: "circle",
  review: "triangle",
  unreliable: "diamond",
  flagged: "path://M2 1v14h1.6V9.5H13L10.6 5.2 13 1z",
};
const MONTH_MS = 31 * 24 * 3600 * 1000;
const number = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const tick = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const month = new Intl.DateTimeFormat(language, { month: "short", year: "numeric", timeZone: "UTC" });

function signed(value: number, format: Intl.NumberFormat): string {
  const size = format.format(Math.abs(value));
  if (size === format.format(0)) return size;
  return `${value < 0 ? "−" : "+"}${size}`;
}

function colours(): Record<Status, string> {
  return {
    baseline: token("--muted"),
    reliable: token("--reliable-mark"),
    review: token("--review-mark"),
    unreliable: token("--unreliable-mark"),
    flagged: token("--text"),
  };
}

/** The 95 % band of the fitted line, and the line. */
function fit({ band }: Trend): object[] {
  if (!band.length) return [];
  const outline = [
    ...band.map((p): [string, number] => [p.date, p.high_mm]),
    ...[...band].reverse().map((p): [string, number] => [p.date, p.low_mm]),
  ];
  return [
    {
      type: "custom",
      silent: true,
      clip: true,
      data: [[band[0]?.date, 0]],
      renderItem: (_: unknown, api: DrawApi) => ({
        type: "polygon",
        shape: { points: outline.map(([date, mm]) => api.coord([Date.parse(date), mm])) },
        style: { fill: token("--accent"), opacity: 0.16 },
      }),
    },
    {
      type: "line",
      data: band.map((p) => [p.date, p.jsn_mm]),
      showSymbol: false,
      silent: true,
      lineStyle: { color: token("--accent"), width: 2 },
    },
  ];
}

/** Zero, and the band of the smallest detectable change to both sides of it. */
function levels({ points, sdc_mm }: Trend): object {
  const sdc = sdc_mm === null ? [] : [-sdc_mm, sdc_mm];
  return {
    type: "line",
    data: points.map((p) => [p.date, null]),
    silent: true,
    markLine: {
      silent: true,
      animation: false,
      symbol: "none",
      label: { show: false },
      data: [
        { yAxis: 0, lineStyle: { color: token("--line-strong"), type: "solid", width: 1 } },
        ...sdc.map((mm) => ({
          yAxis: mm,
          lineStyle: { color: token("--muted"), type: [5, 4], width: 1.3 },
        })),
      ],
    },
    markArea: {
      silent: true,
      animation: false,
      itemStyle: { color: token("--muted"), opacity: 0.1 },
      data: sdc.length ? [sdc.map((mm) => ({ yAxis: mm }))] : [],
    },
  };
}

function intervals({ points }: Trend): object {
  return {
    type: "custom",
    silent: true,
    data: points.filter((p) => p.half_width_mm !== null).map((p) => [p.date, p.jsn_mm, p.half_width_mm]),
    renderItem: (_: unknown, api: DrawApi) => {
      const [low, high] = [-1, 1].map((sign) =>
        api.coord([api.value(0), api.value(1) + sign * api.value(2)]),
      );
      if (!low || !high) return null;
      const line = (x1: number, y1: number, x2: number, y2: number) => ({
        type: "line" as const,
        shape: { x1, y1, x2, y2 },
        style: { stroke: token("--muted"), lineWidth: 1.5 },
      });
      return {
        type: "group" as const,
        children: [
          line(low[0], low[1], high[0], high[1]),
          ...[low, high].map(([x, y]) => line(x - 5, y, x + 5, y)),
        ],
      };
    },
  };
}

/** Estimates, and smaller what does not count. */
function marks(trend: Trend): object {
  const colour = colours();
  const estimated = new Set(trend.points.map((p) => p.date));
  const drawn = (point: Point, counts: boolean) => ({
    value: [point.date, point.jsn_mm],
    point,
    counts,
    symbol: SYMBOLS[point.status],
    // the baseline is a point without a doubt of its own: small, as in the legend
    symbolSize: point.status === "baseline" ? 8 : counts ? 13 : 11,
    // above the estimate of its visit, not under it
    symbolOffset: counts || !estimated.has(point.date) ? [0, 0] : [0, -17],
    itemStyle: { color: colour[point.status], opacity: counts ? 1 : 0.75 },
    cursor: point.url ? "pointer" : "default",
  });
  return {
    type: "scatter",
    z: 5,
    data: [...trend.left_out.map((p) => drawn(p, false)), ...trend.points.map((p) => drawn(p, true))],
  };
}

function option(trend: Trend, words: Words, scale: Scale): EChartsCoreOption {
  const axis = {
    axisLabel: { color: token("--muted") },
    axisLine: { lineStyle: { color: token("--line-strong") } },
  };
  return {
    animation: false,
    textStyle: { fontFamily: token("--font") },
    grid: { left: 8, right: 20, top: 28, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "item",
      renderMode: "richText", // the HTML tooltip writes style attributes, which the security policy forbids
      backgroundColor: token("--surface"),
      borderColor: token("--line-strong"),
      textStyle: { color: token("--text") },
      formatter: ({ data }: { data: { point?: Point; counts?: boolean } }) => {
        const point = data.point;
        if (!point) return "";
        const bar = point.half_width_mm === null ? "" : ` ± ${decimal(point.half_width_mm, 2)}`;
        const state = words.status[point.status] + (data.counts ? "" : `: ${words.left_out}`);
        return `${point.label} · ${day(point.date)}\n${signed(point.jsn_mm, number)}${bar} mm\n${state}`;
      },
    },
    xAxis: {
      type: "time",
      boundaryGap: ["4%", "4%"],
      minInterval: MONTH_MS,
      splitLine: { show: false },
      axisLine: { ...axis.axisLine, onZero: false },
      axisLabel: { ...axis.axisLabel, hideOverlap: true, formatter: (time: number) => month.format(time) },
    },
    yAxis: {
      type: "value",
      name: words.axis,
      nameTextStyle: { color: token("--muted"), align: "left" },
      min: scale.low,
      max: scale.high,
      interval: scale.step,
      splitLine: { lineStyle: { color: token("--line") } },
      ...axis,
      axisLabel: { ...axis.axisLabel, formatter: (mm: number) => signed(mm, tick) },
    },
    series: [...fit(trend), levels(trend), intervals(trend), marks(trend)],
  };
}

export function mount(element: HTMLElement): void {
  const trend = data<Trend>(element.dataset.trend) as Trend;
  const words = data<Words>(element.dataset.words) as Words;
  const { low, high, step } = element.dataset;
  const scale = { low: Number(low), high: Number(high), step: Number(step) };
  element.hidden = false;
  const chart = init(element, null, { renderer: "svg" });
  const listening = new AbortController();
  const draw = () => {
    if (element.isConnected) return chart.setOption(option(trend, words, scale), true);
    listening.abort(); // another joint's trend has taken its place
    chart.dispose();
  };
  draw();
  chart.on("click", (event) => {
    const { url } = (event.data as { point?: Point }).point ?? {};
    if (url) location.assign(url);
  });
  const { signal } = listening;
  document.addEventListener("themechange", draw, { signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw, { signal });
  new ResizeObserver(() => element.isConnected && chart.resize()).observe(element);
}
