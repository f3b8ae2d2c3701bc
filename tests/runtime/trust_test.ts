import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { appendLog, denoFiles } from "../../src/runtime/files.ts";
import { findDirectoryDistrust, findFileDistrust, findKnownDistrust, UntrustedError } from "../../src/runtime/trust.ts";

const isRoot = Deno.uid() === 0;

/** Runs a test in a directory with mode 0700. */
function inFolder(body: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Creates the directories and the file of a path, with modes that the umask does not change. */
function createFile(path: string, mode = 0o600): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o755 });
  Deno.writeTextFileSync(path, "precious");
  Deno.chmodSync(path, mode);
}

function createPipe(path: string): void {
  new Deno.Command("mkfifo", { args: [path] }).outputSync();
}

/** A change to the file `FOLDER/a/b/file`. FOLDER in the expected texts is replaced. */
interface Case {
  readonly name: string;
  readonly onlyRoot?: boolean;
  readonly change: (folder: string) => void;
  /** The beginning of the reason; undefined if the file is trusted. */
  readonly state: string | undefined;
  readonly hint?: string;
}

const CASES: readonly Case[] = [
  { name: "a file that only its owner can write", change: () => {}, state: undefined },
  {
    name: "a file that a group can write",
    change: (folder) => Deno.chmodSync(`${folder}/a/b/file`, 0o620),
    state: "other users can write to it (its mode is 0620)",
    hint: "run: chmod go-w FOLDER/a/b/file",
  },
  {
    name: "a file that all users can write",
    change: (folder) => Deno.chmodSync(`${folder}/a/b/file`, 0o602),
    state: "other users can write to it (its mode is 0602)",
  },
  {
    name: "a file of another user",
    onlyRoot: true,
    change: (folder) => Deno.chownSync(`${folder}/a/b/file`, 4242, 0),
    state: "it belongs to another user (uid 4242)",
    hint: "run: chown 0 FOLDER/a/b/file, if you trust its content",
  },
  {
    name: "a directory that all users can write",
    change: (folder) => Deno.chmodSync(`${folder}/a`, 0o777),
    state: "other users can write to FOLDER/a (its mode is 0777)",
    hint: "run: chmod o-w FOLDER/a",
  },
  {
    name: "a directory that a group can write",
    change: (folder) => Deno.chmodSync(`${folder}/a`, 0o775),
    state: undefined,
  },
  {
    name: "a sticky directory, such as /tmp",
    change: (folder) => Deno.chmodSync(`${folder}/a/b`, 0o1777),
    state: undefined,
  },
  {
    name: "a directory of another user",
    onlyRoot: true,
    change: (folder) => Deno.chownSync(`${folder}/a`, 4242, 4242),
    state: "FOLDER/a belongs to another user (uid 4242)",
    hint: "move it to a directory of this user or of root",
  },
  {
    name: "a link whose whole way is trusted",
    change(folder) {
      Deno.renameSync(`${folder}/a/b/file`, `${folder}/target`);
      Deno.symlinkSync("../../target", `${folder}/a/b/file`);
    },
    state: undefined,
  },
  {
    name: "a link into a directory that all users can write",
    change(folder) {
      createFile(`${folder}/open/file`);
      Deno.chmodSync(`${folder}/open`, 0o777);
      Deno.removeSync(`${folder}/a/b/file`);
      Deno.symlinkSync(`${folder}/open/../open/file`, `${folder}/a/b/file`);
    },
    state: "other users can write to FOLDER/open (its mode is 0777)",
  },
  {
    name: "a link of another user in a sticky directory",
    onlyRoot: true,
    change(folder) {
      Deno.chmodSync(`${folder}/a/b`, 0o1777);
      Deno.renameSync(`${folder}/a/b/file`, `${folder}/target`);
      Deno.symlinkSync(`${folder}/target`, `${folder}/a/b/file`);
      new Deno.Command("chown", { args: ["-h", "4242", `${folder}/a/b/file`] }).outputSync();
    },
    state: "it belongs to another user (uid 4242)",
  },
  {
    name: "a link to itself",
    change(folder) {
      Deno.removeSync(`${folder}/a/b/file`);
      Deno.symlinkSync("file", `${folder}/a/b/file`);
    },
    state: "it has too many symbolic links",
  },
  {
    name: "a pipe",
    change(folder) {
      Deno.removeSync(`${folder}/a/b/file`);
      createPipe(`${folder}/a/b/file`);
    },
    state: "it is a pipe, a socket or a device, not a file",
    hint: "remove it: rm FOLDER/a/b/file",
  },
];

