/**
 * Looks at the status page in a real browser: Chromium, with axe-core for what a screen reader and
 * a person with weak eyes need. `PAGE_SHOTS=DIR` keeps a picture of each page.
 */

import { assertEquals } from "@std/assert";
import axe from "npm:axe-core@4.14.1";
import puppeteer, { type Browser, type Page } from "npm:puppeteer-core@25.16.0";
import { Fields } from "../../../src/base/fields.ts";
import { readServe } from "../../../src/config/serve.ts";
import type { Overview } from "../../../src/notifier/overview.ts";
import { createHttpReceiver } from "../../../src/server/http_receiver.ts";
import { DeliveryCounters } from "../../../src/server/delivery_counters.ts";
import type { ReceiverContext } from "../../../src/server/receiver.ts";
import { findProgram } from "../../fakes/find_program.ts";
import { installOrStub } from "../../fakes/installed_suite.ts";
import { PARSE_CONTEXT } from "../../fakes/parse_context.ts";
import { busyCounters, busyOverview, hugeOverview, NOW, quietOverview } from "./fixture.ts";

const TOKEN = "tk-0123456789abcdef";

/** The widths of a phone and of a window, in pixels. */
const WIDTHS = { phone: 360, window: 1100 } as const;

let program = "";
const stub = await installOrStub("Chromium", async () => program = await findProgram("chromium"));

/** A receiver that shows a summary, and a browser. */
interface Stage {
  readonly url: string;
  readonly browser: Browser;
  /** Opens the page with the token as password. */
  open(query?: string): Promise<Page>;
}

function browserTest(
  name: string,
  pages: Readonly<Record<string, readonly [Overview, DeliveryCounters]>>,
  look: (stage: Stage, title: string) => Promise<void>,
): void {
  if (stub !== undefined) return stub(name);
  // Puppeteer leaves timers behind.
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false }, async () => {
    const folder = await Deno.makeTempDir();
    const browser = await puppeteer.launch({
      executablePath: program,
      userDataDir: `${folder}/profile`,
      env: { ...Deno.env.toObject(), HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    try {
      for (const [title, [overview, deliveries]] of Object.entries(pages)) {
        await using server = servePage(overview, deliveries);
        const url = `http://127.0.0.1:${server.addr.port}/`;
        const open = async (query = "") => {
          const page = await browser.newPage();
          await page.authenticate({ username: "me", password: TOKEN });
          await page.goto(`${url}${query}`);
          return page;
        };
        await look({ url, browser, open }, title);
      }
    } finally {
      await browser.close();
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function servePage(overview: Overview, deliveries: DeliveryCounters): Deno.HttpServer<Deno.NetAddr> {
  const settings = readServe(
    new Fields({ serve: { http: { senders: { me: { token: TOKEN } } } } }, ""),
    PARSE_CONTEXT,
  )?.http;
  if (!settings) throw new Error("The settings have a mistake");
  const receiver = createHttpReceiver(settings);
  // The page uses only these parts.
  const context = {
    overview: () => Promise.resolve(overview),
    deliveries,
    runtime: { now: () => NOW, sleep: () => Promise.resolve() },
  } as unknown as ReceiverContext;
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    return receiver.handle(request, { ip: "127.0.0.1" }, context);
  });
}

/** Lists the elements that are wider than the screen. */
const OVERFLOW = `[...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map((each) => each.outerHTML.slice(0, 100))`;

/** Runs axe-core. Lists what it finds, and what it cannot decide. */
const EXAMINE = `axe.run().then(({ violations, incomplete }) => [...violations, ...incomplete]
  .map(({ id, nodes }) => [id, ...nodes.map(({ target, any }) => [target, ...any.map(({ message }) => message)])]))`;

const PAGES = {
  busy: [busyOverview(), busyCounters()],
  quiet: [quietOverview(), busyCounters(30)],
  fresh: [
    quietOverview({ status: { ...quietOverview().status, lastDelivery: undefined } }),
    new DeliveryCounters(() => NOW),
  ],
  huge: [hugeOverview(), busyCounters()],
} as const;

/** A picture of the huge page would not fit into the memory of the browser. */
const PICTURED = ["busy", "quiet", "fresh"];

browserTest(
  "renderPage() passes axe-core, light and dark, and fits on a phone without scrolling sideways",
  PAGES,
  async ({ open }, title) => {
    const folder = Deno.env.get("PAGE_SHOTS");
    const page = await open();
    for (const [device, width] of Object.entries(WIDTHS)) {
      for (const scheme of title === "huge" ? ["light"] : ["light", "dark"]) {
        const what = `${title}-${device}-${scheme}`;
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.setViewport({ width, height: 800, deviceScaleFactor: device === "phone" ? 2 : 1 });
        if (folder && PICTURED.includes(title)) {
          await page.screenshot({
            path: `${folder}/${what}.png`,
            fullPage: true,
          });
        }
        await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
        assertEquals(await page.evaluate(OVERFLOW), [], what);
        await page.evaluate(axe.source);
        assertEquals(await page.evaluate(EXAMINE), [], what);
        await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = false");
      }
    }
  },
);

browserTest("renderPage() makes a page that is the same without JavaScript, and that nothing is blocked on", {
  busy: PAGES.busy,
}, async ({ browser, url, open }) => {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(dialog.message()));
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.authenticate({ username: "me", password: TOKEN });
  await page.goto(url);
  const look = async (shown: Page) => await shown.screenshot({ encoding: "base64" });
  const withScript = await look(page);
  assertEquals(complaints, []);
  assertEquals(requests.filter((address) => !address.startsWith("data:")), [url]);
  await page.setJavaScriptEnabled(false);
  await page.reload();
  assertEquals(await look(page), withScript);
  // The style sheet is used: its hash in the policy is right.
  assertEquals(await (await open()).evaluate("getComputedStyle(document.querySelector('.card')).borderRadius"), "12px");
});

browserTest("createHttpReceiver() asks a browser for the token, and shows no page with a wrong one", {
  quiet: PAGES.quiet,
}, async ({ browser, url }) => {
  const page = await browser.newPage();
  await page.authenticate({ username: "me", password: "wrong" });
  const refused = await page.goto(url);
  assertEquals([refused?.status(), await refused?.text()], [
    401,
    "sign in with any name, and the token of a sender as the password\n",
  ]);
  await page.authenticate({ username: "any name", password: TOKEN });
  await page.goto(url);
  assertEquals(await page.title(), "Everything is delivered – matrix-notify on jump");
  await page.click("nav a:last-child");
  await page.waitForSelector("::-p-text(Refreshes every minute)");
  assertEquals(page.url(), `${url}?refresh`);
});
