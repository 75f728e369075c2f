// Leads and sales that the page itself reports.

import { post } from "./api.js";
import { clickId, settled } from "./clicks.js";
import { publishableKey } from "./options.js";

async function track(path, event) {
  if (!publishableKey) console.warn("[dubAnalytics] the tag has no data-publishable-key");
  await settled();
  return post(path, { ...event, clickId: event.clickId ?? clickId() ?? "" }, publishableKey);
}

export const trackLead = (event) => track("/track/lead/client", event);
export const trackSale = (event) => track("/track/sale/client", event);
