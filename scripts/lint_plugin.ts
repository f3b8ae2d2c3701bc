/**
 * The rules of the house, as far as a program can see to them. Each is proved to bite in `tests/scripts/lint_plugin_test.ts`.
 *
 * @module
 */

import { ambient } from "./lint/ambient.ts";
import { errorMessage } from "./lint/error_message.ts";
import { layers } from "./lint/layers.ts";

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: { ambient, "error-message": errorMessage, layers },
};

export default plugin;
