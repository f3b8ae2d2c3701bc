/** Setups with one fault of the host each, and the finding that the doctor must report. */

import type { FileFacts } from "../../src/doctor/host.ts";
import type { DoctorScene } from "./scene.ts";

/** A setup with a fault. */
export interface BrokenSetup {
  readonly name: string;
  readonly software?: "Dendrite";
  /** Breaks the scene. Returns what must be disposed of after the test. */
  readonly apply: (scene: DoctorScene) => void | AsyncDisposable | Promise<void | AsyncDisposable>;
  /** The check that reports the cause. */
  readonly check: string;
  readonly state: "warning" | "failure";
  /** A part of its message. */
  readonly message: string;
  /** A part of its hint. */
  readonly hint?: string;
  /** Other checks that may report a warning or a failure too. */
  readonly also?: readonly string[];
}

const CONFIGURATION: readonly BrokenSetup[] = [
  {
    name: "a configuration that is not JSON",
    apply: (scene) => scene.file("config.json", '{"channels": {'),
    check: "configuration",
    state: "failure",
    message: "line 1 is not valid JSON: the { of this line is not closed",
  },
  {
    name: "a missing configuration",
    apply: (scene) => Deno.removeSync(scene.path("config.json")),
    check: "configuration",
    state: "failure",
    message: "config.json: there is no such file",
  },
  {
    name: "a mistyped key",
    apply: (scene) => scene.configure("matrix", { rooms: "!abc" }),
    check: "configuration",
    state: "failure",
    message: "channels.matrix.rooms",
    hint: 'did you mean "room"',
  },
  {
    name: "no channel",
    apply: (scene) => scene.file("config.json", "{}"),
    check: "configuration",
    state: "failure",
    message: "no channel is configured",
  },
  {
    name: "a room without a valid name",
    apply: (scene) => scene.configure("matrix", { room: "alerts" }),
    check: "configuration",
    state: "failure",
    message: "neither a room id",
  },
  {
    name: "a world-readable token",
    apply: (scene) => Deno.chmodSync(scene.path("token"), 0o644),
    check: "configuration",
    state: "failure",
    message: "every user of this host can read it",
    hint: "chmod 600",
    also: ["matrix/login"],
  },
  {
    name: "a missing token file",
    apply: (scene) => Deno.removeSync(scene.path("token")),
    check: "configuration",
    state: "failure",
    message: "token: there is no such file",
    also: ["matrix/login"],
  },
  {
    name: "a configuration that other users can change",
    apply: (scene) => Deno.chmodSync(scene.path("config.json"), 0o620),
    check: "configuration",
    state: "failure",
    message: "config.json: other users can write to it (its mode is 0620)",
    hint: "chmod go-w",
  },
  {
    name: "a pipe instead of the configuration",
    async apply(scene) {
      Deno.removeSync(scene.path("config.json"));
      await new Deno.Command("mkfifo", { args: [scene.path("config.json")] }).output();
    },
    check: "configuration",
    state: "failure",
    message: "config.json: it is a pipe, a socket or a device, not a file",
    hint: "rm ",
  },
];

/** Lets root own `~/.cache`. This user is not root. @param cache the facts about `~/.cache/deno` */
function breakCache(scene: DoctorScene, cache: FileFacts | undefined): void {
  const { stat } = scene.host;
  const places = new Map([[scene.path(".cache"), ROOT_DIRECTORY], [scene.path(".cache/deno"), cache]]);
  scene.host = {
    ...scene.host,
    uid: () => 1000,
    stat(path) {
      const facts = places.has(path) ? places.get(path) : stat(path);
      return facts && { ...facts, uid: places.has(path) ? facts.uid : 1000 };
    },
  };
}

const ROOT_DIRECTORY = { mode: 0o755, uid: 0, isDirectory: true };

