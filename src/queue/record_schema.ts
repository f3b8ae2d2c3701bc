/** What a record must hold to be one. A checksum proves that a line is what somebody wrote, not that it makes sense. */

type Kind = "text" | "number" | "object" | "text?" | "number?" | "object?" | "texts" | "texts?" | "numbers" | "times?";

/** The fields of each type; others are let be. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  hdr: { time: "number", host: "text", possibleDuplicates: "number?", lastDelivery: "number?" },
  enq: {
    id: "text",
    time: "number",
    channel: "text",
    destination: "text",
    notification: "object",
    expires: "number",
    key: "text?",
    title: "text?",
    idempotencyKey: "text?",
    files: "texts?",
    attachmentIndex: "number?",
    fallbackFor: "times?",
  },
  batch: { id: "text", time: "number", channel: "text", destination: "text", members: "texts" },
  att: { id: "text", n: "number", time: "number" },
  nack: {
    id: "text",
    n: "number",
    time: "number",
    class: "text",
    reason: "text",
    next: "number",
    notBefore: "number?",
  },
  ack: {
    id: "text",
    time: "number",
    receipt: "text",
    via: "text",
    idempotencyKey: "text?",
    channel: "text?",
    destination: "text?",
  },
  dead: { id: "text", time: "number", reason: "text" },
  retry: { id: "text", time: "number", expires: "number" },
  drop: { id: "text", time: "number" },
  snap: {
    id: "text",
    attempts: "number",
    inFlight: "object?",
    inDoubt: "object?",
    wait: "object?",
    dead: "object?",
    replaced: "object?",
  },
  chan: { channel: "text", failures: "number", wait: "object?" },
  lane: { channel: "text", destination: "text", delivered: "numbers" },
  incident: {
    channel: "text",
    destination: "text",
    key: "text",
    receipt: "text",
    title: "text",
    since: "number",
    told: "number",
    count: "number",
  },
  flush: { time: "number" },
};

/** The same by type, as lists: every line of the journal is held against one. */
const FIELDS: ReadonlyMap<unknown, readonly [field: string, kind: Kind][]> = new Map(
  Object.entries(SHAPES).map(([type, shape]) => [type, Object.entries(shape)]),
);

/** Whether this version knows records of a type. */
export function isKnownType(type: unknown): boolean {
  return FIELDS.has(type);
}

/** Whether a record of a known type has what its type needs. */
export function hasShape(record: Readonly<Record<string, unknown>>): boolean {
  for (const [field, kind] of FIELDS.get(record.t) ?? []) if (!isOf(record[field], kind)) return false;
  return true;
}

function isOf(value: unknown, kind: Kind): boolean {
  if (value === undefined) return kind.endsWith("?");
  switch (kind) {
    case "text":
    case "text?":
      return typeof value === "string";
    case "number":
    case "number?":
      return typeof value === "number";
    case "texts":
    case "texts?":
      return Array.isArray(value) && value.every((each) => typeof each === "string");
    case "numbers":
      return Array.isArray(value) && value.every((each) => typeof each === "number");
    case "times?":
      return isOf(value, "object") && Object.values(value as object).every((each) => typeof each === "number");
    case "object":
    case "object?":
      return typeof value === "object" && value !== null && !Array.isArray(value);
  }
}
