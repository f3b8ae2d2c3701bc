/**
 * Who may import whom.
 *
 * @module
 */

import type { Layer } from "./places.ts";

/** A layer, a file below `src/`, or either of them `as a type`. */
type Permit = string;

/** What the files of a layer may import: other files of their own layer too, where it is among them. */
const OF_LAYERS: Readonly<Record<Layer, readonly Permit[]>> = {
  leaf: ["leaf"],
  deps: [],
  // It speaks to a server, and knows neither what is said nor how that is kept.
  matrix: ["matrix", "address.ts", "errors.ts", "fields.ts", "http.ts"],
  // It keeps envelopes and a lane key, and knows neither a network nor what a notification is.
  queue: ["queue", "errors.ts", "crc32.ts"],
  // It keeps sessions by the same means by which the queue keeps envelopes, and knows neither.
  accounts: ["accounts", "matrix", "queue/files.ts", "queue/lock.ts", "queue/trouble.ts", "leaf"],
  // It looks at files that are to be sent, and does not know where they are kept.
  attachments: ["attachments", "leaf"],
  markup: ["markup", "leaf"],
  testing: ["testing", "leaf"],
  channels: ["channels", "accounts as a type", "matrix", "markup", "queue/entry.ts", "leaf"],
  delivery: ["delivery", "queue", "channels/channel.ts as a type", "leaf"],
  config: ["config", "accounts", "channels", "queue/files.ts", "queue/lock.ts", "queue/trouble.ts", "leaf"],
  top: ["top", "attachments", "delivery", "queue", "channels", "config", "leaf"],
  ingest: ["ingest", "notifier.ts", "markup", "leaf"],
  // It looks at everything, and nothing but the command line knows it.
  doctor: ["doctor", "top", "config", "accounts", "channels", "matrix", "queue", "delivery/holds.ts", "leaf"],
  cli: [
    "cli",
    "doctor",
    "top",
    "attachments",
    "config",
    "accounts",
    "matrix",
    "ingest",
    "queue as a type",
    "deps",
    "leaf",
  ],
  door: ["top", "delivery as a type", "queue as a type", "channels as a type", "config as a type", "leaf"],
};

/** The effects of the outside world come in as an argument: every file may know their type, and nothing more of them. */
const OF_ALL: readonly Permit[] = ["runtime.ts as a type"];

/** What single files may import besides: where a program or a library begins, the effects begin too. */
const OF_FILES: Readonly<Record<string, readonly Permit[]>> = {
  "src/mentions.ts": ["matrix/ids.ts"],
  "src/notifier.ts": ["runtime.ts"],
  "src/deliverer.ts": ["runtime.ts"],
  "src/send.ts": ["runtime.ts"],
  "src/cli/main.ts": ["runtime.ts"],
  "src/cli/matrix_client.ts": ["channels/matrix_client.ts"],
  "src/cli/commands/room.ts": ["channels/direct_chat.ts"],
  "src/cli/setup/direct_chat.ts": ["channels/direct_chat.ts"],
  "src/cli/commands/demo.ts": ["testing"],
};

/** A file inside the repository, and its layer. */
export interface Place {
  /** The path from the root of the repository. */
  readonly path: string;
  /** What {@linkcode layerOf} says of it. */
  readonly layer: Layer;
}

/** Says how a file may import another; undefined when it may not at all. A permit that names the file counts first. */
export function permitFor(from: Place, target: Place): "as a value" | "as a type" | undefined {
  const permits = [...OF_FILES[from.path] ?? [], ...OF_ALL, ...OF_LAYERS[from.layer]];
  const find = (name: string) => permits.find((permit) => permit.split(" ")[0] === name);
  const permit = find(target.path.replace(/^src\//, "")) ?? find(target.layer);
  if (permit === undefined) return undefined;
  return permit.endsWith(" as a type") ? "as a type" : "as a value";
}
