import { apiHost } from "./options.js";

// Resolves to the answer, or to { error: { code, message } }: it never rejects, so that a page which does not
// look at the result is not disturbed. Goes on when the page is left meanwhile.
export async function post(path, body, key) {
  let answer;
  try {
    const headers = { "Content-Type": "application/json" };
    if (key) headers.Authorization = "Bearer " + key;
    const response = await fetch(apiHost + path, {
      method: "POST",
      keepalive: true,
      headers,
      body: JSON.stringify(body),
    });
    answer = await response.json();
  } catch (error) {
    answer = { error: { code: "no_answer", message: String(error) } };
  }
  if (answer.error) console.error(`[dubAnalytics] ${path}:`, answer.error);
  return answer;
}
