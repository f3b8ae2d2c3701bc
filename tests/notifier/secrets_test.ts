/**
 * Servers and programs that repeat every secret that they know. `secret_mask_test.ts` has all
 * encodings, so a few of them are enough here.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { HintedError } from "../../src/base/errors.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { encodings } from "../fakes/encodings.ts";
import { readAllFiles } from "../fakes/read_all_files.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { tlsFile } from "../fakes/tls.ts";

const SECRET = "s3cr3t/Pa+th-0f_Gr8at~Length";
const WORD = SECRET.replaceAll("/", "-");

function someEncodings(secret: string): [name: string, text: string][] {
  const names = [
    "raw",
    "percent encoding of each byte, upper case",
    "AUTH PLAIN",
    "escapes of JSON",
    "a folded header",
  ];
  return Object.entries(encodings(secret)).filter(([name]) => names.includes(name));
}

/** Returns the encodings in which a text shows a secret, or a half of it. */
function leaksOf(text: string, secret: string): string[] {
  const lower = text.toLowerCase();
  return Object.entries(encodings(secret)).flatMap(([name, encoded]) => {
    const half = Math.ceil(encoded.length / 2);
    const parts = Array.from({ length: encoded.length - half + 1 }, (_, at) => encoded.slice(at, at + half));
    return parts.some((part) => lower.includes(part.toLowerCase())) ? [name] : [];
  });
}

interface Lie {
  /** The channel, with the address of the lying server. */
  readonly channel: (port: number) => Readonly<Record<string, unknown>>;
  /** The secret that the server repeats. @default {WORD} */
  readonly secret?: string;
  /** The answer of the server: the text is a secret in some encoding. */
  readonly answer?: (text: string) => Response;
}

const json = (status: number, value: unknown) => Response.json(value, { status });
const local = (port: number) => `http://127.0.0.1:${port}`;

const hook = (port: number) => ({ kind: "webhook", url: `${local(port)}/hooks/${WORD}?key=other-s3cret-Value` });

const LIES: Readonly<Record<string, Lie>> = {
  "an error of a webhook": { channel: hook, answer: (text) => new Response(`no hook ${text}`, { status: 400 }) },
  "the id of a webhook": { channel: hook, answer: (text) => json(200, { id: text.replace(/\s/g, "") }) },
  "a redirect of a webhook": {
    channel: hook,
    answer: (text) => new Response(null, { status: 302, headers: { Location: encodeURI(`/${text}`) } }),
  },
  "the query of a webhook": {
    secret: "other-s3cret-Value",
    channel: hook,
    answer: (text) => json(403, { error: text }),
  },
  "a header of a webhook": {
    channel: (port) => ({ kind: "webhook", url: `${local(port)}/`, headers: { Authorization: `Bearer ${WORD}` } }),
    answer: (text) => new Response(`Authorization: Bearer ${text}`, { status: 401 }),
  },
  "the body of a webhook": {
    channel: (port) => ({ kind: "webhook", url: `${local(port)}/`, body: { token: WORD, text: "{{text}}" } }),
    answer: (text) => json(400, { error: `invalid token ${text}` }),
  },
  "an error of Slack": {
    channel: (port) => ({ kind: "slack", url: `${local(port)}/services/T0/B0/${WORD}` }),
    answer: (text) => json(400, { error: "invalid_payload", message: `no service ${text}` }),
  },
  "an error code of Slack": {
    channel: (port) => ({ kind: "slack", url: `${local(port)}/services/T0/B0/${WORD}` }),
    answer: (text) => json(400, { error: text, message: text }),
  },
  "an error of ntfy about a token": {
    channel: (port) => ({ kind: "ntfy", server: local(port), topic: "a", token: WORD }),
    answer: (text) => json(401, { code: 40101, error: `unauthorized ${text}` }),
  },
  "an error of ntfy about a password": {
    channel: (port) => ({ kind: "ntfy", server: local(port), topic: "a", user: "bot", password: SECRET }),
    secret: SECRET,
    answer: (text) => json(401, { code: 40101, error: `unauthorized ${text}` }),
  },
  "an id of ntfy": {
    channel: (port) => ({ kind: "ntfy", server: local(port), topic: "a", token: WORD }),
    answer: (text) => json(200, { id: text, event: "message" }),
  },
  "an error of Gotify": {
    channel: (port) => ({ kind: "gotify", server: local(port), token: WORD }),
    answer: (text) => json(401, { errorCode: 401, error: "Unauthorized", errorDescription: `bad token ${text}` }),
  },
  "an error of Telegram": {
    channel: (port) => ({ kind: "telegram", server: local(port), token: "123456789:AAHdqTcv-CH1vGWJx", chat: 5 }),
    secret: "123456789:AAHdqTcv-CH1vGWJx",
    answer: (text) => json(404, { ok: false, error_code: 404, description: `no bot ${text}` }),
  },
  "a moved chat of Telegram": {
    channel: (port) => ({ kind: "telegram", server: local(port), token: "123456789:AAHdqTcv-CH1vGWJx", chat: 5 }),
    secret: "123456789:AAHdqTcv-CH1vGWJx",
    answer: (text) =>
      json(400, { ok: false, error_code: 400, description: text, parameters: { migrate_to_chat_id: -6 } }),
  },
  "an error of a homeserver": {
    channel: (port) => ({ kind: "matrix", homeserver: local(port), accessToken: WORD, room: "!r:example.org" }),
    answer: (text) => json(403, { errcode: "M_FORBIDDEN", error: `Token ${text} is not in the room` }),
  },
  "an errcode of a homeserver": {
    channel: (port) => ({ kind: "matrix", homeserver: local(port), accessToken: WORD, room: "!r:example.org" }),
    answer: (text) => json(400, { errcode: `M_${text}`, error: text }),
  },
  "an event id of a homeserver": {
    channel: (port) => ({ kind: "matrix", homeserver: local(port), accessToken: WORD, room: "!r:example.org" }),
    answer: (text) => json(200, { event_id: `$${text}` }),
  },
  "the content type of a homeserver": {
    channel: (port) => ({ kind: "matrix", homeserver: local(port), accessToken: WORD, room: "!r:example.org" }),
    answer: (text) => new Response("x", { headers: { "Content-Type": encodeURI(`text/${text}`) } }),
  },
};

