/** Checks what `send`, `flush` and the background deliverer touch, with strace. */

import { assert, assertEquals } from "@std/assert";
import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { PERMISSION_TABLE } from "../../src/base/permission_table.ts";
import { VARIABLES } from "../../src/base/variables.ts";
import { straceTest } from "../faults/strace.ts";
import { formatTouched, listTouched, readTouched } from "./touched.ts";

straceTest("send, flush and the background deliverer touch only what docs/permissions.md lists", async () => {
  const { handingOver, ...others } = await listTouched();
  const page = readTouched();
  for (const touched of Object.values(others)) {
    assert(page.includes(formatTouched([touched])), formatTouched([touched]));
  }
  // How a background process is started depends on the host.
  assert(page.includes(`**${handingOver.command}**`), page);
  const rows = { ...others, handingOver };
  for (const [name, { variables, read, written, hosts }] of Object.entries(rows)) {
    const row = PERMISSION_TABLE[{ handingOver: "send", deliverer: DELIVERER_COMMAND }[name] ?? name];
    const permitted = row.env.flatMap((group) => VARIABLES[group]);
    assertEquals(variables.filter((variable) => !permitted.includes(variable)), []);
    assertEquals(hosts.filter((host) => host !== "HOMESERVER"), []);
    assertEquals(written.filter((path) => !/^STATE(\/|$)/.test(path)), []);
    assertEquals(read.filter((path) => !/^(STATE|CONFIG)(\/|$)/.test(path) && name !== "handingOver"), []);
  }
});
