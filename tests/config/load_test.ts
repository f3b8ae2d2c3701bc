import { assertEquals } from "@std/assert";
import { readSources } from "../../src/config/load.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

Deno.test("readSources() reads the relative paths in a file from the directory of the file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const channels = {
      matrix: { homeserver: "example.org", accessTokenFile: "token", caFile: "./tls/ca.pem" },
      hook: { kind: "webhook", headerFiles: { Authorization: "../auth", "X-Key": "/etc/key" }, urlFile: 1 },
      ntfy: { topic: "a/b", tokenFile: "ignored" },
    };
    const serve = {
      http: {
        certFile: "cert.pem",
        keyFile: "/etc/key.pem",
        senders: { a: { tokenFile: "a" }, bFile: { token: "x" } },
      },
      sockets: { socket: {} },
    };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ channels, serve }));
    using runtime = fakeRuntime({ env: { NTFY_TOKEN_FILE: "from-the-environment" } });
    const { value } = await readSources(runtime, { configFile: `${folder}/config.json` });
    assertEquals(value.channels, {
      matrix: { homeserver: "example.org", accessTokenFile: `${folder}/token`, caFile: `${folder}/tls/ca.pem` },
      hook: {
        kind: "webhook",
        headerFiles: { Authorization: `${folder}/../auth`, "X-Key": "/etc/key" },
        urlFile: 1,
      },
      ntfy: { topic: "a/b", tokenFile: "from-the-environment" },
    });
    assertEquals(value.serve, {
      http: {
        ...{ certFile: `${folder}/cert.pem`, keyFile: "/etc/key.pem" },
        senders: { a: { tokenFile: `${folder}/a` }, bFile: { token: "x" } },
      },
      sockets: { socket: {} },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
