// Whose link brought the visitor, for pages that greet him with a discount.

import { getCookie, setCookie } from "./cookies.js";

const COOKIE = "dub_partner_data";

const each = (partner, change) => ({
  ...partner,
  name: partner.name && change(partner.name),
  image: partner.image && change(partner.image),
});

// What a cookie must not contain, in the way of JSON.
const escaped = (json) =>
  json.replace(/[;\x7f-\uffff]/g, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));

function show({ partner = null, discount = null }) {
  window.DubAnalytics = { partner, discount };
}

export function rememberPartner(answer) {
  const { partner } = answer;
  if (!partner) return;
  setCookie(COOKIE, escaped(JSON.stringify({ ...answer, partner: each(partner, encodeURIComponent) })));
  show(answer);
}

export function recallPartner() {
  show({});
  try {
    const stored = JSON.parse(getCookie(COOKIE));
    show({ ...stored, partner: each(stored.partner, decodeURIComponent) });
  } catch {
    // There is none, or it is not ours.
  }
}
