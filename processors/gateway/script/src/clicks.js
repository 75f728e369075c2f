// Which click brought this visitor: its id is in the cookie dub_id.

import { post } from "./api.js";
import { getCookie, setCookie } from "./cookies.js";
import { domains, keepsFirstClick, queryParams } from "./options.js";
import { rememberPartner } from "./partner.js";

export const DUB_ID = "dub_id";

const asked = new Map();
let pending;

export function clickId() {
  const value = getCookie(DUB_ID);
  try {
    return value && decodeURIComponent(value);
  } catch {
    return value;
  }
}

const mayChange = () => !keepsFirstClick || !getCookie(DUB_ID);

// Encoded, or the id in a link could set attributes of the cookie.
function remember(id) {
  if (id && mayChange()) setCookie(DUB_ID, encodeURIComponent(id));
}

function ask(path, body) {
  const { href: url } = location;
  pending = post(path, { ...body, url, referrer: document.referrer }).then((answer) => {
    remember(answer.clickId);
    rememberPartner(answer);
    return answer;
  });
  return pending;
}

// Once for each link, however often the page calls it.
export function trackClick({ domain, key }) {
  const link = `${domain}/${key}`;
  if (!asked.has(link)) asked.set(link, ask("/track/click", { domain, key }));
  return asked.get(link);
}

// When all clicks that are asked for by now, or in this turn of the event loop, are answered.
export const settled = () => Promise.resolve().then(() => pending);

// The click that the page's own address names.
export function readAddress() {
  const query = new URLSearchParams(location.search);
  const key = queryParams.map((name) => query.get(name)).find(Boolean);
  const tracked = key && domains.refer && mayChange();
  remember(query.get(DUB_ID));
  if (tracked) trackClick({ domain: domains.refer, key });
}

// A visitor whom no link brought: the visit itself is the click.
export function readVisit() {
  if (domains.site && !pending && !getCookie(DUB_ID)) ask("/track/visit", { domain: domains.site });
}
