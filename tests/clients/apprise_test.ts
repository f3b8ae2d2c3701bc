/** Tests the receivers of `serve` with Apprise, which sends to servers of many kinds. */

import { assertEquals } from "@std/assert";
import { clientSuite, installPythonClients } from "./install.ts";
import type { ServeTest } from "./serve.ts";

let python = "";
const clientTest = await clientSuite("Apprise", async () => python = await installPythonClients());

/** Runs the command line of Apprise. */
function apprise(server: ServeTest, ...args: readonly string[]): Promise<string> {
  return server.run(python, [python.replace(/python$/, "apprise"), ...args]);
}

clientTest("Apprise sends with ntfy://, gotify://, json:// and form://", async (server) => {
  const { host, token } = server;
  const urls: readonly (readonly [url: string, shown: string])[] = [
    [`ntfy://${token}@${host}/alerts?priority=5&tags=warning`, "[jump] 🚨 ⚠️ Disk full"],
    [`gotify://${host}/${token}?priority=high`, "[jump] ❌ Disk full"],
    [`json://${host}/notify?+Authorization=Bearer%20${token}`, "[jump] ❌ Disk full"],
    [`form://user:${token}@${host}/notify`, "[jump] ❌ Disk full"],
  ];
  for (const [url, shown] of urls) {
    await apprise(server, "-t", "Disk full", "-b", "sda1 ü", "-n", "failure", url);
    const [text, ...others] = await server.arrived();
    assertEquals([text?.split("\n").slice(0, 3), others], [[shown, "", "sda1 ü"], []], url);
  }
});
