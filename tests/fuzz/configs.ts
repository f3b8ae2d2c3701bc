/**
 * Fuzzes configuration files: changed values and damaged bytes. Every command reports the mistakes;
 * a notification is accepted or refused with a documented exit code, and never half.
 *
 * @module
 */

import type { ChannelKind } from "../../src/channels/kind.ts";
import { loadEveryKind } from "../../src/channels/registry.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { type Fuzzer, FuzzHost, listQueue } from "./fuzzer.ts";
import { changeBytes, changeJson, hostileText, hostileValue, pick } from "./hostile.ts";

/** Settings at the top of the file. */
const TOP = {
  identity: "jump",
  title: "{symbol}{subject} ({identity})",
  batch: { over: 5, style: "lines" },
  rateLimit: { count: 3, per: "10s" },
  quiet: { from: "22:00", to: "07:00" },
  routes: [
    { when: { severity: "critical", origin: "backup*" }, mentions: "@room" },
    { when: { subject: "/disk|net/" }, channels: ["ntfy", "gotify"], stop: true },
    { channels: "ntfy" },
  ],
};

const APPRISE = [
  "ntfys://user:pass@ntfy.example.org/alerts",
  "gotify://gotify.example.org/A-token?priority=high",
  "tgram://123456789:AAtoken/1001/",
  "mailto://user:pass@example.org?to=root@example.org",
  "json://user:pass@example.org:8080/hook?+X-Team=ops",
  "matrixs://token@matrix.example.org/!room:example.org/#alias",
  "slack://T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
];

/**
 * Creates a configuration with some channels and settings, from the examples in the documentation.
 */
function createExample(kinds: readonly ChannelKind[], dice: Dice): Readonly<Record<string, unknown>> {
  const channels: Record<string, unknown> = {};
  for (const { name, settings } of kinds.filter(() => dice(3) === 0)) {
    const values = Object.entries(settings)
      .filter(([, { optional, excludes }]) => excludes === undefined && (!optional || dice(2) === 0))
      .map(([key, { schema }]) => [key, pick(dice, schema.examples)]);
    channels[name] = { kind: name, ...Object.fromEntries(values) };
  }
  for (const [at, url] of APPRISE.entries()) if (dice(4) === 0) channels[`url ${at}`] = url;
  const top = Object.entries(TOP).filter(() => dice(2) === 0);
  return { ...Object.fromEntries(top), background: false, channels };
}

function damage(
  config: Readonly<Record<string, unknown>>,
  dice: Dice,
): { readonly text: string | Uint8Array; readonly kind: string } {
  switch (dice(8)) {
    case 0:
      return { text: changeBytes(new TextEncoder().encode(JSON.stringify(config)), dice), kind: "damaged bytes" };
    case 1:
      return {
        text: changeJson({ ...config, channels: { "url": changeText(pick(dice, APPRISE), dice) } }, dice),
        kind: "a changed Apprise URL",
      };
    case 2:
      return { text: JSON.stringify({ ...config, [hostileText(dice)]: hostileValue(dice) }), kind: "an unknown key" };
    default:
      return { text: changeJson(config, dice), kind: "changed values" };
  }
}

function changeText(text: string, dice: Dice): string {
  return new TextDecoder().decode(changeBytes(new TextEncoder().encode(text), dice));
}

async function play(kinds: readonly ChannelKind[], dice: Dice): Promise<string> {
  using host = new FuzzHost();
  const { text, kind } = damage(createExample(kinds, dice), dice);
  host.env.MATRIX_NOTIFY_CONFIG = host.write("config.json", text);
  host.fetch = () => Promise.reject(new TypeError("client error (Connect): refused"));
  await host.run(["config", "check"]);
  await host.run(["config", "check", "--json"]);
  await host.run(["config", "show"]);
  await host.run(["route", "explain", "--severity", pick(dice, ["info", "critical"]), "Disk full"]);
  const { code } = await host.run(["send", "Disk full", "--wait", "0s", "--no-background", "--severity", "critical"]);
  const entries = await listQueue(host);
  if (code === 0 && entries.length === 0) throw new Error("The notification is accepted, but not in the queue");
  await host.run(["status"]);
  await host.run(["queue", "list"]);
  if (dice(4) === 0) await host.run(["whoami"]);
  if (dice(4) === 0) await host.run(["send", "Disk full", "--dry-run"]);
  return kind;
}

export const configs: Fuzzer = {
  name: "configs",
  async open() {
    const kinds = await loadEveryKind();
    return {
      play: async (seed) => await play(kinds, seededDice(seed)),
      async [Symbol.asyncDispose]() {},
    };
  },
};