const HOST: readonly BrokenSetup[] = [
  {
    name: "a clock in 1970",
    apply: (scene) => void (scene.runtime.time = 60_000),
    check: "clock",
    state: "failure",
    message: "it shows 1970-01-01",
    hint: "NTP",
  },
  {
    name: "a kernel with large pages",
    apply: (scene) => void (scene.hostAnswers.pageBytes = 16_384),
    check: "system",
    state: "warning",
    message: "memory pages of 16 KiB",
    hint: "kernel=kernel8.img",
  },
  {
    name: "a C library other than glibc",
    apply: (scene) => void (scene.hostAnswers.glibc = undefined),
    check: "system",
    state: "warning",
    message: "not glibc",
  },
  {
    name: "an old C library for a binary",
    apply(scene) {
      scene.hostAnswers.glibc = "2.19";
      scene.host = { ...scene.host, isBinary: true };
    },
    check: "system",
    state: "failure",
    message: "glibc 2.19, older than 2.27",
  },
  {
    name: "an unknown processor",
    apply: (scene) => void (scene.host = { ...scene.host, arch: "armv7l" }),
    check: "system",
    state: "failure",
    message: "Deno does not support armv7l",
  },
  {
    name: "a cache of Deno that belongs to another user",
    apply: (scene) => breakCache(scene, ROOT_DIRECTORY),
    check: "system",
    state: "warning",
    message: ".cache/deno, the cache of Deno: each command needs about 20 ms more",
    hint: "set DENO_DIR",
  },
  {
    name: "a cache of Deno that cannot be created",
    apply: (scene) => breakCache(scene, undefined),
    check: "system",
    state: "warning",
    message: "each command needs about 20 ms more",
    hint: "set DENO_DIR",
  },
  {
    name: "no permission to run itself",
    apply: (scene) => void (scene.host = { ...scene.host, mayRunItself: () => false }),
    check: "background",
    state: "warning",
    message: "Deno does not allow matrix-notify to run itself",
    hint: "--allow-run",
  },
  {
    name: "no timer on a host with systemd",
    apply: (scene) => void (scene.hostAnswers.timer = "inactive"),
    check: "timer",
    state: "warning",
    message: "after a restart of this host, queued notifications wait until the next send or flush",
    hint: "matrix-notify service install",
  },
  {
    name: "a stopped timer",
    apply(scene) {
      scene.hostAnswers.timer = "inactive";
      enableTimer(scene, scene.stateDir);
    },
    check: "timer",
    state: "warning",
    message: "matrix-notify-flush.timer is not active (inactive)",
    hint: "matrix-notify service install",
  },
  {
    name: "a timer of another queue",
    apply(scene) {
      scene.hostAnswers.timer = "active";
      enableTimer(scene, "/var/lib/other");
    },
    check: "timer",
    state: "warning",
    message: "is not enabled, or delivers another queue",
    hint: "matrix-notify service install",
  },
  {
    name: "a world-readable state directory",
    apply: (scene) => {
      Deno.mkdirSync(scene.stateDir);
      Deno.chmodSync(scene.stateDir, 0o755);
    },
    check: "state directory",
    state: "warning",
    message: "its mode is 0755",
    hint: "chmod 700",
  },
  {
    name: "a file instead of the state directory",
    apply: (scene) => scene.file("state", ""),
    check: "state directory",
    state: "failure",
    message: "is a file",
    also: ["matrix/rate limit"],
  },
  {
    name: "a state directory of another user",
    apply(scene) {
      Deno.mkdirSync(scene.stateDir, { mode: 0o700 });
      const distrust = { state: "it belongs to another user (uid 4242)", hint: "run: chown -R 1000 state" };
      scene.host = { ...scene.host, findDirectoryDistrust: () => distrust };
    },
    check: "state directory",
    state: "failure",
    message: "belongs to another user (uid 4242)",
    hint: "run: chown -R 1000 state; or choose another directory with --state-dir",
  },
  {
    name: "a pipe instead of the journal",
    async apply(scene) {
      Deno.mkdirSync(scene.path("state/queue"), { recursive: true, mode: 0o700 });
      await new Deno.Command("mkfifo", { args: [scene.path("state/queue/queue.jsonl")] }).output();
    },
    check: "queue",
    state: "failure",
    message: "queue.jsonl: it is a pipe, a socket or a device, not a file",
    hint: "rm ",
    also: ["disk", "matrix/rate limit"],
  },
  {
    name: "a state directory on a read-only file system",
    apply: (scene) => void (scene.host = { ...scene.host, isOnReadOnlyMount: () => true }),
    check: "state directory",
    state: "failure",
    message: "is read-only",
    hint: "mount the file system with write access",
  },
  {
    name: "a state directory that other users can change",
    apply(scene) {
      Deno.mkdirSync(scene.stateDir);
      Deno.chmodSync(scene.stateDir, 0o775);
    },
    check: "state directory",
    state: "failure",
    message: "other users can write to it (its mode is 0775)",
    hint: "chmod 700",
  },
  {
    name: "a state directory in memory",
    apply: (scene) => void (scene.hostAnswers.type = "tmpfs"),
    check: "file system",
    state: "warning",
    message: "lost when the host restarts",
  },
  {
    name: "a state directory on another machine",
    apply: (scene) => void (scene.hostAnswers.type = "nfs4"),
    check: "file system",
    state: "warning",
    message: "file locks",
    hint: "local disk",
  },
  {
    name: "a state directory in a container's layer",
    apply: (scene) => void (scene.hostAnswers.type = "overlay"),
    check: "file system",
    state: "warning",
    message: "deleted with the container",
  },
  {
    name: "a full disk",
    apply: (scene) => void (scene.hostAnswers.freeKib = 12),
    check: "disk",
    state: "failure",
    message: "the disk is full: 12 KiB",
  },
  {
    name: "a nearly full disk",
    apply: (scene) => void (scene.hostAnswers.freeKib = 20_000),
    check: "disk",
    state: "warning",
    message: "19 MiB are free",
  },
  {
    name: "a disk without free inodes",
    apply: (scene) => void (scene.hostAnswers.inodes = [25_000, 1]),
    check: "disk",
    state: "failure",
    message: "the disk has no room for more files: 1 inode is free",
    hint: "delete files",
  },
  {
    name: "a disk with few free inodes",
    apply: (scene) => void (scene.hostAnswers.inodes = [25_000, 300]),
    check: "disk",
    state: "warning",
    message: "room for few more files: 300 inodes are free",
  },
  {
    name: "a missing reserve",
    async apply(scene) {
      await scene.send("One", "", 10_000);
      Deno.removeSync(scene.path("state/queue/reserve.bin"));
    },
    check: "disk",
    state: "warning",
    message: "the file that reserves disk space for the queue is missing",
  },
];

