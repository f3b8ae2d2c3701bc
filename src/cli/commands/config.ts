/** `config check`, `config show` and `config schema`. */

import type { EffectiveOptions, EffectiveValue } from "../../config/effective.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { DELIVERY_OPTIONS, INSECURE_HTTP_OPTION, JSON_OPTION } from "../options.ts";
import { printable } from "../../base/printable.ts";

const CHECK_OPTIONS = [JSON_OPTION, INSECURE_HTTP_OPTION] as const;

export const check: Command = defineCommand({
  operands: "",
  options: CHECK_OPTIONS,
  details: [
    "config check reads the configuration file and the environment variables. It also reads each file whose path is " +
    "in a setting.",
    "Exit 0: there are no mistakes. Exit 78: there are mistakes.",
  ],
  examples: ["matrix-notify config check --config /etc/matrix-notify/config.json"],
  run: printProblems,
});

const SHOW_OPTIONS = [JSON_OPTION, ...DELIVERY_OPTIONS] as const;

export const show: Command = defineCommand({
  operands: "",
  options: SHOW_OPTIONS,
  details: ["config show does not print secrets."],
  examples: ["matrix-notify config show"],
  run: printValues,
});

export const schema: Command = defineCommand({
  operands: "",
  options: [],
  details: ["Editors use the schema to complete and check the configuration file."],
  examples: ["matrix-notify config schema > config.schema.json"],
  run: printSchema,
});

async function printProblems({ args, runtime, ui }: ContextFor<typeof CHECK_OPTIONS>): Promise<number> {
  const { checkConfig } = await import("../../config/check.ts");
  const { channels, problems } = await checkConfig(runtime, toEffectiveOptions(args));
  if (args.has("json")) {
    ui.json({ channels, problems: problems.map(({ message, hint, place }) => ({ message, hint, ...place })) });
  } else {
    for (const { message, hint } of problems) ui.fail(message, hint);
    if (problems.length === 0) ui.data(`no mistakes; channels: ${channels.map(printable).join(", ")}`);
  }
  return problems.length === 0 ? EXIT.ok : EXIT.config;
}

async function printValues({ args, runtime, ui }: ContextFor<typeof SHOW_OPTIONS>): Promise<number> {
  const { effectiveConfig } = await import("../../config/effective.ts");
  const { values, failure } = await effectiveConfig(runtime, {
    ...toEffectiveOptions(args),
    noBackground: args.has("no-background"),
  });
  for (const value of values) {
    if (args.has("json")) ui.json(value);
    else ui.data(formatValue(value));
  }
  if (failure === undefined) return EXIT.ok;
  ui.fail(failure.message, failure.hint);
  return EXIT.config;
}

async function printSchema({ ui }: ContextFor<[]>): Promise<number> {
  const { configSchema } = await import("../../config/schema.ts");
  ui.data(JSON.stringify(await configSchema(), null, 2));
  return EXIT.ok;
}

/** Formats a value: `channels.matrix.room = !abc…  (file: /etc/matrix-notify/config.json)`. */
function formatValue({ path, value, source, from }: EffectiveValue): string {
  const text = typeof value === "string" ? value : value === null ? "none" : JSON.stringify(value);
  const where = source === "default" ? source : `${source}: ${printable(from ?? "")}`;
  return `${printable(path)} = ${printable(text)}  (${where})`;
}

function toEffectiveOptions(args: ContextFor<[typeof INSECURE_HTTP_OPTION]>["args"]): EffectiveOptions {
  return {
    configFile: args.text("config"),
    stateDir: args.text("state-dir"),
    insecureHttp: args.has("insecure-http"),
  };
}
