/** Every field that a channel of a kind may have. */

import { CONNECTION_FIELDS } from "../../channels/fields/connection.ts";
import type { FieldSpec, FieldSpecs } from "../../channels/fields/field_spec.ts";
import type { ChannelKind } from "../../channels/kind.ts";
import { FALLBACK_FIELD, POLICY_FIELDS } from "./policy_fields.ts";

/** The kind's own fields, those that name a file in place of one, those of the connection, and those that every channel has. */
export function knownFields({ fields, speaksHttp }: ChannelKind): FieldSpecs {
  const own = Object.entries({
    ...fields,
    ...(speaksHttp ? CONNECTION_FIELDS : {}),
    ...POLICY_FIELDS,
    ...FALLBACK_FIELD,
  });
  return Object.fromEntries(own.flatMap(([key, spec]): [string, FieldSpec][] => {
    if (!spec.hasFile) return [[key, spec]];
    const description = `a file that holds ${key} and nothing else, and that other users cannot read`;
    const schema = { type: "string", description, examples: [`/etc/matrix-notify/${key}`] } as const;
    return [[key, spec], [`${key}File`, { needs: spec.needs, schema }]];
  }));
}
