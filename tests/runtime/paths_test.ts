import { assertEquals } from "@std/assert";
import { lastingPath } from "../../src/runtime/paths.ts";

Deno.test("lastingPath() keeps a link, and resolves a path with ..", () => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "paths-" }));
  try {
    Deno.mkdirSync(`${folder}/deep/er`, { recursive: true });
    Deno.symlinkSync("deep/er", `${folder}/way`);
    Deno.symlinkSync("none.pem", `${folder}/deep/link.pem`);
    assertEquals(lastingPath(`${folder}/way`), `${folder}/way`);
    assertEquals(lastingPath(`${folder}/deep/link.pem`), `${folder}/deep/link.pem`);
    assertEquals(lastingPath(`${folder}/deep/er/../link.pem`), `${folder}/deep/link.pem`);
    assertEquals(lastingPath(`${folder}/deep/er/..`), `${folder}/deep`);
    assertEquals(lastingPath(`${folder}/..data`), `${folder}/..data`);
    assertEquals(lastingPath("x"), `${Deno.cwd()}/x`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
