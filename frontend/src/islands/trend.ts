/** JSN of one joint over time, with error bars. The table below the chart holds the same numbers. */
import { CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { token } from "../tokens";

use([
  LineChart,
  ScatterChart,
  CustomChart,
  GridComponent,
  TooltipComponent,
  MarkLineComponent,
  AriaComponent,
  SVGRenderer,
]);

interface Point {
  date: string;
  label: string;
  jsn_mm: number;
  half_width_mm: number | null;
  status: "baseline" | "reliable" | "review" | "unreliable" | "flagged";
  url: string | null;
}

const SYMBOLS: Record<Point["status"], string> = {
  baseline: "emptyCircle",
  reliable: "circle",
  review: "triangle",
  unreliable: "diamond",
  flagged: "path://M2 1v14h1.6V9.5H13L10.6 5.2 13 1z",
};

function mm(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)} mm`;
}

function option(points: Point[], range: number): EChartsCoreOption {
  const colour: Record<Point["status"], string> = {
    baseline: token("--muted"),
    reliable: token("--reliable-mark"),
    review: token("--review-mark"),
    unreliable: token("--unreliable-mark"),
    flagged: token("--text"),
  };
  const axis = {
    axisLabel: { color: token("--muted") },
    axisLine: { lineStyle: { color: token("--line-strong") } },
  };
  return {
    animation: false,
    textStyle: { fontFamily: token("--font") },
    aria: { enabled: true },
    grid: { left: 8, right: 20, top: 28, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "item",
      renderMode: "richText", // the HTML tooltip writes style attributes, which the security policy forbids
      backgroundColor: token("--surface"),
      borderColor: token("--line-strong"),
      textStyle: { color: token("--text") },
      formatter: ({ data }: { data: { point?: Point } }) => {
        const point = data.point;
        if (!point) return "";
        const bar = point.half_width_mm === null ? "" : `  ± ${point.half_width_mm.toFixed(2)}`;
        return `${point.label} · ${point.date}\n${mm(point.jsn_mm)}${bar}\n${point.status}`;
      },
    },
    xAxis: {
      type: "time",
      boundaryGap: ["4%", "4%"],
      splitLine: { show: false },
      axisLine: { ...axis.axisLine, onZero: false },
      axisLabel: { ...axis.axisLabel, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      name: "JSN, mm (up = narrower)",
      nameTextStyle: { color: token("--muted"), align: "left" },
      min: -range,
      max: range,
      interval: range / 2,
      splitLine: { lineStyle: { color: token("--line") } },
      ...axis,
    },
    series: [
      {
        type: "line",
        data: points.map((p) => [p.date, p.jsn_mm]),
        showSymbol: false,
        silent: true,
        lineStyle: { color: token("--line-strong"), width: 1.5 },
        markLine: {
          silent: true,
          symbol: "none",
          label: { show: false },
          lineStyle: { color: token("--line-strong"), type: "dashed" },
          data: [{ yAxis: 0 }],
        },
      },
      {
        type: "custom",
        silent: true,
        data: points.filter((p) => p.half_width_mm !== null).map((p) => [p.date, p.jsn_mm, p.half_width_mm]),
        renderItem: (_: unknown, api: ErrorBarApi) => {
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
      },
      {
        type: "scatter",
        symbolSize: 13,
        data: points.map((point) => ({
          value: [point.date, point.jsn_mm],
          point,
          symbol: SYMBOLS[point.status],
          itemStyle: { color: colour[point.status], opacity: 1 },
          cursor: point.url ? "pointer" : "default",
        })),
      },
    ],
  };
}

interface ErrorBarApi {
  value(dimension: number): number;
  coord(value: [number, number]): [number, number];
}

export function mount(element: HTMLElement): void {
  const source = document.getElementById(element.dataset.points ?? "");
  const points = JSON.parse(source?.textContent ?? "[]") as Point[];
  const range = Number(element.dataset.range) || 1;
  element.hidden = false;
  const chart = init(element, null, { renderer: "svg" });
  const draw = () => chart.setOption(option(points, range), true);
  draw();
  chart.on("click", (event) => {
    const point = (event.data as { point?: Point }).point;
    if (point?.url) location.assign(point.url);
  });
  document.addEventListener("themechange", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => chart.resize()).observe(element);
}
