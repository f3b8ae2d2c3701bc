/**
 * A kind of channel: one declarative definition in the folder of the kind, from which everything
 * else follows.
 *
 * ```text
 * ntfy/kind.ts      the definition: name, settings, destination
 * ntfy/settings.ts  the table of settings
 * ntfy/channel.ts   sends
 * ntfy/checks.ts    checks of doctor; loaded by doctor only
 * ntfy/apprise.ts   reads an Apprise URL; loaded for one only
 * ```
 *
 * @module
 */

import type { Fields } from "../base/fields.ts";
import { Secret } from "../base/secret.ts";
import type { Attachment } from "../notification/notification.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { AppriseUrl } from "./apprise_url.ts";
import type { Channel } from "./channel.ts";
import type { Check, CheckContext } from "./check.ts";
import { type ParseContext, readSettings, type SettingsOf, type SettingTable } from "./fields/setting.ts";
import type { RoomCache } from "./room_cache.ts";

/** The attachments of notifications, in the state directory. */
export interface FileReader {
  /**
   * Reads an attachment.
   *
   * @throws {InvalidNotificationError} if it is missing or has changed
   */
  read(file: Attachment): Promise<Uint8Array<ArrayBuffer>>;
  /** The path of an attachment, for another program. It is valid for the length of an attempt. */
  pathOf(file: Attachment): Promise<string>;
}

/** What an open channel works with. */
export interface ChannelContext {
  readonly runtime: Pick<Runtime, "fetch" | "timeout" | "now" | "sleep" | "random" | "run">;
  /** The name of the host. */
  readonly identity: string;
  /** Rooms that were found before. @default a cache that ends with the process */
  readonly roomCache?: RoomCache;
  readonly files: FileReader;
  /** Reports a problem; delivery goes on. */
  warn(text: string): void;
}

/** A configured channel: its name, its destinations and its parsed settings. */
export interface ChannelSetup<Settings> {
  readonly name: string;
  /** The destinations of a kind that has some; empty for other kinds. */
  readonly destinations: readonly string[];
  readonly settings: Settings;
}

/** The definition of a kind. */
export interface KindDefinition<Table extends SettingTable, Key extends string> {
  /** `ntfy` */
  readonly name: string;
  /** Where the kind delivers, in a few words, for the reference. */
  readonly summary: string;
  /**
   * `true`: the kind sends by the runtime's `fetch`, so it has the settings of a connection too.
   *
   * @default {false}
   */
  readonly speaksHttp?: boolean;
  readonly settings: Table;
  /** Rules among settings that their relations cannot express (JSON Schema, `allOf`). */
  readonly rules?: readonly Readonly<Record<string, unknown>>[];
  /**
   * Checks those rules.
   *
   * @throws {ConfigError} if the settings contradict each other
   */
  check?(settings: SettingsOf<Table>, fields: Fields): void;
  /**
   * The destination, where a rule may choose another one.
   *
   * @default the channel has one place, and no rule changes it
   */
  readonly destination?: Destination<Table, Key>;
  open(setup: ChannelSetup<SettingsOf<Table>>, context: ChannelContext): Channel;
  /** Loads the checks of doctor. */
  checks(): Promise<{ createChecks(context: CheckContext, settings: SettingsOf<Table>): readonly Check[] }>;
  /** Apprise URLs of this kind. @default none */
  readonly apprise?: AppriseForm;
}

/** The destination of a channel. */
export interface Destination<Table extends SettingTable, Key extends string> {
  /** Its settings. The first one decides; others add to it. */
  readonly keys: readonly [Key & keyof Table, ...(Key & keyof Table)[]];
  /**
   * Lists the destinations.
   *
   * @throws {ConfigError} if the settings contradict each other
   */
  list(settings: Pick<SettingsOf<Table>, Key & keyof Table>, fields: Fields): readonly string[];
}

/** How Apprise names a service. */
export interface AppriseForm {
  /** What its URLs begin with, before `://`. */
  readonly schemas: readonly string[];
  /** Loads the function that turns a URL into the object of a channel. */
  load(): Promise<{ fromApprise(url: AppriseUrl): Readonly<Record<string, unknown>> }>;
}

/** A kind, without the types of its settings. */
export interface ChannelKind
  extends Pick<KindDefinition<SettingTable, string>, "name" | "summary" | "settings" | "rules" | "apprise"> {
  readonly speaksHttp: boolean;
  /**
   * The settings that say where it delivers, the deciding one first; empty if a rule cannot choose.
   */
  readonly destinationKeys: readonly string[];
  /**
   * Reads destinations, for a rule that chooses others.
   *
   * @throws {ConfigError} with the dotted path of the setting
   */
  readDestinations(fields: Fields, context: ParseContext): readonly string[];
  /**
   * Reads a channel. If the fields collect problems, the channel must not be opened after one.
   *
   * @throws {ConfigError} with the dotted path of the setting
   */
  configure(name: string, fields: Fields, context: ParseContext): ConfiguredChannel;
}

/** A channel that is read, and not open yet. */
export interface ConfiguredChannel {
  readonly name: string;
  /** Its secrets, read when they are used. */
  readonly secrets: readonly Secret[];
  open(context: ChannelContext): Channel;
  /** Loads and creates its checks. */
  createChecks(context: CheckContext): Promise<readonly Check[]>;
}

/** Defines a kind. */
export function defineKind<Table extends SettingTable, Key extends string = never>(
  definition: KindDefinition<Table, Key>,
): ChannelKind {
  const { name, summary, speaksHttp = false, settings: table, rules, destination, apprise } = definition;
  const keys: readonly (Key & keyof Table)[] = destination?.keys ?? [];
  return {
    ...{ name, summary, speaksHttp, settings: table, rules, apprise },
    destinationKeys: keys.map(String),
    readDestinations(fields, context) {
      const own = Object.fromEntries(keys.map((key) => [key, table[key]]));
      const before = fields.problemCount;
      const settings = readSettings(own, fields, context) as Pick<SettingsOf<Table>, Key & keyof Table>;
      if (fields.problemCount > before) return [];
      return fields.attempt(() => destination?.list(settings, fields)) ?? [];
    },
    configure(name, fields, context) {
      const before = fields.problemCount;
      const settings = readSettings(table, fields, context);
      let destinations: readonly string[] = [];
      if (fields.problemCount === before) {
        fields.attempt(() => definition.check?.(settings, fields));
        destinations = fields.attempt(() => destination?.list(settings, fields)) ?? [];
      }
      return {
        name,
        secrets: findSecrets(settings),
        open: (channelContext) => definition.open({ name, destinations, settings }, channelContext),
        createChecks: async (checkContext) => (await definition.checks()).createChecks(checkContext, settings),
      };
    },
  };
}

/** The secrets among parsed values; a map may hold several. */
function findSecrets(settings: Readonly<Record<string, unknown>>): readonly Secret[] {
  return Object.values(settings).flatMap((value) => value instanceof Map ? [...value.values()] : [value])
    .filter((value) => value instanceof Secret);
}
