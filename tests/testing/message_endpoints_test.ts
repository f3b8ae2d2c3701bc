import { assertEquals } from "@std/assert";
import type { HomeserverOptions } from "../../src/testing/mod.ts";
import { openScene, type Scene } from "./scene.ts";

interface Page {
  readonly chunk: readonly {
    readonly type: string;
    readonly content: Readonly<Record<string, unknown>>;
    readonly unsigned?: Readonly<Record<string, unknown>>;
  }[];
  readonly start: string;
  readonly end?: string;
}

async function page(scene: Scene, query: string, token = scene.alice.accessToken): Promise<Page> {
  const path = `/_matrix/client/v3/rooms/${scene.roomId}/messages?${query}`;
  return JSON.parse((await scene.ask("GET", path, { token })).text);
}

function texts({ chunk }: Page): unknown[] {
  return chunk.map(({ type, content }) => content.body ?? type);
}

async function filledScene(count: number, options?: HomeserverOptions): Promise<Scene> {
  const scene = await openScene(options);
  for (let number = 1; number <= count; number++) await scene.send(String(number));
  return scene;
}

Deno.test("messages() returns pages, newest first, when dir is b", async () => {
  await using scene = await filledScene(3);
  const first = await page(scene, "dir=b&limit=2");
  assertEquals(texts(first), ["3", "2"]);
  const second = await page(scene, `dir=b&limit=3&from=${first.end}`);
  assertEquals(texts(second), ["1", "m.room.member", "m.room.create"]);
  assertEquals(second.start, first.end);
  const last = await page(scene, `dir=b&limit=3&from=${second.end}`);
  assertEquals([last.chunk.length, "end" in last], [0, false]);
});

Deno.test("messages() returns events oldest first when dir is f", async () => {
  await using scene = await filledScene(2);
  const first = await page(scene, "dir=f&limit=3");
  assertEquals(texts(first), ["m.room.create", "m.room.member", "1"]);
  assertEquals(texts(await page(scene, `dir=f&from=${first.end}`)), ["2"]);
});

Deno.test("messages() returns at most ten events by default", async () => {
  await using scene = await filledScene(11);
  assertEquals((await page(scene, "dir=b")).chunk.length, 10);
});

Deno.test("messages() returns at most 100 events when the software is Dendrite", async () => {
  await using dendrite = await filledScene(101, { software: "Dendrite" });
  assertEquals((await page(dendrite, "dir=b&limit=1000")).chunk.length, 100);
  await using synapse = await filledScene(101);
  assertEquals((await page(synapse, "dir=b&limit=1000")).chunk.length, 103);
});

Deno.test("messages() contains the transaction id for the sending device when the software is Synapse", async () => {
  await using scene = await filledScene(1);
  const { homeserver, alice } = scene;
  const idFor = async (token: string) => (await page(scene, "dir=b", token)).chunk[0]?.unsigned?.transaction_id;
  assertEquals(await idFor(alice.accessToken), "1");
  assertEquals(await idFor(homeserver.addToken(alice.userId, { deviceId: alice.deviceId })), "1");
  assertEquals(await idFor(homeserver.addToken(alice.userId, { deviceId: "OTHER" })), undefined);
  assertEquals(await idFor(homeserver.addToken(alice.userId)), undefined);
  const [admin, other] = [homeserver.addToken(alice.userId), homeserver.addToken(alice.userId)];
  await scene.send("2", { token: admin });
  assertEquals([await idFor(admin), await idFor(other)], ["2", undefined]);
  await using dendrite = await filledScene(1, { software: "Dendrite" });
  assertEquals((await page(dendrite, "dir=b")).chunk[0]?.unsigned, undefined);
  await using conduit = await filledScene(1, { software: "Conduit" });
  assertEquals((await page(conduit, "dir=b")).chunk[0]?.unsigned?.transaction_id, undefined);
});

Deno.test("messages() filters before it cuts the page when the software is Synapse, and after it when it is Dendrite", async () => {
  const filter = `filter=${encodeURIComponent('{"types":["m.room.create"]}')}`;
  await using synapse = await filledScene(2);
  const found = await page(synapse, `dir=b&limit=2&${filter}`);
  assertEquals([texts(found), "end" in found], [["m.room.create"], true]);
  await using dendrite = await filledScene(2, { software: "Dendrite" });
  const nothing = await page(dendrite, `dir=b&limit=2&${filter}`);
  assertEquals([texts(nothing), "end" in nothing], [[], false]);
  const senders = `filter=${encodeURIComponent('{"not_senders":["@alice:loopback.test"]}')}`;
  assertEquals(texts(await page(synapse, `dir=b&${senders}`)), []);
});

Deno.test("messages() rejects a wrong query", async () => {
  await using scene = await openScene();
  const path = `/_matrix/client/v3/rooms/${scene.roomId}/messages`;
  const answers = [];
  for (const query of ["", "?dir=x", "?dir=b&limit=-1", "?dir=b&from=x", "?dir=b&filter=x"]) {
    const { status, json } = await scene.ask("GET", path + query);
    answers.push(`${status} ${json.errcode}`);
  }
  const invalid = "400 M_INVALID_PARAM";
  assertEquals(answers, ["400 M_MISSING_PARAM", invalid, invalid, invalid, invalid]);
});

Deno.test("messages() is an error with Synapse and empty with Dendrite when the reader is not in the room", async () => {
  for (const [software, expected] of [["Synapse", "403 M_FORBIDDEN"], ["Dendrite", "200 undefined"]] as const) {
    await using scene = await filledScene(1, { software });
    const token = scene.homeserver.addUser("bob").accessToken;
    const path = `/_matrix/client/v3/rooms/${scene.roomId}/messages?dir=b`;
    const { status, json } = await scene.ask("GET", path, { token });
    assertEquals(`${status} ${json.errcode}`, expected);
    assertEquals(json.chunk ?? [], []);
  }
});
