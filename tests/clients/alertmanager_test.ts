/** Tests `/alertmanager` with Debian's Alertmanager and the configuration of `docs/serve.md`. */

import { assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../../scripts/free_port.ts";
import { run } from "../../scripts/std/command.ts";
import { until } from "../../scripts/synapse/until.ts";
import { readBlocks } from "../e2e/docs_blocks.ts";
import { clientSuite, unpackDebian } from "./install.ts";
import type { ServeTest } from "./serve.ts";

const PROGRAM = "/usr/bin/prometheus-alertmanager";

/** Debian's Alertmanager reads templates below `/usr/share`. */
const MOUNT_AND_RUN =
  'mount -t overlay overlay -o "lowerdir=$FOLDER/usr/share:/usr/share" /usr/share && exec "$0" "$@"';

let folder = "";
const clientTest = await clientSuite("a real Alertmanager", async () => {
  if (!(await run("unshare", ["--mount", "true"])).success) {
    throw new Error("Cannot run Alertmanager: it needs Linux, root and the right to create namespaces");
  }
  folder = await unpackDebian("prometheus-alertmanager", PROGRAM);
});

/** A running Alertmanager. */
class Alertmanager implements AsyncDisposable {
  readonly #url: string;
  readonly #child: Deno.ChildProcess;

  private constructor(url: string, child: Deno.ChildProcess) {
    this.#url = url;
    this.#child = child;
  }

  /** Starts it with the receiver of the documentation. It waits for nothing before it sends. */
  static async start({ host, token, directory }: ServeTest): Promise<Alertmanager> {
    const block = readBlocks("docs/serve.md").find(({ text }) => text.includes("/alertmanager\n"));
    const receivers = block?.text.replace("192.168.88.2:8411", host).replace("TOKEN", token);
    const route = "route: { receiver: ops, group_by: [site], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }";
    await Deno.writeTextFile(`${directory}/alertmanager.yml`, `${route}\n${receivers}`);
    const address = `127.0.0.1:${freePort()}`;
    const child = new Deno.Command("unshare", {
      args: [
        ...["--mount", "sh", "-c", MOUNT_AND_RUN, `${folder}${PROGRAM}`],
        ...[`--config.file=${directory}/alertmanager.yml`, `--storage.path=${directory}/alertmanager`],
        ...[`--web.listen-address=${address}`, "--cluster.listen-address="],
      ],
      env: { FOLDER: folder },
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
    const started = new Alertmanager(`http://${address}`, child);
    try {
      const isReady = async () => (await started.#request("/-/ready").catch(() => undefined))?.ok || undefined;
      await until(isReady, { what: "Alertmanager", limitMs: 60_000 });
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Reports alerts as Prometheus does. An alert with `endsAt` is over. */
  async report(...alerts: readonly object[]): Promise<void> {
    const { status } = await this.#request("/api/v2/alerts", alerts);
    assertEquals(status, 200);
  }

  async #request(path: string, body?: unknown): Promise<Response> {
    const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${this.#url}${path}`, body === undefined ? {} : post);
    await response.body?.cancel();
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
  }
}

/** Creates an alert of one group. */
function alert(name: string, severity: string): { readonly labels: object; readonly annotations: object } {
  return { labels: { alertname: name, severity, site: "home" }, annotations: { summary: `${name} on sda1` } };
}

clientTest(
  "Alertmanager fires and resolves the alerts of a group, through a kill and a restart of serve",
  async (server) => {
    await using alertmanager = await Alertmanager.start(server);
    const full = alert("Disk full", "critical"), slow = alert("Disk slow", "warning");
    await alertmanager.report(full, slow);
    const fired = (await server.arrived(2)).toSorted();
    assertEquals(fired.map((text) => text.split("\n")[0]), [
      "[jump] ⚠️ Disk slow on sda1",
      "[jump] 🚨 Disk full on sda1",
    ]);
    assertMatch(fired[1], /\n\nAlert: Disk full\nSince: \d{4}-\S+Z\nsite: home$/);

    // Nothing listens when the first alert is resolved. Alertmanager tries again.
    await server.stop("SIGKILL");
    await alertmanager.report({ ...full, endsAt: new Date().toISOString() });
    await server.start();
    // The other alert of the group fires still, and has not changed.
    const [resolved, ...others] = await server.arrived(1);
    assertMatch(resolved, /^\[jump\] ✅ Resolved after .*: Disk full on sda1\n/);
    assertEquals(others, []);

    await server.stop("SIGTERM");
    await alertmanager.report({ ...slow, endsAt: new Date().toISOString() }, alert("Disk gone", "error"));
    await server.start();
    const last = (await server.arrived(2)).toSorted();
    assertEquals(last.map((text) => text.split("\n")[0].replace(/after .*:/, "after:")), [
      "[jump] ✅ Resolved after: Disk slow on sda1",
      "[jump] ❌ Disk gone on sda1",
    ]);
  },
);
