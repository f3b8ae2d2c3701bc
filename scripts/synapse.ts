/**
 * A real homeserver for tests and for developers. Tests import {@linkcode Synapse}. As a program it
 * starts one with two users and a room, prints the commands to use it, and runs until Ctrl-C.
 *
 * ```sh
 * deno run -A scripts/synapse.ts [--rate-limits]
 * ```
 *
 * @module
 */

import { SYNAPSE_VERSION } from "./synapse/install.ts";
import { Synapse } from "./synapse/server.ts";

export type { ApiRequest, RoomEvent, RoomOptions, SynapseUser } from "./synapse/api.ts";
export type { SynapseOptions } from "./synapse/config.ts";
export { installSynapse, SYNAPSE_VERSION } from "./synapse/install.ts";
export { SynapseStartError } from "./synapse/process.ts";
export { type SqlValue, Synapse } from "./synapse/server.ts";
export { until, type UntilOptions } from "./synapse/until.ts";

const USAGE = `Starts a Synapse on the loopback interface, with two users and a room, until Ctrl-C.

  --rate-limits   keep Synapse's own rate limits (10 messages at once, then one in 5 s); otherwise there are none
  --help          show this help
`;

/** Runs a homeserver until a signal arrives, and removes its data. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  const unknown = args.find((arg) => arg !== "--rate-limits");
  if (unknown !== undefined) {
    console.error(`Cannot start Synapse: unknown option ${unknown}\n\n${USAGE}`);
    return 64;
  }
  await using synapse = await Synapse.start({ rateLimits: args.length > 0 ? "default" : "off" });
  console.log(await createIntroduction(synapse));
  await waitForSignal();
  console.error("Stopping Synapse");
  return 0;
}

/** Creates the users and the room. Returns the commands to use them. */
async function createIntroduction(synapse: Synapse): Promise<string> {
  const sender = await synapse.registerUser("notifier");
  const reader = await synapse.registerUser("reader");
  const room = await synapse.createRoom(sender, { invite: [reader], alias: "alerts", name: "Alerts" });
  await synapse.joinRoom(reader, room);
  const messages = `${synapse.url}/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=b`;
  return `# Synapse ${SYNAPSE_VERSION} runs until Ctrl-C. To send as ${sender.userId} (password: ${sender.password}):
export MATRIX_HOMESERVER=${synapse.url}
export MATRIX_ACCESS_TOKEN=${sender.accessToken}
export MATRIX_ROOM='${room}'

# To set up a channel for it instead, with that password:
deno task matrix-notify setup --homeserver ${synapse.url} --user ${sender.userId} --room '${room}'

# To read the room (also #alerts:${synapse.serverName}) as ${reader.userId}:
curl -sS -H 'Authorization: Bearer ${reader.accessToken}' '${messages}'
`;
}

/**
 * Resolves at the first signal that ends a program. Before this is called, a signal ends the
 * program at once, and Synapse removes its data itself.
 */
function waitForSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, () => resolve());
  });
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
  // The signal listeners would keep the process alive.
  Deno.exit();
}
