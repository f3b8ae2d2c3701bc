/**
 * Finds out whether a background process can continue after this process ends. When the main
 * process of a service ends, systemd ends all other processes of the service (`KillMode=`,
 * systemd.kill(5)). A container ends with its first process.
 *
 * Deno does not allow reading `/proc` without all permissions, so a child process reads it.
 *
 * @module
 */

import { VARIABLES } from "../base/variables.ts";
import { askProgram } from "./clean_command.ts";
import { findUnit, isBooted, type Manager } from "./systemd.ts";
import { exists } from "./paths.ts";

/** Where this process runs. `host`: background processes can continue after this process ends. */
export type Surroundings =
  | { readonly kind: "host" }
  /** A service of systemd. When the service ends, systemd ends all its processes. */
  | { readonly kind: "unit"; readonly unit: string; readonly manager: Manager }
  | { readonly kind: "container" };

const HOST: Surroundings = { kind: "host" };

/** The maximum time for one command that reads the surroundings, in milliseconds. */
const ANSWER_MS = 2_000;

/**
 * Reads the surroundings of this process. Returns `host` if no service or container is found.
 */
export async function readSurroundings(env: (name: string) => string | undefined): Promise<Surroundings> {
  if (Deno.build.os !== "linux") return HOST;
  const ask = (path: string, ...args: readonly string[]) => askProgram(path, args, AbortSignal.timeout(ANSWER_MS));
  const hasSystemd = isBooted();
  const facts = await ask("/bin/sh", "-c", "cat /proc/1/comm /proc/self/cgroup") ?? "";
  const [init] = facts.split("\n", 1);
  if (!hasSystemd && isContainer({ env, init })) return { kind: "container" };
  const found = findUnit(facts);
  if (found === undefined) return HOST;
  const user = found.manager === "user" ? ["--user"] : [];
  const mode = await ask("systemctl", ...user, "show", "--property=KillMode", "--value", "--", found.unit);
  return SURVIVABLE_MODES.has(mode?.trim() ?? "") ? HOST : { kind: "unit", ...found };
}

/**
 * The values of `KillMode=` that let background processes continue after the end of the main
 * process.
 */
const SURVIVABLE_MODES: ReadonlySet<string> = new Set(["process", "none"]);

/** Files that Docker and Podman create in a container. */
const CONTAINER_FILES = ["/.dockerenv", "/run/.containerenv"];

/** The names of init systems other than systemd. */
const INIT_SYSTEMS: ReadonlySet<string> = new Set(["init", "openrc-init", "runit", "s6-svscan", "dinit", "procd"]);

function isContainer(
  { env, init }: { readonly env: (name: string) => string | undefined; readonly init: string },
): boolean {
  if (CONTAINER_FILES.some(exists) || VARIABLES.container.some((name) => env(name))) return true;
  return Deno.pid === 1 || (Deno.ppid === 1 && init !== "" && !INIT_SYSTEMS.has(init));
}
