import { assertEquals } from "@std/assert";
import {
  type HomeserverOptions,
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../../src/testing/mod.ts";
import {
  type Edge,
  type EdgeRequest,
  GOTIFY_EDGES,
  NTFY_EDGES,
  NTFY_FILE_EDGES,
  SYNAPSE_EDGES,
  SYNAPSE_RATE_EDGES,
  TELEGRAM_EDGES,
  WEBHOOK_EDGES,
} from "./edges.ts";
import { openClient, type SeenAnswer } from "./scene.ts";

/** Returns an answer as its status and the error code of its service. */
function format({ status, json }: SeenAnswer): string {
  const code = json.code ?? json.errorCode ?? json.error_code ?? json.errcode ?? json.error;
  return status < 400 || code === undefined ? String(status) : `${status} ${code}`;
}

/** Sends the values of each limit to a new server. */
async function testEdges<Server extends AsyncDisposable & { readonly url: string }>(
  edges: readonly Edge<Server>[],
  start: () => Promise<{ readonly server: Server; readonly token?: string }>,
): Promise<void> {
  using client = openClient();
  for (const { limit, source, values, answers, request, earlier = () => 0 } of edges) {
    for (const [index, value] of values.entries()) {
      const { server: started, token } = await start();
      await using server = started;
      const ask = async ([method, path, parts]: EdgeRequest) => {
        const whole = parts?.token === "" ? { ...parts, token } : parts;
        return await client.ask(method, server.url + path, whole).then(format, () => "cut");
      };
      const what = `${limit}: ${String(value).slice(0, 20)} (${source})`;
      for (let count = earlier(value); count > 0; count--) assertEquals(await ask(request(value, server)), "200", what);
      assertEquals(await ask(request(value, server)), answers[index], what);
    }
  }
}

Deno.test("LoopbackNtfy has the limits of ntfy", async () => {
  await testEdges(NTFY_EDGES, async () => ({ server: await LoopbackNtfy.start({ protectedTopics: ["private"] }) }));
  const limits = { maxFileBytes: 1000, maxTotalFileBytes: 1500 };
  await testEdges(NTFY_FILE_EDGES, async () => ({ server: await LoopbackNtfy.start(limits) }));
});

Deno.test("LoopbackGotify has the limits of Gotify 3", async () => {
  await testEdges(GOTIFY_EDGES, async () => ({ server: await LoopbackGotify.start() }));
});

Deno.test("LoopbackTelegram has the limits of the Bot API", async () => {
  await testEdges(TELEGRAM_EDGES, async () => {
    const server = await LoopbackTelegram.start({ chats: ["1001", "1002", "-9"] });
    server.block("1002");
    server.upgrade("-9", "-1009");
    return { server };
  });
});

/** Starts a homeserver with a user in a room. */
async function startSynapse(options: HomeserverOptions) {
  const server = await LoopbackHomeserver.start({ serverName: "synapse.test", ...options });
  const { userId, accessToken } = server.addUser("notifier", "DEVICE");
  server.createRoom({ members: [userId] });
  return { server, token: accessToken };
}

Deno.test("LoopbackHomeserver has the limits of Synapse", async () => {
  await testEdges(SYNAPSE_EDGES, () => startSynapse({ maxUploadBytes: 1000 }));
  await testEdges(SYNAPSE_RATE_EDGES, () => startSynapse({ rateLimit: { perSecond: 0.2, burst: 10 }, now: () => 0 }));
});

Deno.test("LoopbackWebhook accepts JSON only", async () => {
  await testEdges(WEBHOOK_EDGES, async () => ({ server: await LoopbackWebhook.start() }));
});
