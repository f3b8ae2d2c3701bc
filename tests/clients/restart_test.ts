/**
 * Stops, kills, reloads and upgrades `serve` while real clients send. A notification that `serve`
 * has accepted arrives once, also if the process ends at any moment.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { buildBundle } from "../../scripts/build/bundle_files.ts";
import { until } from "../../scripts/synapse/until.ts";
import { clientSuite, installPythonClients } from "./install.ts";

let python = "";
const clientTest = await clientSuite("Python's clients", async () => python = await installPythonClients());

/** The clients of {@linkcode PROGRAM}. */
const CLIENTS = ["python-ntfy", "gotify", "ntfy", "json", "form", "xml"];

/**
 * Each client sends numbered messages until the file `stop` exists. It sends a message again if
 * `serve` has not accepted it. The file `log` has a line for each attempt.
 */
const PROGRAM = `
import logging, os, threading, time
import apprise
from gotify import Gotify
from python_ntfy import NtfyClient
logging.disable(logging.CRITICAL)
host, token = os.environ["HOST"], os.environ["TOKEN"]
ntfy = NtfyClient(topic="alerts", server="http://" + host, auth=token)
gotify = Gotify(base_url="http://" + host, app_token=token)
def with_apprise(url):
    sender = apprise.Apprise()
    sender.add(url)
    return lambda text: sender.notify(title=text, body="body")
clients = {
    "python-ntfy": lambda text: ntfy.send("body", title=text),
    "gotify": lambda text: gotify.create_message("body", title=text),
    "ntfy": with_apprise(f"ntfy://u:{token}@{host}/alerts"),
    "json": with_apprise(f"json://u:{token}@{host}/notify"),
    "form": with_apprise(f"form://u:{token}@{host}/notify"),
    "xml": with_apprise(f"xml://u:{token}@{host}/notify"),
}
log, lock = open("log", "a", buffering=1), threading.Lock()
def send_all(name, send):
    number = 0
    while not os.path.exists("stop"):
        number += 1
        accepted = False
        while not accepted:
            try:
                accepted = bool(send(f"{name} {number}."))
            except Exception:
                pass
            with lock:
                print(name, number, "accepted" if accepted else "failed", file=log)
            time.sleep(0.2)
threads = [threading.Thread(target=send_all, args=client) for client in clients.items()]
for thread in threads: thread.start()
for thread in threads: thread.join()
`;

clientTest("serve loses no message of real clients in a kill, a stop, a reload and an upgrade", async (server) => {
  const bundle = `${server.directory}/bundle`;
  await Deno.mkdir(bundle);
  await buildBundle(bundle);
  const attempts = async () => {
    const log = await Deno.readTextFile(`${server.directory}/log`).catch(() => "");
    return log.split("\n").filter((line) => line !== "").map((line) => line.split(" "));
  };
  /** Waits until each client has sent two more messages. */
  const waitForMore = async () => {
    const count = async () => {
      const accepted = (await attempts()).filter(([, , result]) => result === "accepted");
      return CLIENTS.map((client) => accepted.filter(([name]) => name === client).length);
    };
    const before = await count();
    const hasMore = async () => (await count()).every((each, at) => each >= before[at] + 2) || undefined;
    await until(hasMore, { what: "more messages of each client", limitMs: 60_000 });
  };
  const changeServe = async () => {
    await waitForMore();
    await server.reload();
    await waitForMore();
    await server.stop("SIGKILL");
    await server.start();
    await waitForMore();
    await server.stop("SIGTERM");
    await server.start(bundle);
    await waitForMore();
    await Deno.writeTextFile(`${server.directory}/stop`, "");
  };
  const env = { HOST: server.host, TOKEN: server.token };
  await Promise.all([server.run(python, ["-c", PROGRAM], env), changeServe()]);
  const tries = new Map<string, number>(), seen = new Map<string, number>();
  const add = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const [client, number] of await attempts()) add(tries, `${client} ${number}`);
  for (const text of await server.arrived()) add(seen, /([\w-]+ \d+)\./.exec(text)?.[1] ?? text);
  assertEquals([...tries.keys()].filter((name) => !seen.has(name)), []);
  // At a kill, a client may not see the answer for a message on disk. Then it sends the message
  // again.
  assertEquals([...seen].filter(([name, count]) => count > (tries.get(name) ?? 0)), []);
  const repeated = [...seen.values()].reduce((sum, count) => sum + count - 1, 0);
  assertEquals(repeated <= CLIENTS.length, true, `${repeated} messages were repeated`);
});
