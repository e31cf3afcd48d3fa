// Draws the report's charts. The page's HTML has a <figure id="chart-..."> or <figure id="load-..."> for each
// entry of `data.charts` and `data.maps`, and a <figure id="windows-..."> for each of `data.windows`; charts.cpp and
// window_figures.cpp write both.
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const several = data.runs.length > 1;
  let across = "step"; // what the x axis counts: "step", "tokens" or "seconds"
  let drawn = []; // uPlot instances

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // Numbers as people read them; the same rules as quantities.cpp.
  function scaled(value, units) {
    let unit = 0;
    while (Math.abs(value) >= 999.5 && unit + 1 < units.length) { value /= 1000; unit++; }
    const size = Math.abs(value);
    const text = unit === 0 ? String(+value.toFixed(2)) : String(+value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2));
    return units[unit] ? text + " " + units[unit] : text;
  }
  function duration(seconds) {
    if (seconds < 60) return +seconds.toFixed(1) + " s";
    const whole = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
    if (whole < 3600) return Math.floor(whole / 60) + ":" + two(whole % 60) + " min";
    return Math.floor(whole / 3600) + ":" + two(Math.floor(whole / 60) % 60) + " h";
  }
  const formats = {
    number: (v) => (v !== 0 && Math.abs(v) < 1e-3 ? v.toExponential(2).replace(/\.?0+e/, "e") : String(+v.toPrecision(4))),
    count: (v) => scaled(v, ["", "k", "M", "G", "T"]),
    bytes: (v) => scaled(v, ["B", "kB", "MB", "GB", "TB"]),
    duration,
  };
  const kTimeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000];
  const xFormat = () => (across === "seconds" ? duration : formats.count);

  function axis(more) {
    return Object.assign({
      stroke: color("soft"), font: "12px system-ui, sans-serif", gap: 6,
      grid: { stroke: color("grid"), width: 1 }, ticks: { show: false },
    }, more);
  }
  function xAxis(more) {
    const timed = across === "seconds" ? { incrs: kTimeSteps } : {};
    return axis(Object.assign({ space: 70, size: 28, values: (u, ticks) => ticks.map(xFormat()) }, timed, more));
  }
  const cursor = { sync: { key: "espalier", scales: ["x", null], setSeries: false }, points: { size: 7 } };

  const legend = { markers: { width: 3, dash: (u, i) => (u.series[i].dash?.length ? "dashed" : "solid") } };

  // One curve of one run without its gaps, from x on: [[x], [y]].
  function points(run, curve, from) {
    const xs = [], ys = [];
    run.curves[curve].forEach((y, i) => {
      if (y !== null && run.x[across][i] >= from) { xs.push(run.x[across][i]); ys.push(y); }
    });
    return [xs, ys];
  }
  const lastX = () => Math.max(0, ...data.runs.map((run) => run.x[across].at(-1) ?? 0));

  const kDashes = [[], [7, 4], [2, 4], [10, 4, 2, 4]];
  const kMostMarks = 40; // more than these would hide their line
  function lineSeries(line, index, format) {
    // Runs differ by colour; within a run lines differ by dash, in a single run by colour too.
    const stroke = color("run-" + (several ? line.run : index) % 6);
    const value = (u, v) => (v == null ? "" : format(v));
    const name = data.runs[line.run].name;
    const label = !several ? line.label : line.alone ? name : name + " \u00b7 " + line.label;
    // Steps of one run lie over one another where layers lose experts together.
    const dash = several ? kDashes[line.dash % kDashes.length] : line.style === "steps" ? kDashes[index % kDashes.length] : [];
    const series = { label, stroke, width: 2, dash, value };
    const smooth = line.curve + "_smooth";
    const count = data.runs[line.run].curves[line.curve].filter((y) => y !== null).length;
    if (line.style === "marks" && count <= kMostMarks) series.points = { show: true, size: 5, fill: color("surface"), stroke, width: 1.5 };
    else series.points = { show: count < 2 };
    if (line.style === "steps") series.paths = uPlot.paths.stepped({ align: 1 });
    if (line.style !== "smooth" || !data.runs[line.run].curves[smooth]) return [{ series, curve: line.curve, run: line.run }];
    const faint = { label, class: "faint", stroke: stroke + "55", width: 1, points: { show: false }, value };
    return [{ series: faint, curve: line.curve, run: line.run }, { series, curve: smooth, run: line.run }];
  }

  function drawChart(chart, width) {
    const figure = document.getElementById("chart-" + chart.id);
    const format = formats[chart.format];
    const seen = {};
    const perRun = new Set(chart.lines.map((line) => line.label)).size === 1; // runs' names tell the lines apart
    const lines = chart.lines.flatMap((line, index) => {
      seen[line.run] = (seen[line.run] ?? -1) + 1;
      return lineSeries({ ...line, dash: seen[line.run], alone: perRun }, index, format);
    });
    // The thin lines first, so that thick ones lie over them.
    lines.sort((a, b) => (a.series.class ? 0 : 1) - (b.series.class ? 0 : 1));
    const table = uPlot.join(lines.map((line) => points(data.runs[line.run], line.curve, lastX() * chart.from_share)));
    const plot = figure.querySelector(".plot");
    plot.replaceChildren();
    drawn.push(new uPlot({
      width: width || plot.clientWidth, height: chart.id === "loss" ? 300 : 180, cursor, legend,
      scales: { x: { time: false }, y: { range: chart.from_zero ? (u, lo, hi) => [0, hi > 0 ? hi * 1.06 : 1] : { min: { pad: 0.08 }, max: { pad: 0.08 } } } },
      axes: [xAxis(), axis({ size: 66, space: 36, values: (u, ticks) => ticks.map(format), ...(chart.format === "duration" ? { incrs: kTimeSteps } : {}) })],
      series: [{ label: across === "seconds" ? "time" : across, value: (u, v) => (v == null ? "" : xFormat()(v)) }, ...lines.map((line) => line.series)],
    }, table, plot));
  }

  // Colours of the load: even share in the middle, a quarter of it and four times it at the ends.
  function shades() {
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (name) => { probe.fillStyle = color(name); probe.fillRect(0, 0, 1, 1); return probe.getImageData(0, 0, 1, 1).data; };
    const idle = rgb("idle"), even = rgb("even"), busy = rgb("busy");
    return (share, experts) => {
      const level = Math.max(-1, Math.min(1, share > 0 ? Math.log2(share * experts) / 2 : -1));
      const end = level < 0 ? idle : busy, weight = Math.abs(level);
      return "rgb(" + [0, 1, 2].map((i) => Math.round(even[i] + (end[i] - even[i]) * weight)).join(" ") + ")";
    };
  }

  function drawMap(map, width, shade) {
    const figure = document.getElementById(map.id);
    const plot = figure.querySelector(".plot"), readout = figure.querySelector(".readout");
    const ends = map.x[across];
    const starts = ends.map((end, i) => (i > 0 ? ends[i - 1] : ends.length > 1 ? Math.max(0, 2 * ends[0] - ends[1]) : 0));
    const experts = map.experts;
    const paint = (u) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
      map.shares.forEach((shares, bin) => {
        const left = Math.round(u.valToPos(starts[bin], "x", true)), right = Math.round(u.valToPos(ends[bin], "x", true));
        const living = shares.filter((share) => share !== null).length;
        shares.forEach((share, expert) => {
          if (share === null) return;
          const top = Math.round(u.valToPos(expert - 0.5, "y", true)), bottom = Math.round(u.valToPos(expert + 0.5, "y", true));
          const seam = experts <= 16 ? 2 : 0;
          ctx.fillStyle = shade(share, living);
          ctx.fillRect(left, top, right - left, bottom - top - seam);
        });
      });
      ctx.restore();
    };
    const say = (u) => {
      const { left, top } = u.cursor;
      if (left == null || left < 0) { readout.textContent = ""; return; }
      const x = u.posToVal(left, "x");
      const bin = ends.findIndex((end) => x <= end);
      const expert = Math.round(u.posToVal(top, "y"));
      const shares = map.shares[bin] || [], share = shares[expert];
      const living = shares.filter((other) => other !== null).length;
      readout.textContent = share === undefined ? "" :
        (across === "step" ? "step " : "") + xFormat()(ends[bin]) + (across === "tokens" ? " tokens" : "") + ": expert " + expert +
        (share === null ? " is gone" : " got " + (share * 100).toFixed(1) + "%, " + +(share * living).toFixed(2) + " times even");
    };
    plot.replaceChildren();
    drawn.push(new uPlot({
      width: width || plot.clientWidth, height: Math.max(130, Math.min(420, 40 + experts * (experts > 16 ? 11 : 18))), cursor, legend: { show: false },
      scales: { x: { time: false, range: (u, lo, hi) => (lo === hi ? [starts[0], ends[0]] : [Math.max(lo, starts[0]), hi]) }, y: { dir: -1, range: [-0.5, experts - 0.5] } },
      axes: [xAxis({ grid: { show: false } }), axis({ size: 66, grid: { show: false }, incrs: [1, 2, 4, 8, 16, 32, 64], space: 16, values: (u, ticks) => ticks.map((t) => (Number.isInteger(t) ? "expert " + t : "")) })],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { drawClear: [paint], setCursor: [say] },
    }, [[starts[0], ...ends], [0, ...ends.map(() => 0)]], plot));
  }

  // An expert's colour follows from its number at the start of the run, whatever the layer, window or run.
  function expertColor(expert) {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    return "hsl(" + Math.round((expert * 137.508) % 360) + " 52% " + ([46, 62, 34][expert % 3] + (dark ? 8 : 0)) + "%)";
  }

  // Experts' shares as a column for each window, stacked in the order of their numbers from the bottom.
  function drawWindows(chart, width) {
    const figure = document.getElementById(chart.id);
    const plot = figure.querySelector(".plot"), readout = figure.querySelector(".readout");
    const windows = chart.shares.length;
    // [expert's place, from, to] of a window's column
    const stacked = chart.shares.map((shares) => {
      let top = 0;
      return shares.flatMap((share, i) => (share === null ? [] : [[i, top, (top += share)]]));
    });
    for (const key of figure.querySelectorAll("[data-expert]")) key.style.setProperty("--expert", expertColor(+key.dataset.expert));
    const paint = (u) => {
      const { ctx, bbox } = u, ratio = ctx.canvas.width / u.width;
      ctx.save();
      ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
      ctx.font = 11 * ratio + "px system-ui, sans-serif"; ctx.textAlign = "center"; ctx.textBaseline = "middle";
      stacked.forEach((column, window) => {
        const left = u.valToPos(window + 0.54, "x", true), right = u.valToPos(window + 1.46, "x", true);
        for (const [i, from, to] of column) {
          const top = u.valToPos(to, "y", true), height = u.valToPos(from, "y", true) - top;
          ctx.fillStyle = expertColor(chart.experts[i]);
          ctx.fillRect(left, top, right - left, height > 4 * ratio ? height - ratio : height);
          if (height < 14 * ratio || right - left < 20 * ratio) continue;
          ctx.fillStyle = chart.experts[i] % 3 === 1 ? "#111" : "#fff"; // the light ones of expertColor
          ctx.fillText(String(chart.experts[i]), (left + right) / 2, top + height / 2);
        }
      });
      ctx.restore();
    };
    const say = (u) => {
      const { left, top } = u.cursor;
      readout.textContent = "";
      if (left == null || left < 0) return;
      const window = Math.round(u.posToVal(left, "x")) - 1, y = u.posToVal(top, "y");
      const found = (stacked[window] || []).find(([, from, to]) => y >= from && y < to);
      if (!found) return;
      const [i, from, to] = found;
      readout.textContent = chart.titles[window] + ": expert " + chart.experts[i] + " has " + ((to - from) * 100).toFixed(1) + "%" +
        (chart.dropped[i] === window ? ", dropped at the end" : "");
    };
    plot.replaceChildren();
    drawn.push(new uPlot({
      width: width || plot.clientWidth, height: 240, cursor: { y: false, points: { show: false }, drag: { x: false, y: false } }, legend: { show: false },
      scales: { x: { time: false, range: [0.5, windows + 0.5] }, y: { range: [0, 1] } },
      axes: [axis({ size: 28, space: 34, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], values: (u, ticks) => ticks.map((t) => (Number.isInteger(t) ? "window " + t : "")) }),
        axis({ size: 66, grid: { show: false }, values: (u, ticks) => ticks.map((t) => Math.round(t * 100) + "%") })],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { drawClear: [paint], setCursor: [say] },
    }, [[0.5, windows + 0.5], [0, 0]], plot));
  }

  function draw(widthOf) {
    for (const chart of drawn) chart.destroy();
    drawn = [];
    for (const chart of data.charts) drawChart(chart, widthOf && widthOf(chart.id === "loss"));
    for (const chart of data.windows) drawWindows(chart, widthOf && widthOf(false));
    const shade = shades();
    for (const map of data.maps) drawMap(map, widthOf && widthOf(false), shade);
  }

  const fieldset = document.getElementById("across");
  if (fieldset) {
    fieldset.hidden = false;
    fieldset.addEventListener("change", (event) => { across = event.target.value; draw(); });
  }
  let pageWidth = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== pageWidth) { pageWidth = innerWidth; draw(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  // Paper is white and narrow: A4 less its margins is about 690 px.
  addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; draw((wide) => (wide ? 650 : 305)); });
  addEventListener("afterprint", () => { delete document.documentElement.dataset.theme; draw(); });
  draw();

  // For a test of the page (report.html#check): how many pixels of each chart are coloured. Axes and grids
  // are close to grey.
  if (location.hash === "#check") {
    setTimeout(() => {
      for (const chart of drawn) {
        const { left, top, width, height } = chart.bbox;
        const { data: pixels } = chart.ctx.getImageData(left, top, width, height);
        let coloured = 0;
        for (let i = 0; i < pixels.length; i += 4) {
          const channels = [pixels[i], pixels[i + 1], pixels[i + 2]];
          if (pixels[i + 3] > 0 && Math.max(...channels) - Math.min(...channels) > 40) coloured++;
        }
        chart.root.closest("figure").dataset.colouredPixels = String(coloured);
      }
      document.documentElement.dataset.checked = "yes";
    }, 50);
  }
})();
