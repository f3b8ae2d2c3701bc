/**
 * What is looked at of each channel. A kind brings its checks by a line in the table here; of one that brings none is said that only a message can tell.
 *
 * @module
 */

import { type ChannelSource, loadChannelSources } from "../config/load.ts";
import { runChecks } from "./check.ts";
import { EMAIL_CHECKS, EmailPatient } from "./channels/email.ts";
import { EXEC_CHECKS, ExecPatient } from "./channels/exec.ts";
import { GOTIFY_CHECKS, GotifyPatient } from "./channels/gotify.ts";
import { matrixChecks } from "./channels/matrix.ts";
import { NTFY_CHECKS, NtfyPatient } from "./channels/ntfy.ts";
import { MatrixPatient } from "./channels/patient.ts";
import { TELEGRAM_CHECKS, TelegramPatient } from "./channels/telegram.ts";
import { WEBHOOK_CHECKS, WebhookPatient } from "./channels/webhook.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, isConfigError, skipped } from "./finding.ts";

/** Looks at one channel. */
type Examine = (source: ChannelSource, context: DoctorContext) => AsyncIterable<Finding>;

const EXAMINATIONS: Readonly<Record<string, Examine>> = {
  matrix: (source, context) => {
    const patient = new MatrixPatient(source, context);
    return runChecks(matrixChecks(patient), patient, placeOf(source, context));
  },
  ntfy: (source, context) => runChecks(NTFY_CHECKS, new NtfyPatient(source, context), placeOf(source, context)),
  gotify: (source, context) => runChecks(GOTIFY_CHECKS, new GotifyPatient(source, context), placeOf(source, context)),
  telegram: (source, context) =>
    runChecks(TELEGRAM_CHECKS, new TelegramPatient(source, context), placeOf(source, context)),
  email: (source, context) => runChecks(EMAIL_CHECKS, new EmailPatient(source, context), placeOf(source, context)),
  webhook: (source, context) =>
    runChecks(WEBHOOK_CHECKS, new WebhookPatient(source, context), placeOf(source, context)),
  exec: (source, context) => runChecks(EXEC_CHECKS, new ExecPatient(source, context), placeOf(source, context)),
};

/** Looks at every channel. What is wrong with the configuration is told by its own check. */
export async function* examineChannels(context: DoctorContext): AsyncGenerator<Finding> {
  let sources;
  try {
    sources = loadChannelSources(context.runtime, context.options);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    yield { check: "channels", ...CONFIGURATION_FIRST };
    return;
  }
  for (const source of sources) yield* examineChannel(source, context);
}

async function* examineChannel(source: ChannelSource, context: DoctorContext): AsyncGenerator<Finding> {
  const { name, kind } = source;
  const examine = Object.hasOwn(EXAMINATIONS, kind) ? EXAMINATIONS[kind] : undefined;
  if (examine === undefined) {
    yield { check: name, ...skipped("not looked at: only a message can tell (doctor --send)") };
    return;
  }
  let findings;
  try {
    findings = examine(source, context);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    yield { check: name, ...CONFIGURATION_FIRST };
    return;
  }
  yield* findings;
}

const CONFIGURATION_FIRST = skipped("not looked at: configuration comes first");

function placeOf({ name }: ChannelSource, { options }: DoctorContext) {
  return { prefix: `${name}/`, signal: options.signal };
}
