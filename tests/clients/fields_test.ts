/**
 * Sends every published field of every protocol, and reads in the room what `docs/serve.md` says
 * about it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { FIELD_PROTOCOLS, type FieldProtocol, type FieldRequest } from "./field_cases.ts";
import { isAt, readFieldTable } from "./field_tables.ts";
import { startServe } from "./serve.ts";

/** One value that is sent, and how it can be found in the room. */
interface Trial {
  readonly what: string;
  readonly place: Parameters<typeof isAt>[0];
  readonly requests: readonly FieldRequest[];
  /** The text that the message of the trial shows. */
  readonly tag: string;
  /** The text that the room must show in the place. */
  readonly seen: string;
}

/** Creates a trial for each field, each of its places, and each form of a request. */
function createTrials(protocol: FieldProtocol, prefix: string): readonly Trial[] {
  const fields = [...readFieldTable(...protocol.table)];
  return fields.flatMap(([name, places], row) =>
    places.flatMap((place, column) => {
      const own = protocol.cases[name]?.[place];
      const forms = protocol.create({ name, place, value: own?.[0] ?? "" }, "").length;
      return Array.from({ length: forms }, (_, form): Trial => {
        const unique = `${prefix}-${row}-${column}-${form}x`, tag = `case-${unique}`;
        const [value, seen = String(value)] = own ??
          [place === "link" ? `https://a.example/${unique}` : `value-${unique}`];
        const request = protocol.create({ name, place, value }, tag)[form];
        const opening = protocol.create({ name, place, value: undefined }, tag)[0];
        const before = place === "end of the incident" ? [opening] : place === "idempotency key" ? [request] : [];
        const what = `${protocol.table.join(" ")}: ${name}, form ${form}`;
        return { what, place, requests: [...before, request], tag, seen };
      });
    })
  );
}

Deno.test("docs/serve.md has a row for each published field", () => {
  const missing = FIELD_PROTOCOLS.flatMap(({ table, published, meant = {} }) => {
    const known = [...readFieldTable(...table).keys()].flatMap((name) => meant[name] ?? [name]);
    return published.filter((name) => !known.includes(name)).map((name) => `${table.join(" ")}: ${name}`);
  });
  assertEquals(missing, []);
});

Deno.test("serve shows each published field in the room as docs/serve.md says", async () => {
  const hooks = { pve: { preset: "proxmox" }, nas: { preset: "truenas" } };
  await using server = await startServe({ http: { hooks, rateLimit: { count: 10_000, per: "1m" } } });
  const trials = FIELD_PROTOCOLS.flatMap((protocol, at) => createTrials(protocol, String(at)));
  for (const { requests, what } of trials) {
    for (const { path, headers, body } of requests) {
      const method = body === undefined ? "GET" : "POST";
      const response = await fetch(`${server.url}${path}`, {
        ...{ method, body },
        headers: { ...headers, Authorization: `Bearer ${server.token}` },
      });
      const answer = await response.text();
      if (!response.ok) throw new Error(`Cannot send ${what}: ${response.status} ${answer}`);
    }
  }
  const contents = (await server.events()).map(({ content }) => content);
  const files = contents.filter(({ msgtype }) => ["m.file", "m.image"].includes(String(msgtype))).map(({ body }) =>
    String(body)
  );
  const problems = trials.flatMap(({ what, place, tag, seen, requests }) => {
    const found = contents.filter(({ body }) => String(body).includes(tag));
    const content = found.at(-1);
    if (content === undefined) return [`${what}: no message`];
    if (place === "idempotency key" && found.length !== 1) return [`${what}: ${found.length} messages`];
    if (isAt(place, { content, files }, seen)) return [];
    return [
      `${what}: ${place} has no ${seen}: ${JSON.stringify(content)} ${
        JSON.stringify(requests.at(-1)?.body)?.slice(0, 300)
      }`,
    ];
  });
  assertEquals(problems, []);
  assertEquals(trials.length > 250, true, String(trials.length));
});
