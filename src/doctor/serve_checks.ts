/** Checks of `serve`: its receivers, its sockets and its unit. */

import { defaultSocketPath, socketPath } from "../config/paths.ts";
import { loadConfig } from "../config/load.ts";
import type { HttpSettings, SocketSettings } from "../config/serve.ts";
import { SERVE_SERVICE } from "../notifier/background/timer_units.ts";
import { findGroup, probeSocket, SOCKET_GROUP } from "../runtime/unix_socket.ts";
import { type Check, failure, type Found, ok, warning } from "../channels/check.ts";
import { askHost, type DoctorContext, stateDirOf } from "./context.ts";

const RELOAD_HINT = `run: systemctl reload ${SERVE_SERVICE}`;
const INSTALL_HINT = "run: matrix-notify service install --serve";

/**
 * Checks that `serve` runs with the receivers of the configuration. If no receiver is configured,
 * the check reports nothing.
 */
export const serve: Check<DoctorContext> = {
  name: "serve",
  async *look(context) {
    const { serve } = await loadConfig(context.runtime, context.options);
    const http = serve?.http || undefined;
    const sockets = [...serve?.sockets ?? []].map(([name, settings]) => ({
      ...settings,
      path: pathOf(name, settings),
    }));
    if (http === undefined && sockets.length === 0) return;
    if (http !== undefined && !context.host.hasAddress(http.host)) {
      const hint = "set serve.http.host to an address that `ip address` shows";
      return yield failure(`serve cannot listen: this host does not have the address ${http.host}`, hint);
    }
    const isRunning = context.host.isLocked(`${stateDirOf(context)}/queue/serve.lock`);
    const problems = isRunning
      ? [...await checkPort(http, context), ...await checkSockets(sockets), ...await checkUnit(context)]
      : await explainStopped(http, context);
    if (problems.length > 0) yield* problems;
    else {
      const addresses = [...http === undefined ? [] : [`port ${http.port}`], ...sockets.map(({ path }) => path)];
      yield ok(`serve listens at ${addresses.join(", ")}`);
    }
  },
};

function pathOf(name: string, { path = defaultSocketPath(name) }: SocketSettings): string {
  return path;
}

async function explainStopped(http: HttpSettings | undefined, { host }: DoctorContext): Promise<readonly Found[]> {
  const stopped = warning("serve does not run, so its receivers receive nothing", INSTALL_HINT);
  if (http === undefined || !await host.isListening(http)) return [stopped];
  return [
    stopped,
    failure(`another process listens at port ${http.port}`, "stop that process, or change serve.http.port"),
  ];
}

async function checkPort(http: HttpSettings | undefined, { host }: DoctorContext): Promise<readonly Found[]> {
  if (http === undefined || await host.isListening(http)) return [];
  return [failure(`serve does not listen at port ${http.port}: it uses an older configuration`, RELOAD_HINT)];
}

async function checkSockets(
  sockets: readonly { readonly path: string; readonly group?: string }[],
): Promise<readonly Found[]> {
  const found = await Promise.all(sockets.map(async ({ path, group = SOCKET_GROUP }) => {
    const state = await probeSocket(path);
    if (state === "forbidden") {
      return [warning(`this user cannot use ${path}`, `as root, run: usermod -aG ${group} USER`)];
    }
    if (state !== "open") {
      return [failure(`serve does not listen at ${path}: it uses an older configuration`, RELOAD_HINT)];
    }
    if (findGroup(group) !== undefined) return [];
    return [
      warning(
        `only root and the user of serve can use ${path}: there is no group ${group}`,
        `as root, run: groupadd --system ${group}; ${RELOAD_HINT.slice(5)}`,
      ),
    ];
  }));
  return found.flat();
}

async function checkUnit(context: DoctorContext): Promise<readonly Found[]> {
  const { runtime } = context;
  if (!await runtime.hasSystemd()) return [];
  const user = runtime.isRoot() ? [] : ["--user"];
  const show = ["show", "--property=UnitFileState", "--value", SERVE_SERVICE];
  const state = (await askHost(context, "systemctl", [...user, ...show]))?.trim();
  if (state === "enabled") return [];
  return [warning("serve does not start after a restart of this host: its unit is not enabled", INSTALL_HINT)];
}

/**
 * Returns the path of the socket of `serve`. A user who cannot read the configuration sends through
 * this socket. Returns undefined if no process listens at the socket.
 */
export async function findOwnSocket({ runtime }: Pick<DoctorContext, "runtime">): Promise<string | undefined> {
  const path = socketPath(runtime);
  return await probeSocket(path) === "open" ? path : undefined;
}
