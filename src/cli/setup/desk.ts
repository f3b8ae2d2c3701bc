/** What the steps of the wizard share. */

import type { Runtime } from "../../runtime/runtime.ts";
import type { CommandContext } from "../command.ts";
import type { Prompter } from "./asker.ts";
import type { ChannelPlan } from "./channel.ts";

/** A wizard at work. */
export interface SetupContext extends CommandContext {
  readonly asker: Prompter;
  readonly plan: ChannelPlan;
  readonly stateDir: string;
  /** Reaches the homeserver as the channel will. */
  readonly online: Runtime;
  readonly signal: AbortSignal;
  /** What is there by now, and stays when the wizard is stopped: `the login of @bot:example.org`. */
  readonly done: string[];
}
