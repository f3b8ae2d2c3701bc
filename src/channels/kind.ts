/**
 * Kinds of channels. Every kind has a folder with one definition. The parser, the JSON schema and
 * the documentation are made from this definition.
 *
 * ```text
 * ntfy/kind.ts      the definition: name, settings, destination
 * ntfy/settings.ts  the table of settings
 * ntfy/channel.ts   sends the notifications
 * ntfy/checks.ts    the checks of doctor; loaded only by doctor
 * ntfy/apprise.ts   converts Apprise URLs; loaded only for such URLs
 * ```
 *
 * @module
 */

import type { Fields } from "../base/fields.ts";
import { Secret } from "../base/secret.ts";
import type { Attachment } from "../notification/notification.ts";
import { DEFAULT_TITLE, TITLE_WITHOUT_SYMBOL, type TitleOptions } from "../notification/title.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { AppriseUrl } from "./apprise_url.ts";
import type { Channel } from "./channel.ts";
import type { Check, CheckContext } from "./check.ts";
import { type ParseContext, readSettings, type SettingsOf, type SettingTable } from "./fields/setting.ts";
import type { RoomCache } from "./room_cache.ts";

/** Reads the stored attachments of notifications from the state directory. */
export interface FileReader {
  /**
   * Reads an attachment.
   *
   * @throws {InvalidNotificationError} if the file is missing or has changed
   */
  read(file: Attachment): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Returns the path of an attachment, so that another program can read the file. The path is valid
   * until the current attempt to send the notification ends.
   */
  pathOf(file: Attachment): Promise<string>;
}

/**
 * What a channel uses outside this program. The Deno permissions of a process are derived from
 * these properties.
 */
export interface ChannelAccess {
  /** The known hosts, as `host:port`. @default none */
  readonly hosts?: readonly string[];
  /**
   * True if the channel can use hosts that are not known in advance. Examples: the homeserver of a
   * domain was not looked up yet; the addresses of a mail server can change.
   *
   * @default {false}
   */
  readonly usesAnyHost?: boolean;
  /** The paths of files that the channel reads. @default none */
  readonly files?: readonly string[];
  /** The paths of programs that the channel runs. @default none */
  readonly programs?: readonly string[];
}

/** The input for opening a channel. */
export interface ChannelContext extends TitleOptions {
  readonly runtime: Pick<Runtime, "fetch" | "timeout" | "now" | "sleep" | "random" | "run" | "hostname">;
  /** The cache of rooms that were found earlier. @default a cache in memory */
  readonly roomCache?: RoomCache;
  readonly files: FileReader;
  /** Aborts when the channel is not used any more. @default the channel is used until the end */
  readonly closed?: AbortSignal;
  /** Reports a problem that does not stop the delivery. */
  warn(text: string): void;
}

/** A configured channel: its name, its destinations and its parsed settings. */
export interface ChannelSetup<Settings> {
  readonly name: string;
  /** The configured destinations; empty if the kind does not have destination settings. */
  readonly destinations: readonly string[];
  readonly settings: Settings;
}

/** The definition of a kind. */
export interface KindDefinition<Table extends SettingTable, Key extends string> {
  /** The name of the kind, such as `ntfy`. */
  readonly name: string;
  /** A short description of the destinations, for the documentation. */
  readonly summary: string;
  /**
   * True if the kind sends notifications with the function `fetch` of the runtime. The channels of
   * this kind then have the connection settings (certificates and proxy) in addition to the
   * settings in the table.
   *
   * @default {false}
   */
  readonly speaksHttp?: boolean;
  /**
   * True if the messages of the service have priorities. In this case, the default title has no
   * symbol for the severity.
   *
   * @default {false}
   */
  readonly hasPriorities?: boolean;
  readonly settings: Table;
  /**
   * More rules for the JSON schema (`allOf`), for dependencies that `unless`, `excludes` and
   * `needs` of a setting cannot express.
   */
  readonly rules?: readonly Readonly<Record<string, unknown>>[];
  /**
   * Checks that the parsed settings do not contradict each other. In the JSON schema, the property
   * `rules` forbids the same contradictions.
   *
   * @throws {ConfigError} if the settings contradict each other
   */
  check?(settings: SettingsOf<Table>, fields: Fields): void;
  /**
   * The settings that choose the destination. A routing rule can set other values for these
   * settings.
   *
   * @default the channel has one destination, and a rule cannot change this destination
   */
  readonly destination?: Destination<Table, Key>;
  /**
   * Lists the hosts, files and programs that a channel uses. The caller adds the files of settings
   * such as `tokenFile`.
   *
   * @param cache the results of earlier lookups
   * @throws {ConfigError} if a setting is in a file that cannot be read
   */
  access(settings: SettingsOf<Table>, cache: Pick<RoomCache, "get">): ChannelAccess | Promise<ChannelAccess>;
  open(setup: ChannelSetup<SettingsOf<Table>>, context: ChannelContext): Channel;
  /** Loads the checks of doctor. */
  checks(): Promise<{ createChecks(context: CheckContext, settings: SettingsOf<Table>): readonly Check[] }>;
  /**
   * Functions that load modules in advance. Otherwise, the channel loads these modules when it
   * sends.
   *
   * @default there are none
   */
  readonly lateParts?: readonly (() => Promise<unknown>)[];
  /** The Apprise URLs of this kind. @default there are no such URLs */
  readonly apprise?: AppriseForm;
}

