/**
 * The schema of the configuration file, for editors and for checks before it is rolled out. It says what the parser says of a file that stands
 * alone, as far as a schema can: the environment may add what is missing, and a schema cannot tell this host from another one.
 *
 * @module
 */

import type { FieldSpec } from "../channels/fields/field_spec.ts";
import type { ChannelKind } from "../channels/kind.ts";
import { knownFields } from "./fields/all_fields.ts";
import { CHANNEL_KINDS } from "../channels/registry.ts";
import { APPRISE_SCHEMAS } from "./apprise/channel.ts";
import { CONFIG_FIELDS } from "./config.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Makes the schema (JSON Schema, draft 2020-12). */
export function configSchema(kinds: Readonly<Record<string, ChannelKind>> = CHANNEL_KINDS): Schema {
  const names = Object.keys(kinds);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "The configuration of matrix-notify",
    type: "object",
    properties: {
      $schema: { type: "string" },
      ...properties(CONFIG_FIELDS),
      channels: {
        type: "object",
        description: "the channels by name; one that is called like a kind is of that kind",
        properties: Object.fromEntries(names.map((name) => [name, {
          if: { anyOf: [{ type: "string" }, { type: "object", required: ["kind"] }] },
          then: { $ref: "#/$defs/channel" },
          else: { $ref: `#/$defs/${name}` },
        }])),
        additionalProperties: { $ref: "#/$defs/channel" },
      },
    },
    additionalProperties: false,
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
        pattern: `^\\s*(${APPRISE_SCHEMAS.map(anyCase).join("|")})://`,
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
      ...Object.fromEntries(names.map((name) => [name, channelSchema(name, kinds[name])])),
    },
  };
}

/** A pattern has no flags. */
function anyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

function channelSchema(name: string, kind: ChannelKind): Schema {
  const fields = knownFields(kind);
  const entries = Object.entries(fields);
  const needs = entries.flatMap(([key, { needs }]) =>
    needs === undefined ? [] : [[key, isThere(needs, fields[needs])]]
  );
  const rules = [...entries.flatMap(([key, spec]) => rulesOf(key, spec)), ...kind.rules ?? []];
  return {
    type: "object",
    properties: { kind: { const: name }, ...properties(fields) },
    required: entries.filter(([, { isRequired, hasFile, unless }]) => isRequired && !hasFile && !unless).map(([key]) =>
      key
    ),
    ...(needs.length > 0 ? { dependentSchemas: Object.fromEntries(needs) } : {}),
    ...(rules.length > 0 ? { allOf: rules } : {}),
    additionalProperties: false,
  };
}

/** That a field is there, or the file in its place. */
function isThere(key: string, { hasFile }: FieldSpec): Schema {
  return hasFile ? { anyOf: [{ required: [key] }, { required: [`${key}File`] }] } : { required: [key] };
}

/** What must hold of a field and others, where a list of those that must be there does not say it. */
function rulesOf(key: string, { isRequired, hasFile, unless, excludes }: FieldSpec): Schema[] {
  const file = `${key}File`;
  const names = hasFile ? [key, file] : [key];
  const rules: Schema[] = excludes === undefined ? [] : names.map((name) => ({ not: { required: [name, excludes] } }));
  if (hasFile && !isRequired) rules.push({ not: { required: [key, file] } });
  if (!isRequired || (!hasFile && unless === undefined)) return rules;
  const there = { oneOf: names.map((name) => ({ required: [name] })) };
  return [...rules, unless === undefined ? there : { anyOf: [{ required: [unless] }, there] }];
}

/** A text is never empty. */
function properties(fields: Readonly<Record<string, FieldSpec>>): Schema {
  return Object.fromEntries(
    Object.entries(fields).map(([key, { schema }]) => [
      key,
      schema.type === "string" && schema.enum === undefined ? { pattern: "\\S", ...schema } : schema,
    ]),
  );
}
