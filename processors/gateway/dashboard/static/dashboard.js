// Light or dark, before anything is drawn; then keys, the chart and its tabs. All of it can be done without.
(() => {
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);
  root.classList.add("scripted");
  const stored = () => { try { return localStorage.theme; } catch { return ""; } };
  if (stored() === "light" || stored() === "dark") root.dataset.theme = stored();

  const dark = matchMedia("(prefers-color-scheme: dark)");
  function turn() {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    try { localStorage.theme = root.dataset.theme; } catch { /* for this page only, then */ }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const zone = find("[data-timezone]");
    if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    const zones = find("#zones");
    if (zones && Intl.supportedValuesOf) for (const one of Intl.supportedValuesOf("timeZone")) zones.append(new Option(one, one));
    const theme = find("#theme");
    if (theme) theme.onclick = turn;
    // One menu is open at a time; Escape or a click elsewhere closes it.
    const menus = [...document.querySelectorAll("details.menu")];
    const close = (but) => { for (const one of menus) if (one !== but) one.open = false; };
    document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
    document.addEventListener("keydown", (event) => {
      const open = menus.find((one) => one.open);
      if (event.key === "Escape" && open) { close(); open.querySelector("summary").focus(); }
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
      const tab = find(".tabs") && document.querySelectorAll(".tabs > a")["123".indexOf(event.key)];
      if (event.key === "/" && find("#find")) { find("#find").focus(); event.preventDefault(); }
      else if (tab) tab.click();
      else if (event.key === "t" && find("#behind")) find("#behind").open = !find("#behind").open;
    });
    if (find("#plot") && window.uPlot) document.fonts.ready.then(() => chart(JSON.parse(find("#series").textContent)));
  });

  function chart(given) {
    const box = find("#plot"), tip = find(".tip"), panel = find("#panel");
    const count = given.labels.length, last = count - 1;
    const probe = document.createElement("i");
    box.append(probe);
    const colour = (name, part = 1) => {
      probe.style.color = `rgb(from var(--${name}) r g b / ${part})`;
      return getComputedStyle(probe).color;
    };
    const narrow = () => innerWidth <= 640;
    const whole = new Intl.NumberFormat("en");
    const small = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
    const scale = given.money ? 10 ** given.money.decimals : 1;
    const money = given.money && new Intl.NumberFormat("en", { style: "currency", currency: given.money.currency });
    const paid = () => tab === "sales" && money;
    const written = (value) => (paid() ? money.format(value / scale) : whole.format(value));
    const steps = [...Array(12).keys()].flatMap((digits) => [1, 2, 2.5, 5].map((one) => one * 10 ** digits)).filter(Number.isInteger);
    let tab = given.tab, plot = null, at = last;

    function draw() {
      const now = given.now[tab], before = given.before[tab].slice(0, count);
      const over = given.running === null ? now : now.map((one, index) => (index < given.running ? one : null));
      const running = given.running === null ? now.map(() => null) : now.map((one, index) => (index >= given.running - 1 ? one : null));
      const ink = colour(tab), font = `12px ${getComputedStyle(document.body).fontFamily}`;
      const fill = (made) => {
        const shade = made.ctx.createLinearGradient(0, made.bbox.top, 0, made.bbox.top + made.bbox.height);
        shade.addColorStop(0, colour(tab, 0.18));
        shade.addColorStop(1, colour(tab, 0));
        return shade;
      };
      const paths = count > 60 ? uPlot.paths.linear() : uPlot.paths.spline();
      const alone = { show: count === 1, size: 8, fill: ink };
      const every = Math.ceil(count / (narrow() ? 5 : 11));
      const axis = { stroke: colour("faint"), font, ticks: { show: false } };
      if (plot) plot.destroy();
      plot = new uPlot({
        width: box.clientWidth - (narrow() ? 8 : 32),
        height: box.clientHeight - (narrow() ? 8 : 12),
        padding: [12, 12, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          points: { size: 9, width: 2, fill: colour("surface"), stroke: (_, series) => (series === 1 ? colour("before") : ink) },
          drag: { x: !!given.days && count > 1, y: false, setScale: false },
        },
        scales: {
          x: { time: false, range: [0, Math.max(last, 1)] },
          y: { range: (_, low, high) => [0, high > 0 ? uPlot.rangeNum(0, high, 0.12, true)[1] : 4] },
        },
        axes: [
          { ...axis, size: 36, gap: 12, grid: { show: false }, splits: () => given.labels.map((_, index) => index).filter((index) => index % every === 0), values: (_, splits) => splits.map((index) => given.labels[index]) },
          { ...axis, size: 48, gap: 8, space: narrow() ? 36 : 56, grid: { stroke: colour("line"), width: 1 }, incrs: steps, values: (_, splits) => splits.map((one) => small.format(one / (paid() ? scale : 1))) },
        ],
        series: [
          {},
          { stroke: colour("before"), width: 1.5, dash: [4, 4], points: { show: false }, paths },
          { stroke: ink, width: 2, fill, points: alone, paths },
          { stroke: ink, width: 2, dash: [2, 4], points: alone },
        ],
        hooks: { setCursor: [show], setSelect: [zoom] },
      }, [given.labels.map((_, index) => index), before, over, running], find("#drawn"));
    }

    function element(name, text, style = "") {
      const made = document.createElement(name);
      made.textContent = text;
      made.className = style;
      return made;
    }

    function show(made) {
      const index = made.cursor.idx;
      if (index == null || made.cursor.left < 0) { tip.style.visibility = "hidden"; return; }
      at = index;
      const now = given.now[tab][index], then = given.before[tab][index], runs = index === given.running;
      const line = (name, value, style) => {
        const made = element("p", "");
        made.append(element("i", "", style), name, element("b", written(value)));
        return made;
      };
      const head = given.long[index] + (runs ? " so far" : "");
      tip.replaceChildren(element("h3", head), line(given.names[tab], now, ""));
      if (then !== undefined) tip.append(line(given.beforeLong[index], then, "before"));
      if (then && !runs) {
        const change = now / then - 1, way = change > 0 ? "up" : change < 0 ? "down" : "even";
        const arrow = { up: "↑ ", down: "↓ ", even: "" }[way];
        const size = change ? `${(Math.abs(change) * 100).toFixed(1)}% on the period before` : "the same as the period before";
        tip.append(element("span", arrow + size, `delta ${way}`));
      }
      const place = made.valToPos(index, "x") + made.over.offsetLeft + (narrow() ? 4 : 16), width = tip.offsetWidth;
      const flips = place + 16 + width > box.clientWidth;
      tip.style.left = `${Math.max(4, flips ? place - width - 14 : place + 14)}px`;
      tip.style.visibility = "visible";
    }

    function zoom(made) {
      if (made.select.width < 8) return;
      const index = (pixel) => Math.min(last, Math.max(0, Math.round(made.posToVal(pixel, "x"))));
      const from = index(made.select.left), to = index(made.select.left + made.select.width);
      const there = new URL(location.href), end = new Date(given.days[to + 1] + "T00:00:00Z");
      if (to < last) end.setUTCDate(end.getUTCDate() - 1);
      there.searchParams.delete("interval");
      there.searchParams.set("start", given.days[from]);
      there.searchParams.set("end", end.toISOString().slice(0, 10));
      location.assign(there);
    }

    const tabs = [...document.querySelectorAll(".tabs > a")];
    function choose(chosen, moves) {
      if (given.money && (chosen.dataset.tab === "sales") !== (tab === "sales")) return location.assign(chosen.href);
      tab = chosen.dataset.tab;
      for (const one of tabs) { one.setAttribute("aria-selected", one === chosen); one.tabIndex = one === chosen ? 0 : -1; }
      panel.className = tab;
      panel.setAttribute("aria-labelledby", chosen.id);
      if (moves) history.replaceState(null, "", chosen.href);
      draw();
    }
    tabs.forEach((one, index) => {
      one.onclick = (event) => { if (!event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); choose(one, true); } };
      one.onkeydown = (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (event.key === " ") { event.preventDefault(); one.click(); }
        if (step) { const next = tabs[(index + step + tabs.length) % tabs.length]; next.focus(); next.click(); }
      };
    });
    box.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
      if (!step) return;
      event.preventDefault();
      const first = plot.cursor.left < 0 && Number.isFinite(step);
      at = Math.max(0, Math.min(last, first ? last : at + step));
      plot.setCursor({ left: plot.valToPos(at, "x"), top: 40 });
      find("#said").textContent = `${given.long[at]}: ${written(given.now[tab][at])} ${given.names[tab]}`;
    };
    choose(tabs.find((one) => one.dataset.tab === tab), false);
    new MutationObserver(draw).observe(root, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", draw);
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
    root.classList.add("drawn");
  }
})();
