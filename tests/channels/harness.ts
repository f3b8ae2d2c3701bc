/** Opens a channel of any kind from its configuration, like the program. */

import type { Channel, Receipt, SendOptions } from "../../src/channels/channel.ts";
import { loadEveryKind } from "../../src/channels/registry.ts";
import { Fields } from "../../src/base/fields.ts";
import { createNotification, type Notification, type NotificationInput } from "../../src/notification/notification.ts";
import { TEST_FILES } from "../fakes/files.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";
import { type FakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

const KINDS = new Map((await loadEveryKind()).map((kind) => [kind.name, kind]));

/** A channel for a test. */
export interface ChannelTest {
  readonly channel: Channel;
  /** The warnings of the channel. */
  readonly warnings: readonly string[];
  /** Sends a notification that was created five seconds ago. */
  send(input: NotificationInput, options?: SendTest): Promise<Receipt>;
}

/** Options of a send. The destination is by default the first one of the channel. */
export type SendTest = Partial<SendOptions> & Pick<Notification, "attachments" | "file" | "unsent"> & {
  readonly destination?: string;
};

/** The transaction id of each send, unless the test sets another one. */
export const TEST_ID = "00000000-0000-4000-8000-0000000000aa";

/**
 * Opens a channel whose name is its kind.
 *
 * @throws {ConfigError} if the configuration is not valid
 */
export function openChannel(
  kind: string,
  config: Readonly<Record<string, unknown>>,
  runtime: FakeRuntime,
): ChannelTest {
  const warnings: string[] = [];
  const fields = new Fields(config, `channels.${kind}`);
  const definition = KINDS.get(kind);
  const configured = definition?.configure(kind, fields, PARSE_CONTEXT);
  fields.end();
  if (configured === undefined) throw new TypeError(`Cannot open a channel: there is no kind "${kind}"`);
  const channel = configured.open({
    runtime,
    identity: "jump",
    titleTemplate: definition?.titleTemplate,
    files: TEST_FILES,
    warn: (text) => warnings.push(text),
  });
  return {
    channel,
    warnings,
    async send(input, { destination = channel.destinations[0], attachments, file, unsent, ...options } = {}) {
      const files = Object.fromEntries(Object.entries({ attachments, file, unsent }).filter(([, value]) => value));
      const notification = { ...createNotification(input, TEST_TIME - 5000), ...files };
      const envelope = { channel: kind, destination, notification };
      return await channel.send(envelope, { txnId: TEST_ID, late: false, timeoutMs: 30_000, ...options });
    },
  };
}
