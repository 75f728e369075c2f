// As driver.py. It is run by its text, in the directory where the SDK is installed, which is where `dub` is
// then found.
import { createInterface } from "node:readline";
import { Dub } from "dub";

async function pages(first) {
  if (Array.isArray(first)) return first;
  const found = [];
  for await (const page of first) found.push(...page.result);
  return found;
}

async function make(call, args, { token, baseUrl, headers }) {
  const dub = new Dub({ token, serverURL: baseUrl });
  const [group, name] = call.split(".");
  const result = await dub[group][name](...args, { fetchOptions: { headers } });
  return name === "list" ? await pages(result) : result;
}

async function answer({ call, arguments: args, options }) {
  try {
    return { result: (await make(call, args, options)) ?? null };
  } catch (error) {
    const headers = Object.fromEntries(error.headers ?? []);
    return { error: { class: error.name, status: error.statusCode ?? 0, message: error.message, headers } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
}
