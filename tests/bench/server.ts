/**
 * A homeserver with one endpoint, in a process of its own. It accepts every event, and counts the
 * distinct transaction ids. It prints its port when it is ready.
 *
 * Events of the room `limited` are answered with 429 and a wait of one hour. `GET /counts` returns
 * the number of events, and the time of the last one.
 *
 * @module
 */

const [certificate] = Deno.args;
const ids = new Set<string>();
let lastTime = 0;

async function answer(request: Request): Promise<Response> {
  await request.body?.cancel();
  const path = new URL(request.url).pathname;
  if (path === "/counts") return Response.json({ events: ids.size, lastTime });
  const [, room, id] = /\/rooms\/([^/]+)\/send\/[^/]+\/([^/]+)$/.exec(path) ?? [];
  if (id === undefined) return Response.json({ errcode: "M_NOT_FOUND", error: "Not found" }, { status: 404 });
  if (room.includes("limited")) {
    return Response.json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 3_600_000 }, { status: 429 });
  }
  ids.add(id);
  lastTime = Date.now();
  return Response.json({ event_id: `$${id}` });
}

const tls = certificate === undefined
  ? {}
  : { cert: Deno.readTextFileSync(`${certificate}.pem`), key: Deno.readTextFileSync(`${certificate}.key`) };
const options = { port: 0, hostname: "127.0.0.1", onListen: ({ port }: Deno.NetAddr) => console.log(port), ...tls };
Deno.serve(options, answer);
