// What the tag that loaded us says in its data-* attributes.

// A tag manager may run this file outside of a tag of its own.
const tag =
  document.currentScript ||
  document.querySelector(
    "script[data-domains],script[data-short-domain],script[data-publishable-key],script[data-api-host]",
  ) ||
  document.querySelector('script[src*="/script."]') ||
  document.createElement("script");

const text = (name) => tag.getAttribute("data-" + name);

function json(name, otherwise) {
  try {
    return JSON.parse(text(name)) || otherwise;
  } catch (error) {
    console.warn(`[dubAnalytics] data-${name} is not JSON`, error);
    return otherwise;
  }
}

const given = json("domains", {});

export const domains = { ...given, refer: given.refer || text("short-domain") };

// A path is one on the page's own host: a reverse proxy.
export const apiHost = (text("api-host") || (tag.src && new URL(tag.src).origin) || "").replace(/\/$/, "");

export const publishableKey = text("publishable-key");

export const keepsFirstClick = text("attribution-model") === "first-click";

export const queryParams = [text("query-param")].concat(json("query-params", []), "via");

export const cookieOptions = json("cookie-options", {});
