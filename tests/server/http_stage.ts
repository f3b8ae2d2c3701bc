/** An HTTP receiver for tests: its notifications are delivered to a room at once. */

import { Fields } from "../../src/base/fields.ts";
import { readServe } from "../../src/config/serve.ts";
import type { NotificationInput } from "../../src/notification/notification.ts";
import { BodyReader } from "../../src/server/body_reader.ts";
import { DeliveryCounters } from "../../src/server/delivery_counters.ts";
import { createHttpReceiver } from "../../src/server/http_receiver.ts";
import type { Accepted, AcceptOptions, ReceiverContext } from "../../src/server/receiver.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";
import { type Scene, setScene } from "../fakes/scene.ts";

/** A request to a receiver. */
export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | null;
  readonly ip?: string;
}

/** A receiver whose notifications are delivered to a room at once. */
export interface Stage extends AsyncDisposable {
  readonly scene: Scene;
  readonly log: string[];
  /** The short pauses that the receiver made, in milliseconds. */
  readonly pauses: number[];
  /** The inputs and options that the receiver passed on. */
  readonly accepted: { readonly input: NotificationInput; readonly options: AcceptOptions }[];
  /** Replaces the acceptance of notifications. */
  accept?: ReceiverContext["accept"];
  send(path: string, call?: Call): Promise<Response>;
  /** Replaces the receiver, as a reload does. */
  reload(): void;
  /** The texts of the messages in the room. */
  texts(): readonly string[];
}

/** Sets up a receiver with these settings of `serve.http`. */
export async function setStage(http: unknown): Promise<Stage> {
  const scene = await setScene();
  const notifier = await scene.open();
  const settings = readServe(new Fields({ serve: { http } }, ""), PARSE_CONTEXT)?.http;
  if (!settings) throw new Error("The settings have a mistake");
  let receiver = createHttpReceiver(settings);
  const accept = async (input: NotificationInput, options: AcceptOptions = {}): Promise<Accepted> => {
    stage.accepted.push({ input, options });
    return { outcomes: await notifier.notify(input, { ...options, waitMs: 10_000 }), problems: [] };
  };
  const sleep = (ms: number, signal?: AbortSignal) => pause(ms, signal, stage.pauses);
  const context: ReceiverContext = {
    accept: (...given) => (stage.accept ?? accept)(...given),
    hasOpenIncident: () => false,
    status: () => notifier.status(),
    overview: () => notifier.overview(),
    deliveries: new DeliveryCounters(scene.runtime.now),
    channels: () => notifier.channels,
    stateDir: () => notifier.stateDir,
    log: (text) => stage.log.push(text),
    bodies: new BodyReader({ sleep }),
    runtime: { uuid: scene.runtime.uuid, now: scene.runtime.now, sleep },
  };
  const stage: Stage = {
    scene,
    log: [],
    pauses: [],
    accepted: [],
    send(path, { method = "POST", headers, body, ip = "127.0.0.1" } = {}) {
      const request = new Request(`http://localhost:8411${path}`, { method, headers, body });
      return receiver.handle(request, { ip }, context);
    },
    reload: () => receiver = createHttpReceiver(settings),
    texts: () => scene.homeserver.events(scene.room).map(({ content }) => String(content.body)),
    async [Symbol.asyncDispose]() {
      await notifier[Symbol.asyncDispose]();
      await scene[Symbol.asyncDispose]();
    },
  };
  return stage;
}

/** Short pauses end at once, time limits never. */
function pause(ms: number, signal: AbortSignal | undefined, pauses: number[]): Promise<void> {
  if (ms < 1000) {
    pauses.push(ms);
    return new Promise((next) => setTimeout(next));
  }
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

/** Three senders: with a token and a network, with a token and channels, and with networks. */
export const SENDERS = {
  senders: {
    router: { token: "tk-router", networks: ["192.168.88.0/24"], origin: "core1" },
    monitor: { token: "tk-monitor", channels: ["matrix"] },
    lan: { networks: ["10.0.0.0/8", "fd00::/8"], origin: "lan" },
  },
};