/** Sends through a channel, and returns everything that the notifier stored and returned. */
async function observe(channel: Readonly<Record<string, unknown>>): Promise<string> {
  using runtime = fakeRuntime({ realIds: true });
  const stateDir = await Deno.makeTempDir();
  const seen: unknown[] = [];
  try {
    const options = { stateDir, runtime, channels: { c: channel }, onWarning: (warning: string) => seen.push(warning) };
    await using notifier = await NotifierCore.open({ ...options, onAttempt: (outcome) => seen.push(outcome) });
    seen.push(await notifier.notify({ subject: "Up" }, { waitMs: 3000 }), notifier.status(), notifier.entries());
    return JSON.stringify(seen) + readAllFiles(stateDir);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

for (const [name, { channel, secret = WORD, answer = () => new Response() }] of Object.entries(LIES)) {
  Deno.test(`NotifierCore.notify() stores and returns no secret that is repeated in ${name}`, async () => {
    let text = "";
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      await request.body?.cancel();
      return answer(text);
    });
    for (const [encoding, encoded] of someEncodings(secret)) {
      text = encoded;
      const seen = await observe(channel(server.addr.port));
      assertEquals(leaksOf(seen, secret), [], `${encoding}: ${seen}`);
    }
  });
}

Deno.test("NotifierCore.notify() stores and returns no secret that a program repeats", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [at, [, encoded]] of someEncodings(WORD).entries()) {
      const paths = [`${folder}/fail${at}`, `${folder}/work${at}`];
      Deno.writeTextFileSync(paths[0], `#!/bin/sh\ncat >/dev/null\ncat <<'END' >&2\nbad ${encoded}\nEND\nexit 65\n`);
      Deno.writeTextFileSync(paths[1], `#!/bin/sh\ncat >/dev/null\ncat <<'END'\n${encoded}\nEND\n`);
      for (const path of paths) {
        Deno.chmodSync(path, 0o700);
        for (const args of [["--token", WORD], [`--token=${WORD}`], ["-H", `Authorization: Bearer ${WORD}`]]) {
          const seen = await observe({ kind: "exec", command: [path, ...args] });
          assertEquals(leaksOf(seen, WORD), [], seen);
        }
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A mail server with TLS that refuses every login with a text. */
function startMailServer(text: () => string): Disposable & { readonly port: number } {
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(tlsFile("server.pem")),
    key: Deno.readTextFileSync(tlsFile("server.key")),
  });
  const serve = async (connection: Deno.TlsConn) => {
    const say = async (line: string) => void await connection.write(new TextEncoder().encode(`${line}\r\n`));
    await say("220 example.org");
    for await (const chunk of connection.readable) {
      const line = new TextDecoder().decode(chunk);
      if (line.startsWith("EHLO")) await say("250-example.org\r\n250 AUTH PLAIN LOGIN");
      else if (line.startsWith("AUTH")) {
        await say(`535-5.7.8 Bad ${text().split(/\r\n/).join("\r\n535-5.7.8 ")}\r\n535 5.7.8 Go`);
      } else await say("221 Bye");
    }
  };
  (async () => {
    for await (const connection of listener) serve(connection).catch(() => {});
  })().catch(() => {});
  return { port: listener.addr.port, [Symbol.dispose]: () => listener.close() };
}

Deno.test({
  name: "NotifierCore.notify() stores and returns no password that a mail server repeats",
  // The connections of the SMTP library end after the test.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    let text = "";
    using server = startMailServer(() => text);
    const login = { user: "bot", password: SECRET, from: "a@example.org", to: "b@example.org" };
    const place = { server: "127.0.0.1", port: server.port, security: "tls", caFile: tlsFile("authority.pem") };
    for (const [encoding, encoded] of someEncodings(SECRET)) {
      text = encoded;
      const seen = await observe({ kind: "email", ...place, ...login });
      assert(seen.includes("535"), seen);
      assertEquals(leaksOf(seen, SECRET), [], `${encoding}: ${seen}`);
    }
  },
});

Deno.test("the errors of a request show no secret, with their causes and stacks", async () => {
  const { exchange } = await import("../../src/runtime/http.ts");
  const { rememberSecret } = await import("../../src/base/secret.ts");
  const { request } = await import("../../src/matrix/request.ts");
  using runtime = fakeRuntime();
  rememberSecret(WORD);
  const limits = { timeoutMs: 1000 };
  const url = `http://127.0.0.1:1/${WORD}?token=${WORD}`;
  const refused = await assertRejects(() => exchange(runtime, { method: "GET", url, ...limits }), HintedError);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    return json(400, { errcode: "M_X", error: `Bad ${WORD}` });
  });
  const client = {
    runtime,
    baseUrl: local(server.addr.port),
    userAgent: "test",
    credentials: { accessToken: () => WORD },
  };
  const said = await assertRejects(() => request(client, { method: "GET", path: ["x"], ...limits }), HintedError);
  for (const error of [refused, said]) assertEquals(leaksOf(Deno.inspect(error), WORD), []);
});
