/**
 * The parts of the program that are loaded late, when an alert needs them. `serve` loads them when it
 * starts, and `run` while its command runs: an update can replace the files of the program
 * meanwhile. Otherwise, these processes would load parts of another version.
 *
 * @module
 */

import { loadKind } from "../channels/registry.ts";

const PARTS: readonly (() => Promise<unknown>)[] = [
  () => import("../accounts/renewal.ts"),
  () => import("../channels/batch_message.ts"),
  () => import("../delivery/batch_files.ts"),
  () => import("../delivery/idle_pause.ts"),
  () => import("../delivery/refused_file.ts"),
  () => import("../matrix/oauth/client.ts"),
  () => import("../notification/attachment_mode.ts"),
  () => import("../notification/attachments/source.ts"),
  () => import("../queue/attachments/store.ts"),
  () => import("../routing/linear_regexp.ts"),
  () => import("../runtime/clean_command.ts"),
  () => import("../runtime/connect_errors.ts"),
  () => import("../runtime/http_clients.ts"),
  () => import("../runtime/program.ts"),
  () => import("../runtime/subprocess.ts"),
  () => import("../runtime/surroundings.ts"),
  () => import("../runtime/systemd.ts"),
  () => import("../runtime/unix_socket.ts"),
  () => import("./background/permissions.ts"),
  () => import("./background/unit.ts"),
  () => import("./staged_attachments.ts"),
];

/**
 * Loads the late parts of this program and of some kinds of channels. A part that cannot be loaded
 * now is loaded when it is needed.
 */
export async function loadLateParts(kinds: Iterable<string>): Promise<void> {
  const ofKinds = await Promise.all([...new Set(kinds)].map(async (kind) => (await loadKind(kind))?.lateParts ?? []));
  await Promise.allSettled([...PARTS, ...ofKinds.flat()].map((load) => load()));
}
