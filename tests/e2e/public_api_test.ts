import { assertEquals } from "@std/assert";
import * as door from "../../mod.ts";
import * as testing from "../../src/testing/mod.ts";

Deno.test("mod.ts exports what importers use, and nothing else", () => {
  assertEquals(Object.keys(door).toSorted(), [
    "ConfigError",
    "HintedError",
    "InvalidNotificationError",
    "Notifier",
    "StorageError",

    "sendMatrix",
    "sendNotification",
  ]);
});

Deno.test("testing exports its servers, and nothing else", () => {
  assertEquals(Object.keys(testing).toSorted(), [
    "LoopbackAuthorizationServer",
    "LoopbackGotify",
    "LoopbackHomeserver",
    "LoopbackNtfy",
    "LoopbackServer",
    "LoopbackTelegram",
    "LoopbackWebhook",
  ]);
});
