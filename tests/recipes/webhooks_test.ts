/** Tests the configurations of `docs/recipes.md` against the formats that the services publish. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LoopbackWebhook } from "../../src/testing/mod.ts";
import { openChannel } from "../channels/harness.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { LoopbackSlack } from "../fakes/slack_server.ts";
import { recipeSteps } from "./page.ts";

/** A subject that tries to notify everyone. */
const SUBJECT = 'Hi @everyone @channel <!here> <at>Alice</at> "quoted"';

/** Sends a notification through the channel of a recipe to a service at another address. */
async function sendTo(url: string, title: string, message: string): Promise<void> {
  const [{ text }] = recipeSteps(title);
  const { channels } = JSON.parse(text);
  const [{ kind = "", urlFile: _, ...settings }]: { kind?: string; urlFile?: string }[] = Object.values(channels);
  using runtime = fakeRuntime();
  await openChannel(kind, { ...settings, url }, runtime).send({ subject: SUBJECT, message });
}

/** Returns the JSON that a service of the kind `webhook` gets. */
async function bodyOf(title: string, message: string): Promise<Readonly<Record<string, unknown>>> {
  await using service = await LoopbackWebhook.start();
  await sendTo(`${service.url}/hooks/secret`, title, message);
  const [{ method, headers, body }] = service.deliveries;
  assertEquals([method, headers.get("content-type")?.split(";")[0]], ["POST", "application/json"]);
  return body as Readonly<Record<string, unknown>>;
}

Deno.test("the recipe for Discord has a content of at most 2000 characters, and allows no mention", async () => {
  const { content, allowed_mentions, flags, ...rest } = await bodyOf("Discord", "x".repeat(5000));
  assertEquals(rest, {});
  // An empty `parse` suppresses all mentions. Flag 4 is SUPPRESS_EMBEDS.
  assertEquals([allowed_mentions, flags], [{ parse: [] }, 4]);
  assert(String(content).length <= 2000, String(content).length.toString());
  assertStringIncludes(String(content), "@everyone");
});

Deno.test("the recipe for Mattermost has a text that notifies no user", async () => {
  await using service = new LoopbackSlack();
  await sendTo(service.url, "Mattermost", "x".repeat(20_000));
  const [text] = service.texts;
  assert(text.length <= 16_383 && text.length > 15_000);
  assert(!/@(channel|all|here|everyone)/.test(text), text.slice(0, 200));
});

Deno.test("the recipe for Teams has an Adaptive Card of at most 28 KB without mentions", async () => {
  const body = await bodyOf("Microsoft Teams", "€".repeat(50_000));
  assertEquals(body.type, "message");
  const [{ contentType, content }, ...others] = body.attachments as Record<string, never>[];
  assertEquals([contentType, others], ["application/vnd.microsoft.card.adaptive", []]);
  const { type, version, body: blocks, ...rest } = content as Record<string, never>;
  assertEquals([type, version, Object.keys(rest)], ["AdaptiveCard", "1.4", ["$schema"]]);
  for (const block of blocks as Record<string, unknown>[]) {
    assertEquals([block.type, block.wrap, typeof block.text], ["TextBlock", true, "string"]);
  }
  assert(new TextEncoder().encode(JSON.stringify(body)).length < 28_000);
});
