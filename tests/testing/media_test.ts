import { assertEquals } from "@std/assert";
import { openScene } from "./scene.ts";

const BYTES = Uint8Array.of(0, 1, 2, 0xff);

Deno.test("download() returns an upload by its URI to any user with a token", async () => {
  await using scene = await openScene();
  const { homeserver, alice, ask } = scene;
  const headers = { "content-type": "application/x-own" };
  const { status, json } = await ask("POST", "/_matrix/media/v3/upload?filename=%C3%BC.bin", { headers, body: BYTES });
  const uri = String(json.content_uri);
  assertEquals([status, /^mxc:\/\/loopback\.test\/\w+$/.test(uri)], [200, true]);
  assertEquals(homeserver.uploads(), [
    { uri, sender: alice.userId, type: "application/x-own", filename: "ü.bin", bytes: BYTES },
  ]);
  const path = `/_matrix/client/v1/media/download/${uri.replace("mxc://", "")}`;
  const response = await fetch(homeserver.url + path, { headers: { authorization: `Bearer ${alice.accessToken}` } });
  assertEquals([response.headers.get("content-type"), await response.bytes()], ["application/x-own", BYTES]);
  assertEquals((await ask("GET", path, { token: undefined, headers: { authorization: "" } })).status, 401);
  assertEquals((await ask("GET", `${path}x`)).json.errcode, "M_NOT_FOUND");
});

Deno.test("upload() rejects a file that is too large or has no token, but no empty file; mediaConfig() returns the limit", async () => {
  await using scene = await openScene({ maxUploadBytes: 3 });
  const { ask } = scene;
  const path = "/_matrix/media/v3/upload";
  const large = await ask("POST", path, { body: BYTES });
  assertEquals([large.status, large.json.errcode], [413, "M_TOO_LARGE"]);
  assertEquals((await ask("POST", path, { token: "nobody's", body: BYTES })).json.errcode, "M_UNKNOWN_TOKEN");
  for (const place of ["/_matrix/client/v1/media/config", "/_matrix/media/v3/config"]) {
    assertEquals((await ask("GET", place)).json, { "m.upload.size": 3 });
  }
  assertEquals(scene.homeserver.uploads(), []);
  assertEquals((await ask("POST", path, { body: new Uint8Array() })).status, 200);
});
