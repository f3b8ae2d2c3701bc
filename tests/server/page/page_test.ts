import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { rememberSecret } from "../../../src/base/secret.ts";
import type { Overview } from "../../../src/notifier/overview.ts";
import { DeliveryCounters } from "../../../src/server/delivery_counters.ts";
import { type PageInput, renderPage } from "../../../src/server/page/page.ts";
import { seededDice } from "../../faults/crash_dice.ts";
import { hostileText } from "../../fuzz/hostile.ts";
import {
  busyCounters,
  busyOverview,
  dead,
  HOSTILE,
  hugeOverview,
  live,
  NOW,
  quietOverview,
  testStatus,
} from "./fixture.ts";

/** Renders a page in the zone of UTC+1. */
function render(overview: Overview, given: Partial<PageInput> = {}) {
  return renderPage({ overview, deliveries: busyCounters(), refreshes: false, zone: () => 60, ...given });
}

/** The text of a page, without tags. */
function textOf(body: string): string {
  return body.replace(/<style>.*<\/style>/s, "").replace(/<[^>]*>/g, "").replace(/&nbsp;|\s+/g, " ");
}

function headlineOf(body: string): string | undefined {
  return /<h1>(.*)<\/h1>/.exec(body)?.[1];
}

Deno.test("renderPage() escapes every text from outside, and shows no hidden characters", async () => {
  const letter = { entry: dead({ subject: HOSTILE }, { channel: HOSTILE, reason: HOSTILE }), diedAt: NOW };
  const entry = live({ subject: HOSTILE }, { reason: HOSTILE, channel: HOSTILE });
  const counts = { queued: 1, deferred: 0, held: 0, fallbacks: 0 };
  const { body } = await render(quietOverview({
    ...{ identity: HOSTILE, stateDir: HOSTILE },
    channels: [{
      ...{ name: HOSTILE, kind: "matrix", counts, wait: { reason: HOSTILE } },
      lanes: {
        items: [{ destination: HOSTILE, counts, oldest: NOW, entries: { items: [entry], total: 1 } }],
        total: 1,
      },
    }],
    dead: { items: [{ ...letter, destination: HOSTILE }], total: 1 },
    incidents: {
      items: [{
        key: HOSTILE,
        sender: HOSTILE,
        title: HOSTILE,
        since: 0,
        lastDelivery: 0,
        count: 1,
        destinations: [HOSTILE],
      }],
      total: 1,
    },
    problems: { items: [HOSTILE], total: 1 },
  }));
  assertEquals(body.match(/<(script|img)|<\/style/g), ["</style"]);
  assertEquals(body.match(/[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\n]]/gv), null);
  assertEquals(body.match(/&lt;script&gt;alert\(&quot;1&quot;\)/g)?.length, 20);
  assert(body.isWellFormed());
});

Deno.test("renderPage() has the same elements for every text", async () => {
  const elements = async (subject: string) => {
    const entry = dead({ subject, severity: "error" }, { reason: subject });
    const { body } = await render(quietOverview({
      dead: { items: [{ entry, diedAt: NOW, destination: subject }], total: 1 },
      problems: { items: [subject], total: 1 },
    }));
    return body.match(/<[^>]*>/g);
  };
  const expected = await elements("Backup failed");
  const dice = seededDice(16);
  for (let round = 0; round < 300; round++) {
    const text = `x${hostileText(dice)}`;
    assertEquals(await elements(text), expected, JSON.stringify(text));
  }
});

Deno.test("renderPage() hides secrets, also where a text is cut", async () => {
  const secret = rememberSecret("s3cr3t-Zm9vYmFyYmF6cXV4");
  const texts = [secret, `${"x".repeat(230)} ${secret}`, `${"x".repeat(395)} ${secret}`];
  const { body } = await render(quietOverview({
    dead: {
      items: texts.map((text) => ({
        entry: dead({ subject: text }, { reason: text }),
        diedAt: NOW,
        destination: text,
      })),
      total: 3,
    },
    problems: { items: texts, total: 3 },
  }));
  assertEquals(body.match(/s3cr3t|Zm9v/g), null);
  assertStringIncludes(body, "[secret]");
});