/** The settings that choose the destination of a channel. */
export interface Destination<Table extends SettingTable, Key extends string> {
  /**
   * The names of the settings. The first setting chooses the destination (for example, a chat). The
   * other settings add details (for example, a thread of this chat).
   */
  readonly keys: readonly [Key & keyof Table, ...(Key & keyof Table)[]];
  /**
   * Lists the destinations.
   *
   * @throws {ConfigError} if the settings contradict each other
   */
  list(settings: Pick<SettingsOf<Table>, Key & keyof Table>, fields: Fields): readonly string[];
}

/** The Apprise URLs of a kind. */
export interface AppriseForm {
  /** The schemes of the URLs, without `://`. */
  readonly schemas: readonly string[];
  /** Loads the function that converts a URL to the settings of a channel. */
  load(): Promise<{ fromApprise(url: AppriseUrl): Readonly<Record<string, unknown>> }>;
}

/** A kind of channel, without the TypeScript types of its settings. */
export interface ChannelKind
  extends
    Pick<KindDefinition<SettingTable, string>, "name" | "summary" | "settings" | "rules" | "lateParts" | "apprise"> {
  readonly speaksHttp: boolean;
  /** The default template of a message's title. */
  readonly titleTemplate: string;
  /**
   * The names of the settings that choose the destination, the main setting first; empty if a rule
   * cannot change the destination.
   */
  readonly destinationKeys: readonly string[];
  /**
   * Reads the destinations that a rule sets.
   *
   * @throws {ConfigError} if a setting is not valid; the message contains its dotted path
   */
  readDestinations(fields: Fields, context: ParseContext): readonly string[];
  /**
   * Parses the settings of a channel. The object `fields` either throws an error at the first
   * problem or collects all problems. If `fields` has collected a problem, do not open the channel.
   *
   * @throws {ConfigError} if a setting is not valid; the message contains its dotted path
   */
  configure(name: string, fields: Fields, context: ParseContext): ConfiguredChannel;
}

/** A channel with parsed settings that is not open yet. */
export interface ConfiguredChannel {
  readonly name: string;
  /** The secrets of the channel. Each secret is read when it is used. */
  readonly secrets: readonly Secret[];
  /** Lists what the channel uses; see {@linkcode KindDefinition.access}. */
  access(cache: Pick<RoomCache, "get">): Promise<ChannelAccess>;
  open(context: ChannelContext): Channel;
  /** Loads and creates the checks of the channel. */
  createChecks(context: CheckContext): Promise<readonly Check[]>;
}

/** Creates a kind from its definition. */
export function defineKind<Table extends SettingTable, Key extends string = never>(
  definition: KindDefinition<Table, Key>,
): ChannelKind {
  const { name, summary, speaksHttp = false, hasPriorities = false, rules, destination, lateParts, apprise } =
    definition;
  const { settings: table } = definition;
  const keys: readonly (Key & keyof Table)[] = destination?.keys ?? [];
  return {
    ...{ name, summary, speaksHttp, settings: table, rules, lateParts, apprise },
    titleTemplate: hasPriorities ? TITLE_WITHOUT_SYMBOL : DEFAULT_TITLE,
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
        access: async (cache) => await definition.access(settings, cache),
        open: (channelContext) => definition.open({ name, destinations, settings }, channelContext),
        createChecks: async (checkContext) => (await definition.checks()).createChecks(checkContext, settings),
      };
    },
  };
}

/**
 * Returns the secrets among the parsed values. A value that is a map may contain several secrets.
 */
function findSecrets(settings: Readonly<Record<string, unknown>>): readonly Secret[] {
  return Object.values(settings).flatMap((value) => value instanceof Map ? [...value.values()] : [value])
    .filter((value) => value instanceof Secret);
}
