// window.dubAnalytics: what pages call; window._dubAnalytics: that we are there, and how we are set up.

import { readAddress, readVisit, settled, trackClick } from "./clicks.js";
import { trackLead, trackSale } from "./conversions.js";
import { domains } from "./options.js";
import { followLinks } from "./outbound.js";
import { recallPartner } from "./partner.js";

const ready = (callback) => settled().then(callback);
const methods = { ready, trackClick, trackLead, trackSale };

function dubAnalytics(name, ...values) {
  if (methods[name]) return methods[name](...values);
  console.warn("[dubAnalytics] there is no", name);
}

function install() {
  const { q: queued = [] } = window.dubAnalytics || {};
  // The npm package puts its own stubs over these, again and again: they go on leading here.
  for (const name in methods) Object.defineProperty(dubAnalytics, name, { get: () => methods[name], set() {} });
  dubAnalytics.q = { push: (call) => dubAnalytics(...call) };
  window.dubAnalytics = dubAnalytics;
  recallPartner();
  readAddress();
  for (const call of queued) dubAnalytics(...call);
  readVisit();
  followLinks();
}

if (!window._dubAnalytics) {
  window._dubAnalytics = { n: domains, d: domains.refer };
  // A page that is rendered ahead has no visitor yet.
  if (document.prerendering) document.addEventListener("prerenderingchange", install, { once: true });
  else install();
}
