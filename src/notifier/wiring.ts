/** The parts of a notifier, wired: configuration, channels, queue and courier. */

import type { BackgroundMode } from "./background/spawn.ts";
import type { Channel } from "../channels/channel.ts";
import type { FileReader } from "../channels/kind.ts";
import type { Routing } from "../routing/route.ts";
import { openConfig } from "../config/load.ts";
import { stateDirPath } from "../config/paths.ts";
import { Courier } from "../delivery/courier.ts";
import { BeforeSendingError, InvalidNotificationError } from "../base/errors.ts";
import { withDefaultRateLimit } from "../delivery/rate_policy.ts";
import { withResolution } from "../notification/incident.ts";
import { handOver } from "./background/hand_over.ts";
import { RoomCacheFile } from "../channels/room_cache_file.ts";
import type { Notification } from "../notification/notification.ts";
import { withShortcodes } from "../notification/shortcodes.ts";
import type { NotifierOptions } from "./options.ts";
import { Queue } from "../queue/queue.ts";
import { attemptOutcome, Reporter } from "./outcomes.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** What a notifier is made of. */
export interface NotifierParts {
  readonly identity: string;
  readonly stateDir: string;
  readonly runtime: Runtime;
  /** A notification as its readers will see it. */
  readonly shown: (notification: Notification) => Notification;
  /** Whether shortcodes in subjects become symbols. */
  readonly shortcodes: boolean;
  readonly routing: Routing;
  readonly byName: ReadonlyMap<string, Channel>;
  readonly queue: Queue;
  readonly courier: Courier;
  readonly reporter: Reporter;
  /** Sees to what is left; what cannot be done is a warning. */
  readonly handOver: () => void;
  /** Tells whoever listens what goes wrong without being a failure. */
  readonly warn: (text: string) => void;
}

/**
 * Wires them.
 *
 * @throws {ConfigError} when the configuration cannot be used
 * @throws {StorageError} when the queue cannot be read
 */
export function wireParts(options: NotifierOptions, real: Runtime): NotifierParts {
  const runtime = { ...real, ...options.runtime };
  const config = openConfig(runtime, options);
  const warn = (text: string) => tell(() => options.onWarning?.(text));
  const background = modeOf(options, config.background);
  const stateDir = options.stateDir ?? stateDirPath(runtime);
  const roomCache = new RoomCacheFile(stateDir, runtime);
  const files = keptFiles(stateDir);
  const channels = config.channels.map((open) => open({ runtime, identity: config.identity, roomCache, files, warn }));
  const byName = new Map(channels.map((channel) => [channel.name, channel]));
  const queue = Queue.open(stateDir, runtime, {
    onReserveUsed: () => warn("The disk is full: the queue lives on the room that it had kept back; make room soon"),
    onDamage: (path) => warn(`A damaged line of the queue was set aside in ${path}; everything else is whole`),
  });
  const courier = new Courier(queue, byName, runtime, {
    // Where nobody stays who says the rest, nothing is held back.
    policies: background === "no" ? config.policies : withDefaultRateLimit(config.policies),
    shortcodes: config.symbols,
    onEvent: (event) => tell(() => options.onAttempt?.(attemptOutcome(event))),
  });
  const reporter = new Reporter(queue, courier, (name) => byName.has(name));
  return {
    identity: config.identity,
    stateDir,
    runtime,
    shown: (notification) => {
      const said = withResolution(notification);
      return config.symbols ? withShortcodes(said) : said;
    },
    shortcodes: config.symbols,
    routing: { channels, rules: config.rules, fallbacks: config.fallbacks },
    byName,
    queue,
    courier,
    reporter,
    handOver() {
      const { configFile, insecureHttp } = options;
      const runsSubprocesses = channels.some((channel) => channel.runsSubprocesses);
      const deliverer = { stateDir, configFile, insecureHttp };
      const problem = handOver(queue, { mode: background, deliverer, runsSubprocesses, runtime });
      if (problem !== undefined) warn(problem);
    },
    warn,
  };
}

/** The files of what is sent, read where they are kept. Whoever sends none loads nothing for them. */
function keptFiles(stateDir: string): FileReader {
  const open = async () => new (await import("../queue/attachments/store.ts")).AttachmentStore(stateDir);
  return {
    async read({ content, size }) {
      try {
        return (await open()).read(content, size);
      } catch (error) {
        // A disk that does not read now may do so later, and nothing was sent.
        throw error instanceof InvalidNotificationError ? error : new BeforeSendingError(error);
      }
    },
    pathOf: async ({ content }) => (await open()).path(content),
  };
}

/** Another process could not know channels that only this one knows; what this one does by itself nobody forbids. */
function modeOf({ background = "no", channels }: NotifierOptions, isAllowed: boolean): BackgroundMode {
  return background === "here" || (isAllowed && channels === undefined) ? background : "no";
}

/** What a listener throws is not ours to fail by. */
function tell(listener: () => void): void {
  try {
    listener();
  } catch {
    return;
  }
}
