import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { main } from "../../../src/cli/main.ts";
import { ROUTER_SCRIPTS } from "../../../src/cli/setup/router_scripts.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { tlsFile } from "../../fakes/tls.ts";

/** Runs `setup router` in a directory with a configuration file. */
async function withConfig(
  config: unknown,
  body: (
    run: (...words: string[]) => Promise<{ code: number; out: string; err: string }>,
    read: (name?: string) => string,
    directory: string,
  ) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "setup-router-" });
  const path = `${directory}/config.json`;
  if (config !== undefined) await Deno.writeTextFile(path, JSON.stringify(config), { mode: 0o600 });
  try {
    await body(
      async (...words) => {
        using runtime = fakeRuntime({ stdin: "", realIds: true });
        const places = ["--config", path, "--state-dir", `${directory}/state`];
        const code = await main(["setup", "router", ...words, ...places], runtime);
        return { code, out: runtime.out(), err: runtime.err() };
      },
      (name = "config.json") => Deno.readTextFileSync(`${directory}/${name}`),
      directory,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const PLACE = ["--address", "192.168.88.2", "--network", "192.168.88.1"];

Deno.test("setUpRouter() adds a sender with a token in a file, and prints the same token again", async () => {
  await withConfig({ identity: "jump" }, async (run, read, directory) => {
    const first = await run("core1", ...PLACE);
    assertEquals(first.code, 0, first.err);
    const token = read("core1.token").trim();
    assertMatch(token, /^[0-9a-f]{64}$/);
    assertStringIncludes(first.out, `Bearer ${token}`);
    assertEquals(JSON.parse(read()), {
      identity: "jump",
      serve: {
        http: {
          host: "192.168.88.2",
          senders: { core1: { tokenFile: `${directory}/core1.token`, statusPage: false, networks: ["192.168.88.1"] } },
        },
      },
    });
    for (const name of ["core1.token", "config.json"]) {
      assertEquals((Deno.statSync(`${directory}/${name}`).mode ?? 0) & 0o777, 0o600, name);
    }
    const text = read();
    const again = await run("core1", "--for", "openwrt", "--yes");
    assertStringIncludes(again.out, `token=${token}\n`);
    assertEquals([read(), again.err.includes("Wrote")], [text, false]);
    const other = await run("core2", "--network", "10.0.0.0/8,fd00::/8", "--network", "10.1.1.1", "--yes");
    assertEquals(other.code, 0, other.err);
    assertEquals(JSON.parse(read()).serve.http.senders.core2.networks, ["10.0.0.0/8", "fd00::/8", "10.1.1.1"]);
    assertNotEquals(read("core2.token"), read("core1.token"));
  });
});

Deno.test("setUpRouter() keeps the programs of this host, and the other settings of serve.http", async () => {
  const hooks = { pve: { preset: "proxmox" } };
  await withConfig({ serve: { sockets: { socket: {} }, http: { port: 99, hooks } } }, async (run, read, directory) => {
    const { code, out, err } = await run("core1", ...PLACE);
    assertEquals(code, 0, err);
    assertStringIncludes(out, "http://192.168.88.2:99/notify");
    assertEquals(JSON.parse(read()).serve, {
      sockets: { socket: {} },
      http: {
        ...{ port: 99, hooks, host: "0.0.0.0" },
        senders: {
          local: { networks: ["127.0.0.1", "::1"] },
          core1: { tokenFile: `${directory}/core1.token`, statusPage: false, networks: ["192.168.88.1"] },
        },
      },
    });
  });
  const senders = { prometheus: { token: "tk-prometheus" } };
  await withConfig({ serve: { http: { host: "10.0.0.2", senders } } }, async (run, read) => {
    const { out } = await run("core1", ...PLACE, "--port", "8500");
    assertStringIncludes(out, "http://192.168.88.2:8500/notify");
    const { http } = JSON.parse(read()).serve;
    assertEquals([http.host, http.port, Object.keys(http.senders)], ["10.0.0.2", 8500, ["prometheus", "core1"]]);
  });
});

Deno.test("setUpRouter() listens at all addresses for a name, and uses brackets for IPv6", async () => {
  for (const [address, host, url] of [["notify.lan", "0.0.0.0", "notify.lan"], ["fd00::2", "fd00::2", "[fd00::2]"]]) {
    await withConfig({}, async (run, read) => {
      const { code, out, err } = await run("core1", "--address", address, "--network", "fd00::1");
      assertEquals(code, 0, err);
      assertStringIncludes(out, `url=\\"http://${url}:8411/notify\\"`);
      assertEquals(JSON.parse(read()).serve.http.host, host);
    });
  }
});

Deno.test("setUpRouter() uses https with a certificate, and RouterOS then checks it", async () => {
  await withConfig({}, async (run, read) => {
    const files = ["--cert-file", tlsFile("server.pem"), "--key-file", tlsFile("server.key")];
    const { code, out, err } = await run("core1", ...PLACE, ...files);
    assertEquals(code, 0, err);
    assertStringIncludes(out, 'url=\\"https://192.168.88.2:8411/notify\\"');
    assertStringIncludes(out, "check-certificate=yes-without-crl");
    assertStringIncludes(err, "/certificate/import file-name=ca.pem");
    assertEquals(JSON.parse(read()).serve.http.certFile, tlsFile("server.pem"));
    assertEquals((await run("core2", ...PLACE, "--cert-file", "/no/such")).code, 78);
  });
});

Deno.test("setUpRouter() changes nothing if a value or the configuration cannot be used", async () => {
  const http = { host: "192.168.88.2", senders: { lan: { networks: ["192.168.88.0/24"] } } };
  await withConfig({ serve: { http } }, async (run, read, directory) => {
    const text = read();
    for (
      const [words, code, problem] of [
        [["lan", ...PLACE], 78, "the sender of this name has no token"],
        [["a/b", ...PLACE], 64, "it may contain only letters"],
        [["core1", "--address", "http://x/y", "--network", "10.0.0.1"], 64, "it is not an IP address or a host name"],
        [["core1", "--address", "10.0.0.2:80", "--network", "10.0.0.1"], 64, "it is not an IP address or a host name"],
        [["core1", "--address", "10.0.0.2", "--network", "10.0.0.0/33"], 64, "neither an IP address nor a network"],
        [["core1", ...PLACE, "--port", "70000"], 64, "it is not a port"],
        [["core1", ...PLACE, "--for", "routeros6"], 64, "must be one of routeros, netwatch, openwrt, opnsense"],
      ] as const
    ) {
      const result = await run(...words);
      assertEquals([result.code, result.out], [code, ""], words.join(" "));
      assertStringIncludes(result.err, problem);
    }
    assertEquals([read(), [...Deno.readDirSync(directory)].some(({ name }) => name.endsWith(".token"))], [text, false]);
  });
  await withConfig({ identity: 5 }, async (run, read) => {
    assertEquals((await run("core1", ...PLACE)).code, 78);
    assertEquals(read(), '{"identity":5}');
  });
});

Deno.test("ROUTER_SCRIPTS quote an unusual token for each language", () => {
  const values = { url: "http://192.168.88.2:8411/notify", token: `a"b$c\\d'e?f` };
  const module = ROUTER_SCRIPTS.routeros(values);
  // Once for the text of the module, and once for its source.
  assertStringIncludes(module, String.raw`Bearer a\\\"b\\\$c\\\\d'e\\3Ff\"`);
  assertEquals(module.includes("?"), false);
  assertStringIncludes(ROUTER_SCRIPTS.opnsense(values), String.raw`token='a"b$c\d'\''e?f'`);
});
