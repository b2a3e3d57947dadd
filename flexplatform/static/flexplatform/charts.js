// Draws the charts that a JSON address describes (see flexplatform/portal/charts.py) into [data-charts] elements.
"use strict";

(() => {
  const locale = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const number = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

  // Without it the noise of a solver reads as -0.00.
  const noise = (value) => (Math.abs(value) < 0.005 ? 0 : value);

  const LONGEST_DAY = 25 * 60 * 60 * 1000;
  const SHORTEST_DAY = 23 * 60 * 60 * 1000;
  const MANY_DAYS = 8;

  // A colour of the page's theme: series name a variable of portal.css, or a colour of their own.
  const colour = (name) =>
    name.startsWith("--") ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : name;

  const stepData = (page, values) => {
    const step = page.step_seconds * 1000;
    const points = values.map((y, index) => ({ x: page.start + index * step, y }));
    points.push({ x: page.start + values.length * step, y: values[values.length - 1] });
    return points;
  };
  const middleData = (page, values) => {
    const step = page.step_seconds * 1000;
    return values.map((y, index) => ({ x: page.start + (index + 0.5) * step, y }));
  };
  const endData = (page, values) => {
    const step = page.step_seconds * 1000;
    return values.map((y, index) => ({ x: page.start + (index + 1) * step, y }));
  };

  const dataset = (page, series) => {
    const paint = colour(series.colour);
    const common = { label: series.label, yAxisID: series.axis, borderColor: paint, backgroundColor: paint, hidden: series.hidden };
    if (series.style === "bars") {
      return {
        ...common, type: "bar", pointStyle: "rect", data: middleData(page, series.values), stack: "bars", order: 2,
        barPercentage: 1, categoryPercentage: 1, borderWidth: 0,
      };
    }
    const line = {
      ...common, type: "line", order: 1, stack: series.label, borderWidth: 2, pointRadius: 0, pointHitRadius: 6,
      pointStyle: "line", borderDash: series.dashed ? [5, 4] : [], spanGaps: false,
    };
    if (series.style === "band") {
      return { ...line, data: stepData(page, series.values), stepped: true, fill: "-1", backgroundColor: `${paint}33`, borderDash: [5, 4] };
    }
    if (series.style === "points") {
      return { ...line, data: middleData(page, series.values), showLine: false, pointRadius: 4, pointStyle: "triangle", order: 0 };
    }
    return series.style === "steps"
      ? { ...line, data: stepData(page, series.values), stepped: true }
      : { ...line, data: endData(page, series.values) };
  };

  const stepTitle = (page, index) => {
    const step = page.step_seconds * 1000;
    const at = (moment) => luxon.DateTime.fromMillis(moment, { zone: page.zone, locale });
    const start = page.start + index * step;
    if (step >= SHORTEST_DAY) return at(start + step / 2).toFormat("ccc d LLL");
    return `${at(start).toFormat("ccc d LLL, HH:mm")} – ${at(start + step).toFormat("HH:mm")}`;
  };

  const nowLine = {
    id: "now",
    afterDatasetsDraw(chart) {
      const x = chart.scales.x.getPixelForValue(Date.now());
      const { left, right, top, bottom } = chart.chartArea;
      if (x < left || x > right) return;
      chart.ctx.save();
      chart.ctx.strokeStyle = colour("--fp-focus");
      chart.ctx.lineWidth = 1.5;
      chart.ctx.beginPath();
      chart.ctx.moveTo(x, top);
      chart.ctx.lineTo(x, bottom);
      chart.ctx.stroke();
      chart.ctx.restore();
    },
  };

  const axis = (unit, extra) => {
    const paint = colour("--fp-text");
    return { title: { display: true, text: unit, color: paint }, stacked: true, ...extra, ticks: { color: paint, ...extra.ticks } };
  };

  // Every chart of a page has the same time axis: what one shows, all show.
  const onPage = new Map();
  const shown = (page) => onPage.get(page.start) ?? onPage.set(page.start, new Set()).get(page.start);
  const zoomTo = (page, min, max, zoomed) => {
    shown(page).forEach((each) => {
      Object.assign(each.chart.options.scales.x, { min, max });
      each.chart.update("none");
      each.whole.hidden = !zoomed;
    });
  };
  const endOf = (page) => page.start + page.count * page.step_seconds * 1000;

  const options = (page, chart) => {
    const end = endOf(page);
    const zone = { zone: page.zone, locale };
    const unitOf = (series) => (series.yAxisID === "right" ? chart.right_unit : chart.unit);
    const scales = {
      x: axis(page.words.time, {
        type: "time", min: page.start, max: end, offset: false, stacked: true, adapters: { date: zone },
        time: {
          unit: end - page.start > MANY_DAYS * LONGEST_DAY ? "day" : "hour",
          displayFormats: { hour: end - page.start > LONGEST_DAY ? "ccc HH:mm" : "HH:mm", day: "d LLL" },
        },
        ticks: { maxRotation: 0, autoSkipPadding: 16 }, grid: { offset: false, color: colour("--fp-grid") },
      }),
      left: axis(chart.unit, {
        position: "left", min: chart.scale_from ?? undefined, max: chart.scale_to ?? undefined,
        grid: { color: (context) => (context.tick.value === 0 ? colour("--fp-zero") : colour("--fp-grid")) },
      }),
    };
    if (chart.right_unit) {
      scales.right = axis(chart.right_unit, { position: "right", stacked: false, grid: { drawOnChartArea: false } });
    }
    return {
      locale, animation: false, responsive: true, maintainAspectRatio: false, normalized: true,
      interaction: { mode: "index", axis: "x", intersect: false },
      onHover: (_event, items) => { if (items.length) tellStep(page, items[0].index); },
      scales,
      plugins: {
        legend: { position: "bottom", labels: { color: colour("--fp-text"), usePointStyle: true, pointStyleWidth: 18, boxHeight: 8 } },
        zoom: {
          limits: { x: { min: page.start, max: end, minRange: 4 * page.step_seconds * 1000 } },
          zoom: {
            drag: { enabled: true, threshold: 8, backgroundColor: `${colour("--fp-other")}40` }, mode: "x",
            onZoomComplete: ({ chart: zoomed }) => zoomTo(page, zoomed.scales.x.min, zoomed.scales.x.max, true),
          },
        },
        tooltip: {
          filter: (item) => item.dataIndex < page.count && item.parsed.y !== null && !Number.isNaN(item.parsed.y),
          callbacks: {
            title: (items) => (items.length ? stepTitle(page, items[0].dataIndex) : ""),
            label: (item) => `${item.dataset.label}: ${number.format(noise(item.parsed.y))} ${unitOf(item.dataset)}`,
          },
        },
      },
    };
  };

  // Others, such as the reasons of a plan, follow the step that is pointed at.
  const tellStep = (page, index) => {
    const step = Math.min(index, page.count - 1);
    document.dispatchEvent(new CustomEvent("step", { detail: { start: page.start, step } }));
  };

  const save = (name, address) => {
    const link = document.createElement("a");
    link.download = name;
    link.href = address;
    link.click();
  };

  const savePicture = (drawn, title) => {
    const { canvas } = drawn;
    const copy = document.createElement("canvas");
    Object.assign(copy, { width: canvas.width, height: canvas.height });
    const paper = copy.getContext("2d");
    paper.fillStyle = getComputedStyle(canvas.closest(".card")).backgroundColor;
    paper.fillRect(0, 0, copy.width, copy.height);
    paper.drawImage(canvas, 0, 0);
    save(`${title}.png`, copy.toDataURL("image/png"));
  };

  const saveTable = (page, chart, drawn) => {
    const { min, max } = drawn.scales.x;
    const visible = chart.series.filter((_series, index) => drawn.isDatasetVisible(index));
    const unit = (series) => (series.axis === "right" ? chart.right_unit : chart.unit);
    // A name that begins like a formula must not become one in a spreadsheet.
    const plain = (text) => (/^[=+@\-]/.test(text) ? `'${text}` : text);
    const quoted = (text) => `"${plain(text).replaceAll('"', '""')}"`;
    const rows = [[page.words.start, ...visible.map((series) => `${series.label} (${unit(series)})`)].map(quoted)];
    for (let step = 0; step < page.count; step += 1) {
      const moment = page.start + step * page.step_seconds * 1000;
      if (moment >= min && moment < max) {
        const at = luxon.DateTime.fromMillis(moment, { zone: page.zone }).toISO({ suppressMilliseconds: true });
        rows.push([at, ...visible.map((series) => series.values[step] ?? "")]);
      }
    }
    const file = new Blob([rows.map((row) => row.join(",")).join("\n"), "\n"], { type: "text/csv" });
    const address = URL.createObjectURL(file);
    save(`${chart.title}.csv`, address);
    URL.revokeObjectURL(address);
  };

  const button = (text, title, act) => {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", className: "btn btn-sm", textContent: text, title, onclick: act });
    made.setAttribute("aria-label", title);
    return made;
  };

  // Moves an element of the page beside a chart: <div data-charts=… data-beside="#why" data-beside-chart="power">.
  const putBeside = (place, chart, column) => {
    if (chart.name !== place.dataset.besideChart) return;
    const companion = document.querySelector(place.dataset.beside);
    if (!companion) return;
    column.className = "col-12 col-xl-8";
    const other = document.createElement("div");
    other.className = "col-12 col-xl-4";
    other.append(companion);
    companion.hidden = false;
    place.append(other);
  };

  const draw = (place, page, chart) => {
    const column = document.createElement("div");
    column.className = place.dataset.columns === "2" ? "col-12 col-lg-6" : "col-12";
    const card = document.createElement("section");
    card.className = "card";
    const header = document.createElement("div");
    header.className = "card-header";
    const title = document.createElement("h2");
    title.className = "card-title";
    title.textContent = chart.title;
    const actions = document.createElement("div");
    actions.className = "card-actions btn-list";
    const whole = button(page.words.whole, page.words.whole, () => zoomTo(page, page.start, endOf(page), false));
    whole.hidden = true;
    actions.append(
      whole,
      button("PNG", page.words.picture, () => savePicture(drawn, chart.title)),
      button("CSV", page.words.table, () => saveTable(page, chart, drawn)),
    );
    header.append(title, actions);
    const body = document.createElement("div");
    body.className = "card-body";
    const frame = document.createElement("div");
    frame.className = chart.name === "power" ? "fp-chart" : "fp-chart fp-chart-small";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${chart.title} (${chart.unit})`);
    frame.append(canvas);
    body.append(frame);
    if (chart.note) {
      const note = document.createElement("div");
      note.className = "text-secondary small mt-2";
      note.textContent = chart.note;
      body.append(note);
    }
    card.append(header, body);
    column.append(card);
    place.append(column);
    putBeside(place, chart, column);
    const datasets = () => chart.series.map((series) => dataset(page, series));
    const paint = () => new Chart(canvas, {
      data: { datasets: datasets() },
      options: options(page, chart),
      plugins: [nowLine],
    });
    let drawn = paint();
    const own = { get chart() { return drawn; }, whole };
    shown(page).add(own);
    document.addEventListener("theme", () => {
      const { min, max } = drawn.scales.x;
      drawn.destroy();
      drawn = paint();
      Object.assign(drawn.options.scales.x, { min, max });
      drawn.update("none");
    });
    // Draws newer values; what is zoomed or hidden stays so.
    return (newer) => {
      const hidden = new Map(drawn.data.datasets.map((each, index) => [each.label, !drawn.isDatasetVisible(index)]));
      chart = newer;
      drawn.data.datasets = datasets().map((each) => ({ ...each, hidden: hidden.get(each.label) ?? each.hidden }));
      drawn.update("none");
    };
  };

  const fetched = async (place) => {
    const response = await fetch(place.dataset.charts, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  };

  // <div data-charts=… data-every="15" data-until="2026-11-22T10:00:00Z"> is drawn anew every 15 seconds until then.
  const follow = (place, redraw) => {
    const timer = setInterval(async () => {
      if (Date.now() > Date.parse(place.dataset.until)) clearInterval(timer);
      if (document.hidden) return;
      try {
        (await fetched(place)).charts.forEach((chart) => redraw.get(chart.name)?.(chart));
      } catch (error) {
        // What cannot be reached now is asked for again.
      }
    }, 1000 * place.dataset.every);
  };

  const load = async (place) => {
    const state = place.querySelector("[data-charts-state]");
    try {
      const page = await fetched(place);
      if (page.charts.length) state.remove();
      else state.textContent = place.dataset.empty || page.words.empty;
      const redraw = new Map(page.charts.map((chart) => [chart.name, draw(place, page, chart)]));
      if (place.dataset.every) follow(place, redraw);
    } catch (error) {
      state.textContent = document.querySelector("#toast").dataset.failed;
    }
  };

  document.querySelectorAll("[data-charts]").forEach(load);
})();
