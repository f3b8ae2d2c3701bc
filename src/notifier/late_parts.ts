/**
 * The parts of the program that are normally loaded late, when an alert needs them. An update can
 * replace the files of a running program. A late part would then have another version. Therefore
 * `serve` loads these parts when it starts, and `run` loads them while its command runs.
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