for (const { name, onlyRoot = false, change, state, hint } of CASES) {
  Deno.test({
    name: `findFileDistrust() ${state === undefined ? "trusts" : "does not trust"} ${name}`,
    ignore: onlyRoot && !isRoot,
    fn: () =>
      inFolder((folder) => {
        createFile(`${folder}/a/b/file`);
        change(folder);
        const found = findFileDistrust(`${folder}/a/b/file`);
        assertEquals(found?.state, state?.replace("FOLDER", folder));
        if (hint !== undefined) assertEquals(found?.hint, hint.replace("FOLDER", folder));
      }),
  });
}

Deno.test("findFileDistrust() reports a missing file as missing, also in an untrusted directory", () => {
  inFolder((folder) => {
    Deno.chmodSync(folder, 0o777);
    assertThrows(() => findFileDistrust(`${folder}/config.json`), Deno.errors.NotFound);
    assertEquals(findKnownDistrust(`${folder}/program`), undefined);
    assertEquals(
      findDirectoryDistrust(`${folder}/a/b/state`)?.state,
      `other users can write to ${folder} (its mode is 0777)`,
    );
  });
});

Deno.test("findFileDistrust() quotes a path in the command of the hint", () => {
  inFolder((folder) => {
    createFile(`${folder}/a;id`, 0o666);
    assertEquals(findFileDistrust(`${folder}/a;id`)?.hint, `run: chmod go-w '${folder}/a;id'`);
  });
});

Deno.test("findFileDistrust() does not change the mode of a link's target", { ignore: !isRoot }, () => {
  inFolder((folder) => {
    createFile(`${folder}/precious`, 0o600);
    Deno.mkdirSync(`${folder}/of-other`);
    Deno.chownSync(`${folder}/of-other`, 4242, 4242);
    Deno.symlinkSync(`${folder}/precious`, `${folder}/of-other/config.json`);
    const before = Deno.statSync(`${folder}/precious`).ctime;
    assertStringIncludes(`${findFileDistrust(`${folder}/of-other/config.json`)?.state}`, "belongs to another user");
    assertEquals(Deno.statSync(`${folder}/precious`).ctime, before);
  });
});

Deno.test("findDirectoryDistrust() does not let Deno ask for a directory above a permitted one", () => {
  inFolder((folder) => {
    const audit = `${folder}/audit.jsonl`, script = `${folder}/script.ts`;
    const module = import.meta.resolve("../../src/runtime/trust.ts");
    Deno.writeTextFileSync(
      script,
      `import { findDirectoryDistrust } from ${JSON.stringify(module)};
       console.log(findDirectoryDistrust(${JSON.stringify(`${folder}/state`)}));`,
    );
    const { stdout } = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", "--no-config", `--allow-read=${folder}`, script],
      env: { DENO_AUDIT_PERMISSIONS: audit },
    }).outputSync();
    const lines = Deno.readTextFileSync(audit).trim().split("\n").map((line) => JSON.parse(line));
    const paths = lines.filter(({ permission }) => permission === "read").map(({ value }) => value);
    assertEquals([new TextDecoder().decode(stdout), paths], ["undefined\n", [folder, `${folder}/state`]]);
  });
});

