/** Creates and connects the parts of a notifier: configuration, channels, queue and courier. */

import {
  type ConfigError,
  formatError,
  InvalidNotificationError,
  NotSentError,
  type StorageError,
} from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import type { FileReader } from "../channels/kind.ts";
import { formatDestination, readRoomNames, RoomCacheFile } from "../channels/room_cache.ts";
import { openConfig } from "../config/load.ts";
import type { ServeSettings } from "../config/serve.ts";
import { type CourierEvent, isFullTextFile } from "../delivery/attempt_group.ts";
import { Courier } from "../delivery/courier.ts";
import { withResolution } from "../notification/incident.ts";
import { Layout } from "../notification/render.ts";
import { withShortcodes } from "../notification/shortcodes.ts";
import type { Queue } from "../queue/queue.ts";
import type { Routing } from "../routing/route.ts";
import { requirePlaces } from "../runtime/permissions.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { findStartMode, handOver, type ProcessRole } from "./background/spawn.ts";
import type { NotifierOptions } from "./options.ts";
import { attemptOutcome, Reporter } from "./outcomes.ts";
import type { Access } from "./background/permissions.ts";
import { openPlace } from "./place.ts";
import { findMistake, type Mistakes } from "./undecided.ts";

/** Options that only matrix-notify itself and its tests use. */
export interface CoreOptions extends NotifierOptions {
  /** The effects, such as the clock and the network. @default the effects of Deno */
  readonly runtime?: Runtime;
  /**
   * The program that runs in this process. The role determines how a background deliverer is
   * started.
   *
   * @default {"library"}
   */
  readonly role?: ProcessRole;
  /** Called for each attempt of this process after its result was recorded. @default none */
  readonly onEvent?: (event: CourierEvent) => void;
}

/** The parts of a notifier. */
export interface NotifierParts {
  readonly stateDir: string;
  readonly runtime: Runtime;
  /** The name of this host in titles. */
  readonly identity: string;
  /** Finds the hosts, files and programs that the configuration needs. */
  readonly access: () => Promise<Access>;
  /** True if shortcodes such as `:warning-sign:` in subjects are replaced by emoji. */
  readonly shortcodes: boolean;
  /** Reads the stored attachments and messages. */
  readonly files: FileReader;
  readonly routing: Routing;
  /** The channels that cannot be used because of mistakes in the configuration. */
  readonly mistakes: Mistakes;
  /** All mistakes in the configuration. */
  readonly problems: readonly ConfigError[];
  /** The settings of `serve`. Absent if they have a mistake. */
  readonly serve?: ServeSettings;
  /** The channels by name. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly queue: Queue;
  /** The reason why no directory can store the queue. Absent if the queue has a directory. */
  readonly noPlace?: StorageError;
  readonly courier: Courier;
  readonly reporter: Reporter;
  /**
   * Renders a notification as its readers see it: with its title, with "✅ Resolved" if it resolves
   * an incident, and with emoji instead of shortcodes. The message itself is not changed.
   */
  preview(envelope: Pick<Envelope, "channel" | "notification">): string;
  /** Formats a destination for people, such as `Alerts (!id)` for a room with a known name. */
  formatDestination(destination: string): string;
  /**
   * Starts a background process that delivers the remaining entries, if this is needed and allowed.
   * Reports a warning if the start fails.
   */
  handOver(): Promise<void>;
  /** Reports a warning. */
  warn(text: string): void;
}

/**
 * Opens the parts of a notifier.
 *
 * @param closed aborts when the notifier is disposed of
 * @throws {ConfigError} if the channels in the options have a mistake
 * @throws {PermissionError} if Deno denies access to the environment or the configuration
 */
