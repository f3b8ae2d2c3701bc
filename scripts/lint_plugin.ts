/**
 * The lint rules of this repository. `tests/scripts/lint_plugin_test.ts` shows that each rule
 * reports something.
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
