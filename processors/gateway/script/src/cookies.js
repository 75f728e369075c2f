// Cookies of the page: what the script remembers between pages.

import { cookieOptions } from "./options.js";

const DAY_MS = 24 * 60 * 60 * 1000;

// The site and its subdomains. Browsers refuse a domain that is an address, or has no dot.
function siteOf(host) {
  return /^[\d.]+$|:|^[^.]*$/.test(host) ? "" : "." + host.replace(/^www\./, "");
}

function attributes() {
  const { expiresInDays = 90, sameSite = "Lax", ...rest } = cookieOptions;
  const { domain = siteOf(location.hostname), path = "/", expires, maxAge, secure } = rest;
  return Object.entries({
    path,
    domain,
    expires: new Date(expires || Date.now() + expiresInDays * DAY_MS).toUTCString(),
    "max-age": maxAge,
    samesite: sameSite === true ? "Strict" : sameSite,
    secure,
  })
    .filter(([, value]) => value || value === 0)
    .map(([name, value]) => `; ${name}=${value}`)
    .join("");
}

// As it is stored; undefined also where the page may have no cookies.
export function getCookie(name) {
  try {
    return document.cookie.split("; ").find((one) => one.startsWith(name + "="))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

// `value`: without semicolons.
export function setCookie(name, value) {
  try {
    document.cookie = `${name}=${value}${attributes()}`;
  } catch {
    // A sandboxed frame: nothing can be remembered.
  }
}
