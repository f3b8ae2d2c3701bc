/** Channels that know only the server name of their homeserver, or its address with a path. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { LOCATE_EVERY_MS } from "../../../src/channels/matrix/homeserver_locator.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";

function openFor({ accessToken, room, open, runtime }: Scene, homeserver: string, own = runtime) {
  return open({ runtime: own, channels: { matrix: { homeserver, accessToken, room } } });
}

const count = ({ homeserver }: Scene, route: string) =>
  homeserver.requests.filter((request) => request.route === route).length;

Deno.test("MatrixChannel.send() finds the homeserver of a server name, with one lookup an hour for all processes", async () => {
  await using scene = await setScene();
  const name = new URL(scene.homeserver.url).host;
  for (const [subject, lookups] of [["One", 1], ["Two", 1], ["Three", 2]] as const) {
    if (subject === "Three") scene.runtime.time += LOCATE_EVERY_MS;
    await using notifier = await openFor(scene, name);
    await notifier.notify({ subject });
    assertEquals(count(scene, "well-known"), lookups);
  }
  assertEquals(scene.subjects(), ["One", "Two", "Three"]);
});

Deno.test("MatrixChannel.send() uses the last address while the lookup fails", async () => {
  await using scene = await setScene();
  await using notifier = await openFor(scene, new URL(scene.homeserver.url).host);
  await notifier.notify({ subject: "One" });
  scene.runtime.time += LOCATE_EVERY_MS;
  scene.homeserver.fault("500", { on: "well-known" });
  scene.homeserver.fault("500", { on: "versions" });
  const [outcome] = await notifier.notify({ subject: "Two" });
  assertEquals(outcome.state, "delivered");
});

Deno.test("MatrixChannel.send() defers a message, certainly not sent, if the homeserver cannot be found", async () => {
  await using scene = await setScene();
  const name = new URL(scene.homeserver.url).host;
  scene.homeserver.fault("500", { on: "well-known" });
  scene.homeserver.fault("500", { on: "versions" });
  await using notifier = await openFor(scene, name);
  const [outcome] = await notifier.notify({ subject: "One" }, { waitMs: 1 });
  assertStringIncludes(fieldsOf(outcome).reason ?? "", `Cannot find the homeserver of ${name}`);
  assertStringIncludes(fieldsOf(outcome).reason ?? "", "set homeserver to the address");
  await scene.homeserver.clearFaults();
  await notifier.flush();
  assertEquals([scene.subjects(), scene.puts(), count(scene, "messages")], [["One"], 1, 0]);
});

Deno.test("MatrixChannel.send() sends to a homeserver under a path", async () => {
  await using scene = await setScene();
  const urls: string[] = [];
  const fetch: typeof scene.runtime.fetch = (url, init, connection) => {
    urls.push(new URL(url).pathname);
    return scene.runtime.fetch(url.replace("/matrix/_matrix/", "/_matrix/"), init, connection);
  };
  await using notifier = await openFor(scene, `${scene.homeserver.url}/matrix/`, { ...scene.runtime, fetch });
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals(outcome.state, "delivered");
  assertEquals(urls.every((path) => path.startsWith("/matrix/_matrix/client/v3/")), true);
});
