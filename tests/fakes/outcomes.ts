/** Outcomes and entries as tests compare them. */

import type { Outcome, QueuedEntry } from "../../src/notifier/outcomes.ts";

/** The fields that some states have. */
export interface StateFields {
  readonly state: string;
  readonly receipt?: string;
  readonly reason?: string;
  readonly next?: number;
}

/**
 * Returns the outcome or entry with the fields of every state. Those that its state does not have
 * are undefined.
 */
export function fieldsOf<Value extends Outcome | QueuedEntry>(value: Value): Value & StateFields {
  return value as Value & StateFields;
}
