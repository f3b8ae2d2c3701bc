/** Filters of `GET /sync` (Client-Server API, "Filtering"): what is malformed is refused, what is unknown passed over. */

import { isObject } from "../base/fields.ts";
import { type Answer, matrixError } from "./answer.ts";

/** Which events of a kind to give. */
export interface EventFilter {
  readonly limit?: number;
  readonly types?: readonly string[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly string[];
  readonly not_senders?: readonly string[];
}

/** What to give. */
export interface SyncFilter {
  readonly account_data?: EventFilter;
  readonly room?: { readonly state?: EventFilter; readonly timeline?: EventFilter };
}

const LISTS = ["types", "not_types", "senders", "not_senders"] as const;

/** Reads the query's `filter`: a JSON object. Filters by id were never stored here, so that none is known. */
export function parseSyncFilter(text: string | null): SyncFilter | Answer {
  if (text === null) return {};
  if (!text.startsWith("{")) return matrixError(400, "M_INVALID_PARAM", "Invalid filter ID");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return matrixError(400, "M_NOT_JSON", "Invalid filter JSON");
  }
  const room = partOf(value, "room") ?? {};
  const filters = [partOf(value, "account_data"), partOf(room, "state"), partOf(room, "timeline")].map(eventFilter);
  const [account_data, state, timeline] = filters;
  if (account_data === "malformed" || state === "malformed" || timeline === "malformed") {
    return matrixError(400, "M_UNKNOWN", "A part of the filter is not of its type");
  }
  return { account_data, room: { state, timeline } };
}

/** Whether an event passes. A `*` in a type stands for anything; what is excluded is excluded whatever is wanted. */
export function passesFilter(
  { type, sender }: { readonly type: string; readonly sender: string },
  filter: EventFilter = {},
): boolean {
  const { types, not_types = [], senders, not_senders = [] } = filter;
  const fits = (pattern: string) => new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`).test(type);
  return (types?.some(fits) ?? true) && !not_types.some(fits) && (senders?.includes(sender) ?? true) &&
    !not_senders.includes(sender);
}

function eventFilter(part: unknown): EventFilter | "malformed" | undefined {
  if (part === undefined) return undefined;
  if (!isObject(part)) return "malformed";
  const lists = LISTS.map((key) => [key, part[key]] as const).filter(([, list]) => list !== undefined);
  if (!lists.every(([, list]) => isListOfText(list))) return "malformed";
  const { limit } = part;
  if (limit !== undefined && !(typeof limit === "number" && Number.isSafeInteger(limit) && limit >= 0)) {
    return "malformed";
  }
  return { ...Object.fromEntries(lists), ...(typeof limit === "number" ? { limit } : {}) };
}

function partOf(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
