/** `config …`: look at the configuration, and look for mistakes in it. */

import { checkConfig } from "../../config/check.ts";
import { type EffectiveOptions, type EffectiveValue, effectiveValues } from "../../config/effective.ts";
import { configSchema } from "../../config/schema.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { printable } from "../ui.ts";

/** `config check`: tells every mistake. */
export function check(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  const { channels, problems } = checkConfig(runtime, optionsOf(context));
  if (args.has("json")) {
    ui.json({ channels, problems: problems.map(({ message, hint }) => ({ message, hint })) });
  } else {
    for (const { message, hint } of problems) ui.fail(message, hint);
    if (problems.length === 0) ui.data(`no mistakes; channels: ${channels.map(printable).join(", ")}`);
  }
  return Promise.resolve(problems.length === 0 ? EXIT.ok : EXIT.config);
}

/** `config show`: tells what is in effect, and why. */
export function show(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  for (const value of effectiveValues(runtime, optionsOf(context))) {
    if (args.has("json")) ui.json(value);
    else ui.data(line(value));
  }
  return Promise.resolve(EXIT.ok);
}

/** `config schema`: prints the schema of the file. */
export function schema({ ui }: CommandContext): Promise<number> {
  ui.data(JSON.stringify(configSchema(), null, 2));
  return Promise.resolve(EXIT.ok);
}

function line({ path, value, source, from }: EffectiveValue): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `${printable(path)} = ${printable(text)}  (${
    source === "default" ? source : `${source}: ${printable(from ?? "")}`
  })`;
}

function optionsOf({ args }: CommandContext): EffectiveOptions {
  return {
    configFile: args.text("config"),
    stateDir: args.text("state-dir"),
    insecureHttp: args.has("insecure-http"),
    noBackground: args.has("no-background"),
  };
}