Deno.test("denoFiles refuses files in the state directory that another user can change", () => {
  inFolder((folder) => {
    const fails = (work: () => unknown, state: string) =>
      assertStringIncludes(assertThrows(work, UntrustedError).message, state);
    createFile(`${folder}/target`);
    Deno.symlinkSync(`${folder}/target`, `${folder}/link`);
    Deno.linkSync(`${folder}/target`, `${folder}/second`);
    createPipe(`${folder}/pipe`);
    for (const mode of ["read", "append"] as const) {
      fails(() => denoFiles.open(`${folder}/link`, mode), "it is a symbolic link");
      fails(() => denoFiles.open(`${folder}/second`, mode), "it has a second name (a hard link)");
      fails(() => denoFiles.open(`${folder}/pipe`, mode), "it is a pipe");
    }
    Deno.chmodSync(folder, 0o770);
    for (const mode of ["read", "append", "create"] as const) {
      fails(() => denoFiles.open(`${folder}/new`, mode), `other users can write to ${folder} (its mode is 0770)`);
    }
    fails(() => denoFiles.list(folder), "other users can write to it (its mode is 0770)");
    fails(() => denoFiles.makeDirectory(folder), "other users can write to it (its mode is 0770)");
    assertEquals(Deno.readTextFileSync(`${folder}/target`), "precious");
  });
});

Deno.test("denoFiles.open() replaces a pipe or a hard link that it creates anew", () => {
  inFolder((folder) => {
    createFile(`${folder}/target`);
    Deno.linkSync(`${folder}/target`, `${folder}/second`);
    createPipe(`${folder}/pipe`);
    for (const name of ["second", "pipe"]) {
      using file = denoFiles.open(`${folder}/${name}`, "create");
      file.append(new TextEncoder().encode("noise"));
    }
    assertEquals(Deno.readTextFileSync(`${folder}/target`), "precious");
    assertEquals(Deno.readTextFileSync(`${folder}/pipe`), "noise");
  });
});

Deno.test("appendLog() does not write through a link, or into a pipe", () => {
  inFolder((folder) => {
    createFile(`${folder}/target`);
    Deno.symlinkSync(`${folder}/target`, `${folder}/deliverer.log`);
    appendLog(`${folder}/deliverer.log`, "text", 0);
    createPipe(`${folder}/pipe`);
    appendLog(`${folder}/pipe`, "text", 0);
    assertEquals(Deno.readTextFileSync(`${folder}/target`), "precious");
  });
});

Deno.test({
  name: "findFileDistrust() trusts what is on a read-only mount, such as a volume of Kubernetes",
  ignore: !isRoot,
  fn: () =>
    inFolder((folder) => {
      const module = new URL("../../src/runtime/trust.ts", import.meta.url);
      const code = `import { findFileDistrust } from "${module}";
        for (const path of Deno.args) console.log(findFileDistrust(path)?.state ?? "trusted");`;
      Deno.writeTextFileSync(`${folder}/check.ts`, code);
      const script = `
        cd "$FOLDER"; mkdir volume frozen open
        chmod 777 volume; mkdir volume/..2026; ln -s ..2026 volume/..data; ln -s ..data/config.json volume/config.json
        echo {} > volume/..2026/config.json; chown -R 4242 volume; chown -h 4242 volume/..data volume/config.json
        mount --bind volume frozen; mount -o remount,bind,ro frozen
        echo {} > one; chown 4242 one; echo > open/one; mount --bind one open/one; mount -o remount,bind,ro open/one
        check() { "$DENO" run -A -q --no-lock --no-config check.ts "$@"; }
        check "$FOLDER/volume/config.json" "$FOLDER/frozen/config.json" "$FOLDER/open/one"
        chmod 1777 open
        check "$FOLDER/open/one"
      `;
      const { stdout } = new Deno.Command("unshare", {
        args: ["--mount", "sh", "-ec", script],
        env: { FOLDER: folder, DENO: Deno.execPath(), DENO_DIR: `${folder}/deno` },
        stderr: "inherit",
      }).outputSync();
      assertEquals(new TextDecoder().decode(stdout).split("\n"), [
        `${folder}/volume belongs to another user (uid 4242)`,
        "trusted",
        "trusted",
        "it belongs to another user (uid 4242)",
        "",
      ]);
    }),
});