export async function wireParts(
  options: CoreOptions,
  runtime: Runtime,
  closed: AbortSignal,
): Promise<NotifierParts> {
  const config = await openConfig(runtime, options);
  const hasChannels = config.channels.length + config.problems.length > 0;
  if (options.channels === undefined && options.configFile === undefined && !hasChannels) {
    requirePlaces("find the configuration");
  }
  const warn = (text: string) => callListener(() => options.onWarning?.(text));
  const { stateDir, queue, problem: noPlace } = openPlace(runtime, options.stateDir, {
    onReserveUsed: () => warn("The disk is full: the queue uses its reserved space; free some space soon"),
    onDamage: (path) => warn(`A damaged line of the queue was moved to ${path}; all other lines are intact`),
  });
  const { role = "library", configFile, insecureHttp } = options;
  // The programs of matrix-notify report the mistakes themselves.
  if (role === "library") { for (const problem of config.problems) warn(formatError(problem)); }
  // A background process cannot use channels that were defined in the code of this process.
  const mayStart = options.background === true && config.background && options.channels === undefined;
  const mode = mayStart ? findStartMode(role) : undefined;
  const roomCache = new RoomCacheFile(stateDir, runtime);
  const context = {
    runtime,
    identity: config.identity,
    roomCache: noPlace === undefined ? roomCache : undefined,
    files: attachmentReader(stateDir),
    closed,
    warn,
  };
  const all = config.channels.map((channel) =>
    channel.open({ ...context, titleTemplate: config.titles.get(channel.name) })
  );
  const channels = new Map(all.map((channel) => [channel.name, channel]));
  const courier = new Courier(queue, channels, runtime, {
    policies: config.policies,
    shortcodes: config.symbols,
    files: context.files,
    onEvent(event) {
      const { entry, result } = event;
      if (result.state === "dead" && isFullTextFile(entry)) {
        warn(`The message was cut, and the file with the whole text was refused: ${result.reason}`);
      }
      callListener(() => options.onEvent?.(event));
      callListener(() => options.onAttempt?.(attemptOutcome(event)));
    },
  });
  const access = async () => {
    const { findAccess } = await import("./background/permissions.ts");
    return await findAccess({ config, stateDir, configFile, roomCache, runtime });
  };
  return {
    stateDir,
    runtime,
    identity: config.identity,
    access,
    shortcodes: config.symbols,
    files: context.files,
    routing: { channels: all, rules: config.rules, fallbacks: config.fallbacks },
    channels,
    queue,
    noPlace,
    courier,
    mistakes: config,
    problems: config.problems,
    serve: config.serve,
    reporter: new Reporter(queue, courier, (entry) => {
      if (channels.has(entry.channel)) return undefined;
      return findMistake(entry, config) ??
        { reason: `Channel "${entry.channel}" is not configured here`, isMistake: false };
    }),
    preview({ channel, notification }) {
      const resolved = withResolution(notification);
      const shown = config.symbols ? withShortcodes(resolved) : resolved;
      const title = { identity: config.identity, titleTemplate: config.titles.get(channel) };
      return new Layout(shown, title).plain(shown.message);
    },
    formatDestination: (destination) => formatDestination(destination, readRoomNames(roomCache)),
    async handOver() {
      const problem = await handOver(queue, {
        mode,
        role,
        options: { stateDir, configFile, insecureHttp },
        access,
        runtime,
      });
      if (problem !== undefined) warn(problem);
    },
    warn,
  };
}

/**
 * Creates a reader for attachments in the state directory. The module of the store is loaded only
 * when the first attachment is read.
 */
function attachmentReader(stateDir: string): FileReader {
  const open = async () => new (await import("../queue/attachments/store.ts")).AttachmentStore(stateDir);
  return {
    async read({ content, size }) {
      try {
        return (await open()).read(content, size);
      } catch (error) {
        // The attachment could not be read, so it was not sent. A later attempt may succeed.
        throw error instanceof InvalidNotificationError ? error : new NotSentError(error);
      }
    },
    pathOf: async ({ content }) => (await open()).path(content),
  };
}

/** Calls a listener and ignores its errors, because they must not stop a delivery. */
function callListener(listener: () => void): void {
  try {
    listener();
  } catch {
    return;
  }
}
