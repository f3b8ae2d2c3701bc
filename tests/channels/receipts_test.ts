/** Receipts, waits and limits that a service sends, with values that no honest service sends. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { NotTheServiceError, ResponseError } from "../../src/base/errors.ts";
import { explainRefusedFile } from "../../src/channels/ntfy/quota.ts";
import { classify } from "../../src/delivery/classify.ts";
import { MAX_SERVER_WAIT_MS, planRetry } from "../../src/delivery/retry.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { openChannel } from "./harness.ts";

const CONFIGS: Readonly<Record<string, Record<string, unknown>>> = {
  matrix: { homeserver: "https://m.example", accessToken: "t", room: "!a" },
  ntfy: { server: "https://n.example", topic: "t" },
  gotify: { server: "https://g.example", token: "t" },
  telegram: { token: "1:t", chat: 1 },
  slack: { url: "https://s.example/x" },
  webhook: { url: "https://w.example/x" },
};

function send(kind: string, answer: () => Response) {
  using runtime = fakeRuntime({ fetch: () => Promise.resolve(answer()) });
  return openChannel(kind, CONFIGS[kind], runtime).send({ subject: "Up" });
}

const IDS = ["\x1b[2J", "\x9b2J", "\u202e", "\n", "x".repeat(300), "", {}, [], null, 1e306, -1, 0.5];

for (
  const [kind, answerWith] of [
    ["matrix", (id: unknown) => ({ event_id: id })],
    ["matrix", (id: unknown) => ({ event_id: `$${id}` })],
    ["ntfy", (id: unknown) => ({ id, event: "message" })],
    ["gotify", (id: unknown) => ({ id, appid: 1 })],
    ["telegram", (id: unknown) => ({ ok: true, result: { message_id: id } })],
  ] as const
) {
  Deno.test(`send() of the kind ${kind} rejects the receipt ${JSON.stringify(answerWith("ID"))} if ID is hostile`, async () => {
    for (const id of IDS.filter((id) => typeof id === "string" && !/^x/.test(id) || typeof id === "object")) {
      if (kind === "matrix" && typeof id === "object") continue;
      await assertRejects(() => send(kind, () => Response.json(answerWith(id))), NotTheServiceError);
    }
    await assertRejects(() => send(kind, () => Response.json(answerWith("x".repeat(300)))), NotTheServiceError);
  });
}

Deno.test("send() of the kind webhook uses the status as the receipt if the id is hostile", async () => {
  for (const id of IDS.filter((id) => typeof id !== "number")) {
    assertEquals((await send("webhook", () => Response.json({ id }, { status: 201 }))).id, "201");
  }
});

/** Waits in the answer of a service with a rate limit. */
const WAITS = [1e306, -1, 0, 1e-9, "1e306", "", null, {}, [], "Infinity", JSON.parse("1e999")];

Deno.test("planRetry() waits for a finite time, of at most a day, after each answer of a service", async () => {
  for (const kind of Object.keys(CONFIGS)) {
    for (const wait of WAITS) {
      for (const header of ["1".repeat(400), "-5", "NaN", "Fri, 31 Dec 9999 23:59:59 GMT", "1e9", ""]) {
        const body = {
          ...{ errcode: "M_LIMIT_EXCEEDED", error: "slow", retry_after_ms: wait },
          ...{ code: 42901, errorCode: 429, errorDescription: "slow" },
          ...{ ok: false, error_code: 429, description: "slow", parameters: { retry_after: wait } },
        };
        const answer = () => Response.json(body, { status: 429, headers: { "Retry-After": header } });
        const failure = classify(await assertRejects(() => send(kind, answer)));
        const plan = planRetry(failure, { now: TEST_TIME, failures: 0, attempts: 1, random: 0.5 });
        assert(plan.state === "failed", kind);
        const waitMs = plan.next - TEST_TIME;
        assert(waitMs >= 1000 && waitMs <= MAX_SERVER_WAIT_MS, `${kind} ${wait} ${header}: ${waitMs}`);
      }
    }
  }
});

Deno.test("explainRefusedFile() ignores limits that are no numbers of bytes", async () => {
  const error = new ResponseError("too large", { status: 413, errcode: "41301" });
  for (const value of [1e306, -1, 0.5, "5", null, {}]) {
    const limits = { attachment_file_size: value, attachment_expiry_duration: value };
    const fetch = () => Promise.resolve(Response.json({ limits, stats: { attachment_total_size_remaining: value } }));
    using runtime = fakeRuntime({ fetch });
    const refused = { url: "https://n.example/v1/account", timeoutMs: 1000, file: { name: "a", size: 5 }, error };
    assertEquals(await explainRefusedFile(runtime, refused), error, `${value}`);
  }
});