const QUEUE: readonly BrokenSetup[] = [
  {
    name: "a dead letter",
    async apply(scene) {
      scene.homeserver.fault("too-large", { times: 1 });
      await scene.send("Too large", "", 10_000);
    },
    check: "queue",
    state: "warning",
    message: "1 dead letter",
    hint: "queue list --dead",
  },
  {
    name: "a dead letter and a notification that waits",
    async apply(scene) {
      scene.homeserver.fault("too-large", { times: 1 });
      await scene.send("Too large", "", 10_000);
      scene.homeserver.fault("unknown-token", { times: 1 });
      await scene.send("Held", "", 10_000);
    },
    check: "queue",
    state: "failure",
    message: "1 dead letter",
    hint: "queue retry --dead",
  },
  {
    name: "a damaged line",
    async apply(scene) {
      await scene.send("One", "", 10_000);
      const journal = scene.path("state/queue/queue.jsonl");
      Deno.writeTextFileSync(journal, Deno.readTextFileSync(journal).replace("One", "Two"));
    },
    check: "queue",
    state: "warning",
    message: "1 damaged line in quarantine",
  },
  {
    name: "a held account",
    async apply(scene) {
      scene.homeserver.fault("user-locked", { times: 1 });
      await scene.send("One", "", 10_000);
    },
    check: "queue",
    state: "failure",
    message: "1 held entry: fix the account or its token",
    hint: "flush",
    also: ["deliverer"],
  },
  {
    name: "a queue with an old entry",
    async apply(scene) {
      scene.homeserver.fault("503", { times: 1 });
      await scene.send("One");
      scene.runtime.time += 3_600_000;
    },
    check: "queue",
    state: "failure",
    message: "the oldest entry has waited for 1 h",
    also: ["deliverer"],
  },
  {
    name: "a nearly full queue",
    apply: (scene) => scene.queue(290, "x".repeat(48_000)),
    check: "queue",
    state: "warning",
    message: "% full",
    also: ["deliverer"],
  },
  {
    name: "a queue without a deliverer",
    apply: (scene) => scene.queue(1),
    check: "deliverer",
    state: "warning",
    message: "no process is delivering the queued entries (1)",
    hint: "flush",
  },
  {
    name: "a channel that was renamed while an entry waited",
    async apply(scene) {
      await scene.queue(1);
      const { channels: { matrix }, ...rest } = JSON.parse(Deno.readTextFileSync(scene.path("config.json")));
      scene.file("config.json", JSON.stringify({ ...rest, channels: { alerts: { kind: "matrix", ...matrix } } }));
    },
    check: "deliverer",
    state: "warning",
    message: "entries wait for channels that are not in this configuration: matrix",
    hint: "add a channel with this name, or drop the entries",
  },
  {
    name: "a server with a rate limit",
    async apply(scene) {
      scene.homeserver.fault("429-retry-after-ms", { times: 1, retryAfterMs: 120_000 });
      await scene.send("One");
    },
    check: "matrix/rate limit",
    state: "warning",
    message: "M_LIMIT_EXCEEDED",
    hint: "override_ratelimit",
    also: ["deliverer"],
  },
];

/** Writes the units of an enabled timer. */
export function enableTimer(scene: DoctorScene, stateDir: string): void {
  Deno.mkdirSync(scene.path(".config/systemd/user/timers.target.wants"), { recursive: true });
  scene.file(".config/systemd/user/timers.target.wants/matrix-notify-flush.timer", "");
  const command = `ExecStart=/usr/local/bin/matrix-notify flush --timer --state-dir ${stateDir}\n`;
  scene.file(".config/systemd/user/matrix-notify-flush.service", command);
}

/** All setups of this file. */
export const BROKEN_HOSTS: readonly BrokenSetup[] = [...CONFIGURATION, ...HOST, ...QUEUE];
