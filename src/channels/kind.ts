/** What a channel kind brings: how its part of the configuration is read, and the channel that comes of it. */

import type { AccountSession } from "../accounts/session.ts";
import type { Fields } from "../base/fields.ts";
import type { Attachment } from "../notification/notification.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Secret } from "../base/secret.ts";
import type { Channel } from "./channel.ts";
import type { FieldSpecs } from "./fields/field_spec.ts";
import type { RoomCache } from "./room_cache.ts";

/**
 * What a secret may look like: a `token` of visible ASCII, a `header` with spaces too, any one `line`, such as a password; or what a function has nothing to
 * say about, which otherwise tells the problem.
 */
export type SecretForm = "token" | "header" | "line" | ((text: string) => string | undefined);

/** What reading a configuration needs from outside. */
export interface ParseContext {
  /** Whether plain http to other hosts was asked for. */
  readonly insecureHttp: boolean;
  /** A secret from `key`, or from the file that `keyFile` names; undefined when neither is set. Without a form it is a token. */
  secret(fields: Fields, key: string, form?: SecretForm): Secret | undefined;
  /** An account that somebody logged in with; it is read at the moment of use. */
  account(userId: string): AccountSession;
}

/** The files of notifications, in the state directory. */
export interface FileReader {
  /**
   * What is in a file.
   *
   * @throws {InvalidNotificationError} when it is not there any more, or not what it was
   */
  read(file: Attachment): Promise<Uint8Array<ArrayBuffer>>;
  /** Where it is, for another program, as long as a try lasts. */
  pathOf(file: Attachment): Promise<string>;
}

/** What an open channel is given. */
export interface ChannelContext {
  readonly runtime: Pick<Runtime, "fetch" | "timeout" | "now" | "sleep" | "random" | "run">;
  /** The host's name, as people know it. */
  readonly identity: string;
  /** What was found out before, in this process or another. @default one that ends with the process */
  readonly roomCache?: RoomCache;
  /** The files of what it sends. */
  readonly files: FileReader;
  /** Says something to whoever runs this; delivery goes on. */
  warn(text: string): void;
}

/** The fields of a channel that say where it delivers. */
export interface DestinationFields {
  /** Their names. The first one decides; others say more of it. */
  readonly keys: readonly [string, ...string[]];
  /**
   * Reads them.
   *
   * @throws {ConfigError} with the dotted path of the field that cannot be used
   */
  read(fields: Fields): readonly string[];
}

/** Makes the channel. */
export type OpenChannel = (context: ChannelContext) => Channel;

/** One kind of channel. */
export interface ChannelKind {
  readonly kind: string;
  /** Whether it speaks HTTP by the runtime's `fetch`: then it has the fields of `connection_fields.ts` too, and need not read them. */
  readonly speaksHttp: boolean;
  /** The fields that {@linkcode ChannelKind.configure} reads, but for `kind`. */
  readonly fields: FieldSpecs;
  /** Those of its fields that say where it delivers, so that a rule may say otherwise. @default none: it has one place, and no rule changes that */
  readonly destination?: DestinationFields;
  /** What the fields must be together, where `fields` cannot say it: schemas that all hold (JSON Schema, `allOf`). */
  readonly rules?: readonly Readonly<Record<string, unknown>>[];
  /**
   * Reads a channel's configuration.
   *
   * @throws {ConfigError} with the dotted path of the field that cannot be used
   */
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel;
}
