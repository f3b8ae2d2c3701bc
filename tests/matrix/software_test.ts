import { assertEquals } from "@std/assert";
import { serverSoftware } from "../../src/matrix/software.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

Deno.test("serverSoftware() tells the name, and shows no token to a part of the API that takes it for a stranger's", async () => {
  using runtime = fakeRuntime();
  await using homeserver = await LoopbackHomeserver.start({ software: "Dendrite" });
  const credentials = { accessToken: () => homeserver.addUser("bot").accessToken };
  const client = { runtime, baseUrl: homeserver.url, userAgent: "test/1", credentials };
  assertEquals(await serverSoftware(client, { timeoutMs: 1000 }), "Dendrite");
  assertEquals(homeserver.requests.map(({ headers }) => headers.get("authorization")), [null]);
});
