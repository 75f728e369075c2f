// Light or dark, before anything is drawn; then keys, events as they come, the chart and its tabs. All of it
// can be done without.
(() => {
  const doc = document, root = doc.documentElement;
  const find = (selector) => doc.querySelector(selector);
  const all = (selector) => [...doc.querySelectorAll(selector)];
  const on = (what, name, does) => what.addEventListener(name, does);
  root.classList.add("scripted");
  // In use before the first line is laid out: a font that is there a moment later may still move what is drawn.
  doc.fonts.load("1em Inter");
  // Where nothing may be stored, a choice is for this page only.
  try { if (localStorage.theme) root.dataset.theme = localStorage.theme; } catch { }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  function turn() {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    try { localStorage.theme = root.dataset.theme; } catch { }
  }

  on(doc, "DOMContentLoaded", () => {
    const zone = find("[data-timezone]");
    if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    const zones = find("#zones");
    if (zones && Intl.supportedValuesOf) for (const one of Intl.supportedValuesOf("timeZone")) zones.append(new Option(one, one));
    const theme = find("#theme");
    if (theme) theme.onclick = turn;
    // One menu is open at a time; Escape or a click elsewhere closes it.
    const menus = all("details.menu");
    const close = (but) => { for (const one of menus) if (one !== but) one.open = false; };
    on(doc, "click", (event) => close(event.target.closest("details.menu")));
    on(doc, "keydown", (event) => {
      const open = menus.find((one) => one.open);
      if (event.key === "Escape" && open) { close(); open.querySelector("summary").focus(); }
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
      const tab = all(".tabs > a")["123".indexOf(event.key)], field = find("#find"), behind = find("#behind");
      if (event.key === "/" && field) { field.focus(); event.preventDefault(); }
      else if (tab) tab.click();
      else if (event.key === "t" && behind) behind.open = !behind.open;
    });
    if (find("#live")) live(find("#live"));
    if (find("#plot") && window.uPlot) doc.fonts.ready.then(() => chart(JSON.parse(find("#series").textContent)));
  });

  // New rows come in where their time says. While somebody reads, they wait behind a button.
  function live(box) {
    const body = find(".events tbody"), state = find("#state"), pause = find("#pause"), held = find("#held");
    const waiting = new Map();
    let source;
    const rows = () => [...body.rows];
    const shown = (id) => rows().find((one) => one.dataset.id === id);
    const reads = () => pause.ariaPressed === "true" || body.matches(":hover, :focus-within") || body.getBoundingClientRect().top < 0;
    const say = (text, works = false) => { state.textContent = text; box.classList.toggle("on", works); };

    function show() {
      for (const [id, row] of waiting) {
        const old = shown(id);
        if (old) old.remove(); else row.classList.add("new");
        body.insertBefore(row, rows().find((one) => +one.dataset.at <= +row.dataset.at));
        if (body.rows.length > box.dataset.most) body.lastElementChild.remove();
      }
      waiting.clear();
      held.hidden = true;
    }

    function take(made) {
      if (!body) return setTimeout(() => location.reload(), 2000);
      for (const row of made) waiting.set(row.dataset.id, row);
      if (!reads()) return show();
      const count = [...waiting.keys()].filter((id) => !shown(id)).length;
      held.textContent = `Show ${count} new`;
      held.hidden = !count;
    }

    async function anew() {
      const answer = await fetch(location.href);
      if (answer.status === 401) return location.reload();
      const text = await answer.text();
      take(new DOMParser().parseFromString(text, "text/html").querySelectorAll(".events tbody tr"));
    }

    function open() {
      source = new EventSource(box.dataset.from);
      const works = () => say("Live", true);
      source.onopen = works;
      source.onmessage = (event) => {
        const part = doc.createElement("template");
        part.innerHTML = event.data;
        take(part.content.children);
      };
      source.onerror = () => {
        say("Reconnecting, last event " + (body?.rows[0]?.cells[0].textContent || "none"));
        // What is more than a lost connection the browser leaves to us.
        if (source.readyState === EventSource.CLOSED) setTimeout(again, 5000);
      };
      on(source, "reload", anew);
      on(source, "away", () => say("Kafka does not answer: live stops, numbers stay"));
      on(source, "back", works);
    }

    function again() {
      source.close();
      open();
      anew();
    }

    // Browsers open few connections to one host: pages that nobody sees take none.
    on(doc, "visibilitychange", () => (doc.hidden ? source.close() : again()));
    if (held) held.onclick = show;
    pause.onclick = () => {
      pause.ariaPressed = pause.ariaPressed !== "true";
      if (body) take([]);
    };
    open();
  }

  function chart(given) {
    const box = find("#plot"), tip = find(".tip"), panel = find("#panel");
    const count = given.labels.length, last = count - 1, places = [...given.labels.keys()];
    const probe = doc.createElement("i");
    box.append(probe);
    const colour = (name, part = 1) => {
      probe.style.color = `rgb(from var(--${name}) r g b / ${part})`;
      return getComputedStyle(probe).color;
    };
    const narrow = () => innerWidth <= 640;
    const small = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
    let tab = given.tab, plot = null, at = last;

    function draw() {
      const ink = colour(tab), font = `12px ${getComputedStyle(doc.body).fontFamily}`;
      const fill = (made) => {
        const { top, height } = made.bbox, shade = made.ctx.createLinearGradient(0, top, 0, top + height);
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
          { ...axis, size: 36, gap: 12, grid: { show: false }, splits: () => places.filter((index) => index % every === 0), values: (_, splits) => splits.map((index) => given.labels[index]) },
          { ...axis, size: 48, gap: 8, space: narrow() ? 36 : 56, grid: { stroke: colour("line"), width: 1 }, incrs: given.steps, values: (_, splits) => splits.map((one) => small.format(one / given.scale[tab])) },
        ],
        series: [
          {},
          { stroke: colour("before"), width: 1.5, dash: [4, 4], points: { show: false }, paths },
          { stroke: ink, width: 2, fill, points: alone, paths },
          { stroke: ink, width: 2, dash: [2, 4], points: alone },
        ],
        hooks: { setCursor: [show], setSelect: [zoom] },
      }, [places, ...given.series[tab]], find("#drawn"));
    }

    // What has nothing to say stays empty.
    const slot = (name) => tip.querySelector(`[data-slot=${name}]`);
    function show(made) {
      const index = made.cursor.idx;
      const away = index == null || made.cursor.left < 0;
      tip.style.visibility = away ? "hidden" : "visible";
      if (away) return;
      at = index;
      const [now, past, then, way, change] = given.said[tab][index];
      const texts = { head: given.long[index], name: given.names[tab], now, past, then, change };
      for (const name in texts) slot(name).textContent = texts[name];
      slot("change").className = way;
      const place = made.valToPos(index, "x") + made.over.offsetLeft + (narrow() ? 4 : 16), width = tip.offsetWidth;
      const flips = place + 16 + width > box.clientWidth;
      tip.style.left = `${Math.max(4, flips ? place - width - 14 : place + 14)}px`;
    }

    function zoom(made) {
      if (made.select.width < 8) return;
      const { left, width } = made.select, from = made.posToIdx(left), to = made.posToIdx(left + width);
      const there = new URL(location.href);
      there.searchParams.delete("interval");
      there.searchParams.set("start", given.days[from][0]);
      there.searchParams.set("end", given.days[to][1]);
      location.assign(there);
    }

    const tabs = all(".tabs > a");
    function choose(chosen, moves) {
      if (given.money && (chosen.dataset.tab === "sales") !== (tab === "sales")) return location.assign(chosen.href);
      tab = chosen.dataset.tab;
      for (const one of tabs) { one.ariaSelected = one === chosen; one.tabIndex = one === chosen ? 0 : -1; }
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
        if (step) { const next = tabs.at((index + step) % tabs.length); next.focus(); next.click(); }
      };
    });
    box.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
      if (!step) return;
      event.preventDefault();
      const first = plot.cursor.left < 0 && Number.isFinite(step);
      at = Math.max(0, Math.min(last, first ? last : at + step));
      plot.setCursor({ left: plot.valToPos(at, "x"), top: 40 });
      find("#said").textContent = `${given.long[at]}: ${given.said[tab][at][0]} ${given.names[tab]}`;
    };
    choose(tabs.find((one) => one.dataset.tab === tab), false);
    new MutationObserver(draw).observe(root, { attributeFilter: ["data-theme"] });
    on(dark, "change", draw);
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
    root.classList.add("drawn");
  }
})();
