import { assertEquals } from "@std/assert";
import { serverSoftware } from "../../src/matrix/software.ts";
import { denoRuntime } from "../../src/runtime.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";

Deno.test("serverSoftware() asks without the token, which a Synapse that federates with few answers with 403", async () => {
  await using homeserver = await LoopbackHomeserver.start({ software: "Dendrite" });
  using runtime = denoRuntime();
  const client = { runtime, baseUrl: homeserver.url, accessToken: () => "secret", userAgent: "test" };
  assertEquals(await serverSoftware(client, { timeoutMs: 5000 }), "Dendrite");
  assertEquals(homeserver.requests.map(({ headers }) => headers.get("Authorization")), [null]);
});
