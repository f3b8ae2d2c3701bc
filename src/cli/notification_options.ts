/**
 * The options that describe a notification. This file imports the code of notifications. The help
 * of the program imports only `options.ts`, so that it does not load this code.
 *
 * @module
 */

import { SEVERITIES } from "../notification/notification.ts";
import type { OptionSpec } from "./options.ts";

/** The option for the sender of a notification. */
export const ORIGIN_OPTION = {
  name: "origin",
  value: "NAME",
  allowsEmpty: true,
  summary: "name of the sender, such as a script or a service",
} as const satisfies OptionSpec;

/** The option for the severity of a notification. */
export const SEVERITY_OPTION = {
  name: "severity",
  short: "p",
  value: "S",
  oneOf: SEVERITIES,
  allowsEmpty: true,
  summary: "severity (default info)",
} as const satisfies OptionSpec;