Deno.test("renderPage() forbids everything but its own style sheet and icon", async () => {
  const { headers, body } = await render(busyOverview());
  const [, style = ""] = /<style>(.*)<\/style>/s.exec(body) ?? [];
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style)));
  assertEquals(headers["Content-Security-Policy"].split("; "), [
    "default-src 'none'",
    `style-src 'sha256-${digest.toBase64()}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  assertEquals(body.match(/<[^>]* (?:style|on\w+|(?:src|href)="(?!\?|data:image))/g), null);
  assertEquals(
    ["Cache-Control", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"].map((name) => headers[name]),
    ["no-store", "nosniff", "DENY", "no-referrer"],
  );
});

Deno.test("renderPage() begins with what matters most", async () => {
  const headline = async (given: Partial<Overview>) => headlineOf((await render(quietOverview(given))).body);
  const letters = { items: [], total: 2 };
  assertEquals(await headline({}), "Everything is delivered");
  assertEquals(await headline({ status: testStatus({ lastDelivery: undefined }) }), "Nothing is waiting");
  assertEquals(await headline({ status: testStatus({ queued: 1, deferred: 1 }) }), "2 notifications waiting");
  assertEquals(
    await headline({ status: testStatus({ queued: 1, held: 1 }), dead: letters }),
    "1 notification held, 2 dead letters",
  );
  assertEquals(await headline({ problems: { items: ["Cannot use x"], total: 1 } }), "1 mistake in the configuration");
});

Deno.test("renderPage() shows why each lane waits, until when, and the reasons that differ", async () => {
  const text = textOf((await render(busyOverview())).body);
  assertStringIncludes(
    text,
    "Cannot connect to matrix.example.org: Connection refused (os error 111). Next attempt at 20:19:07 UTC+1 (in 4 min).",
  );
  assertEquals(text.match(/Connection refused/g)?.length, 1);
  assertStringIncludes(
    text,
    "Alerts (!NasbbLtvKkyEYAyzJi:example.org) 13 waiting, the oldest since 18:10:07 UTC+1 (2 h 5 min ago)",
  );
  assertStringIncludes(text, "❌ Backup of /srv failed 9 attempts · deferred · 18:10:07 UTC+1");
  assertStringIncludes(text, "8 more entries");
  assertStringIncludes(text, "excludes this server. Next attempt at 2026-11-23 21:15:07 UTC+1 (in 1 d 1 h).");
  assertStringIncludes(text, "Sent only if matrix is late. Next attempt at 20:21:07 UTC+1 (in 6 min).");
  assertStringIncludes(text, "authentication failed. Fix the problem, then run matrix-notify flush.");
});

Deno.test("renderPage() shows the commands for dead letters, with the state directory if it is not the usual one", async () => {
  const commands = (body: string) => Array.from(body.matchAll(/<code class="command">([^<]*)</g), ([, text]) => text);
  const overview = { ...busyOverview(), channels: [] };
  assertEquals(commands((await render(overview)).body).slice(0, 4), [
    "matrix-notify queue retry --dead",
    "matrix-notify queue drop --dead",
    "matrix-notify queue retry 4f1d9a3e",
    "matrix-notify queue drop 4f1d9a3e",
  ]);
  assertEquals(
    commands((await render({ ...overview, stateDir: "/srv/my state" })).body)[0],
    "matrix-notify queue retry --dead --state-dir &#39;/srv/my state&#39;",
  );
});

Deno.test("renderPage() draws deliveries and failures by hour, says since when, and lists the same numbers", async () => {
  let now = NOW - 2 * 3_600_000;
  const deliveries = new DeliveryCounters(() => now);
  const count = (result: object, times: number) => {
    for (let at = 0; at < times; at++) {
      deliveries.count({ entry: { channel: "matrix", time: now }, result } as Parameters<DeliveryCounters["count"]>[0]);
    }
  };
  count({ state: "delivered" }, 10);
  now = NOW;
  count({ state: "delivered" }, 5);
  count({ state: "failed", class: "not-sent" }, 1);
  count({ state: "dead" }, 1);
  const { body } = await render(quietOverview(), { deliveries });
  const bars = (style: string) =>
    Array.from(body.matchAll(new RegExp(`class="${style}" x="(\\d+)" y="([\\d.]+)" width="6" height="([\\d.]+)"`, "g")))
      .map(([, ...numbers]) => numbers.map(Number));
  assertEquals(bars("bar"), [[212, 0, 74], [232, 37, 37]]);
  assertEquals(bars("fail"), [[232, 74, 14.8]]);
  assertStringIncludes(
    body,
    'aria-label="Deliveries and failures by hour: 15 delivered, 1 failed attempt, 1 dead letter.',
  );
  const text = textOf(body);
  assertStringIncludes(text, "Counted since 18:15:07 UTC+1 (2 h ago), when serve started.");
  assertMatch(text, /20:00–21:00\s*5\s*1\s*1\s*19:00–20:00\s*0\s*0\s*0\s*18:00–19:00\s*10\s*0\s*0/);
});

Deno.test("renderPage() makes a page of limited size for a huge queue, and says what it leaves out", async () => {
  const { body } = await render(hugeOverview());
  assert(body.length < 256 * 1024, String(body.length));
  const text = textOf(body);
  for (const rest of ["380 more destinations", "495 more entries", "4980 more dead letters", "236 more incidents"]) {
    assertStringIncludes(text, rest);
  }
  assertStringIncludes(text, "and 97 more");
  assertStringIncludes(text, "20 more mistakes");
});
