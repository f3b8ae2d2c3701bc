/**
 * Creates the JSON schema of the configuration file from the tables of settings that the parser
 * uses. Editors use the schema, and tools can check a configuration file with the schema before the
 * file is installed. A schema cannot read environment variables. Therefore the schema requires a
 * setting in the file even if an environment variable sets this setting.
 *
 * @module
 */

import { objectSchema } from "../channels/fields/setting.ts";
import type { ChannelKind } from "../channels/kind.ts";
import { loadEveryKind } from "../channels/registry.ts";
import { channelSettings, CONFIG_SETTINGS } from "./config.ts";
import { routesSchema } from "./routes.ts";
import { serveSchema } from "./serve.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Creates the schema (JSON Schema, draft 2020-12). */
export async function configSchema(): Promise<Schema> {
  const kinds = await loadEveryKind();
  const names = kinds.map(({ name }) => name);
  const appriseSchemas = kinds.flatMap(({ apprise }) => apprise?.schemas ?? []);
  const { properties, ...top } = objectSchema(CONFIG_SETTINGS);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "The configuration of matrix-notify",
    type: "object",
    properties: {
      $schema: { type: "string", pattern: "\\S" },
      ...properties as Schema,
      serve: serveSchema(),
      routes: routesSchema(kinds),
      channels: {
        type: "object",
        description: "the channels, by name; `kind` can be omitted if the name is a kind",
        properties: Object.fromEntries(names.map((name) => [name, {
          if: { anyOf: [{ type: "string" }, { type: "object", required: ["kind"] }] },
          then: { $ref: "#/$defs/channel" },
          else: { $ref: `#/$defs/${name}` },
        }])),
        additionalProperties: { $ref: "#/$defs/channel" },
      },
    },
    ...top,
    $defs: {
      channel: {
        if: { type: "string" },
        then: { $ref: "#/$defs/url" },
        else: { $ref: "#/$defs/object" },
      },
      url: {
        type: "string",
        description: "an Apprise URL",
        examples: ["ntfys://ntfy.example.org/alerts"],
        pattern: `^\\s*(${appriseSchemas.map(anyCase).join("|")})://`,
      },
      object: {
        type: "object",
        properties: { kind: { enum: names } },
        required: ["kind"],
        allOf: names.map((name) => ({
          if: { properties: { kind: { const: name } } },
          then: { $ref: `#/$defs/${name}` },
        })),
      },
      ...Object.fromEntries(kinds.map((kind) => [kind.name, channelSchema(kind)])),
    },
  };
}

/** Returns a pattern that ignores case, because a JSON schema does not support flags. */
function anyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

function channelSchema(kind: ChannelKind): Schema {
  const { properties, allOf, ...rest } = objectSchema(channelSettings(kind));
  const rules = [...Array.isArray(allOf) ? allOf : [], ...kind.rules ?? []];
  return {
    type: "object",
    title: `${kind.name[0].toUpperCase()}${kind.name.slice(1)}Config`,
    description: kind.summary,
    properties: { kind: { const: kind.name }, ...properties as Schema },
    ...rest,
    ...(rules.length > 0 ? { allOf: rules } : {}),
  };
}
