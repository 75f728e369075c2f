// Links and frames that lead to other sites of ours take the click along.

import { clickId, DUB_ID, settled } from "./clicks.js";
import { domains } from "./options.js";

const ATTRIBUTES = { childList: true, subtree: true, attributeFilter: ["href", "src", "srcdoc"] };
const CALM_MS = 100;

// Element → { from, to, id }: its address before and after, and the click it was given.
const done = new WeakMap();

const bare = (host) => host.trim().replace(/^www\./, "");

// A list, or one text with commas.
const targets = String(domains.outbound || "").split(",").map(bare).filter(Boolean);

function leadsOut(url) {
  const host = bare(url.hostname);
  return (
    host !== bare(location.hostname) &&
    targets.some((one) => (one.startsWith("*.") ? host.endsWith(one.slice(1)) : host === one))
  );
}

// The address as it is written, and our parameter: to encode it anew might break it.
function withClick(address, base, id) {
  try {
    const url = new URL(address, base);
    if (!leadsOut(url) || url.searchParams.has(DUB_ID)) return address;
  } catch {
    return address;
  }
  const [, head, hash] = /^([^#]*)(.*)$/s.exec(address);
  return `${head}${head.includes("?") ? "&" : "?"}${DUB_ID}=${encodeURIComponent(id)}${hash}`;
}

function visit(element, name, id) {
  const now = element.getAttribute(name);
  const last = done.get(element);
  const untouched = last && last.to === now;
  // A frame that has its click is left alone: another one would load it anew.
  if (untouched && (last.id === id || (name === "src" && last.to !== last.from))) return;
  const from = untouched ? last.from : now;
  const to = withClick(from, element.baseURI, id);
  done.set(element, { from, to, id });
  if (to !== now) element.setAttribute(name, to);
}

export function followLinks() {
  if (!targets.length) return;
  let timer;

  function scan(root, id) {
    for (const link of root.querySelectorAll("a[href],area[href]")) visit(link, "href", id);
    for (const frame of root.querySelectorAll("iframe[src]")) visit(frame, "src", id);
    for (const frame of root.querySelectorAll("iframe[srcdoc]")) {
      const inner = frame.contentDocument;
      if (!inner) continue;
      observer.observe(inner, ATTRIBUTES);
      scan(inner, id);
    }
  }

  function now() {
    clearTimeout(timer);
    timer = 0;
    const id = clickId();
    if (id) scan(document, id);
  }

  const observer = new MutationObserver(() => {
    timer = timer || setTimeout(now, CALM_MS);
  });

  const on = (event) => document.addEventListener(event, now, true);
  // The last moment before a link is followed.
  on("pointerdown");
  on("click");
  settled().then(() => {
    now();
    observer.observe(document, ATTRIBUTES);
    // A frame with a document of its own.
    on("load");
  });
}
